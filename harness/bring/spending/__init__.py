"""Stored sums of logs, under the names that hold today, as periods of spend."""
