"""What became of a decision: the saving that was billed, and the finding made again."""
