"""The parts of a record from which its verdict can be worked out again without the journal.

Only how each case ended stands here, in the order of the test: no id, no prompt, no answer. With
the design of the test that gives each look's table, each p-value and bound, the pilot's choice,
every level and the verdict (`rightsize verify RECORD`; `tests/prove` does it without our code).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from harness.record.base import LATER, Recorded

ENDS = "10+-=?abcdm"
"""How a case ended under right/wrong scores: both right, neither; only the candidate, only today's
model right; alike without a label, unlabelled. The candidate's answer is missing where today's was
right (a) or wrong (b), today's where the candidate's was right (c) or wrong (d), or both (m)."""


class PartFacts(Recorded):
    """A part that must itself be shown within its limit."""

    name: str
    margin: float
    """Points."""
    measure: str | None
    """A second measure on these cases; None: the primary one."""
    where: str
    """A 1 for each case of the order that belongs to it, else a 0."""


class DesignFacts(Recorded):
    """The test as it was fixed before the first call; counts are cases of the order."""

    kind: str
    method: str
    alpha: float
    """The error of the whole test."""
    options: tuple[tuple[str, float], ...]
    """In the test's order, with the share of today's cost that each saves."""
    stages: tuple[int, ...]
    """Where the pilot drops options; the last one ends it."""
    looks: tuple[int, ...]
    """Where an option may pass."""
    checks: tuple[int, ...]
    """Where an option may be given up."""
    spending: float
    drop_below: float
    futile_below: float
    least_weight: float
    prior: tuple[float, float, float, float]
    """Mean and deviation of a difference, its mean square, and the cases that this is worth."""
    largest_missing_share: float
    """Of the cases, the share that may be left out because both models failed."""
    error_worth: float | None
    clusters: str | None
    """Sizes of the clusters, in order; None: each case is its own."""
    parts: tuple[PartFacts, ...]
    at_most: Annotated[tuple[float | None, ...] | None, LATER] = None
    """Of each option the most of `alpha` that it may be tested at, because its earlier tests on
    these cases left no more; None: all of it. Its weight is at most that part of `alpha`, the rest
    goes to the others by their weights, and so far again; no level that it inherits goes beyond."""

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        limits = self.at_most
        if limits is None:
            return self
        inside = all(one is None or one > 0 for one in limits)
        if len(limits) != len(self.options) or not inside or None not in limits:
            raise ValueError(f"limits {limits} do not fit {len(self.options)} options")
        return self


class ProofFacts(Recorded):
    """How an option's cases ended, and what the test made of it."""

    outcomes: str
    """One sign a case (`ENDS`); of graded scores `today/candidate` a case, `.` where one is
    missing, `=` alike without a label, `?` unlabelled, with a space between; where only some
    repeats of a case are missing, `:least:most` that its difference could be stands behind."""
    measures: tuple[tuple[str, str], ...]
    """The same under each measure of a part that must be proven."""
    looked_at: str
    """`cleared` or `vetoed` once it had passed on quality; else empty."""
    weight: float | None
    """Its part of the error after the pilot; None: the procedure has no ladder."""
    local: float | None
    """The level that it ended with."""
    smallest: float | None
    """The smallest level at which a look passed; 1: none."""
    pilot_chance: float | None
    """Predicted at the end of the pilot."""
