"""What labelling takes of a person's time."""

from __future__ import annotations

from math import ceil

SECONDS_PER_LABEL = 20
"""Reading a short case and two answers, and a key; a guess, for planning a person's day."""


def minutes(labels: int) -> int:
    """A person's minutes, whole and never none.

    >>> minutes(70), minutes(1)
    (24, 1)
    """
    return ceil(labels * SECONDS_PER_LABEL / 60)
