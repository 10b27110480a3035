"""The parts of a record that say how good an option is beside the incumbent, points."""

from __future__ import annotations

from typing import Annotated

from harness.record.base import LATER, Recorded
from harness.record.trust import MixFacts, SpreadFacts  # pydantic reads them at run time


class Look(Recorded):
    """One planned interim analysis, as it was."""

    number: int
    n: int
    difference: float | None
    worst: float | None
    """The bound that decided at this look, points; null when nothing was tested."""
    level: float | None
    """One-sided level at which this look tested."""
    p_value: float | None
    action: str
    """`continue`, `pass`, `futile`, `inferior`, `dropped`, `skipped`, `waiting`."""


class Quality(Recorded):
    """Paired quality of one option against the incumbent, points; every figure on the same cases.

    They are those that decide; of an option shown to be worse, as a whole or on a part, all that
    it was asked, the pilot's too; and of one that the pilot dropped the pilot's.
    """

    metric: str
    n: int
    clusters: int | None
    repeats: int
    agreed_without_label: int
    both_right: int | None
    only_current_right: int | None
    only_candidate_right: int | None
    neither_right: int | None
    current: float | None
    """None where cases agreed without a label: only the difference is known then."""
    candidate: float | None
    difference: float
    worst: float
    """Lower bound at the level that decided."""
    best: float
    """Upper bound, one-sided alpha, unadjusted."""
    method: str
    margin: float
    level: float
    looks: tuple[Look, ...]
    worst_missing_as_zero: float | None
    """The lower bound with missing trials counted as wrong."""
    spread_current: SpreadFacts | None = None
    """None: one answer per case."""
    spread_candidate: SpreadFacts | None = None
    mix: MixFacts | None = None
    """None: the feature states no mix."""
    pilot_cases: Annotated[int | None, LATER] = None
    """Of the `n` cases, those of the pilot; None: the record is older than this key."""
    deciding_cases: Annotated[int | None, LATER] = None
    """Of the `n` cases, those that came after the pilot."""
    missing_cases: Annotated[int | None, LATER] = None
    """Cases of the same set that are not among the `n`: a model's answer is missing."""
    looks_planned: Annotated[int | None, LATER] = None
    """As many looks as the plan had."""
