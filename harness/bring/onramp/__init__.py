"""From values to a workspace: its layout, drafted features and models, imported answers."""
