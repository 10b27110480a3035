"""The parts of a record that may veto: slices and second measures, points."""

from __future__ import annotations

from harness.record.base import Recorded


class SliceResult(Recorded):
    """A named part of the cases, or a weak one that was found (exploratory)."""

    key: str
    value: str
    n: int
    only_current_right: int | None
    only_candidate_right: int | None
    difference: float | None
    worst: float | None
    """What could not be excluded: one-sided lower bound, points."""
    best: float | None
    margin: float | None
    """None for an unnamed slice, which is exploratory."""
    protect: str
    """`alarm`, `proven` or `exploratory`."""
    vetoes: bool


class GuardrailResult(Recorded):
    """A second measure, points."""

    name: str
    n: int
    current: float | None
    candidate: float | None
    difference: float | None
    worst: float | None
    margin: float | None
    protect: str
    vetoes: bool
    note: str | None
