"""The plan of a review: what is decided without a call, and what will be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from evalsets.cases import Case, EvalSet
from evalsets.duplicates import NearCopies
from evalsets.splits import deciding_order, order_seed, tune_cases
from harness.journal.life import PastTest
from harness.journal.trials import Trial
from harness.plan.anchor import Anchor
from harness.plan.asking import Asker
from harness.plan.judging import PlannedJudge
from harness.plan.planned_options import PlannedOption
from harness.record.base import Reason
from harness.record.life import LifeFacts, OptionLife
from harness.record.money import Lever
from harness.record.trust import FloorFacts
from harness.stats.sequential.foresight import AskedShare, Foresight
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import inputs_sha256, labels_sha256
from harness.workspace.policy_file import ProcedureConfig

if TYPE_CHECKING:
    # It loads scipy, which no command needs that only reads a plan.
    from harness.stats.sequential.design import Design


class Status(StrEnum):
    """What a review does with a feature."""

    READY = "ready"
    ANSWERED = "decided without a call"
    NEEDS_LABELS = "needs labels"
    TOO_SMALL = "cannot be decided"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedCases:
    """The cases of a feature, cut before anything is asked.

    `deciding` is in the seeded order, whole clusters together; `clusters` names each one's cluster.
    """

    seed: str
    deciding: tuple[Case, ...]
    clusters: tuple[str, ...]
    tune: int
    folder: Path
    inputs_sha256: str
    labels_sha256: str | None

    @classmethod
    def of(
        cls, evalset: EvalSet, folder: Path, *, cycle: str, at_most: int | None = None
    ) -> SelectedCases:
        """A cycle's sample; `at_most` keeps the first cases only (`--quick`)."""
        inputs = inputs_sha256(evalset)
        deciding = deciding_order(evalset, inputs_sha256=inputs, cycle=cycle)[:at_most]
        return cls(
            seed=order_seed(evalset.feature, inputs_sha256=inputs, cycle=cycle),
            deciding=deciding,
            clusters=tuple(evalset.cluster(case) for case in deciding),
            tune=len(tune_cases(evalset)),
            folder=folder,
            inputs_sha256=inputs,
            labels_sha256=labels_sha256(evalset),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the eval set can decide: the chance to pass at no difference, the smallest margin."""

    chance: float | None
    smallest_margin: float | None
    cases_needed: int | None
    """Cases for a power of 80 %, at the level at which added ones are tested; None: no number up
    to 20,000 suffices, or nothing of the error is left for them."""
    expected_share_of_calls: float
    note: str
    discordance: float = 0.0
    """Share of disagreeing cases that is expected of a candidate of equal quality."""
    source: str = ""
    """Where `discordance` comes from."""
    equal_share: float = 1.0
    """Share of all calls if the dearest option equals the incumbent."""
    shares: Mapping[str, AskedShare] = field(default_factory=dict[str, AskedShare])
    """By model, the incumbent too: the share of the cases that it is asked."""
    foresight: Foresight | None = None
    """What the expected shares are taken from; later they follow what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsOf:
    """Calls of one model: expected until the test stops, and what one is expected to cost."""

    calls: int
    batch_usd: Decimal
    """One call in a batch; of a model without batches, one call."""
    live_usd: Decimal

    def __add__(self, other: CallsOf) -> CallsOf:
        """Those of both, at the mean of their prices: one model judges by two rubrics."""
        calls = self.calls + other.calls
        each = ((self, self.calls), (other, other.calls)) if calls else ((self, 1), (other, 1))
        count = sum(weight for _, weight in each)
        return CallsOf(
            calls=calls,
            batch_usd=sum((one.batch_usd * weight for one, weight in each), Decimal(0)) / count,
            live_usd=sum((one.live_usd * weight for one, weight in each), Decimal(0)) / count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """USD of evaluating one feature: expected, and at worst (every reservation, once)."""

    expected_usd: Decimal
    worst_usd: Decimal
    calls: int
    expected_calls: int = 0
    """Expected calls until the test stops."""
    judge_usd: Decimal = Decimal(0)
    """Part of the expected cost for judges."""
    each: Mapping[str, CallsOf] = field(default_factory=dict[str, CallsOf])
    """By the option of their trials, the incumbent's and the judges' too."""
    equal_usd: Decimal = Decimal(0)
    """Expected where an option equals the incumbent, which is asked to its end."""

    @classmethod
    def nothing(cls) -> Money:
        """Of a feature that asks nothing."""
        return cls(expected_usd=Decimal(0), worst_usd=Decimal(0), calls=0)

    def usd_of(self, option: str, *, batch: bool) -> Decimal:
        """What one answer of a model is expected to cost, in a batch or live."""
        found = self.each.get(option)
        if found is None:
            return Decimal(0)
        return found.batch_usd if batch else found.live_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Expected hours: the busiest lane's, and the latency passes, which run alone."""

    hours: float
    share_of_rate_limit: float
    lanes: int
    known: int
    """Lanes with a pace measured by earlier runs; an average pace is assumed for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsAhead:
    """The errors of an option's next tests: on these and added cases, and on new cases alone."""

    added: float
    """0: its tests on these cases have spent what they share."""
    new: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBefore:
    """When some of a feature's cases were first asked, and what people changed since."""

    on: date
    margin: float | None
    """Points, that were fixed then."""
    changed: str | None
    """Why the review decides nothing; None: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePlan:
    """All that is fixed for one feature before its first call."""

    feature: str
    cycle: str
    config: FeatureConfig
    status: Status
    reasons: tuple[Reason, ...]
    note: str
    margin: float
    margin_source: str
    alpha: float
    procedure: ProcedureConfig
    repeats: int
    latency_requests: int
    evalset: EvalSet
    sample: SelectedCases
    asker: Asker
    quick: bool
    incumbent: PlannedOption | None
    monthly_usd: Decimal | None
    options: tuple[PlannedOption, ...]
    """Cheapest first."""
    design: Design | None
    power: Power | None
    money: Money | None
    plan_sha256: str
    plan_json: str
    levers: tuple[Lever, ...] = ()
    """What the incumbent could save without another model, largest saving first."""
    free_lever: Lever | None = None
    """The best possible lever that needs no quality test and saves the minimum."""
    judges: tuple[PlannedJudge, ...] = ()
    """The measures that a model judges."""
    near: NearCopies | None = None
    """The eval set without near-copies; None: it has hardly any."""
    labels: int = 0
    """Disagreements that people have to label: expected, or counted if answers are known."""
    left_out: tuple[str, ...] = ()
    """Options that a review of all models would ask too."""
    level_labels: int = 0
    """Random cases to label for the level of quality; no verdict waits for them."""
    floor: FloorFacts | None = None
    """Why these cases cannot tell a model from a constant answer; None: they can."""
    confidence: float = 0.95
    """That the policy promises; `alpha` is this test's part of the error."""
    minimum_usd: Decimal = Decimal(0)
    """A downgrade must save at least this a month."""
    life: LifeFacts | None = None
    """What the tests on these cases share; None: it was not worked out, or nothing is asked."""
    lives: tuple[OptionLife, ...] = ()
    """The same of options that have less of it left."""
    ahead: Mapping[str, LevelsAhead] = field(default_factory=dict[str, LevelsAhead])
    """By option that was tested on some of these cases."""
    new_cases: int | None = None
    """Cases that nobody was asked, of a set of their own, for a power of 80 % at a first test's
    level; None: no option was tested on these, or no number up to 20,000 suffices."""
    anchor: Anchor | None = None
    """The first incumbent of the feature's life; None: it was not looked up."""
    asked_before: AskedBefore | None = None
    """The first plan that asked any of these cases; None: nobody was asked one."""

    def net_saving(self, lever: Lever) -> Decimal:
        """USD a month that a lever saves after discounts."""
        rates = None if self.incumbent is None else self.incumbent.rates
        return lever.saving_monthly * (1 - rates.discount) if rates else lever.saving_monthly

    @property
    def protected(self) -> frozenset[str]:
        """The cases that may raise an alarm: of a guardrail all, of slices theirs."""
        measured = any(each.protect == "alarm" for each in self.evalset.guardrails)
        named = [spec for spec in self.evalset.slices if spec.protect == "alarm"]
        return frozenset(
            case.id
            for case in self.sample.deciding
            if measured or any(case.meta(spec.key) == spec.value for spec in named)
        )

    @property
    def asked(self) -> tuple[PlannedOption, ...]:
        """The options that the review may ask, cheapest first."""
        return tuple(option for option in self.options if option.asked)

    @property
    def added_levels(self) -> Mapping[str, float]:
        """By option to be asked, the error of its test once cases are added; 0: none is left."""
        return {
            one.name: self.ahead[one.name].added
            if one.name in self.ahead
            else one.at_most or self.alpha
            for one in self.asked
        }

    @property
    def arms(self) -> tuple[PlannedOption, ...]:
        """The incumbent, if it is known, and the models to be asked."""
        return self.rungs if self.incumbent is None else (self.incumbent, *self.rungs)

    @property
    def rungs(self) -> tuple[PlannedOption, ...]:
        """The models to be asked, incumbent excluded, each once: a cascade asks its cheap model."""
        named = {option.first.name: option.first for option in self.asked}
        return tuple(named.values())

    def by_model(self, each: Sequence[float], incumbent: float) -> dict[str, float]:
        """Shares of the asked options as those of the models that they ask, and the incumbent's."""
        shares: dict[str, float] = {}
        for option, share in zip(self.asked, each, strict=True):
            shares[option.first.name] = max(share, shares.get(option.first.name, 0.0))
        if self.incumbent is not None:
            shares[self.incumbent.name] = incumbent
        return shares

    @property
    def others(self) -> tuple[tuple[str, PlannedOption], ...]:
        """The models that a program asks beside the one under test, by role."""
        return () if self.asker.program is None else self.asker.program.others

    @property
    def cascades(self) -> Mapping[str, PlannedOption]:
        """The cascades that the review may try, by name."""
        return {o.name: o for o in self.asked if o.cascade is not None}

    @property
    def tuned(self) -> Mapping[str, PlannedOption]:
        """The models whose answers to the tune cases fix how sure they must be, by name."""
        cascades = self.cascades.values()
        return {o.first.name: o.first for o in cascades if o.cascade and o.cascade.sure}

    def tune_trials(self, rungs: Iterable[PlannedOption]) -> Iterator[Trial]:
        """The trials of these models on the tune cases, once each."""
        for rung in rungs:
            for case in tune_cases(self.evalset):
                yield self.asker.trial(rung, case, 0, "quality")

    @property
    def cases_missing(self) -> int | None:
        """Additional cases for a power of 80 %; None when no number is enough."""
        if self.power is None or self.power.cases_needed is None:
            return None
        return max(self.power.cases_needed - len(self.sample.deciding), 0)

    @property
    def missing_usd(self) -> Decimal | None:
        """Estimated cost of asking the missing cases; None if unknown."""
        missing, cases = self.cases_missing, len(self.sample.deciding)
        if missing is None or self.money is None or not cases:
            return None
        return self.money.equal_usd * missing / cases

    @property
    def saving_bound_usd(self) -> Decimal:
        """The most that any option to be asked can save a month."""
        bounds = [o.saving_bound_usd for o in self.options if o.asked and o.saving_bound_usd]
        return max(bounds, default=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoad:
    """USD of loading one model in a review; `worst_usd` is reserved for it."""

    model: str
    gpus: int
    expected_usd: Decimal
    worst_usd: Decimal


TO_ASK = (Status.READY, Status.NEEDS_LABELS)
"""States of features that a review asks; some then wait for people's labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A review before it runs: features ranked by what they spend."""

    cycle: str
    features: tuple[FeaturePlan, ...]
    cap_usd: Decimal
    forecast: Forecast
    loads: tuple[PlannedLoad, ...] = ()
    """Loads of the models that the review starts on GPUs."""
    tests: tuple[PastTest, ...] = ()
    """The tests that the journal had when it was made: the levels rest on them."""

    def having(self, *statuses: Status) -> tuple[FeaturePlan, ...]:
        """The features with one of these states."""
        return tuple(plan for plan in self.features if plan.status in statuses)

    @property
    def to_ask(self) -> tuple[FeaturePlan, ...]:
        """The features whose models are asked."""
        return self.having(*TO_ASK)

    @property
    def expected_usd(self) -> Decimal:
        """Expected cost of the review, loading its models included."""
        loads = sum((load.expected_usd for load in self.loads), Decimal(0))
        return sum((p.money.expected_usd for p in self.features if p.money), loads)

    @property
    def worst_usd(self) -> Decimal:
        """The most that the review can spend: every reservation, at most the cap."""
        loads = sum((load.worst_usd for load in self.loads), Decimal(0))
        whole = sum((p.money.worst_usd for p in self.features if p.money), loads)
        return min(whole, self.cap_usd)
