"""Workspace files to types, with every problem found at once, by file and key."""
