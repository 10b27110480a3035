from __future__ import annotations

import pytest

from harness.judge.comparison.pairs import Pairs, pair_up
from harness.judge.decision.procedure import next_step
from harness.judge.decision.quality import missingness, quality
from harness.judge.decision.standing import Ask, Confirm, Finished, PairsSoFar
from tests.support.decisions import arm, design, pairs, several

PLAN = design(n=400, options=2)
EQUAL = [0.0] * 400
BAD = [-1.0] * 60 + [0.0] * 340
NEAR = [-1.0] * 16 + [0.0] * 384


def _finish(evidence: PairsSoFar) -> Finished:
    step = next_step(PLAN, evidence)
    assert isinstance(step, Finished)
    return step


def test_first_everything_is_asked_of_everybody() -> None:
    assert next_step(PLAN, PairsSoFar()) == Ask(options=(("o0", 400), ("o1", 400)), incumbent=400)


def test_what_passed_is_confirmed_before_it_counts() -> None:
    evidence = PairsSoFar(pairs=several(PLAN, {"o0": EQUAL, "o1": BAD}))
    assert next_step(PLAN, evidence) == Confirm(options=("o0",))
    cleared = _finish(PairsSoFar(pairs=evidence.pairs, cleared=frozenset({"o0"})))
    assert [item.state for item in cleared.standings] == ["passes", "inferior"]
    vetoed = _finish(PairsSoFar(pairs=evidence.pairs, vetoed=frozenset({"o0"})))
    assert [item.state for item in vetoed.standings] == ["vetoed", "inferior"]


def test_a_veto_before_the_first_call_saves_the_calls() -> None:
    evidence = PairsSoFar(vetoed=frozenset({"o0"}))
    assert next_step(PLAN, evidence) == Ask(options=(("o1", 400),), incumbent=400)
    done = _finish(PairsSoFar(pairs=several(PLAN, {"o1": BAD}), vetoed=frozenset({"o0"})))
    assert done.standings[0].state == "vetoed"
    assert done.standings[0].difference is None


def test_the_shown_bound_clears_the_margin_exactly_when_it_passes() -> None:
    evidence = PairsSoFar(
        pairs=several(PLAN, {"o0": NEAR, "o1": EQUAL}), cleared=frozenset({"o0", "o1"})
    )
    for item in _finish(evidence).standings:
        assert item.worst is not None
        assert (item.worst > -0.05) == (item.state == "passes")
    assert [item.state for item in _finish(evidence).standings] == ["open", "passes"]


def test_missing_answers_that_may_all_be_losses_leave_it_open() -> None:
    scores: list[float | None] = [1.0] * 400
    scores[:13] = [None] * 13
    broken = pair_up(
        arm("incumbent", PLAN.order, [1.0] * 400),
        arm("o0", PLAN.order, scores),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    done = _finish(PairsSoFar(pairs={"o0": broken, "o1": pairs(PLAN, "o1", BAD)}))
    first = done.standings[0]
    assert first.state == "incomplete"
    assert first.worst_missing_as_zero is not None
    assert first.worst is not None
    assert first.worst_missing_as_zero == first.worst < -0.03
    assert missingness(broken).candidate == 13


@pytest.mark.parametrize(
    ("lost", "state", "fewest"),
    [
        pytest.param(0, "passes", 0, id="right or wrong, it is within the limit"),
        pytest.param(10, "passes", 0, id="still"),
        pytest.param(11, "waiting", 1, id="one more loss would be too many"),
        pytest.param(14, "open", 0, id="right or wrong, it is not shown"),
        pytest.param(60, "inferior", 0, id="right or wrong, it is beyond"),
    ],
)
def test_a_disagreement_waits_for_its_label_only_if_the_verdict_depends_on_it(
    lost: int, state: str, fewest: int
) -> None:
    found = one_unlabelled(lost=lost)
    evidence = PairsSoFar(
        pairs={"o0": found, "o1": pairs(PLAN, "o1", BAD)}, cleared=frozenset({"o0"})
    )
    first = _finish(evidence).standings[0]
    assert (first.state, first.fewest) == (state, fewest)
    assert first.unlabelled == ((PLAN.order[0],) if state == "waiting" else ())


@pytest.mark.parametrize(
    ("lost", "lacking", "state", "fewest"),
    [(6, 5, "passes", 0), (6, 8, "incomplete", 3), (13, 6, "open", 0)],
)
def test_an_answer_that_is_missing_counts_against_the_candidate(
    lost: int, lacking: int, state: str, fewest: int
) -> None:
    """Eleven losses of 400 pass at a level of 2.5 %, twelve do not."""
    evidence = PairsSoFar(
        pairs={"o0": missing(lacking, lost=lost), "o1": pairs(PLAN, "o1", BAD)},
        cleared=frozenset({"o0"}),
    )
    first = _finish(evidence).standings[0]
    assert (first.state, first.fewest) == (state, fewest)
    assert first.worst is not None
    assert (first.worst > -0.05) == (state == "passes")


def test_a_case_on_which_both_models_failed_is_left_out() -> None:
    scores: list[float | None] = [*[None] * 8, *[1.0] * 392]
    both = pair_up(
        arm("incumbent", PLAN.order, scores),
        arm("o0", PLAN.order, scores),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    whole = pairs(design(n=392, options=2), "o0", EQUAL[:392])
    found = [
        _finish(
            PairsSoFar(pairs={"o0": of, "o1": pairs(PLAN, "o1", BAD)}, cleared=frozenset({"o0"}))
        )
        if of is both
        else next_step(
            design(n=392, options=2),
            PairsSoFar(
                pairs={"o0": of, "o1": pairs(PLAN, "o1", BAD[:392])}, cleared=frozenset({"o0"})
            ),
        )
        for of in (both, whole)
    ]
    worst = [step.standings[0].worst for step in found if isinstance(step, Finished)]
    assert len(worst) == 2
    assert worst[0] == worst[1]


def missing(lacking: int, *, lost: int = 0) -> Pairs:
    """The first cases have no answer of the candidate, the last are lost, the rest are equal."""
    kept = [1.0] * (400 - lacking - lost)
    return pair_up(
        arm("incumbent", PLAN.order, [1.0] * 400),
        arm("o0", PLAN.order, [*[None] * lacking, *kept, *[0.0] * lost]),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )


def one_unlabelled(*, lost: int = 0) -> Pairs:
    """The first case differs and has no label, the last are lost, the rest are equal."""
    waiting = frozenset(PLAN.order[:1])
    kept = [1.0] * (399 - lost)
    return pair_up(
        arm("incumbent", PLAN.order, [None, *[1.0] * 399], unlabelled=waiting),
        arm("o0", PLAN.order, [None, *kept, *[0.0] * lost], unlabelled=waiting),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )


def left_out(lacking: int) -> Pairs:
    """Both models failed on the first cases, and are alike on the rest."""
    scores: list[float | None] = [None] * lacking + [1.0] * (400 - lacking)
    both = (arm("incumbent", PLAN.order, scores), arm("o0", PLAN.order, scores))
    return pair_up(*both, order=PLAN.order, clusters=PLAN.clusters)


@pytest.mark.parametrize(
    ("first", "p_is_known", "level"),
    [
        pytest.param(missing(8), True, 0.05, id="as many may be missing"),
        pytest.param(left_out(9), False, 0.025, id="more may not be left out"),
        pytest.param(one_unlabelled(), True, 0.05, id="a label that changes nothing is not needed"),
    ],
)
def test_what_cannot_be_tested_takes_its_part_of_the_error_with_it(
    first: Pairs, level: float, *, p_is_known: bool
) -> None:
    """Of two that pass the second has the whole level; beside one that is not tested, half."""
    evidence = PairsSoFar(pairs={"o0": first, "o1": pairs(PLAN, "o1", NEAR)})
    found = _finish(PairsSoFar(pairs=evidence.pairs, cleared=frozenset({"o0"})))
    assert (found.standings[0].looks[0].p_value is not None) == p_is_known
    assert found.standings[1].level == pytest.approx(level)


def test_harm_is_shown_at_an_option_s_part_of_the_level_as_the_rest_is() -> None:
    found = _finish(PairsSoFar(pairs=several(PLAN, {"o0": NEAR, "o1": BAD})))
    near, bad = found.standings
    assert (near.state, near.level, near.n, near.asked) == ("open", 0.025, 400, 400)
    assert (bad.state, bad.level, bad.n, bad.asked) == ("inferior", 0.025, 400, 400)
    assert (near.best_level, bad.best_level) == (None, 0.025)
    assert [item.looks[0].action for item in found.standings] == ["continue", "inferior"]
    assert near.looks[0].n == 400
    assert near.looks[0].difference == near.difference == pytest.approx(-0.04)


def test_who_was_never_asked_has_no_figures() -> None:
    evidence = PairsSoFar(pairs=several(PLAN, {"o1": BAD}), vetoed=frozenset({"o0"}))
    first = _finish(evidence).standings[0]
    assert (first.n, first.asked, first.looks, first.level) == (0, 0, (), None)


def test_an_option_without_one_settled_case_has_no_figures_either() -> None:
    nothing = pair_up(
        arm("incumbent", PLAN.order, [None] * 400),
        arm("o0", PLAN.order, [1.0] * 400),
        order=PLAN.order,
        clusters=PLAN.clusters,
    )
    done = _finish(PairsSoFar(pairs={"o0": nothing, "o1": pairs(PLAN, "o1", BAD)}))
    first = done.standings[0]
    assert (first.state, first.n, first.asked) == ("incomplete", 0, 400)
    assert (first.difference, first.worst, first.best) == (None, None, None)
    assert (first.looks[0].n, first.looks[0].difference) == (0, None)


def test_a_margin_that_nothing_could_clear_is_refused_before_spending() -> None:
    small = design(n=60, options=2)
    step = next_step(small, PairsSoFar())
    assert isinstance(step, Finished)
    assert {item.state for item in step.standings} == {"too-small"}
    assert {(item.n, item.asked, item.cases) for item in step.standings} == {(0, 0, (0, 0))}
    clusters = tuple(f"k{i // 40}" for i in range(400))
    clustered = design(n=400, clusters=clusters, method="cluster-t")
    step = next_step(clustered, PairsSoFar())
    assert isinstance(step, Finished)
    assert {item.state for item in step.standings} == {"too-small"}


@pytest.mark.parametrize("longer", ["o0", "o1"])
def test_cases_beyond_the_plan_are_a_test_of_their_own(longer: str) -> None:
    small = design(n=399, options=2)
    asked = {name: PLAN if name == longer else small for name in ("o0", "o1")}
    evidence = PairsSoFar(
        pairs={name: pairs(plan, name, EQUAL[: len(plan.order)]) for name, plan in asked.items()}
    )
    with pytest.raises(ValueError, match="400 cases were answered, the plan has 399"):
        next_step(small, evidence)


def test_the_one_look_says_how_an_option_left() -> None:
    found = {"o0": EQUAL, "o1": NEAR}
    done = _finish(PairsSoFar(pairs=several(PLAN, found), cleared=frozenset({"o0"})))
    assert [item.looks[0].action for item in done.standings] == ["pass", "continue"]
    late = one_unlabelled(lost=11)
    waits = _finish(PairsSoFar(pairs={"o0": late, "o1": pairs(PLAN, "o1", BAD)}))
    assert [item.looks[0].action for item in waits.standings] == ["waiting", "inferior"]
    assert {item.looks[0].number for item in waits.standings} == {1}


def test_a_record_shows_points() -> None:
    found = several(PLAN, {"o0": NEAR, "o1": EQUAL})
    done = _finish(PairsSoFar(pairs=found, cleared=frozenset({"o1"})))
    shown = quality(PLAN, done.standings[0], found["o0"], "exact-match")
    assert shown is not None
    assert (shown.difference, shown.only_current_right, shown.n) == (-4.0, 16, 400)
    assert shown.current - shown.candidate == pytest.approx(4.0)
    assert shown.worst < -5.0 < shown.difference
    assert shown.looks[0].p_value is not None
    assert shown.looks[0].worst == shown.worst
