"""Array types, and sufficient statistics of paired differences at given numbers of cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Number, sum and sum of squares of differences; arrays of equal shape.

    For binary scores the sum is gains minus losses, the sum of squares gains plus losses.
    """

    n: Floats
    total: Floats
    squares: Floats

    @property
    def gains(self) -> Floats:
        """Cases that only the candidate got right (binary scores)."""
        return (self.squares + self.total) / 2

    @property
    def losses(self) -> Floats:
        """Cases that only the incumbent got right (binary scores)."""
        return (self.squares - self.total) / 2

    def last(self) -> Moments:
        """The last entry of the last axis, kept as an axis."""
        return Moments(
            n=self.n[..., -1:], total=self.total[..., -1:], squares=self.squares[..., -1:]
        )

    def plus(self, other: Moments) -> Moments:
        """Both samples together."""
        return Moments(
            n=self.n + other.n,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )


def moments_of(differences: Numbers) -> Moments:
    """Moments of all cases."""
    values = np.asarray(differences, dtype=np.float64)
    return Moments(
        n=np.array(values.size, dtype=np.float64), total=values.sum(), squares=(values**2).sum()
    )


def moments_at(differences: Numbers, start: int, ends: Sequence[int]) -> Moments:
    """Moments of the cases from `start` to each end; shape (..., len(ends)). NaN is left out."""
    values = np.asarray(differences, dtype=np.float64)
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    return Moments(
        n=running_sums(present.astype(np.float64), start, ends),
        total=running_sums(filled, start, ends),
        squares=running_sums(filled**2, start, ends),
    )


def running_sums(values: Floats, start: int, ends: Sequence[int]) -> Floats:
    """Sums over the last axis from `start` to each of the ascending `ends`."""
    edges = (start, *ends)
    pieces = [values[..., low:high].sum(axis=-1) for low, high in pairwise(edges)]
    return np.cumsum(np.stack(pieces, axis=-1), axis=-1)
