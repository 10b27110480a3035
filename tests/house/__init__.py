"""The house by numbers: `python -m tests.house` counts what a newcomer has to find their way in."""
