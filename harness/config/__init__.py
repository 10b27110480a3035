"""Workspace files to types, with every problem of a workspace found at once, by file and key."""
