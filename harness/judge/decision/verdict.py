"""What is known of every option -> its result, its reasons, and the verdict: a closed table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.judge.decision.standing import QualityState
from harness.record.base import Finding, Reason, Result, Verdict

SETTLED = frozenset(
    {
        Reason.QUALITY_INFERIOR,
        Reason.UNLIKELY_TO_PASS,
        Reason.SLICE_REGRESSION,
        Reason.GUARDRAIL_FAILED,
        Reason.LATENCY_SLO_MISSED,
        Reason.CAPABILITY_GAP,
        Reason.DATA_NOT_PERMITTED,
        Reason.SAVINGS_BELOW_MINIMUM,
        Reason.NET_SAVING_BELOW_MINIMUM,
        Reason.MODEL_RETIRING,
        Reason.CHEAPER_ONE_PASSED,
        Reason.DRIFT_BUDGET_SPENT,
        Reason.CAPACITY_BOUGHT,
    }
)
"""Reasons that rule an option out; with any other reason it stays undecided."""
_WITHOUT_EVALSET = frozenset(
    {
        Reason.LATENCY_SLO_MISSED,
        Reason.CAPABILITY_GAP,
        Reason.DATA_NOT_PERMITTED,
        Reason.SAVINGS_BELOW_MINIMUM,
        Reason.MODEL_RETIRING,
        Reason.CAPACITY_BOUGHT,
    }
)
"""Reasons that rule an option out whatever the eval set can tell."""

_OPEN = {
    QualityState.OPEN: Reason.QUALITY_UNDECIDED,
    QualityState.NOT_ASKED: Reason.QUALITY_UNDECIDED,
    QualityState.WAITING: Reason.LABELS_MISSING,
    QualityState.INCOMPLETE: Reason.RUN_INCOMPLETE,
    QualityState.TOO_SMALL: Reason.SAMPLE_TOO_SMALL,
}
_CLOSED = {
    QualityState.INFERIOR: Reason.QUALITY_INFERIOR,
    QualityState.UNLIKELY: Reason.UNLIKELY_TO_PASS,
}
_REPORTED_FIRST = frozenset(
    {
        Reason.RUN_INCOMPLETE,
        Reason.LATENCY_NOT_MEASURED,
        Reason.USAGE_NOT_REPORTED,
        Reason.PRICE_MISSING,
        Reason.JUDGE_UNRELIABLE,
    }
)
"""Reasons that are reported before EVALSET_CANNOT_TELL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedOption:
    """What the verdict weighs about one option, and once it is decided what became of it.

    `quality` is None for an option that was never in the test: `blocked` then says why.
    `vetoes` are settled reasons against it (slice, guardrail, latency, retirement); `doubts`
    name missing facts (LATENCY_NOT_MEASURED, USAGE_NOT_REPORTED, JUDGE_UNRELIABLE,
    PRICE_MISSING). `saves_enough` is None while its cost is unknown; `nets_enough` is False when
    the saving minus its errors and the one-off cost is too small. `cost` is USD a month, after
    discounts, at the production mix; `net` is the expected saving minus the cost of its errors,
    None when the cost of an error is not stated. `credit` is the reason given when it passes.
    `result` and `reasons` are the verdict's: `decide` fills them in.
    """

    option: str
    quality: QualityState | None
    blocked: tuple[Reason, ...] = ()
    vetoes: tuple[Reason, ...] = ()
    doubts: tuple[Reason, ...] = ()
    saves_enough: bool | None = True
    nets_enough: bool = True
    cost: Decimal | None = None
    net: Decimal | None = None
    credit: Reason = Reason.NON_INFERIOR_AND_CHEAPER
    result: Result = Result.NOT_RUN
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the verdict weighs about the feature.

    `blocked` holds reasons such as TRAFFIC_MISSING. `cannot_tell`: the incumbent is not shown to be
    better than one constant answer to every case, so the eval set says nothing about any model or
    about the bar.
    """

    blocked: tuple[Reason, ...] = ()
    baseline_fails_bar: bool = False
    cannot_tell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The machine's finding for one feature; options in the order they were given."""

    verdict: Verdict
    finding: Finding
    reasons: tuple[Reason, ...]
    chosen: str | None
    options: tuple[WeighedOption, ...]


def decide(feature: Circumstances, options: Sequence[WeighedOption]) -> Decided:
    """Weigh every option; `options` come cheapest first.

    Raises:
        ValueError: an option has neither a quality state nor a reason, or is vetoed without one.
    """
    weighed = tuple(_weighed(option) for option in options)
    if feature.blocked:
        return _undecided(Finding.UNAVAILABLE, feature.blocked, weighed)
    if feature.cannot_tell:
        weighed = tuple(_without_evalset(item) for item in weighed)
    elif feature.baseline_fails_bar:
        return _undecided(Finding.UNDER_PROVISIONED, (Reason.BASELINE_FAILS_OWN_BAR,), weighed)
    chosen = _best(weighed)
    if chosen is not None:
        return _downgrade(chosen, weighed)
    still_open = [item for item in weighed if not _is_closed(item)]
    if still_open:
        reasons = tuple(
            reason for reason in _union(_tried_first(still_open)) if reason not in SETTLED
        )
        return _undecided(Finding.INSUFFICIENT_EVIDENCE, reasons, weighed)
    return Decided(
        verdict=Verdict.JUSTIFY,
        finding=Finding.RIGHT_SIZED,
        reasons=_union(weighed) or (Reason.NO_CHEAPER_CANDIDATE,),
        chosen=None,
        options=weighed,
    )


def _weighed(option: WeighedOption) -> WeighedOption:
    if option.blocked:
        return _of(option, Result.NOT_RUN, option.blocked)
    if option.quality is None:
        raise ValueError(f"option {option.option}: neither tested nor blocked; name the reason")
    against = _reasons_against(option, option.quality)
    if against:
        return _of(option, Result.FAIL, against)
    unknown = _reasons_to_wait(option, option.quality)
    if unknown:
        asked = option.quality is not QualityState.NOT_ASKED
        return _of(option, Result.UNDECIDED if asked else Result.NOT_RUN, unknown)
    if option.quality is QualityState.VETOED:
        raise ValueError(f"option {option.option}: vetoed without a veto or a doubt")
    return _of(option, Result.PASS, (option.credit,))


def _without_evalset(item: WeighedOption) -> WeighedOption:
    """The result on an eval set that cannot tell: only reasons that hold without it are kept."""
    if item.result is Result.NOT_RUN:
        return item
    standing = tuple(reason for reason in item.reasons if reason in _WITHOUT_EVALSET)
    if standing:
        return replace(item, reasons=standing)
    first = tuple(reason for reason in item.reasons if reason in _REPORTED_FIRST)
    return replace(item, result=Result.UNDECIDED, reasons=(*first, Reason.EVALSET_CANNOT_TELL))


def _of(option: WeighedOption, result: Result, reasons: tuple[Reason, ...]) -> WeighedOption:
    return replace(option, result=result, reasons=tuple(dict.fromkeys(reasons)))


def _reasons_against(option: WeighedOption, quality: QualityState) -> tuple[Reason, ...]:
    quality_reason = (_CLOSED[quality],) if quality in _CLOSED else ()
    saving: tuple[Reason, ...] = ()
    if option.saves_enough is False:
        saving = (Reason.SAVINGS_BELOW_MINIMUM,)
    elif not option.nets_enough:
        saving = (Reason.NET_SAVING_BELOW_MINIMUM,)
    return quality_reason + option.vetoes + saving


def _reasons_to_wait(option: WeighedOption, quality: QualityState) -> tuple[Reason, ...]:
    quality_reason = (_OPEN[quality],) if quality in _OPEN else ()
    unknown_cost = option.saves_enough is None and not option.doubts
    return quality_reason + option.doubts + ((Reason.PRICE_MISSING,) if unknown_cost else ())


def _tried_first(still_open: Sequence[WeighedOption]) -> Sequence[WeighedOption]:
    """Drops untried options when a tried one already explains why the verdict is open."""
    untried = (Result.NOT_RUN, (Reason.QUALITY_UNDECIDED,))
    told = [item for item in still_open if (item.result, item.reasons) != untried]
    return told or still_open


def _is_closed(item: WeighedOption) -> bool:
    return bool(item.reasons) and set(item.reasons) <= SETTLED


def _best(weighed: Sequence[WeighedOption]) -> WeighedOption | None:
    """The passing option with the largest net saving, else the cheapest; None when none passes.

    Options without figures come last; ties go by ladder order.
    """
    passing = (item for item in weighed if item.result is Result.PASS)
    return min(
        passing,
        key=lambda item: (-(item.net or Decimal(0)), item.cost is None, item.cost or Decimal(0)),
        default=None,
    )


def _downgrade(chosen: WeighedOption, weighed: tuple[WeighedOption, ...]) -> Decided:
    return Decided(
        verdict=Verdict.DOWNGRADE,
        finding=Finding.OVER_PROVISIONED,
        reasons=chosen.reasons,
        chosen=chosen.option,
        options=tuple(_not_needed(item) for item in weighed),
    )


def _not_needed(item: WeighedOption) -> WeighedOption:
    """An option that was never asked because a cheaper one passed."""
    if item.result is Result.NOT_RUN and Reason.QUALITY_UNDECIDED in item.reasons:
        return replace(item, reasons=(Reason.CHEAPER_ONE_PASSED,))
    return item


def _undecided(
    finding: Finding, reasons: tuple[Reason, ...], weighed: tuple[WeighedOption, ...]
) -> Decided:
    return Decided(
        verdict=Verdict.UNDECIDED, finding=finding, reasons=reasons, chosen=None, options=weighed
    )


def _union(items: Sequence[WeighedOption]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for item in items for reason in item.reasons))
