"""The parts of a record.

Money is `Decimal`, written as text. Quality is in points (0 to 100); differences are candidate
minus incumbent. An absent number is null, never zero.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import model_validator

from harness.record.base import LATER, Reason, Recorded, Result, State
from harness.record.money import (
    BreakEven,
    HostingFacts,
    OptionCost,
    RateFacts,
)
from harness.record.proof import DesignFacts, ProofFacts
from harness.record.quality_parts import (
    GuardrailResult,
    Quality,
    ReliabilityFacts,
    SliceResult,
    StopFacts,
)
from harness.record.trust import (
    AnswersFacts,
    AuditFacts,
    CascadeFacts,
    EvalSetFacts,
    FloorFacts,
    GraderFacts,
    Missingness,
    ProgramFacts,
)
from harness.wording import percent


class FeatureFacts(Recorded):
    """Who owns the feature, and what it is."""

    id: str
    name: str
    owner: str
    team: str
    product: str
    environment: str
    cost_center: str | None
    risk: str
    data: str
    tags: tuple[str, ...]
    used_in: str | None
    error_cost_usd: Decimal | None
    unit: str
    """What one case is called on a page, plural: `invoices`."""
    rollback: str | None
    mode: str


class Margin(Recorded):
    """The largest acceptable loss of quality."""

    value: float
    """Points, positive."""
    agreed_by: str | None
    agreed_on: date | None
    source: str
    """`feature` or `policy`."""
    fixed_on: Annotated[date | None, LATER] = None
    """Day of the journal's first plan that asked any of these cases; None: nobody was asked one,
    the answers were brought in, or the record is older than this key."""
    fixed_at: Annotated[float | None, LATER] = None
    """The margin in that plan."""


class Target(Recorded):
    """A model as it is asked."""

    option: str
    provider: str
    model_id: str
    version: str
    served_versions: tuple[str, ...]
    """Versions that the server named; another than `version`, or `served_as`, is flagged."""
    served_as: Annotated[str | None, LATER] = None
    """Name under which a server that we start answers: its weights'; None: the version's."""
    effort: str | None
    params_sha256: str
    prompt_sha256: str | None
    prompt_file: str | None
    region: str | None
    retires_on: date | None = None
    """Published retirement date: it ends a decision early."""


class LatencyFacts(Recorded):
    """Seconds; `_upper` are the bounds that must meet the SLO."""

    n: int
    p50_s: float | None
    p50_lower_s: float | None
    p50_upper_s: float | None
    p95_s: float | None
    p95_lower_s: float | None
    p95_upper_s: float | None
    ttft_p95_s: float | None
    ttft_p95_upper_s: float | None
    p99_s: float | None
    p99_upper_s: float | None
    slo_p95_s: float | None
    slo_ttft_p95_s: float | None
    slo_p99_s: float | None
    met: bool | None
    """None: not measured, or too few to tell."""
    incumbent_misses_too: bool
    measured_at: datetime | None
    region: str | None
    concurrency: int


class OptionRecord(Recorded):
    """One option of the ladder and what became of it."""

    target: Target
    lever: str
    """`model-swap`, `self-host`, `cascade`, `effort`, `prompt`."""
    prompts_tried: int
    result: Result
    reason_codes: tuple[Reason, ...]
    note: str
    """One plain line: why."""
    quality: Quality | None
    slices: tuple[SliceResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    latency: LatencyFacts | None
    missing: Missingness | None
    cost: OptionCost
    error_break_even: BreakEven | None
    saving_at_most: Decimal | None = None
    """USD a month after discounts that it could save at most, known before any call."""
    performance_risk: str
    migration_effort: str
    cascade: CascadeFacts | None = None
    """None: the option is a single model."""
    audit: AuditFacts | None = None
    """None: nothing was compared."""
    grader: GraderFacts | None = None
    """None: there is no second grader, or no case that both have scored."""
    stopped: Annotated[StopFacts | None, LATER] = None
    """None: it was not given up early, or the record is older than this key."""
    proof: Annotated[ProofFacts | None, LATER] = None
    """None: nothing was compared, or the record is older than this key."""

    @model_validator(mode="after")
    def _says_why_it_stopped(self) -> Self:
        if self.stopped is not None and Reason.UNLIKELY_TO_PASS not in self.reason_codes:
            raise ValueError("an option was given up early, and its reasons do not say so")
        return self

    @property
    def price_list(self) -> RateFacts | None:
        """Its own prices; of a cascade its cheap model's: today's model has the others."""
        month = self.cascade.month if self.cascade else None
        return self.cost.rates if month is None else month.first_rates

    @property
    def hosting(self) -> HostingFacts | None:
        """How it, or a cascade's cheap model, would run on own hardware."""
        month = self.cascade.month if self.cascade else None
        return self.cost.hosting if month is None else month.first_hosting


class StillNeeded(Recorded):
    """What an undecided feature lacks."""

    cases: int | None
    labels: int | None
    cost_usd: Decimal | None
    worth_monthly_usd: Decimal | None
    note: str
    option: Annotated[str | None, LATER] = None
    """The option that the cases, their cost and their worth are of; None: of none alone."""
    fewest: Annotated[int | None, LATER] = None
    """Fewest labels, or missing answers, that can decide it, whatever the rest would say."""
    new_cases: Annotated[int | None, LATER] = None
    """Cases never asked that would decide it alone; None: not fewer than `cases`, or not likely."""


class Spend(Recorded):
    """What the evaluation cost, every attempt that is evidence, whenever it was paid."""

    total_usd: Decimal
    judge_usd: Decimal
    possibly_billed_usd: Decimal
    saved_by_stopping_usd: Decimal
    trials: int
    trials_saved: int
    embedding_usd: Decimal = Decimal(0)
    """Part of the total that went to embeddings for scoring."""
    gpu_usd: Decimal = Decimal(0)
    """Part of the total that was GPU time, loading included, of models that we started."""


class JudgeFacts(Recorded):
    """How far a model that judges agrees with people."""

    option: str
    """The judge, as it is asked."""
    prompt_sha256: str
    labels: int
    """Cases that people had judged too."""
    agreement: float
    """Share of them on which both agree, percent."""
    agreement_lower: float
    """One-sided lower bound of that, percent."""
    kappa: float | None
    """Cohen's kappa: agreement beyond chance; None: not defined, as one side never varies."""
    needed: float
    """Least lower bound at which the judge may decide, percent."""
    kappa_lower: float | None = None
    """One-sided lower bound of kappa."""
    kappa_needed: float | None = None
    """Least lower bound of kappa at which the judge may decide."""
    people: tuple[str, ...] = ()
    """Who judged those cases."""
    same_family: tuple[str, ...] = ()
    """Options of the judge's own family, which it may favour."""
    swapped: int | None = None
    """Pairs judged in both orders; None: answers are judged one at a time."""
    swapped_alike: int | None = None
    """Of these, the pairs with the same winner in both orders; the others count as even."""
    reliable: bool = True
    """Both lower bounds reach what is needed."""


class LabelFacts(Recorded):
    """Labels that people made, and how far the two who share most cases agree."""

    by: tuple[tuple[str, int], ...]
    """Who labelled how many cases."""
    shared: int = 0
    """Cases that the two labelled both."""
    agreed: int = 0
    kappa: float | None = None
    """Cohen's kappa; None: no two labelled the same cases, or it is not defined."""
    kappa_lower: float | None = None
    kappa_upper: float | None = None
    """Two-sided 95 % interval."""


class Registered(Recorded):
    """The plan as it was sealed before the first call."""

    plan_sha256: str
    commit: str | None
    """The commit that brought it; None: git knows none."""
    committed_on: date | None
    first_asked_on: date
    """Day of the first plan that asked any of the cases."""


class PowerFacts(Recorded):
    """What the test could decide, rehearsed before the first call on made-up answers.

    `rightsize verify RECORD` rehearses it again: one option equals today's model, every cheaper one
    loses twice the limit.
    """

    chance: float
    """That the equal one is found, a share."""
    smallest_margin: float | None
    """Points: the smallest limit at which that chance is 80 %; None: none below 50."""
    disagreement: float
    """Share of the cases on which the equal one differs."""
    source: str
    """Where that share comes from."""
    cases: int
    """Cases after the pilot."""
    looks: int
    """As many as the procedure allows."""
    pilot: float
    """The pilot's share of the cases."""

    @property
    def note(self) -> str:
        """The power in one line."""
        smallest = self.smallest_margin
        reach = "none below 50 points" if smallest is None else f"{smallest:.1f} points"
        return (
            f"a candidate of equal quality that differs on {percent(self.disagreement)} of the "
            f"cases ({self.source}) passes with a chance of {percent(self.chance)}; smallest "
            f"margin these {self.cases} cases resolve: {reach}"
        )


class Evidence(Recorded):
    """What the finding rests on."""

    eval_set: EvalSetFacts
    traffic_source: str | None
    rates_as_of: date
    journal_runs: tuple[str, ...]
    plan_sha256: str
    policy_sha256: str
    seed: str
    versions: tuple[tuple[str, str], ...]
    spend: Spend
    power_note: str
    exploratory: tuple[str, ...]
    """Reasons why this record can be shown but not accepted; empty when it can."""
    imported: bool = False
    imported_in_part: Annotated[bool | None, LATER] = None
    """Whether other answers were asked for here; None: all were imported, or none."""
    judge: JudgeFacts | None = None
    """None: no model judges, or nothing says how well."""
    labels: LabelFacts | None = None
    """None: people labelled nothing beside the targets that came with the cases."""
    confidence: float = 0.95
    """One-sided, per feature, for all its candidates together."""
    answers: Annotated[tuple[AnswersFacts, ...] | None, LATER] = None
    """Today's model first; None: every answer came live, or the record is older than this key."""
    floor: Annotated[FloorFacts | None, LATER] = None
    registered: Annotated[Registered | None, LATER] = None
    """None: nothing was sealed."""
    design: Annotated[DesignFacts | None, LATER] = None
    """The test as it was fixed; None: nothing was asked, or the record is older than this key."""
    program: Annotated[tuple[ProgramFacts, ...] | None, LATER] = None
    """Of a feature that is a program: what its runs took, by option, today's first."""
    power: Annotated[PowerFacts | None, LATER] = None
    """What `power_note` says; None: nothing was rehearsed, or the record is older than this key."""
    reliability: Annotated[tuple[ReliabilityFacts, ...] | None, LATER] = None
    """Of each model that told how sure it is; None: none did, or the record is older than this."""

    @model_validator(mode="after")
    def _says_what_it_holds(self) -> Self:
        if self.power is not None and self.power.note != self.power_note:
            raise ValueError(f"power_note is {self.power_note!r}, its figures say another")
        return self


class HistoryEntry(Recorded):
    """One move of the decision."""

    state: State
    by: str
    by_source: str
    """`git identity`, `--by` or `machine`."""
    at: datetime
    reason: str
    link: str | None
    until: date | None = None
    """Day on which a deferral, or a signed reason to stay, ends."""
    signature: Annotated[str | None, LATER] = None
    """OpenSSH's signature of whoever decided, over the finding and the history so far."""


class SignedException(Recorded):
    """Who signed a reason to stay, and until when."""

    reason_code: Reason
    approver: str
    expires_at: date
    would_change: str
