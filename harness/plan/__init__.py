"""What to ask, what it costs and what it can decide, before a cent is spent."""
