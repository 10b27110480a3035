"""The parts of a record that say how far its figures can be trusted, and cascades.

Case ids stand here, and no content. Quality is in points, shares in percent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.record.base import LATER, Recorded
from harness.record.life import LifeFacts, OptionLife
from harness.record.money import CascadeMonth

_FIT = 1e-6
BY_PROBABILITY = "probability-"
"""Begins the check of a cascade whose first model must be sure enough."""


class ProgramFacts(Recorded):
    """What the runs of a feature's program took with one option, calls that brought no reply apart.

    The sums are over all runs that ended, each a case and repeat.
    """

    option: str
    runs: Annotated[int, Field(gt=0)]
    calls: Annotated[int, Field(ge=0)]
    """Calls of all runs, to any of the program's models."""
    most_calls: Annotated[int, Field(ge=0)]
    """Most calls of a single run."""
    beside: Annotated[int, Field(ge=0)]
    """Calls to the program's other models."""
    input_tokens: Annotated[int | None, Field(ge=0)]
    """None: not every call told its usage; so for the next."""
    output_tokens: Annotated[int | None, Field(ge=0)]
    usd: Decimal | None
    """At list price; None: not every call told its usage."""
    successes: Annotated[float | None, Field(ge=0)]
    """Sum of the runs' scores, each at most 1; None: not every run has a score."""
    unused_calls: Annotated[int | None, Field(gt=0), LATER] = None
    """Calls of stopped runs that the run begun anew did not make: paid, and not counted above."""
    unused_usd: Annotated[Decimal | None, LATER] = None
    """What they cost; None: of some call it is not known."""

    @model_validator(mode="after")
    def _parts(self) -> Self:
        """Parts are no more than the whole."""
        if self.beside > self.calls or self.most_calls > self.calls:
            raise ValueError(f"{self.option}: more calls in a part than in all runs")
        if self.calls > self.most_calls * self.runs:
            raise ValueError(f"{self.option}: {self.calls} calls in {self.runs} runs are too many")
        if self.successes is not None and self.successes > self.runs + _FIT:
            raise ValueError(f"{self.option}: more successes than runs")
        return self


class CascadeFacts(Recorded):
    """A cheap model first; where its answer fails the check, today's model is asked as well."""

    first: str
    """The cheap model."""
    accept_when: str
    """`schema`, `format`, `not-unsure` or `probability-0.9`: what its answer must pass."""
    unsure: str | None
    """The text by which it declares itself unsure; None where that is not what counts."""
    escalates_to: str
    answers: int
    """Answers of the cheap model that were checked."""
    escalated: float | None
    """Percent of them that did not pass; None while none was checked."""
    first_per_request: Decimal | None
    """USD a request, list price, of the cheap model."""
    escalation_per_request: Decimal | None
    """USD a request, over all of them, of asking today's model as well."""
    month: Annotated[CascadeMonth | None, LATER] = None
    """None: nothing was measured, or the record is older than this key."""
    threshold: Annotated[float | None, Field(gt=0, le=1), LATER] = None
    """Of `probability-0.9`: the least probability that it must tell, fixed on the tune cases."""
    threshold_cases: Annotated[int | None, Field(ge=0), LATER] = None
    """Tune cases that fixed it; 0: none did, and it is the number that was stated."""

    @model_validator(mode="after")
    def _a_threshold_says_what_fixed_it(self) -> Self:
        by_probability = self.accept_when.startswith(BY_PROBABILITY)
        if (self.threshold is None) != (self.threshold_cases is None) or (
            self.threshold is not None and not by_probability
        ):
            raise ValueError(f"{self.accept_when} and a threshold of {self.threshold} do not fit")
        if self.threshold_cases == 0 and f"{BY_PROBABILITY}{self.threshold:g}" != self.accept_when:
            raise ValueError(f"no tune case moved {self.accept_when} to {self.threshold}")
        return self


class Missingness(Recorded):
    """Trials without an answer, of each model."""

    current: int
    candidate: int
    failed_current: int
    failed_candidate: int
    why_current: Annotated[tuple[tuple[str, int], ...] | None, LATER] = None
    """How the missing trials ended, most often first, with their counts; None: not known."""
    why_candidate: Annotated[tuple[tuple[str, int], ...] | None, LATER] = None

    @model_validator(mode="after")
    def _reasons_sum_to_the_counts(self) -> Self:
        for arm, why in ((self.current, self.why_current), (self.candidate, self.why_candidate)):
            if why is not None and sum(count for _, count in why) != arm:
                raise ValueError(f"{arm} trials are missing, and the reasons tell of {why}")
        return self

    def with_reasons(self, **why: tuple[tuple[str, int], ...]) -> Missingness:
        """The same counts with their reasons; none where nothing is missing."""
        told = {name: reasons for name, reasons in why.items() if reasons}
        return type(self).model_validate({**self.model_dump(), **told})


class AnswersFacts(Recorded):
    """How one model's trials of the quality test got their answers, or why they got none."""

    option: str
    """The model as it was asked; of a cascade its cheap model."""
    live: int
    batch: int
    """By the vendor's batch API."""
    offline: int
    """By an engine of ours, from files, without a server."""


class SpreadFacts(Recorded):
    """Standard deviations of one model's score, points, where cases were answered repeatedly."""

    cases: int
    repeats: int
    between: float
    """Between cases: how much harder some are than others."""
    within: float
    """Within a case, over its repeats: the model's own noise."""
    mean: Annotated[float | None, LATER] = None
    """Of all answers, points; None: an older record."""
    every: Annotated[float | None, LATER] = None
    """Percent of the cases on which each of the `repeats` answers was right (pass^k): what users
    of an agent meet. None: graded, or an older record."""

    @model_validator(mode="after")
    def _every_is_at_most_the_mean(self) -> Self:
        if self.every is not None and (self.mean is None or self.every > self.mean + _ROUNDED):
            raise ValueError(
                f"right every time on {self.every} % of the cases, and {self.mean} % of the answers"
            )
        return self


_ROUNDED = 1e-5
"""Points in which two rounded figures may differ."""


class NoiseFacts(Recorded):
    """A model against itself: the first answers beside the second ones, case by case."""

    cases: int
    disagreement: float
    """Percent of the cases whose two answers score differently."""
    difference: float
    """Second minus first, points: what is seen where nothing was changed."""
    error: float
    """Its standard error, points."""


class MixFacts(Recorded):
    """The difference that production's mix of parts would give, points; it decides nothing."""

    key: str
    """Metadata key of the parts."""
    shares: tuple[tuple[str, float], ...]
    """Part, and its percent of production's requests."""
    n: int
    difference: float | None
    """None: some part has no case, or too few."""
    worst: float | None
    """Lower bound at the level that decided; every part's at its share of that level."""


class FormFacts(Recorded):
    """Of the cases on which one model scores less, those whose reply only has the wrong form.

    A case with several replies is `other` if each reply that scores too little is, and `unread` if
    each of them is `other` or `unread`.
    """

    other: int
    """The right answer stands in the reply, in a form that the scorer does not take."""
    unread: int
    """The reply holds nothing that the scorer can read as an answer."""


class AuditFacts(Recorded):
    """Cases that a person should read, because the models score differently: graders have bugs."""

    losses: tuple[str, ...]
    """The candidate scores less; the largest loss first, then by id."""
    gains: tuple[str, ...]
    """The candidate scores more; the smallest gain first, then by id."""
    form_losses: Annotated[FormFacts | None, LATER] = None
    """The candidate's replies to `losses`; None: no form is at fault, it cannot be told (a graded
    or custom measure, a cascade), or the record is older than this key."""
    form_gains: Annotated[FormFacts | None, LATER] = None
    """Those of today's model to `gains`."""


class GraderFacts(Recorded):
    """What changes if a second grader scores the same answers; it decides nothing."""

    grader: str
    cases: int
    current: float
    candidate: float
    current_again: float
    candidate_again: float
    tilt: float
    """Difference by the second grader minus that by the first, points."""
    changed_current: tuple[str, ...]
    """Cases of today's model that it scores differently."""
    changed_candidate: tuple[str, ...]


class FloorFacts(Recorded):
    """Whether the eval set can tell today's model from one that always gives the same answer.

    In points. No text of a case is stored: of the constant answer only its kind, and its label
    where the scorer's own list has it.
    """

    cases: int
    """Cases that the level and the constant's score rest on; 0: there is no level."""
    sampled: bool
    """They were drawn at random and labelled by people; else they are all that were asked."""
    right: int | None
    """Cases on which today's model was right; None for graded scores."""
    level: float | None
    """Today's mean score; None: not known, or nothing was asked."""
    level_lower: float | None
    """Its one-sided 95 % lower bound; None without a level, or if all cases are in one cluster."""
    best_lower: float | None
    """That bound for a model that is right on every case; only where nothing was asked."""
    constant: str | None
    """The best constant answer: `empty answer`, `label`, `commonest target` or `fixed text`."""
    label: str | None
    """Its label, where it is one."""
    constant_right: int | None
    constant_score: float | None
    assumed: bool
    """Its score is an assumption: a model or another tool grades these answers."""
    margin: float
    clears: bool | None
    """Whether the lower bound is above the constant's score by the margin; False without a bound,
    None if it is not known."""
    all_right: bool
    """Every model that was asked was right on every case."""
    alike: float | None
    """Percent of the cases that today's model gave the same answer; only where so many are alike
    that no labels could lift its level above a constant's by the margin."""
    unlabelled: Annotated[int | None, LATER] = None
    """Cases without a label; None: every case has one, or none has. If `fewest_labels` is None,
    labels of these cases would not change `clears`."""
    fewest_labels: Annotated[int | None, LATER] = None
    """The fewest further labels that could settle it; None: it is settled, or labels cannot."""

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.clears != self._clearing():
            raise ValueError("floor: `clears` does not follow from the level, constant and margin")
        self._counts(self.right, self.level)
        self._counts(self.constant_right, self.constant_score)
        if self.all_right and self.level != 100:  # noqa: PLR2004  # percent
            raise ValueError("floor: not every model is right on every case")
        return self

    def _counts(self, right: int | None, score: float | None) -> None:
        if right is None:
            return
        if score is None or round(score * self.cases / 100) != right:
            raise ValueError(f"floor: {right} of {self.cases} cases are not {score} points")

    def _clearing(self) -> bool | None:
        bound = self.best_lower if self.level_lower is None else self.level_lower
        if bound is not None and self.constant_score is not None:
            return round(bound - self.constant_score, 6) >= self.margin
        if self.level is None and self.alike is not None:
            return round(100 - self.alike, 6) >= self.margin
        return None if self.level is None else False


class EvalSetFacts(Recorded):
    """The eval set that decided."""

    id: str
    inputs_sha256: str
    labels_sha256: str | None
    n: int
    tune: int
    pilot: int
    deciding: int
    clusters: int | None
    times_used: int
    provenance: str
    targets: str
    rows: Annotated[int | None, LATER] = None
    """Rows of the case file, where some repeat another one; `n` counts those once."""
    worth: Annotated[float | None, LATER] = None
    """Independent cases that the `n` are worth, where many say nearly the same."""
    life: Annotated[LifeFacts | None, LATER] = None
    """None: nothing was tested, or the record is older than this key."""
    lives: Annotated[tuple[OptionLife, ...] | None, LATER] = None
    """Options that have more or less of the error left than `life` says."""

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.rows is not None and self.rows <= self.n:
            raise ValueError(f"eval set: {self.rows} rows hold no copies beside {self.n} cases")
        if self.worth is not None and not 0 < self.worth <= self.n:
            raise ValueError(f"eval set: {self.n} cases are not worth {self.worth}")
        return self
