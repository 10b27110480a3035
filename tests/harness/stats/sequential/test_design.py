from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from harness.stats.sequential.design import (
    DesignInput,
    ProvenCases,
    cut,
    make_design,
)
from tests.support.decisions import design


def _setup(**changes: object) -> DesignInput:
    cases = tuple(f"c{index}" for index in range(100))
    values: dict[str, object] = {
        "options": ("small",),
        "savings": (0.8,),
        "margin": 3.0,
        "cases": cases,
        "clusters": cases,
        "method": "tango",
    }
    return DesignInput(**(values | changes))  # type: ignore[arg-type]


def test_clusters_stay_together_and_cuts_fall_between_them() -> None:
    clusters = tuple(sorted(f"k{index % 14}" for index in range(100)))
    plan = make_design(_setup(clusters=clusters))
    changes = [i for i in range(1, 100) if plan.clusters[i] != plan.clusters[i - 1]]
    assert len(changes) == len(set(clusters)) - 1
    for count in (plan.pilot, *plan.looks[:-1], *plan.checks[:-1]):
        assert count in changes


def test_a_pilot_is_a_twenty_fifth_but_twenty_where_a_tenth_allows_it() -> None:
    assert design(n=1000, kind="ladder").stages == (20, 40)
    assert design(n=300, kind="ladder").stages == (10, 20)
    assert design(n=100, kind="ladder").stages == (5, 10)
    unlabelled = design(n=100, kind="ladder", labelled=False)
    assert (unlabelled.stages, unlabelled.pilot) == ((), 0)


def test_looks_and_checks_end_with_the_last_case() -> None:
    plan = design(n=520, kind="ladder")
    assert plan.pilot == 21
    assert plan.looks == (121, 221, 321, 421, 520)
    assert plan.checks[-1] == 520
    assert set(plan.looks) <= set(plan.checks)
    assert design(n=500).looks == (500,)


def test_futility_is_looked_at_more_often_at_the_start() -> None:
    plan = design(n=1000, kind="ladder")
    assert plan.pilot == 40
    assert plan.looks == (232, 424, 616, 808, 1000)
    early = (64, 88, 112, 136, 184, 232, 280, 328)
    assert plan.checks == (*early, 424, 520, 616, 712, 808, 904, 1000)


def test_a_look_with_too_few_clusters_is_skipped() -> None:
    clusters = tuple(f"k{index // 8}" for index in range(280))
    plan = design(n=280, kind="ladder", clusters=clusters, method="cluster-t")
    free = design(n=280, kind="ladder", clusters=clusters)
    assert len(free.looks) == 2
    assert len(set(free.clusters[free.pilot : free.looks[0]])) < 20
    assert plan.looks == (280,)


def test_a_small_eval_set_takes_fewer_looks_and_gives_up_later() -> None:
    sizes = (50, 100, 299, 300, 500, 2000)
    plans = [design(n=n, kind="ladder") for n in sizes]
    assert [len(plan.looks) for plan in plans] == [2, 2, 2, 3, 5, 5]
    assert [plan.steering.futile_below for plan in plans] == [
        0.02,
        0.02,
        0.02392,
        0.024,
        0.04,
        0.05,
    ]
    assert all(plan.steering.drop_below == plan.steering.futile_below for plan in plans)
    assert len(design(n=2000, kind="ladder", looks=1).looks) == 1
    pairs = tuple(f"k{index // 2}" for index in range(600))
    assert len(design(n=600, kind="ladder", clusters=pairs, method="cluster-t").looks) == 3


def test_proven_parts_know_their_positions() -> None:
    plan = make_design(
        _setup(
            proven=(
                ProvenCases(name="german", margin=6.0, case_ids=frozenset({"c1", "c2"})),
                ProvenCases(name="schema", margin=1.0, measure="json-schema"),
            )
        )
    )
    assert {plan.order[i] for i in plan.proven[0].positions} == {"c1", "c2"}
    assert len(plan.proven[1].positions) == 100


def test_a_design_is_plain_json() -> None:
    assert json.loads(json.dumps(asdict(design())))["kind"] == "holm"


def test_cut_stays_inside() -> None:
    assert cut(("a", "b"), 5) == 2
    assert cut(("a", "a", "b"), 1) == 2
    assert cut((), 3) == 0
    assert cut(("a", "b"), -1) == 0


def test_cut_of_nothing_takes_no_cluster() -> None:
    assert cut(("a", "a"), 0) == 0
    assert cut(("a", "a", "a"), 2) == 3


def test_a_tiny_set_has_a_tiny_pilot_and_none_where_none_is_wanted() -> None:
    stages = {n: design(n=n, kind="ladder").stages for n in (5, 30, 60)}
    assert stages == {5: (1,), 30: (1, 3), 60: (3, 6)}
    assert design(n=300, kind="ladder", pilot_share=0).stages == ()
    assert design(n=300, kind="ladder", pilot_share=0.2).stages == (30, 60)


def test_unless_told_otherwise_a_design_decides_and_may_lack_two_of_a_hundred() -> None:
    plan = design(n=300, kind="ladder")
    assert (plan.exploratory, plan.largest_missing_share) == (False, 0.02)
    assert design(n=100, kind="ladder").looks == (55, 100)


@pytest.mark.parametrize(
    ("groups", "looks"),
    [
        pytest.param(44, (100, 176), id="twenty at the first look"),
        pytest.param(43, (172,), id="one less"),
        pytest.param(20, (80,), id="too few even at the last"),
    ],
)
def test_a_look_needs_twenty_clusters_and_the_last_one_stays(
    groups: int, looks: tuple[int, ...]
) -> None:
    """Groups of four; the pilot takes the first ones."""
    clusters = tuple(f"k{index // 4}" for index in range(4 * groups))
    plan = design(n=4 * groups, kind="ladder", clusters=clusters, method="cluster-t")
    assert plan.looks == looks


def test_a_part_is_its_cases_or_all_of_a_measure() -> None:
    plan = make_design(
        _setup(
            proven=(
                ProvenCases(name="nothing", margin=6.0),
                ProvenCases(name="both", margin=1.0, measure="format", case_ids=frozenset({"c3"})),
            )
        )
    )
    assert [part.positions for part in plan.proven] == [(), (3,)]
