"""The parts of a record that earlier reviews leave in it: what tests spent, how far it has come.

Shares are in percent, quality is in points.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from harness.record.base import Recorded

_FIT = 1e-6
"""Percent in which two rounded figures may differ."""
_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class LifeFacts(Recorded):
    """What all tests of one pair of models on these cases share, and what this one takes; percent.

    Of several options it is that of the pair with the most left; in older records, with the least.
    """

    promised: float
    """The error that they may make together."""
    planned: int
    """Tests that it is planned for."""
    test: int
    """Number of this test, from 1."""
    level: float
    """What this test takes."""
    left: float
    """What is left for later ones."""
    again: bool
    """It is an earlier review's test, on the same answers in the same order, and takes no more."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not 0 < self.level <= self.promised or not 0 <= self.left < self.promised:
            raise ValueError(f"a level of {self.level} and {self.left} left of {self.promised}")
        if self.test == 1 and not self.again and abs(self.level + self.left - self.promised) > _FIT:
            raise ValueError(f"{self.level} taken and {self.left} left are not {self.promised}")
        return self

    @property
    def note(self) -> str:
        """Which test on these cases it is, and what is left of the error that they share."""
        known = self.test < len(_ORDINALS)
        which = f"{_ORDINALS[self.test]} test" if known else f"test {self.test}"
        again = " again, in the same order" if self.again else ""
        shared = f"the {self.promised:g} % risk of a wrong swap that all tests on it share"
        left = f"of {shared}, {self.left:.2g} % is left" if self.left else f"{shared} is used up"
        return f"{which} on this set{again}; {left}"


class OptionLife(Recorded):
    """The same for one option, if its earlier tests left it more or less than the others."""

    option: str
    life: LifeFacts


class DriftFacts(Recorded):
    """A difference against the first incumbent, points."""

    difference: float
    worst: float
    """What could not be excluded: the steps' own bounds added up, or the pairs' bound if lower."""
    n: int
    """Cases of the pairs; 0: the differences of the steps were added up."""


class AnchorFacts(Recorded):
    """The first incumbent of the feature's life, and how far production has come from it."""

    option: str
    since: str
    """The cycle in which it was first reviewed."""
    level: float | None
    """Its own score then, points; None: not known."""
    steps: int
    """Downgrades since."""
    budget: float
    """Points that they may lose together."""
    drift: DriftFacts | None
    """Of today's model; None: it is the first one, or a step was never tested."""
    next_option: str | None
    """What passed on quality and would be the next step; None: nothing, or it is the first one."""
    next_drift: DriftFacts | None
