"""Recomputes every figure of a published review from its records, by code of its own.

It imports nothing of the product. `python -m tests.recompute FOLDER` reads the records, pages and
the table of a review and prints each figure that does not follow from the records.
"""
