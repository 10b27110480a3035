"""What was spent in a week or a month, on what, whose, and why it changed: from logs alone."""
