"""Money over all features on one day: what is spent, what is saved, and what could be.

A feature is its newest record, and its saving counts in one place only (`Counted`), by the state
on that day: a proposal that was rejected or whose evidence has ended counts in no saving, and a
record that another one replaced counts nowhere. All money is USD a month after discounts.

Each feature's money is rounded once, to the cent, half up. Every sum is of those cents, and tables
show cents. So what a reader adds up is what stands there, on the page, in the CSV and on the
terminal; only a sentence rounds, and it rounds the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

from harness.money.amounts import cents, dearest_first
from harness.money.levers import best_without_test
from harness.record.base import Reason, State, Verdict
from harness.record.lifecycle import standing
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord

Tag: TypeAlias = Literal[
    "team", "product", "environment", "cost_center", "owner", "provider", "model"
]
"""`provider` and `model` are those of the model in production as reviewed."""
UNTAGGED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Money of some features, USD a month after discounts, each with the features that it is of.

    What is not known adds nothing and is not among those that are counted: `spend_known` of
    `features` have a spend. `net` and `net_gross` are of the same features: those of the proposed
    ones that say what a mistake costs. `realised` and `verified_forecast` likewise.
    """

    features: int = 0
    spend: Decimal = Decimal(0)
    spend_known: int = 0
    proposed: Decimal = Decimal(0)
    proposed_on: int = 0
    production: Decimal = Decimal(0)
    production_on: int = 0
    verified_forecast: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    verified_on: int = 0
    same_model: Decimal = Decimal(0)
    """By batch or caching, where no other model is proposed or in use."""
    same_model_on: int = 0
    net: Decimal = Decimal(0)
    net_gross: Decimal = Decimal(0)
    net_on: int = 0
    saving_unknown: int = 0
    """Features of `proposed_on` and `production_on` whose saving is not known."""

    def __add__(self, other: Sums) -> Sums:
        """Field by field."""
        names = [one.name for one in fields(self)]
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


def total_of(parts: Iterable[Sums]) -> Sums:
    """The sum of all parts; of none, nothing."""
    return sum(parts, Sums())


@dataclass(frozen=True, slots=True, kw_only=True)
class TagGroup:
    """The features under one value of a tag; the value is empty for those that carry none."""

    value: str
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The same features by one tag, dearest group first."""

    tag: Tag
    groups: tuple[TagGroup, ...]


TAGS: tuple[Tag, ...] = get_args(Tag)
TO_BE_HAD = (State.PROPOSED, State.DEFERRED, State.ACCEPTED)
"""States of a proposed saving: it can be had, production has not changed."""
IN_PRODUCTION = (State.IMPLEMENTED, State.VERIFIED)
_NOT_ALLOWED = frozenset({Reason.DATA_NOT_PERMITTED, Reason.CAPABILITY_GAP, Reason.MODEL_RETIRING})


class Counted(StrEnum):
    """The one figure that a feature's saving counts in; the value is what people call it."""

    PROPOSED = "proposed saving"
    PRODUCTION = "saving in production"
    SAME_MODEL = "saving by batch or caching"
    NOTHING = "no saving"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMoney:
    """One feature on the day: where it stands, and its money in whole cents."""

    record: DecisionRecord
    state: State
    spend: Decimal | None
    """Of today's model as reviewed; None: the traffic or a price is not known."""
    counted: Counted
    lever: str
    """What the saving is made by: `model-swap`, `batch` ...; empty when nothing is saved."""
    saving: Decimal | None
    """None: nothing is saved, or the saving is not known."""
    net: Decimal | None
    """The saving less what the expected mistakes cost; None: nobody said what a mistake costs."""
    net_worst: Decimal | None
    realised: Decimal | None

    @property
    def offered(self) -> Decimal | None:
        """What the chosen option was found to save, whatever became of the proposal."""
        saved = self.record.savings
        return None if saved is None else cents(saved.after_discounts)

    @property
    def sums(self) -> Sums:
        """What the feature adds to each figure."""
        counted, saving = self.counted, self.saving or Decimal(0)
        proposed, runs = counted is Counted.PROPOSED, counted is Counted.PRODUCTION
        same, billed = counted is Counted.SAME_MODEL, runs and self.realised is not None
        netted = proposed and self.net is not None and self.saving is not None
        return Sums(
            features=1,
            spend=self.spend or Decimal(0),
            spend_known=int(self.spend is not None),
            proposed=saving if proposed else Decimal(0),
            proposed_on=int(proposed),
            production=saving if runs else Decimal(0),
            production_on=int(runs),
            verified_forecast=saving if billed else Decimal(0),
            realised=(self.realised or Decimal(0)) if billed else Decimal(0),
            verified_on=int(billed),
            same_model=saving if same else Decimal(0),
            same_model_on=int(same),
            net=(self.net or Decimal(0)) if netted else Decimal(0),
            net_gross=saving if netted else Decimal(0),
            net_on=int(netted),
            saving_unknown=int((proposed or runs) and self.saving is None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The downgrades that stand in one state on the day; `forecast` is what they were to save."""

    state: State
    features: int
    forecast: Decimal
    realised: Decimal
    verified: int
    """Features of which `realised` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What evaluating cost, and what was known before it; whatever was decided since."""

    spent: Decimal
    brought: Decimal
    """Part of it that made answers which were brought in: no review paid for it."""
    stopped: Decimal
    """Saved by stopping early."""
    free: int
    """Features decided without a call."""
    tested: int
    wrong_at_most: float
    """Wrong downgrades to be expected among the tested, at most."""
    bound: Decimal
    """What other models could save at most, known before any call."""
    bound_on: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Every figure of a review on one day."""

    day: date
    features: tuple[FeatureMoney, ...]
    total: Sums
    breakdowns: tuple[Breakdown, ...]
    stages: tuple[Stage, ...]
    evaluation: Evaluation

    def __post_init__(self) -> None:
        """Refuse a sum that is not the sum of its parts."""
        if self.total != total_of(one.sums for one in self.features):
            raise ValueError("the total is not the sum of the features")
        for breakdown in self.breakdowns:
            if total_of(group.sums for group in breakdown.groups) != self.total:
                raise ValueError(f"the groups by {breakdown.tag} do not add up to the total")
        for states, total in (
            (TO_BE_HAD, self.total.proposed),
            (IN_PRODUCTION, self.total.production),
        ):
            if sum((one.forecast for one in self.stages if one.state in states), _ZERO) != total:
                raise ValueError("the states do not add up to the total")

    def counted(self, place: Counted) -> tuple[FeatureMoney, ...]:
        """The features whose saving counts in one figure, largest first."""
        found = [one for one in self.features if one.counted is place]
        return tuple(
            sorted(found, key=lambda one: (dearest_first(one.saving), one.record.feature.id))
        )

    def standing_at(self, *states: State) -> tuple[FeatureMoney, ...]:
        """The features in one of these states on the day."""
        return tuple(one for one in self.features if one.state in states)


_ZERO = Decimal(0)


def overview(records: Sequence[DecisionRecord], today: date) -> Overview:
    """Count a review's records as they stand on a day.

    Args:
        records: the newest of each feature; one that was superseded is left out where its feature
            has another.
        today: the day whose states count.

    Raises:
        ValueError: a feature has two records that both stand.
    """
    features = tuple(_money(record, today) for record in _newest(records, today))
    return Overview(
        day=today,
        features=features,
        total=total_of(one.sums for one in features),
        breakdowns=tuple(_breakdown(features, tag) for tag in TAGS),
        stages=tuple(_stage(features, state) for state in State),
        evaluation=_evaluation(features),
    )


def _newest(records: Sequence[DecisionRecord], today: date) -> list[DecisionRecord]:
    found: dict[str, DecisionRecord] = {}
    for record in records:
        name, gone = record.feature.id, standing(record, today) is State.SUPERSEDED
        before = found.get(name)
        if before is None or standing(before, today) is State.SUPERSEDED:
            found[name] = record
        elif not gone:
            raise ValueError(f"two records of {name} stand; give the newest alone")
    return [found[name] for name in sorted(found)]


def _money(record: DecisionRecord, today: date) -> FeatureMoney:
    state, spend = standing(record, today), record.current_cost.monthly_after_discounts
    counted = _counted(record, state)
    swap = counted in {Counted.PROPOSED, Counted.PRODUCTION}
    saved = record.savings if swap else None
    lever = best_without_test(record.levers) if counted is Counted.SAME_MODEL else None
    return FeatureMoney(
        record=record,
        state=state,
        spend=None if spend is None else cents(spend),
        counted=counted,
        lever=record.lever if swap else "" if lever is None else lever.kind,
        saving=_cents(saved.after_discounts) if saved else _lever_cents(record, counted),
        net=_cents(saved.net_monthly) if saved else None,
        net_worst=_cents(saved.net_monthly_worst) if saved else None,
        realised=_cents(saved.realised) if saved else None,
    )


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else cents(amount)


def _lever_cents(record: DecisionRecord, counted: Counted) -> Decimal | None:
    return cents(lever_saving(record)) if counted is Counted.SAME_MODEL else None


def _counted(record: DecisionRecord, state: State) -> Counted:
    """Where the saving counts; a lever stands in where no other model is proposed or in use."""
    if record.verdict is Verdict.DOWNGRADE and state in TO_BE_HAD:
        return Counted.PROPOSED
    if record.verdict is Verdict.DOWNGRADE and state in IN_PRODUCTION:
        return Counted.PRODUCTION
    ended = state in {State.EXPIRED, State.SUPERSEDED}
    return Counted.NOTHING if ended or not lever_saving(record) else Counted.SAME_MODEL


def lever_saving(record: DecisionRecord) -> Decimal:
    """USD a month, after discounts, of the best lever without a quality test; 0 without one."""
    best = best_without_test(record.levers)
    if best is None or best.saving_monthly <= 0:
        return _ZERO
    rates = record.current_cost.rates
    return best.saving_monthly * (1 - rates.discount) if rates else best.saving_monthly


def _breakdown(features: Sequence[FeatureMoney], tag: Tag) -> Breakdown:
    groups: dict[str, list[Sums]] = {}
    for one in features:
        groups.setdefault(_value(one.record, tag), []).append(one.sums)
    found = [TagGroup(value=value, sums=total_of(sums)) for value, sums in groups.items()]
    return Breakdown(
        tag=tag,
        groups=tuple(sorted(found, key=lambda one: (-one.sums.spend, one.value))),
    )


def _value(record: DecisionRecord, tag: Tag) -> str:
    if tag == "provider":
        return record.current.provider
    if tag == "model":
        return record.current.option
    return (getattr(record.feature, tag) or UNTAGGED).strip()


def _stage(features: Sequence[FeatureMoney], state: State) -> Stage:
    found = [
        one for one in features if one.state is state and one.record.verdict is Verdict.DOWNGRADE
    ]
    billed = [one.realised for one in found if one.realised is not None]
    return Stage(
        state=state,
        features=len(found),
        forecast=sum((one.offered or _ZERO for one in found), _ZERO),
        realised=sum(billed, _ZERO),
        verified=len(billed),
    )


def _evaluation(features: Sequence[FeatureMoney]) -> Evaluation:
    records = [one.record for one in features]
    spends = [record.evidence.spend for record in records]
    tested = [one for one in records if any(o.quality is not None for o in one.options)]
    bounds = [bound for one in records if (bound := saving_at_most(one)) is not None]
    return Evaluation(
        spent=sum((spend.total_usd for spend in spends), _ZERO),
        brought=sum((r.evidence.spend.total_usd for r in records if asked_nothing(r)), _ZERO),
        stopped=sum((spend.saved_by_stopping_usd for spend in spends), _ZERO),
        free=sum(decided_without_a_call(record) for record in records),
        tested=len(tested),
        wrong_at_most=sum(1 - record.evidence.confidence for record in tested),
        bound=sum((cents(bound) for bound in bounds), _ZERO),
        bound_on=sum(bound > 0 for bound in bounds),
    )


def asked_nothing(record: DecisionRecord) -> bool:
    """Whether every answer was brought in, and no judge asked: the review paid for nothing."""
    evidence = record.evidence
    return evidence.imported and not evidence.imported_in_part and not evidence.spend.judge_usd


def saving_at_most(record: DecisionRecord) -> Decimal | None:
    """USD a month that the feature's permitted options could save at most, known before any call.

    None when nothing was known.
    """
    bounds = (option.saving_at_most for option in record.options if permitted(option))
    return max((bound for bound in bounds if bound is not None), default=None)


def permitted(option: OptionRecord) -> bool:
    """Whether the feature could use the option at all, whatever it is worth."""
    return not _NOT_ALLOWED & {*option.reason_codes}


def decided_without_a_call(record: DecisionRecord) -> bool:
    """No trial was needed for this verdict; what is undecided is not among them."""
    return record.evidence.spend.trials == 0 and record.verdict is not Verdict.UNDECIDED


def growing(monthly: Decimal, *, per_month: Decimal, months: int) -> Decimal:
    """USD over the next months when volume grows by a share each month, the first one not yet.

    >>> growing(Decimal(100), per_month=Decimal("0.1"), months=3)
    Decimal('331.00')
    """
    return sum((monthly * (1 + per_month) ** month for month in range(months)), Decimal(0))
