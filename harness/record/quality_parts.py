"""The parts of a record on an option's quality against the incumbent, in points.

The difference and its looks; slices and guardrails, which may veto; why an option was stopped.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import model_validator

from harness.record.base import LATER, Recorded
from harness.record.trust import MixFacts, SpreadFacts


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


class StopFacts(Recorded):
    """What was seen, what chance was left, what stopping saved, and how many cases would decide.

    Chances and shares lie between 0 and 1. An option that was asked every case is never given up:
    it passes, is shown to be worse, or is open.
    """

    seen: int
    """Cases that it was given up after, from the first."""
    cases: int
    """All the cases that there were to ask."""
    chance: float
    """Predicted chance of passing at the last case."""
    threshold: float
    """It is given up below this chance."""
    share: float | None
    """Its part of the error allowed, which goes by the chances of all; None: it had its part."""
    least_share: float | None
    """It is given up below this part, too."""
    saved_usd: Decimal | None
    """What its remaining trials would have cost; None: they cost nothing of their own."""
    cases_to_decide: int | None
    """Cases in all that would show it within the limit in four reviews of five, were it as it was
    seen; None: no number of cases is likely to."""
    cost_to_decide_usd: Decimal | None
    """What asking them would still cost, of it and of today's model."""

    @property
    def by_share(self) -> bool:
        """Its chance was not small by itself, only beside those of the others."""
        return self.chance >= self.threshold

    @model_validator(mode="after")
    def _is_early_and_for_a_reason(self) -> Self:
        if not 0 <= self.seen < self.cases:
            raise ValueError(
                f"given up after {self.seen} of {self.cases} cases: not before the end"
            )
        least, share = self.least_share, self.share
        too_small = share is not None and least is not None and share < least
        if self.by_share and not too_small:
            raise ValueError(f"given up at a chance of {self.chance}, not below {self.threshold}")
        return self


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
    lost: Annotated[int | None, LATER] = None
    """Cases of it that only today's model got right; None: graded, or an older record."""
    won: Annotated[int | None, LATER] = None
    """Cases of it that only the candidate got right."""


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
