"""Random draws from a review's seed, so that a record's intervals can be made again."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Generator: TypeAlias = np.random.Generator


def generator(seed: str) -> Generator:
    """A generator from a hex seed."""
    return np.random.default_rng(int(seed, 16))
