"""Showback at size, and what its alarms find in a year. By hand; results.md has the figures."""
