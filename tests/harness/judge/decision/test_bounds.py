"""Which pairs an option's figures and its test rest on."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judge.comparison.pairs import pair_up, sample
from harness.judge.decision.bounds import (
    harm_rules,
    harmful,
    harms,
    incomplete,
    on_all_cases,
    option_p_value,
    parts_before,
    resting_on_all,
    shown,
    unlabelled,
)
from harness.judge.decision.procedure import standings
from harness.judge.decision.standing import PairsSoFar
from harness.stats import gaffke, tango
from harness.stats.estimates import Sample, estimate, least_loss, p_value
from harness.stats.sequential.design import ProvenCases
from harness.stats.sequential.levels import holm
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


def test_a_case_that_waits_for_its_label_counts_at_its_worst_and_at_its_best() -> None:
    scores = {
        "incumbent": [1.0, 1.0, 1.0, None, 1.0, 1.0],
        "o0": [1.0, 1.0, 0.0, None, 1.0, 0.0],
    }
    arms = {
        name: arm(name, PLAN.order, held, unlabelled=frozenset({"c3"}))
        for name, held in scores.items()
    }
    of = pair_up(arms["incumbent"], arms["o0"], order=PLAN.order, clusters=PLAN.clusters)
    assert unlabelled(of, 3) == ()
    assert unlabelled(of, 4) == ("c3",)
    found = shown(PLAN, of, cases=(1, 6), level=0.05)
    assert found.cases == (1, 6)
    assert found.tested is not None
    assert (found.tested.n, found.tested.value) == (4, -0.5)
    worst = estimate(Sample(differences=(0.0, -1.0, -1.0, 0.0, -1.0)), "tango", 0.05)
    best = estimate(Sample(differences=(0.0, -1.0, 1.0, 0.0, -1.0)), "tango", PLAN.alpha)
    assert worst is not None
    assert best is not None
    assert (found.tested.lower, found.best) == (worst.lower, best.upper)


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


ONE = design(n=200, options=1, kind="holm")


@pytest.mark.parametrize("lost", [10, 15, 16, 17, 18, 19, 40])
def test_harm_is_shown_where_the_bound_at_its_level_lies_beyond_the_margin(lost: int) -> None:
    of = pairs(ONE, "o0", [-1.0] * lost + [0.0] * (200 - lost))
    found = harms(ONE, PairsSoFar(pairs={"o0": of}), {"o0": 200})
    best = least_loss(sample(of.pairs), "tango", 0.05)
    assert best is not None
    assert ("o0" in found) == (best < -0.05)
    if found:
        figures = harmful(ONE, of, found["o0"], level=0.05)
        assert (figures.cases, figures.best, figures.best_level) == ((0, 200), best, 0.05)


def test_options_share_the_level_at_which_harm_is_shown() -> None:
    """Alone an option would be shown to be worse that beside others is not."""
    edge = [-1.0] * 18 + [0.0] * 182
    for others, shown_too in ((0, True), (2, False)):
        plan = design(n=200, options=1 + others, kind="holm")
        values = {"o0": edge, **{f"o{1 + k}": [0.0] * 200 for k in range(others)}}
        evidence = PairsSoFar(pairs={name: pairs(plan, name, v) for name, v in values.items()})
        assert ("o0" in harms(plan, evidence, dict.fromkeys(values, 200))) == shown_too


def test_harm_is_looked_for_at_the_last_stop_that_was_reached() -> None:
    plan = design(n=300, options=1, kind="ladder")
    values = [0.0] * plan.pilot + [-1.0] * 60 + [0.0] * (280 - 60)
    evidence = PairsSoFar(pairs={"o0": pairs(plan, "o0", values)})
    assert harms(plan, evidence, {"o0": plan.checks[0] - 1}) == {}
    (found,) = harms(plan, evidence, {"o0": plan.checks[3] + 1}).values()
    assert found.end == plan.checks[3]
    (whole,) = harms(plan, evidence, {"o0": 300}).values()
    assert 0 < found.level < 0.05
    assert 0 < whole.level < 0.05
    dropped = PairsSoFar(pairs={"o0": pairs(plan, "o0", [-1.0] * plan.pilot)})
    assert harms(plan, dropped, {"o0": plan.pilot})["o0"].end == plan.pilot


def test_where_no_option_is_given_up_harm_is_shown_at_the_whole_level_by_all_cases() -> None:
    plan = design(n=300, options=1, kind="ladder", at_hand=True)
    of = pairs(plan, "o0", [-1.0] * 30 + [0.0] * 270)
    found = harms(plan, PairsSoFar(pairs={"o0": of}), {"o0": 300})
    assert found == {"o0": (300, 0.05)}
    assert harms(plan, PairsSoFar(pairs={"o0": of}), {"o0": 299}) == {}


@pytest.mark.slow
def test_at_the_margin_few_ladders_accuse_anybody_even_at_the_worst_stop() -> None:
    """Three options at the margin, each stopped at the check that speaks most against it."""
    plan = design(n=150, options=3, kind="ladder")
    rng = np.random.default_rng(44)
    rules, runs = harm_rules(plan), 400
    ends = rules.looks
    drawn = rng.multinomial(1, [0.07, 0.02, 0.91], (runs, 3, ends[-1]))
    counts = np.cumsum(drawn, axis=2)[:, :, [end - 1 for end in ends]]
    p = gaffke.p_of_counts(np.array([1.0, -1.0, 0.0]), counts.astype(float), -0.05)
    levels = [rules.smallest(p[..., check], check) for check in range(len(ends))]
    accused = holm(np.min(levels, axis=0), 0.05).passed.any(axis=1)
    assert accused.mean() <= 0.05 + 3 * 0.011
    plain = tango.p_value(counts[..., 1], counts[..., 0], np.array(ends), -0.05)
    assert (plain.min(axis=-1) < 0.05).any(axis=1).mean() > 0.3


def test_what_is_absent_favours_an_option_that_may_be_worse() -> None:
    whole = [-1.0] * 19 + [0.0] * 181
    seen = pairs(ONE, "o0", whole)
    lacking = arm("o0", ONE.order, [*[None] * 4, *[0.0] * 15, *[1.0] * 181])
    absent = pair_up(
        arm("incumbent", ONE.order, [1.0] * 200),
        lacking,
        order=ONE.order,
        clusters=ONE.clusters,
    )
    for of, worse in ((seen, True), (absent, False)):
        found = harms(ONE, PairsSoFar(pairs={"o0": of}), {"o0": 200})
        assert bool(found) == worse


@pytest.mark.parametrize(("lost", "lacking"), [(2, False), (3, True)])
def test_as_many_cases_may_be_left_out_as_the_design_says(lost: int, *, lacking: bool) -> None:
    """Two of a hundred, where both models failed; what one of them answered is bounded instead."""
    scores: list[float | None] = [None] * lost + [1.0] * (100 - lost)
    some, all_of = arm("a", PLAN.order, scores), arm("b", PLAN.order, [1.0] * 100)
    for current, candidate, left_out in (
        (some, all_of, False),
        (all_of, some, False),
        (some, some, lacking),
    ):
        of = pair_up(current, candidate, order=PLAN.order, clusters=PLAN.clusters)
        assert incomplete(PLAN, of) == left_out
