"""From what a team has to a workspace: its layout, its source tree, its tables of cases."""
