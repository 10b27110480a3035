"""Commands that prepare a workspace and keep it: files in, labels, models, servers, the journal."""
