"""Random draws from a review's seed, so that a record's intervals can be made again."""

from __future__ import annotations

import numpy as np


def generator(seed: str) -> np.random.Generator:
    """A generator from a hex seed."""
    return np.random.default_rng(int(seed, 16))
