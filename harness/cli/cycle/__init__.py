"""Commands of a review's cycle: check, plan, review, read, decide, gate."""
