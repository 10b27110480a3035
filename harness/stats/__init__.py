"""Numbers in, numbers out: intervals, tests, percentiles. Pure."""
