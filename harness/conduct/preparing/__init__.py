"""What prepares a workspace and keeps it: files in, labels, models, prompts, the journal."""
