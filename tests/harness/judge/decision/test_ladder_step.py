from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.judge.comparison.pairs import pair_up
from harness.judge.decision.procedure import next_step, standings
from harness.judge.decision.quality import quality
from harness.judge.decision.standing import Ask, Confirm, Finished, PairsSoFar
from harness.stats.sequential.design import ProvenCases
from tests.support.decisions import arm, design, pairs
from tests.support.histories import decide_both_ways, differences, drive, prefix

if TYPE_CHECKING:
    from harness.stats.sequential.design import Design

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

PLAN = design(n=300, options=3, kind="ladder")
EQUAL = [0.0] * 300
LOST = ([-1.0] * 3 + [0.0] * 7) * 30


def _values(*rows: list[float]) -> dict[str, list[float]]:
    return {f"o{place}": row for place, row in enumerate(rows)}


def test_the_pilot_asks_everybody_half_of_it_first() -> None:
    assert next_step(PLAN, PairsSoFar()) == Ask(
        options=(("o0", 10), ("o1", 10), ("o2", 10)), incumbent=10
    )


def test_only_the_cheapest_survivor_is_asked_then() -> None:
    evidence = PairsSoFar(
        pairs={name: prefix(PLAN, name, EQUAL, 20) for name in ("o0", "o1", "o2")}
    )
    assert next_step(PLAN, evidence) == Ask(options=(("o0", PLAN.checks[0]),), incumbent=27)


def test_the_cheapest_that_passes_ends_the_review_early() -> None:
    found = drive(PLAN, _values(EQUAL, EQUAL, EQUAL), frozenset())
    assert [item.state for item in found.standings] == ["passes", "not-asked", "not-asked"]
    assert found.asked["o0"] < 300
    assert found.asked["o1"] == found.asked["o2"] == 20
    assert found.incumbent == found.asked["o0"]


def test_a_hopeless_option_is_dropped_in_the_pilot() -> None:
    found = drive(PLAN, _values(LOST, LOST, EQUAL), frozenset())
    states = [item.state for item in found.standings]
    assert states[2] == "passes"
    assert set(states[:2]) <= {"unlikely", "inferior"}
    assert found.asked["o0"] <= 20
    assert found.standings[0].looks[-1].action == "dropped"


def test_a_veto_sends_the_ladder_on() -> None:
    found = drive(PLAN, _values(EQUAL, EQUAL, LOST), frozenset({"o0"}))
    assert [item.state for item in found.standings][:2] == ["vetoed", "passes"]
    assert found.standings[0].worst is not None


def test_what_was_vetoed_before_the_first_call_is_not_asked() -> None:
    step = next_step(PLAN, PairsSoFar(vetoed=frozenset({"o1"})))
    assert step == Ask(options=(("o0", 10), ("o2", 10)), incumbent=10)


def test_the_bound_shown_is_the_one_that_decided() -> None:
    rng = np.random.default_rng(11)
    for _ in range(12):
        truth = [(rng.uniform(0, 0.05), rng.uniform(0, 0.08)) for _ in range(3)]
        for item in drive(PLAN, differences(rng, truth, 300), frozenset()).standings:
            if item.worst is not None:
                assert (item.worst > -0.05) == (item.state == "passes")
            for row in item.looks:
                if row.worst is not None and row.level is not None and row.p_value is not None:
                    assert (row.worst > -0.05) == (row.p_value < row.level)


@pytest.mark.parametrize("method", ["tango", "gaffke", "cluster-t"])
def test_the_product_decides_as_the_benchmark_does(method: str) -> None:
    rng = np.random.default_rng(5)
    clusters = tuple(f"k{place // 3}" for place in range(240))
    plan = design(n=240, options=3, kind="ladder", method=method, clusters=clusters, margin=6.0)
    truths = [[(rng.uniform(0, 0.05), rng.uniform(0, 0.1)) for _ in range(3)] for _ in range(20)]
    histories = [differences(rng, truth, 240) for truth in truths]
    product, kernel = decide_both_ways(plan, histories)
    assert product == kernel
    assert len({one.asked for one in product}) > 1


def test_a_proven_slice_holds_the_acceptance_back() -> None:
    free = design(n=600, options=1, kind="ladder")
    equal = _values([0.0] * 600)

    def slice_of(margin: float) -> ProvenCases:
        ids = frozenset(free.order[::10])
        return ProvenCases(name="german", margin=margin, case_ids=ids)

    plan = design(n=600, options=1, kind="ladder", proven=(slice_of(15.0),))
    held = drive(plan, equal, frozenset())
    assert held.standings[0].state == "passes"
    assert held.asked["o0"] > drive(free, equal, frozenset()).asked["o0"]
    strict = design(n=600, options=1, kind="ladder", proven=(slice_of(1.5),))
    assert drive(strict, equal, frozenset()).standings[0].state == "open"


@pytest.mark.parametrize(("lacking", "both"), [(20, False), (20, True), (4, False)])
def test_answers_that_are_missing_are_asked_for_only_if_the_verdict_depends_on_them(
    lacking: int, *, both: bool
) -> None:
    """Twenty may all be losses; where both models failed nothing bounds them; four matter not."""
    scores: list[float | None] = [1.0] * 300
    scores[25 : 25 + lacking] = [None] * lacking
    broken = pair_up(
        arm("incumbent", PLAN.order, scores if both else [1.0] * 300),
        arm("o0", PLAN.order, scores),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    others = {name: pairs(PLAN, name, LOST) for name in ("o1", "o2")}
    sure = frozenset({"o0"})
    step = next_step(PLAN, PairsSoFar(pairs={"o0": broken, **others}, cleared=sure))
    assert isinstance(step, Finished)
    first = step.standings[0]
    assert first.state == ("passes" if lacking < 20 else "incomplete")
    assert (first.fewest > 0) == (lacking == 20 and not both)


def test_without_labels_everybody_answers_and_the_looks_wait_for_labels() -> None:
    plan = design(n=200, options=2, kind="ladder", labelled=False)
    assert plan.stages == ()
    assert next_step(plan, PairsSoFar()) == Ask(options=(("o0", 200), ("o1", 200)), incumbent=200)
    one, few = _unlabelled(plan, 1), _unlabelled(plan, 8)
    assert next_step(plan, one) == Confirm(options=("o0",))
    step = next_step(plan, few)
    assert isinstance(step, Finished)
    first = step.standings[0]
    assert first.state == "waiting"
    assert set(first.unlabelled) <= set(plan.order[:8])
    assert 0 < first.fewest <= len(first.unlabelled)
    assert step.standings[1].state == "not-asked"


def _unlabelled(plan: Design, differ: int) -> PairsSoFar:
    """Nothing is labelled: the cheap model differs on the first cases, the dear one nowhere."""
    waiting = frozenset(plan.order)
    same = dict.fromkeys(plan.order, "x")
    other = same | dict.fromkeys(plan.order[:differ], "y")
    nothing: list[float | None] = [None] * len(plan.order)
    incumbent = arm("incumbent", plan.order, nothing, unlabelled=waiting, answers=same)
    cheap = arm("o0", plan.order, nothing, unlabelled=waiting, answers=other)
    dear = arm("o1", plan.order, nothing, unlabelled=waiting, answers=same)
    return PairsSoFar(
        pairs={
            item.option: pair_up(incumbent, item, order=plan.order, clusters=plan.clusters)
            for item in (cheap, dear)
        }
    )


@pytest.mark.parametrize("lacking", [1, 3, 5, 12])
def test_a_look_that_passes_passes_whatever_the_missing_answers_would_have_been(
    lacking: int,
) -> None:
    """Where the worst filling passes every filling does, and what is given up is so by all."""
    rng = np.random.default_rng(lacking)
    states = set[str]()
    for _ in range(12):
        values = differences(rng, [(rng.uniform(0, 0.04), rng.uniform(0, 0.07))], 300)["o0"]
        gone = rng.choice(300, lacking, replace=False)
        plan = design(n=300, options=1, kind="ladder")
        ends = [
            _end(plan, [fill if place in gone else v for place, v in enumerate(values)])
            for fill in (-1.0, 0.0, 1.0)
        ]
        given: list[float | None] = [None if place in gone else v for place, v in enumerate(values)]
        found = _end(plan, given)
        states.add(found)
        if found == "passes":
            assert set(ends) == {"passes"}
        elif found != "incomplete":
            assert "passes" not in ends
    assert "passes" in states
    assert len(states) > 1


def _end(plan: Design, values: list[float | None]) -> str:
    """How the only option ends; None: neither model's score is known beyond the other's."""
    incumbent = [0.0 if value is not None and value > 0 else 1.0 for value in values]
    waiting = frozenset(c for c, v in zip(plan.order, values, strict=True) if v is None)
    own = [None if v is None else now for v, now in zip(values, incumbent, strict=True)]
    new = [None if v is None else now + v for v, now in zip(values, incumbent, strict=True)]
    of = pair_up(
        arm("incumbent", plan.order, own, unlabelled=waiting),
        arm("o0", plan.order, new, unlabelled=waiting),
        order=plan.order,
        clusters=plan.clusters,
    )
    step = next_step(plan, PairsSoFar(pairs={"o0": of}, cleared=frozenset({"o0"})))
    assert isinstance(step, Finished)
    state = step.standings[0].state
    return "incomplete" if state == "waiting" else state.value


def test_a_record_shows_the_look_table() -> None:
    held = {name: prefix(PLAN, name, EQUAL, 20) for name in ("o1", "o2")}
    held["o0"] = prefix(PLAN, "o0", EQUAL, 300)
    step = next_step(PLAN, PairsSoFar(pairs=held))
    assert isinstance(step, Confirm)
    done = next_step(PLAN, PairsSoFar(pairs=held, cleared=frozenset({"o0"})))
    assert isinstance(done, Finished)
    shown = quality(PLAN, done.standings[0], held["o0"], "exact-match")
    assert shown is not None
    assert [row.action for row in shown.looks][-1] == "pass"
    assert shown.n == shown.looks[-1].n
    assert shown.worst == shown.looks[-1].worst
    assert done.standings[1].state == "not-asked"


@pytest.mark.parametrize(("lacking", "state"), [(0, "passes"), (1, "passes"), (40, "incomplete")])
def test_a_proven_guardrail_takes_its_missing_scores_at_their_worst(
    lacking: int, state: str
) -> None:
    """The answers are all there and right; the guardrail's own grader gave some no score."""
    part = ProvenCases(name="tone", margin=8.0, measure="tone")
    plan = design(n=300, options=1, kind="ladder", proven=(part,))
    scores: list[float | None] = [1.0] * 300
    scores[25 : 25 + lacking] = [None] * lacking
    tone = pair_up(
        arm("incumbent", plan.order, [1.0] * 300),
        arm("o0", plan.order, scores),
        order=plan.order,
        clusters=plan.clusters,
    )
    whole = pairs(plan, "o0", [0.0] * 300)
    (found,) = standings(plan, PairsSoFar(pairs={"o0": whole}, measures={"o0": {"tone": tone}}))
    assert found.state == state
    assert (found.fewest > 0) == (state == "incomplete")
    for row in found.looks:
        if row.action == "pass":
            assert row.p_value is not None
            assert row.level is not None
            assert row.p_value < row.level
