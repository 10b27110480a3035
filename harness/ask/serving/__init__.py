"""Models that we start, wait for, and always tear down."""
