from __future__ import annotations

from dataclasses import replace

from harness.judge.decision.bounds import option_p_value
from harness.judge.decision.procedure import next_step, standings
from harness.judge.decision.standing import Ask, Confirm, PairsSoFar
from tests.support.decisions import design, several
from tests.support.histories import drive

PLAN = design(n=300, options=3, kind="fixed-sequence")
EQUAL = [0.0] * 300
BAD = ([-1.0] * 3 + [0.0] * 7) * 30


def _states(*rows: list[float], vetoed: frozenset[str] = frozenset()) -> list[str]:
    values = {f"o{place}": row for place, row in enumerate(rows)}
    return [item.state for item in drive(PLAN, values, vetoed).standings]


def test_the_dearest_comes_first_and_alone() -> None:
    assert next_step(PLAN, PairsSoFar()) == Ask(options=(("o2", 300),), incumbent=300)
    passed = PairsSoFar(pairs=several(PLAN, {"o2": EQUAL}))
    assert next_step(PLAN, passed) == Confirm(options=("o2",))


def test_it_goes_down_as_long_as_options_pass_each_at_the_whole_alpha() -> None:
    assert _states(EQUAL, EQUAL, EQUAL) == ["passes", "passes", "passes"]
    found = drive(PLAN, {"o0": EQUAL, "o1": EQUAL, "o2": EQUAL}, frozenset())
    assert {item.level for item in found.standings} == {0.05}


def test_the_first_that_does_not_pass_ends_it() -> None:
    assert _states(EQUAL, BAD, EQUAL) == ["not-asked", "inferior", "passes"]
    assert _states(EQUAL, EQUAL, BAD) == ["not-asked", "not-asked", "inferior"]


def test_a_veto_after_passing_on_quality_does_not_end_it() -> None:
    assert _states(EQUAL, BAD, EQUAL, vetoed=frozenset({"o2"})) == [
        "not-asked",
        "inferior",
        "vetoed",
    ]


def test_what_was_vetoed_before_the_first_call_is_passed_over() -> None:
    step = next_step(PLAN, PairsSoFar(vetoed=frozenset({"o2"})))
    assert step == Ask(options=(("o1", 300),), incumbent=300)


def test_a_p_value_that_only_reaches_alpha_does_not_pass() -> None:
    values = [-1.0] * 8 + [0.0] * 292
    evidence = PairsSoFar(pairs=several(PLAN, {"o2": values}))
    p = option_p_value(PLAN, evidence, "o2", 300)
    assert p is not None
    assert 0.001 < p < 0.05
    for alpha, state in ((p, "open"), (p * 1.000001, "passes")):
        plan = replace(PLAN, alpha=alpha)
        assert standings(plan, evidence)[2].state == state


def test_who_was_not_asked_has_no_figures() -> None:
    first = standings(PLAN, PairsSoFar(pairs=several(PLAN, {"o2": BAD})))[0]
    assert (first.state, first.n, first.asked, first.looks) == ("not-asked", 0, 0, ())
