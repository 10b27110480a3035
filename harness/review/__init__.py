"""The quarterly review: plan -> replay -> score -> compare -> decide -> records.

One sentence of orchestration; every step lives in a room below.
"""
