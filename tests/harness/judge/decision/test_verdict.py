from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from harness.judge.decision.standing import QualityState
from harness.judge.decision.verdict import Circumstances, WeighedOption, decide
from harness.record.base import Finding, Reason, Result, Verdict

KINDS = {
    "passes": WeighedOption(option="x", quality=QualityState.PASSES),
    "inferior": WeighedOption(option="x", quality=QualityState.INFERIOR),
    "unlikely": WeighedOption(option="x", quality=QualityState.UNLIKELY),
    "open": WeighedOption(option="x", quality=QualityState.OPEN),
    "waiting": WeighedOption(option="x", quality=QualityState.WAITING),
    "incomplete": WeighedOption(option="x", quality=QualityState.INCOMPLETE),
    "too small": WeighedOption(option="x", quality=QualityState.TOO_SMALL),
    "not asked": WeighedOption(option="x", quality=QualityState.NOT_ASKED),
    "slice": WeighedOption(
        option="x", quality=QualityState.VETOED, vetoes=(Reason.SLICE_REGRESSION,)
    ),
    "slow": WeighedOption(
        option="x", quality=QualityState.PASSES, vetoes=(Reason.LATENCY_SLO_MISSED,)
    ),
    "unmeasured": WeighedOption(
        option="x", quality=QualityState.VETOED, doubts=(Reason.LATENCY_NOT_MEASURED,)
    ),
    "dear": WeighedOption(option="x", quality=QualityState.PASSES, saves_enough=False),
    "unknown cost": WeighedOption(option="x", quality=QualityState.PASSES, saves_enough=None),
    "forbidden": WeighedOption(option="x", quality=None, blocked=(Reason.DATA_NOT_PERMITTED,)),
    "unpriced": WeighedOption(option="x", quality=None, blocked=(Reason.PRICE_MISSING,)),
}
CLOSES = {
    "QUALITY_INFERIOR",
    "UNLIKELY_TO_PASS",
    "SLICE_REGRESSION",
    "GUARDRAIL_FAILED",
    "LATENCY_SLO_MISSED",
    "CAPABILITY_GAP",
    "DATA_NOT_PERMITTED",
    "SAVINGS_BELOW_MINIMUM",
    "NET_SAVING_BELOW_MINIMUM",
    "DRIFT_BUDGET_SPENT",
    "MODEL_RETIRING",
    "CHEAPER_ONE_PASSED",
    "CAPACITY_BOUGHT",
}
"""Reasons that say why an option was left; every other one says what is still to be known."""
NEEDS_NO_EVALSET = {
    "LATENCY_SLO_MISSED",
    "CAPABILITY_GAP",
    "DATA_NOT_PERMITTED",
    "SAVINGS_BELOW_MINIMUM",
    "MODEL_RETIRING",
    "CAPACITY_BOUGHT",
}
BEFORE_THE_EVALSET = {
    "RUN_INCOMPLETE",
    "LATENCY_NOT_MEASURED",
    "USAGE_NOT_REPORTED",
    "PRICE_MISSING",
    "JUDGE_UNRELIABLE",
}
LEFT = {"inferior", "unlikely", "slice", "slow", "dear", "forbidden"}


def _options(kinds: tuple[str, ...]) -> list[WeighedOption]:
    return [
        WeighedOption(
            option=f"o{place}",
            quality=KINDS[kind].quality,
            blocked=KINDS[kind].blocked,
            vetoes=KINDS[kind].vetoes,
            doubts=KINDS[kind].doubts,
            saves_enough=KINDS[kind].saves_enough,
        )
        for place, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_truth_table_over_all_combinations(length: int) -> None:
    for kinds in product(KINDS, repeat=length):
        found = decide(Circumstances(), _options(kinds))
        if "passes" in kinds:
            assert found.verdict is Verdict.DOWNGRADE, kinds
            assert found.chosen == f"o{kinds.index('passes')}"
            assert found.finding is Finding.OVER_PROVISIONED
        elif set(kinds) <= LEFT:
            assert found.verdict is Verdict.JUSTIFY, kinds
            assert found.finding is Finding.RIGHT_SIZED
            assert set(found.reasons) <= CLOSES | {Reason.NO_CHEAPER_CANDIDATE}
        else:
            assert found.verdict is Verdict.UNDECIDED, kinds
            assert found.finding is Finding.INSUFFICIENT_EVIDENCE
            assert not set(found.reasons) & CLOSES
        assert found.reasons
        assert (found.chosen is None) == (found.verdict is not Verdict.DOWNGRADE)
        assert all(item.reasons for item in found.options)


@pytest.mark.parametrize(
    ("kind", "result", "reason"),
    [
        ("passes", Result.PASS, Reason.NON_INFERIOR_AND_CHEAPER),
        ("inferior", Result.FAIL, Reason.QUALITY_INFERIOR),
        ("unlikely", Result.FAIL, Reason.UNLIKELY_TO_PASS),
        ("open", Result.UNDECIDED, Reason.QUALITY_UNDECIDED),
        ("waiting", Result.UNDECIDED, Reason.LABELS_MISSING),
        ("incomplete", Result.UNDECIDED, Reason.RUN_INCOMPLETE),
        ("too small", Result.UNDECIDED, Reason.SAMPLE_TOO_SMALL),
        ("not asked", Result.NOT_RUN, Reason.QUALITY_UNDECIDED),
        ("slice", Result.FAIL, Reason.SLICE_REGRESSION),
        ("slow", Result.FAIL, Reason.LATENCY_SLO_MISSED),
        ("unmeasured", Result.UNDECIDED, Reason.LATENCY_NOT_MEASURED),
        ("dear", Result.FAIL, Reason.SAVINGS_BELOW_MINIMUM),
        ("unknown cost", Result.UNDECIDED, Reason.PRICE_MISSING),
        ("forbidden", Result.NOT_RUN, Reason.DATA_NOT_PERMITTED),
        ("unpriced", Result.NOT_RUN, Reason.PRICE_MISSING),
    ],
)
def test_each_option_gets_its_result(kind: str, result: Result, reason: Reason) -> None:
    (found,) = decide(Circumstances(), _options((kind,))).options
    assert (found.result, found.reasons) == (result, (reason,))


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_closes_an_option_or_keeps_the_verdict_open(reason: Reason) -> None:
    """Of an option that was never in the test, and of one that was, beside another that is left."""
    blocked = WeighedOption(option="x", quality=None, blocked=(reason,))
    vetoed = WeighedOption(option="x", quality=QualityState.VETOED, vetoes=(reason,))
    left = WeighedOption(option="y", quality=QualityState.INFERIOR)
    for options in ([blocked], [vetoed], [left, blocked], [vetoed, left]):
        found = decide(Circumstances(), options)
        if reason in CLOSES:
            assert (found.verdict, found.finding) == (Verdict.JUSTIFY, Finding.RIGHT_SIZED)
            assert set(found.reasons) == {reason} | {
                Reason.QUALITY_INFERIOR for one in options if one is left
            }
        else:
            assert found.verdict is Verdict.UNDECIDED
            assert found.finding is Finding.INSUFFICIENT_EVIDENCE
            assert found.reasons == (reason,)


@pytest.mark.parametrize("reason", Reason)
def test_what_holds_on_a_set_that_cannot_tell(reason: Reason) -> None:
    vetoed = WeighedOption(
        option="x", quality=QualityState.VETOED, vetoes=(reason, Reason.SLICE_REGRESSION)
    )
    found = decide(Circumstances(cannot_tell=True), [vetoed])
    if reason in NEEDS_NO_EVALSET:
        assert (found.verdict, found.reasons) == (Verdict.JUSTIFY, (reason,))
    else:
        before = (reason,) if reason in BEFORE_THE_EVALSET else ()
        assert found.verdict is Verdict.UNDECIDED
        assert found.reasons == (*before, Reason.EVALSET_CANNOT_TELL)


def test_a_dearer_option_that_was_never_asked_was_not_needed() -> None:
    found = decide(Circumstances(), _options(("passes", "not asked")))
    assert found.options[1].reasons == (Reason.CHEAPER_ONE_PASSED,)


def test_the_cheapest_by_measured_cost_is_chosen() -> None:
    dear = WeighedOption(option="dear", quality=QualityState.PASSES, cost=Decimal("0.02"))
    cheap = WeighedOption(option="cheap", quality=QualityState.PASSES, cost=Decimal("0.01"))
    unknown = WeighedOption(option="unknown", quality=QualityState.PASSES)
    assert decide(Circumstances(), [unknown, dear, cheap]).chosen == "cheap"


def test_what_is_left_of_the_saving_counts_for_nothing_where_nobody_knows_it() -> None:
    known = WeighedOption(
        option="known", quality=QualityState.PASSES, net=Decimal("0.5"), cost=Decimal(9)
    )
    unknown = WeighedOption(option="unknown", quality=QualityState.PASSES, cost=Decimal(1))
    loses = WeighedOption(
        option="loses", quality=QualityState.PASSES, net=Decimal("-0.5"), cost=Decimal(1)
    )
    assert decide(Circumstances(), [unknown, known, loses]).chosen == "known"
    assert decide(Circumstances(), [loses, unknown]).chosen == "unknown"


def test_the_reasons_of_a_downgrade_are_those_of_its_choice() -> None:
    worse = WeighedOption(option="worse", quality=QualityState.INFERIOR)
    better = WeighedOption(
        option="better", quality=QualityState.PASSES, credit=Reason.SUPERIOR_AND_CHEAPER
    )
    found = decide(Circumstances(), [worse, better])
    assert (found.chosen, found.reasons) == ("better", (Reason.SUPERIOR_AND_CHEAPER,))


def test_beside_a_choice_only_what_was_never_asked_was_not_needed() -> None:
    found = decide(Circumstances(), _options(("passes", "not asked", "open", "forbidden")))
    assert [item.reasons for item in found.options[1:]] == [
        (Reason.CHEAPER_ONE_PASSED,),
        (Reason.QUALITY_UNDECIDED,),
        (Reason.DATA_NOT_PERMITTED,),
    ]


def test_an_open_verdict_names_only_what_is_still_to_be_known() -> None:
    both = (Reason.CAPABILITY_GAP, Reason.PRICE_MISSING)
    found = decide(Circumstances(), [WeighedOption(option="x", quality=None, blocked=both)])
    assert (found.verdict, found.reasons) == (Verdict.UNDECIDED, (Reason.PRICE_MISSING,))
    assert found.options[0].reasons == both


def test_an_option_may_be_left_for_every_reason_at_once() -> None:
    every = tuple(Reason(name) for name in sorted(CLOSES))
    found = decide(Circumstances(), [WeighedOption(option="x", quality=None, blocked=every)])
    assert (found.verdict, set(found.reasons)) == (Verdict.JUSTIFY, set(every))


def test_what_blocks_the_feature_comes_before_everything() -> None:
    blocked = decide(Circumstances(blocked=(Reason.TRAFFIC_MISSING,)), _options(("passes",)))
    assert (blocked.verdict, blocked.finding) == (Verdict.UNDECIDED, Finding.UNAVAILABLE)
    assert blocked.reasons == (Reason.TRAFFIC_MISSING,)
    failing = decide(Circumstances(baseline_fails_bar=True), _options(("passes",)))
    assert (failing.verdict, failing.finding) == (Verdict.UNDECIDED, Finding.UNDER_PROVISIONED)


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_set_that_cannot_tell_decides_nothing_but_what_needs_none(length: int) -> None:
    standing = {"slow", "dear", "forbidden"}
    for kinds in product(KINDS, repeat=length):
        found = decide(Circumstances(cannot_tell=True, baseline_fails_bar=True), _options(kinds))
        assert found.chosen is None, kinds
        assert not any(item.result is Result.PASS for item in found.options)
        if set(kinds) <= standing:
            assert found.verdict is Verdict.JUSTIFY, kinds
            assert Reason.EVALSET_CANNOT_TELL not in found.reasons
        else:
            assert found.verdict is Verdict.UNDECIDED, kinds
            assert found.finding is Finding.INSUFFICIENT_EVIDENCE
            asked = set(kinds) - standing - {"not asked", "unpriced"}
            assert (Reason.EVALSET_CANNOT_TELL in found.reasons) == bool(asked), kinds
        assert not set(found.reasons) & {
            Reason.QUALITY_INFERIOR,
            Reason.UNLIKELY_TO_PASS,
            Reason.SLICE_REGRESSION,
        }


def test_what_else_is_lacking_is_told_before_the_eval_set() -> None:
    found = decide(Circumstances(cannot_tell=True), _options(("incomplete",)))
    assert found.reasons == (Reason.RUN_INCOMPLETE, Reason.EVALSET_CANNOT_TELL)


def test_an_option_without_a_reason_is_a_bug_and_not_a_verdict() -> None:
    with pytest.raises(ValueError, match="neither tested nor blocked"):
        decide(Circumstances(), [WeighedOption(option="x", quality=None)])
    with pytest.raises(ValueError, match="vetoed without"):
        decide(Circumstances(), [WeighedOption(option="x", quality=QualityState.VETOED)])


@pytest.mark.parametrize("length", [1, 2, 3])
def test_one_that_was_asked_everything_and_not_shown_keeps_the_verdict_open(length: int) -> None:
    """Over every mixture of those shown worse, those given up early and those left open."""
    for kinds in product(("inferior", "unlikely", "open"), repeat=length):
        found = decide(Circumstances(), _options(kinds))
        if "open" in kinds:
            assert (found.verdict, found.reasons) == (
                Verdict.UNDECIDED,
                (Reason.QUALITY_UNDECIDED,),
            ), kinds
        else:
            assert found.verdict is Verdict.JUSTIFY, kinds
        left = {"inferior": Reason.QUALITY_INFERIOR, "unlikely": Reason.UNLIKELY_TO_PASS}
        for kind, option in zip(kinds, found.options, strict=True):
            assert option.reasons == (left.get(kind, Reason.QUALITY_UNDECIDED),)


def test_an_option_whose_turn_has_not_come_does_not_hide_what_is_lacking() -> None:
    found = decide(Circumstances(), _options(("waiting", "not asked")))
    assert found.reasons == (Reason.LABELS_MISSING,)
    assert decide(Circumstances(), _options(("not asked",))).reasons == (Reason.QUALITY_UNDECIDED,)
