"""A review under way: whose turn it is, what is asked, and when a feature is decided."""
