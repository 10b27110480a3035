"""The parts of a record on an option's quality against the incumbent, in points.

The difference and its looks; slices and guardrails, which may veto; why an option was stopped; how
sure the model was of its answers, and how often it was right.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

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
    of: Annotated[int | None, LATER] = None
    """Its cases in the eval set, all asked before the option was accepted, so that `n` and the
    figures do not rest on the option's own cases; None: they do."""
    could_show: Annotated[float | None, LATER] = None
    """The smallest loss that its `n` cases could have shown, points: so many whole losses, and no
    gain, that the upper bound lies beyond the limit. None: no loss, or no alarm is raised."""


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
    of: Annotated[int | None, LATER] = None
    """The cases of the test, all asked before the option was accepted, so that `n` and the figures
    do not rest on the option's own cases; None: they do."""
    could_show: Annotated[float | None, LATER] = None
    """Smallest loss, in points, that so many cases would have shown as harm."""


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


class AbsentFacts(Recorded):
    """Cases of one set whose difference is not known, and what they are counted as.

    A case on which both models failed for a reason of the world's is left out. Every other one
    counts: at its worst in the lower bound and in the test, at its best in the upper bound. For
    right-or-wrong scores the tested table is the option's own (`only_current_right`,
    `only_candidate_right`, `n`) with these added: losses `worst[0]`, cases without a difference
    `worst[1]`, gains `worst[2]`; for the upper bound those of `best`.
    """

    left_out: int
    """Both models failed."""
    unanswered: int
    """One model failed."""
    unlabelled: int
    """The answers differ, and nobody has said which is right."""
    worst: tuple[int, int, int] | None
    """None for graded scores."""
    best: tuple[int, int, int] | None

    @model_validator(mode="after")
    def _counts_every_case(self) -> Self:
        for table in (self.worst, self.best):
            if table is not None and sum(table) != self.unanswered + self.unlabelled:
                raise ValueError(
                    f"{self.unanswered} unanswered and {self.unlabelled} unlabelled cases are "
                    f"counted as {table}"
                )
        return self

    @property
    def cases(self) -> int:
        """All of them."""
        return self.left_out + self.unanswered + self.unlabelled


class Quality(Recorded):
    """Paired quality of one option against the incumbent, points; every figure on the same cases.

    They are those that decide, and of an option that the pilot dropped the pilot's; in older
    records of one shown to be worse on a guardrail all that it was asked, the pilot's too.
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
    """Lower bound at the level that decided, all that is absent at its worst."""
    best: float
    """Upper bound, one-sided alpha, unadjusted; at `best_level` where that is known."""
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
    """Cases of the same set that are not among the `n`: an answer or a label is missing."""
    looks_planned: Annotated[int | None, LATER] = None
    """As many looks as the plan had."""
    corrected: Annotated[float | None, LATER] = None
    """Of an option that passed: the difference corrected for that, points, which the pages tell.
    It follows from `difference`, `worst`, `margin` and the levels of all looks: with z the upper
    quantile of the level and s = (difference - worst) / z as the spread, the d at which half of
    the tests that pass at some look pass earlier, or here with a larger difference; at least
    `worst`."""
    best_level: Annotated[float | None, LATER] = None
    """The level of `best` where it shows that the option is worse than the limit: the nominal one
    of the stage or check that it was stopped at, for its part of alpha by Holm over all options of
    the test (Lan and DeMets' spending with exponent 0.1 over all of these from the first case on;
    alpha itself where no option is given up). The bound is Gaffke's on the `n` cases,
    cluster-robust for `cluster-t`. None: `best` is unadjusted and by `method`."""
    absent: Annotated[AbsentFacts | None, LATER] = None
    """Of the same cases, those without a difference; None: there is none, or the record is older
    than this key, and they were left out."""

    @property
    def told(self) -> float:
        """What pages and money rest on: of an option that passed the corrected difference."""
        return self.difference if self.corrected is None else self.corrected

    def counted_as_seen(self, errors: float | None, requests: int) -> bool:
        """Whether these further errors of so many requests are those seen, uncorrected.

        Records that are older than the corrected difference count them so.
        """
        if errors is None or self.corrected is None:
            return False
        seen, told = (
            requests * max(-points, 0.0) / 100 for points in (self.difference, self.corrected)
        )
        return abs(errors - seen) < abs(errors - told)


_ROUNDED = 1e-5
Percent = Annotated[float, Field(ge=0, le=100)]
Unit = Annotated[float, Field(ge=0, le=1)]


class SureBand(Recorded):
    """Answers of which the model was about equally sure."""

    low: Unit
    """Least probability that it told; the next is the end, which only 1 reaches."""
    high: Unit
    n: Annotated[int, Field(gt=0)]
    said: Percent
    """Mean of what it told."""
    right: Percent
    """Mean score."""
    squared_error: Unit
    """Mean squared difference of what it told and the score, both in [0, 1]."""

    @model_validator(mode="after")
    def _means_lie_where_they_can(self) -> Self:
        if not self.low - _ROUNDED <= self.said / 100 <= self.high + _ROUNDED:
            raise ValueError(f"a mean of {self.said} % is not from {self.low} to {self.high}")
        if self.squared_error + _ROUNDED < ((self.said - self.right) / 100) ** 2:
            raise ValueError(f"a squared error of {self.squared_error} is under that of its means")
        return self


class ReliabilityFacts(Recorded):
    """One model's probabilities against its scores, over the cases that decide."""

    option: str
    """The model as it was asked; of a cascade its cheap model."""
    answers: Annotated[int, Field(gt=0)]
    """With a probability and a score."""
    brier: Unit
    """Mean squared error: 0 is best, one half said of everything has 0.25."""
    gap: Percent
    """Points by which what it told and how often it was right differ, on average over the bands."""
    bands: Annotated[tuple[SureBand, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _bands_sum_to_the_whole(self) -> Self:
        if sum(band.n for band in self.bands) != self.answers:
            raise ValueError(f"{self.option}: the bands do not hold {self.answers} answers")
        brier = sum(band.squared_error * band.n for band in self.bands) / self.answers
        gap = sum(abs(band.said - band.right) * band.n for band in self.bands) / self.answers
        if abs(brier - self.brier) > _ROUNDED or abs(gap - self.gap) > 100 * _ROUNDED:
            raise ValueError(f"{self.option}: a score of {self.brier} is not that of its bands")
        return self
