"""How many cases would show an option that was given up, or is open after its last one."""

from __future__ import annotations

from math import ceil

import pytest

from harness.judge.comparison.pairs import pair_up, sample
from harness.judge.decision.bounds import cases_to_decide
from harness.judge.decision.standing import Figures, PairsSoFar, QualityState, Standing, Stop
from harness.stats.arrays import moments_of
from harness.stats.estimates import estimate
from harness.stats.sequential.design import Design, ProvenCases
from harness.stats.sequential.steering import (
    as_believed,
    as_measured,
    cases_to_show,
    inflation_of,
)
from tests.support.decisions import arm, design, pairs

N = 200
MAIL = frozenset(f"c{number}" for number in range(0, N, 4))
PLAN = design(n=N, options=1, kind="ladder")
LOST_EARLY = [-1.0] * 10 + [0.0] * (N - 10)
SOME_LOST = [-1.0 if number % 50 == 49 else 0.0 for number in range(N)]


def standing(level: float | None = 0.02, stop: Stop | None = None) -> Standing:
    figures = Figures(
        cases=(0, N), level=level or 0.0, tested=None, best=None, worst_missing_as_zero=None
    )
    return Standing(
        option="o0",
        state=QualityState.OPEN if stop is None else QualityState.UNLIKELY,
        asked=N,
        figures=None if level is None else figures,
        stop=stop,
    )


def evidence(values: list[float], plan: Design = PLAN) -> PairsSoFar:
    return PairsSoFar(pairs={"o0": pairs(plan, "o0", values)})


def whole(found: int | None, share: float = 1.0) -> float:
    """Of the whole set, the pilot's cases too."""
    assert found is not None
    return found / share * N / (N - PLAN.pilot)


def rounded(cases: float) -> int:
    return 10 * ceil(cases / 10)


def test_nobody_knows_it_of_an_option_that_was_not_asked() -> None:
    assert cases_to_decide(PLAN, PairsSoFar(), standing()) is None


@pytest.mark.parametrize("level", [None, 0.01, 0.02])
@pytest.mark.parametrize("values", [SOME_LOST, LOST_EARLY])
def test_an_open_option_is_taken_as_it_was_after_the_pilot(
    values: list[float], level: float | None
) -> None:
    assert PLAN.pilot == 20
    taken = as_measured(moments_of(values[PLAN.pilot :]))
    wanted = rounded(whole(cases_to_show(taken, 0.05, level or PLAN.alpha)))
    found = cases_to_decide(PLAN, evidence(values), standing(level))
    assert found == max(wanted, N + 10)


def test_an_option_that_would_pass_by_the_plan_needs_ten_more_at_least() -> None:
    """Equal on all but the pilot: 59 cases would do, and 200 were not enough."""
    assert cases_to_decide(PLAN, evidence(LOST_EARLY), standing(None)) == N + 10


@pytest.mark.parametrize("seen", [15, 60])
def test_of_one_that_was_given_up_what_is_believed_counts(seen: int) -> None:
    """All that was seen of it is believed, and its measure after the pilot, where it is worse."""
    stop = Stop(seen=seen, size=N, chance=0.01, threshold=0.02)
    values = [-1.0 if number % 15 == 14 else 0.0 for number in range(N)]
    counted = values[PLAN.pilot : seen] or values[:seen]
    at_most = as_measured(moments_of(counted)).difference
    taken = as_believed(moments_of(values[:seen]), PLAN.steering.prior, at_most=at_most)
    needed = cases_to_show(taken, 0.1, 0.02)
    plan = design(n=N, options=1, kind="ladder", margin=10.0)
    found = cases_to_decide(plan, evidence(values, plan), standing(stop=stop))
    assert found == max(rounded(whole(needed)), rounded(seen + 10))


def test_a_part_needs_as_many_of_its_own_as_bring_it_over_its_margin() -> None:
    """A quarter of the cases are mail: four times as many are needed for each."""
    part = ProvenCases(name="mail", margin=4.0, case_ids=MAIL)
    plan = design(n=N, options=1, kind="ladder", proven=(part,))
    mail = [value for number, value in enumerate(SOME_LOST) if f"c{number}" in MAIL]
    counted = mail[len(mail) * plan.pilot // N :]
    part_needs = cases_to_show(as_measured(moments_of(counted)), 0.04, 0.02)
    all_needs = cases_to_show(as_measured(moments_of(SOME_LOST[plan.pilot :])), 0.05, 0.02)
    assert whole(part_needs, 0.25) > whole(all_needs)
    found = cases_to_decide(plan, evidence(SOME_LOST, plan), standing())
    assert found == rounded(whole(part_needs, 0.25))


def test_a_part_without_a_case_is_never_shown() -> None:
    part = ProvenCases(name="mail", margin=4.0)
    plan = design(n=N, options=1, kind="ladder", proven=(part,))
    assert cases_to_decide(plan, evidence(SOME_LOST, plan), standing()) is None


def test_without_a_settled_case_nothing_is_known() -> None:
    nothing = pair_up(
        arm("incumbent", PLAN.order, [None] * N),
        arm("o0", PLAN.order, [1.0] * N),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    assert cases_to_decide(PLAN, PairsSoFar(pairs={"o0": nothing}), standing()) is None


@pytest.mark.parametrize("lost", [9, 10, 11])
def test_no_number_up_to_twenty_thousand_may_be_likely(lost: int) -> None:
    """Of 180, nine lost are the margin."""
    values = [0.0] * 20 + [-1.0] * lost + [0.0] * (N - 20 - lost)
    assert cases_to_decide(PLAN, evidence(values), standing()) is None


def test_a_whole_of_more_than_twenty_thousand_is_told_as_none() -> None:
    """19,000 after the pilot are 21,111 in all."""
    for margin, some in ((4.32, False), (4.36, True)):
        plan = design(n=N, options=1, kind="ladder", margin=margin)
        values = [0.0] * 20 + [-1.0] * 7 + [0.0] * 173
        taken = as_measured(moments_of(values[20:]))
        needed = cases_to_show(taken, margin / 100, 0.02)
        assert needed is not None
        assert (whole(needed) > 20_000) != some
        found = cases_to_decide(plan, evidence(values, plan), standing())
        assert (found is not None) == some


@pytest.mark.parametrize("method", ["gaffke", "cluster-t"])
def test_a_wider_bound_takes_more_cases(method: str) -> None:
    clusters = tuple(f"k{number // 2}" for number in range(N))
    plan = design(n=N, options=1, kind="ladder", method=method, clusters=clusters)
    values = [-1.0 if number in {60, 61, 120} else 0.0 for number in range(N)]
    every = pairs(plan, "o0", values)
    found = estimate(sample(every.pairs), method, 0.02)  # type: ignore[arg-type]
    assert found is not None
    taken = as_measured(moments_of(values[plan.pilot :]))
    inflation = inflation_of(found.value - found.lower, taken, found.n, 0.02)
    assert inflation > 1
    needed = cases_to_show(taken, 0.05, 0.02, inflation=inflation)
    assert needed is not None
    wanted = max(rounded(needed * N / (N - plan.pilot)), N + 10)
    assert cases_to_decide(plan, PairsSoFar(pairs={"o0": every}), standing()) == wanted
