"""Every option's facts -> results, reason codes and the verdict: a closed truth table."""

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
    }
)
"""Reasons to leave an option; any other reason leaves it undecided."""
_WITHOUT_EVALSET = frozenset(
    {
        Reason.LATENCY_SLO_MISSED,
        Reason.CAPABILITY_GAP,
        Reason.DATA_NOT_PERMITTED,
        Reason.SAVINGS_BELOW_MINIMUM,
        Reason.MODEL_RETIRING,
    }
)
"""Reasons to leave an option that hold whatever the eval set can tell."""

_OPEN = {
    QualityState.OPEN: Reason.QUALITY_UNDECIDED,
    QualityState.NOT_ASKED: Reason.QUALITY_UNDECIDED,
    QualityState.WAITING: Reason.LABELS_MISSING,
    QualityState.INCOMPLETE: Reason.RUN_INCOMPLETE,
    QualityState.TOO_SMALL: Reason.SAMPLE_TOO_SMALL,
}
_LEFT = {
    QualityState.INFERIOR: Reason.QUALITY_INFERIOR,
    QualityState.UNLIKELY: Reason.UNLIKELY_TO_PASS,
}
_LACKING = frozenset(
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
class OptionFacts:
    """All that counts about one option.

    `quality` is None for an option that was never in the test: `blocked` then says why.
    `vetoes` are settled reasons against it (slice, guardrail, latency, retirement); `doubts`
    are facts that are lacking (LATENCY_NOT_MEASURED, USAGE_NOT_REPORTED, JUDGE_UNRELIABLE,
    PRICE_MISSING). `saves_enough` is None while its cost is unknown; `nets_enough` is False where
    too little is left of the saving after its errors and the one-off cost. `cost` is USD a month,
    after discounts, at the production mix; `net` is what is expected to be left of its saving
    after its errors, None: nobody stated what one costs. `credit` is the reason of a pass.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What counts about the feature: `blocked` (TRAFFIC_MISSING, PRICE_MISSING ...), its bar.

    `cannot_tell`: on its eval set today's model is not shown to be better than an answer that is
    the same to every case. What such a set shows, it shows of no model, and of no bar.
    """

    blocked: tuple[Reason, ...] = ()
    baseline_fails_bar: bool = False
    cannot_tell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionResult:
    """What became of one option."""

    option: str
    result: Result
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The machine's finding for one feature; options in the order they were given."""

    verdict: Verdict
    finding: Finding
    reasons: tuple[Reason, ...]
    chosen: str | None
    options: tuple[OptionResult, ...]


def decide(feature: Circumstances, options: Sequence[OptionFacts]) -> Decided:
    """Weigh every option; `options` come cheapest first."""
    results = tuple(_result(option) for option in options)
    if feature.blocked:
        return _undecided(Finding.UNAVAILABLE, feature.blocked, results)
    if feature.cannot_tell:
        results = tuple(_untold(item) for item in results)
    elif feature.baseline_fails_bar:
        return _undecided(Finding.UNDER_PROVISIONED, (Reason.BASELINE_FAILS_OWN_BAR,), results)
    chosen = _best(options, results)
    if chosen is not None:
        return _downgrade(chosen, results)
    still_open = [item for item in results if not _is_left(item)]
    if still_open:
        reasons = tuple(reason for reason in _union(_telling(still_open)) if reason not in SETTLED)
        return _undecided(Finding.INSUFFICIENT_EVIDENCE, reasons, results)
    return Decided(
        verdict=Verdict.JUSTIFY,
        finding=Finding.RIGHT_SIZED,
        reasons=_union(results) or (Reason.NO_CHEAPER_CANDIDATE,),
        chosen=None,
        options=results,
    )


def _result(option: OptionFacts) -> OptionResult:
    if option.blocked:
        return _of(option, Result.NOT_RUN, option.blocked)
    if option.quality is None:
        raise ValueError(f"option {option.option}: neither tested nor blocked; name the reason")
    left = _reasons_to_leave(option, option.quality)
    if left:
        return _of(option, Result.FAIL, left)
    lacking = _reasons_to_wait(option, option.quality)
    if lacking:
        asked = option.quality is not QualityState.NOT_ASKED
        return _of(option, Result.UNDECIDED if asked else Result.NOT_RUN, lacking)
    if option.quality is QualityState.VETOED:
        raise ValueError(f"option {option.option}: vetoed without a veto or a doubt")
    return _of(option, Result.PASS, (option.credit,))


def _untold(item: OptionResult) -> OptionResult:
    """The result on an eval set that cannot tell: only what holds without one is left of it."""
    if item.result is Result.NOT_RUN:
        return item
    standing = tuple(reason for reason in item.reasons if reason in _WITHOUT_EVALSET)
    if standing:
        return replace(item, reasons=standing)
    lacking = tuple(reason for reason in item.reasons if reason in _LACKING)
    return replace(item, result=Result.UNDECIDED, reasons=(*lacking, Reason.EVALSET_CANNOT_TELL))


def _of(option: OptionFacts, result: Result, reasons: tuple[Reason, ...]) -> OptionResult:
    return OptionResult(option=option.option, result=result, reasons=tuple(dict.fromkeys(reasons)))


def _reasons_to_leave(option: OptionFacts, quality: QualityState) -> tuple[Reason, ...]:
    quality_reason = (_LEFT[quality],) if quality in _LEFT else ()
    saving: tuple[Reason, ...] = ()
    if option.saves_enough is False:
        saving = (Reason.SAVINGS_BELOW_MINIMUM,)
    elif not option.nets_enough:
        saving = (Reason.NET_SAVING_BELOW_MINIMUM,)
    return quality_reason + option.vetoes + saving


def _reasons_to_wait(option: OptionFacts, quality: QualityState) -> tuple[Reason, ...]:
    quality_reason = (_OPEN[quality],) if quality in _OPEN else ()
    unknown_cost = option.saves_enough is None and not option.doubts
    return quality_reason + option.doubts + ((Reason.PRICE_MISSING,) if unknown_cost else ())


def _telling(still_open: Sequence[OptionResult]) -> Sequence[OptionResult]:
    """Without options whose turn has not come, where another one says what is lacking."""
    turn_to_come = (Result.NOT_RUN, (Reason.QUALITY_UNDECIDED,))
    told = [item for item in still_open if (item.result, item.reasons) != turn_to_come]
    return told or still_open


def _is_left(item: OptionResult) -> bool:
    return bool(item.reasons) and set(item.reasons) <= SETTLED


def _best(options: Sequence[OptionFacts], results: Sequence[OptionResult]) -> str | None:
    """The passing option of which most is left after its errors; else the cheapest.

    Unknown figures come last, ties in ladder order.
    """
    passing = [
        (-(option.net or Decimal(0)), option.cost is None, option.cost or Decimal(0), place)
        for place, (option, item) in enumerate(zip(options, results, strict=True))
        if item.result is Result.PASS
    ]
    return options[min(passing)[-1]].option if passing else None


def _downgrade(chosen: str, results: tuple[OptionResult, ...]) -> Decided:
    reasons = next(item.reasons for item in results if item.option == chosen)
    return Decided(
        verdict=Verdict.DOWNGRADE,
        finding=Finding.OVER_PROVISIONED,
        reasons=reasons,
        chosen=chosen,
        options=tuple(_not_needed(item) for item in results),
    )


def _not_needed(item: OptionResult) -> OptionResult:
    """An option that was never asked because a cheaper one passed."""
    if item.result is Result.NOT_RUN and Reason.QUALITY_UNDECIDED in item.reasons:
        return replace(item, reasons=(Reason.CHEAPER_ONE_PASSED,))
    return item


def _undecided(
    finding: Finding, reasons: tuple[Reason, ...], results: tuple[OptionResult, ...]
) -> Decided:
    return Decided(
        verdict=Verdict.UNDECIDED, finding=finding, reasons=reasons, chosen=None, options=results
    )


def _union(items: Sequence[OptionResult]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for item in items for reason in item.reasons))
