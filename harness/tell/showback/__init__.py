"""The showback in words: a page for all spend, one for each team, and its tables."""
