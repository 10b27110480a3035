"""Numbers in, numbers out: intervals, tests, boundaries, the ladder's kernel.

Arrays broadcast: the benchmark decides thousands of histories at once, the product one.
Scores, margins and differences are shares here (0.03 is 3 points); points begin at the record.
Nothing here reads a clock, a file or a random source that it was not given.
"""
