"""What a record says of an option's quality: counts, levels and points of the same cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge.comparison.pairs import Pair, Pairs, pair_up
from harness.judge.decision.quality import missingness, points, quality, score_levels, settled_in
from harness.judge.decision.standing import Figures, LookRow, QualityState, Standing, Stop
from harness.stats.estimates import Estimate
from tests.support.decisions import arm, design

PLAN = design(n=10, options=1, kind="ladder")
ROW = LookRow(
    number=2, n=7, difference=-0.1234567891, worst=None, level=0.01, p_value=0.2, action="continue"
)
TESTED = Estimate(value=-0.25, lower=-0.5, upper=0.1, level=0.02, n=8, method="tango")
FIGURES = Figures(
    cases=(0, 10), level=0.02, tested=TESTED, best=0.0000004449, worst_missing_as_zero=-0.6
)
STANDING = Standing(
    option="o0",
    state=QualityState.OPEN,
    asked=10,
    figures=FIGURES,
    looks=(ROW,),
)
CURRENT = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, None, 1.0, 1.0]
CANDIDATE = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, None, 0.0]


def showing(**changes: object) -> Standing:
    return replace(STANDING, figures=replace(FIGURES, **changes))  # type: ignore[arg-type]


def of(current: list[float | None], candidate: list[float | None]) -> Pairs:
    return pair_up(
        arm("incumbent", PLAN.order, current),
        arm("o0", PLAN.order, candidate),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )


def test_right_and_wrong_are_counted_over_the_cases_that_both_answered() -> None:
    found = quality(PLAN, STANDING, of(CURRENT, CANDIDATE), "label")
    assert found is not None
    assert (found.n, found.missing_cases, found.metric) == (8, 2, "label")
    counts = (found.both_right, found.only_current_right, found.only_candidate_right)
    assert (*counts, found.neither_right) == (3, 3, 1, 1)
    assert (found.current, found.candidate) == (75.0, 50.0)
    assert (found.pilot_cases, found.deciding_cases) == (PLAN.pilot, 8 - PLAN.pilot)
    assert (found.clusters, found.repeats, found.agreed_without_label) == (None, 1, 0)


def test_figures_are_points_with_six_places() -> None:
    found = quality(PLAN, STANDING, of(CURRENT, CANDIDATE), "label")
    assert found is not None
    assert (found.difference, found.worst, found.best) == (-25.0, -50.0, 0.000044)
    assert (found.level, found.worst_missing_as_zero) == (0.02, -60.0)
    (look,) = found.looks
    assert (look.difference, look.worst, look.level) == (-12.345679, None, 0.01)
    assert found.looks_planned == len(PLAN.looks)


def test_a_level_of_nothing_is_not_no_level() -> None:
    found = quality(PLAN, showing(level=0.0), of(CURRENT, CANDIDATE), "label")
    assert found is not None
    assert found.level == 0.0


@pytest.mark.parametrize("cases", [(0, 4), (3, 9), (1, 10)])
def test_only_the_cases_that_the_standing_rests_on_count(cases: tuple[int, int]) -> None:
    pairs = of(CURRENT, CANDIDATE)
    settled = [p for p in pairs.pairs[cases[0] : cases[1]] if p.difference is not None]
    assert settled_in(pairs, cases) == settled
    found = quality(PLAN, showing(cases=cases), pairs, "label")
    assert found is not None
    assert found.n == len(settled)
    assert found.missing_cases == cases[1] - cases[0] - len(settled)
    assert found.pilot_cases == max(0, PLAN.pilot - cases[0])
    assert found.pilot_cases + (found.deciding_cases or 0) == found.n


@pytest.mark.parametrize("absent", ["tested", "best"])
def test_without_a_figure_there_is_no_quality(absent: str) -> None:
    assert quality(PLAN, showing(**{absent: None}), of(CURRENT, CANDIDATE), "label") is None


def test_without_figures_there_is_no_quality() -> None:
    standing = replace(STANDING, figures=None)
    assert quality(PLAN, standing, of(CURRENT, CANDIDATE), "label") is None


def test_without_a_settled_case_there_is_no_quality() -> None:
    assert quality(PLAN, STANDING, of([None] * 10, CANDIDATE), "label") is None


@pytest.mark.parametrize(
    ("current", "candidate"),
    [
        pytest.param([1.0, 0.5], [1.0, 1.0], id="half a point"),
        pytest.param([1.0, 0.5], [1.0, 0.5], id="half a point under both"),
        pytest.param([0.25, 1.0], [1.0, 1.0], id="a quarter"),
    ],
)
def test_grades_are_not_counted(current: list[float | None], candidate: list[float | None]) -> None:
    found = quality(PLAN, STANDING, of(current, candidate), "grade")
    assert found is not None
    counts = (found.both_right, found.only_current_right, found.only_candidate_right)
    assert (*counts, found.neither_right) == (None,) * 4


def agreeing() -> Pairs:
    pairs = of([1.0, 1.0, 0.0], [0.0, 1.0, 1.0])
    alike = Pair(
        case_id="c9", cluster="c9", incumbent=None, candidate=None, difference=0.0, agreed=True
    )
    return replace(pairs, pairs=(*pairs.pairs, alike))


def test_where_equal_answers_stand_in_for_labels_only_differences_are_known() -> None:
    found = quality(PLAN, STANDING, agreeing(), "label")
    assert found is not None
    assert (found.both_right, found.neither_right) == (None, None)
    assert (found.only_current_right, found.only_candidate_right) == (1, 1)
    assert (found.current, found.candidate, found.agreed_without_label) == (None, None, 1)


def test_levels_are_means_over_the_cases_with_both_scores() -> None:
    levels = score_levels(list(of(CURRENT, CANDIDATE).pairs))
    assert (levels.incumbent, levels.candidate) == (6 / 8, 4 / 8)
    nothing = score_levels([])
    assert (nothing.incumbent, nothing.candidate) == (None, None)


def test_clusters_are_counted_where_they_are_what_is_tested() -> None:
    plan = replace(PLAN, method="cluster-t", clusters=("a", "a", "b", *(["c"] * 7)))
    pairs = pair_up(
        arm("incumbent", plan.order, CURRENT),
        arm("o0", plan.order, CANDIDATE),
        order=plan.order,
        clusters=plan.clusters,
    )
    found = quality(plan, STANDING, pairs, "label")
    assert found is not None
    assert found.clusters == 3


def test_trials_without_an_answer_are_told_for_each_arm() -> None:
    pairs = pair_up(
        arm("incumbent", PLAN.order, [None, 1.0, 0.0], failed=frozenset({"c2"})),
        arm("o0", PLAN.order, [None, None, 0.0], failed=frozenset({"c2", "c1"})),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    found = missingness(pairs)
    assert (found.current, found.candidate) == (1, 2)
    assert (found.failed_current, found.failed_candidate) == (1, 2)


def test_points_of_nothing_are_nothing() -> None:
    assert (points(None), points(0.0), points(0.0012345678)) == (None, 0.0, 0.123457)


STOP = {"seen": 5, "size": 10, "chance": 0.01, "threshold": 0.02}


@pytest.mark.parametrize(
    ("over", "sound"),
    [
        pytest.param({"seen": 0}, True, id="before the first case"),
        pytest.param({"seen": 9}, True, id="before the last"),
        pytest.param({"seen": 10}, False, id="at the end nothing is given up"),
        pytest.param({"seen": -1}, False, id="less than nothing"),
        pytest.param({"chance": 0.02}, False, id="a chance at the threshold"),
        pytest.param(
            {"chance": 0.9, "share": 0.1, "least_share": 0.2}, True, id="too small a share"
        ),
        pytest.param({"chance": 0.9, "share": 0.2, "least_share": 0.2}, False, id="share enough"),
        pytest.param({"chance": 0.9, "share": 0.1}, False, id="no least share"),
        pytest.param({"chance": 0.9, "least_share": 0.1}, False, id="no share"),
    ],
)
def test_an_option_is_given_up_for_a_reason_and_before_the_end(
    over: dict[str, float], *, sound: bool
) -> None:
    if sound:
        assert Stop(**(STOP | over)).size == 10  # type: ignore[arg-type]
        return
    with pytest.raises(ValueError, match="given up"):
        Stop(**(STOP | over))  # type: ignore[arg-type]
