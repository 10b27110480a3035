"""Which pairs an option's figures and its test rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge.comparison.pairs import pair_up, sample
from harness.judge.decision.bounds import (
    incomplete,
    inferior,
    on_all_cases,
    option_p_value,
    parts_before,
    resting_on_all,
    shown,
    unlabelled,
)
from harness.judge.decision.procedure import standings
from harness.judge.decision.standing import PairsSoFar
from harness.stats.estimates import estimate, p_value
from harness.stats.sequential.design import ProvenCases
from tests.support.decisions import arm, design, pairs

MAIL = frozenset(f"c{number}" for number in range(0, 100, 4))
PLAN = design(
    n=100,
    options=1,
    kind="ladder",
    proven=(
        ProvenCases(name="mail", margin=10.0, case_ids=MAIL),
        ProvenCases(name="format", margin=2.0, measure="format"),
    ),
)
VALUES = [-1.0 if number % 25 == 24 else 0.0 for number in range(100)]
FORMAT = [-1.0 if number in {50, 60} else 0.0 for number in range(100)]


def evidence(asked: int = 100) -> PairsSoFar:
    return PairsSoFar(
        pairs={"o0": pairs(PLAN, "o0", VALUES[:asked])},
        measures={"o0": {"format": pairs(PLAN, "o0", FORMAT[:asked])}},
    )


@pytest.mark.parametrize(
    ("start", "count", "asked"), [(0, 100, 100), (8, 40, 100), (8, 41, 100), (0, 80, 33)]
)
def test_the_parts_of_an_option_are_cut_at_the_same_cases(
    start: int, count: int, asked: int
) -> None:
    end = min(count, asked)
    found = list(parts_before(PLAN, evidence(asked), "o0", count, start=start))
    assert [(margin, share) for _, margin, share in found] == [(0.05, 1), (0.1, 0.25), (0.02, 1)]
    names = [[pair.case_id for pair in part] for part, _, _ in found]
    every = [f"c{number}" for number in range(start, end)]
    assert names == [every, [name for name in every if name in MAIL], every]


def test_unless_told_otherwise_parts_begin_with_the_first_case() -> None:
    (whole, _, _), *_ = parts_before(PLAN, evidence(), "o0", 5)
    assert [pair.case_id for pair in whole] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_plan_without_a_case_has_parts_without_one() -> None:
    empty = design(n=0, options=1, kind="holm", proven=(ProvenCases(name="mail", margin=10.0),))
    nothing = PairsSoFar(pairs={"o0": pairs(empty, "o0", [])})
    assert [(list(part), share) for part, _, share in parts_before(empty, nothing, "o0", 0)] == [
        ([], 1.0),
        ([], 0.0),
    ]


def test_of_a_plan_of_one_case_a_part_is_all() -> None:
    part = ProvenCases(name="mail", margin=10.0, case_ids=frozenset({"c0"}))
    one = design(n=1, options=1, kind="holm", proven=(part,))
    seen = PairsSoFar(pairs={"o0": pairs(one, "o0", [0.0])})
    assert [share for _, _, share in parts_before(one, seen, "o0", 1)] == [1.0, 1.0]


@pytest.mark.parametrize("count", [40, 70, 100])
def test_an_option_is_tested_by_the_worst_of_its_parts_after_the_pilot(count: int) -> None:
    assert PLAN.pilot == 10
    parts = [
        (VALUES[10:count], 0.05),
        ([VALUES[number] for number in range(12, count, 4)], 0.1),
        (FORMAT[10:count], 0.02),
    ]
    known = [p_value(sample(pairs(PLAN, "o0", part).pairs), "tango", m) for part, m in parts]
    assert len({round(value or 0, 6) for value in known}) == 3
    assert option_p_value(PLAN, evidence(), "o0", count) == max(value or 0 for value in known)


def test_an_option_is_not_tested_before_each_part_has_a_case() -> None:
    """The first mail after the pilot is its third case."""
    assert option_p_value(PLAN, evidence(), "o0", 12) is None
    assert option_p_value(PLAN, evidence(), "o0", 13) is not None


def test_figures_of_all_cases_begin_with_the_first_and_are_unadjusted() -> None:
    found = on_all_cases(PLAN, evidence().pairs["o0"])
    wanted = estimate(sample(evidence().pairs["o0"].pairs), "tango", PLAN.alpha)
    assert wanted is not None
    assert (found.cases, found.level, found.tested) == ((0, 100), 0.05, wanted)
    assert found.best == wanted.upper
    assert found.worst_missing_as_zero == wanted.lower


def test_the_upper_bound_is_unadjusted_at_any_level_that_decided() -> None:
    of = evidence().pairs["o0"]
    found = shown(PLAN, of, cases=(10, 60), level=0.01)
    decided, plain = (estimate(sample(of.pairs[10:60]), "tango", level) for level in (0.01, 0.05))
    assert decided is not None
    assert plain is not None
    assert (found.cases, found.tested, found.best) == ((10, 60), decided, plain.upper)
    assert found.worst_missing_as_zero == decided.lower


def test_figures_end_before_the_first_case_that_waits_for_its_label() -> None:
    scores = {"incumbent": [1.0] * 6, "o0": [1.0, 1.0, 0.0, None, 1.0, 0.0]}
    arms = {
        name: arm(name, PLAN.order, held, unlabelled=frozenset({"c3"}))
        for name, held in scores.items()
    }
    of = pair_up(arms["incumbent"], arms["o0"], order=PLAN.order, clusters=PLAN.clusters)
    assert unlabelled(of, 3) == ()
    assert unlabelled(of, 4) == ("c3",)
    found = shown(PLAN, of, cases=(1, 6), level=0.05)
    assert found.cases == (1, 3)
    assert found.tested is not None
    assert (found.tested.n, found.tested.value) == (2, -0.5)


def test_a_standing_that_rests_on_all_cases_has_all_their_figures() -> None:
    (before,) = standings(PLAN, evidence())
    of = evidence().pairs["o0"]
    after = resting_on_all(PLAN, before, of)
    found = on_all_cases(PLAN, of)
    assert before.cases != after.cases == (0, 100)
    assert found.tested is not None
    assert (after.n, after.difference) == (100, -0.04)
    assert (after.worst, after.best, after.level) == (found.tested.lower, found.best, 0.05)
    assert after.worst_missing_as_zero == found.worst_missing_as_zero
    assert resting_on_all(PLAN, before, pairs(PLAN, "o0", [])) is before


def test_a_bound_that_just_reaches_the_margin_shows_no_harm() -> None:
    of = pairs(PLAN, "o0", [-1.0] * 20 + [0.0] * 80)
    best = on_all_cases(PLAN, of).best
    assert best is not None
    margins = [-best * 100 + step * 1e-15 for step in range(-40, 40)]
    exact = next(margin for margin in margins if -margin / 100 == best)
    assert not inferior(replace(PLAN, margin=exact), of)
    assert inferior(replace(PLAN, margin=exact - 1e-9), of)
    assert not inferior(replace(PLAN, margin=exact + 1e-9), of)


@pytest.mark.parametrize(("lost", "lacking"), [(2, False), (3, True)])
def test_as_many_trials_may_be_missing_as_the_design_says(lost: int, *, lacking: bool) -> None:
    """Two of a hundred."""
    scores: list[float | None] = [None] * lost + [1.0] * (100 - lost)
    some, all_of = arm("a", PLAN.order, scores), arm("b", PLAN.order, [1.0] * 100)
    for current, candidate in ((some, all_of), (all_of, some)):
        of = pair_up(current, candidate, order=PLAN.order, clusters=PLAN.clusters)
        assert incomplete(PLAN, of) == lacking
