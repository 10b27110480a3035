"""Laws of the decision: what must never turn a verdict the wrong way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.decision.procedure import standings
from harness.judge.decision.standing import PairsSoFar
from harness.judge.decision.verdict import Circumstances, WeighedOption, decide
from harness.record.base import Verdict
from tests.support.decisions import design
from tests.support.histories import Driven, differences, drive, prefix
from tests.support.laws import law

pytestmark = pytest.mark.slow

N = 200
rates = st.tuples(st.floats(0, 0.06), st.floats(0, 0.12))
seeds = st.integers(0, 10_000)


def _history(seed: int, truth: tuple[float, float]) -> list[float]:
    return differences(np.random.default_rng(seed), [truth], N)["o0"]


def _decide(values: list[float], margin: float) -> tuple[Verdict, Driven]:
    plan = design(n=N, options=1, kind="ladder", margin=margin)
    found = drive(plan, {"o0": values}, frozenset())
    state = found.standings[0].state
    return decide(Circumstances(), [WeighedOption(option="o0", quality=state)]).verdict, found


@law
@given(seeds, rates, st.sampled_from([(4.0, 5.0), (5.0, 8.0), (3.0, 10.0)]))
def test_a_wider_margin_never_turns_downgrade_into_justify(
    seed: int, truth: tuple[float, float], margins: tuple[float, float]
) -> None:
    values = _history(seed, truth)
    narrow, wide = (_decide(values, margin)[0] for margin in margins)
    if narrow is Verdict.DOWNGRADE:
        assert wide is Verdict.DOWNGRADE


@law
@given(seeds, rates)
def test_permuting_cases_between_two_checks_changes_nothing(
    seed: int, truth: tuple[float, float]
) -> None:
    values = _history(seed, truth)
    plan = design(n=N, options=1, kind="ladder")
    rng = np.random.default_rng(seed)
    shuffled = list(values)
    for low, high in pairwise((0, *plan.stages, *plan.checks)):
        shuffled[low:high] = rng.permutation(values[low:high]).tolist()
    assert _decide(shuffled, 5.0) == _decide(values, 5.0)


@law
@given(seeds, rates)
def test_turning_a_loss_into_an_agreement_never_hurts(
    seed: int, truth: tuple[float, float]
) -> None:
    values = _history(seed, truth)
    losses = [place for place, value in enumerate(values) if value < 0]
    better = list(values)
    if losses:
        better[losses[seed % len(losses)]] = 0.0
    if _decide(values, 5.0)[0] is Verdict.DOWNGRADE:
        assert _decide(better, 5.0)[0] is Verdict.DOWNGRADE


@law
@given(seeds, st.lists(rates, min_size=1, max_size=3), st.sampled_from(["first", "last"]))
def test_who_was_asked_every_case_is_never_unlikely(
    seed: int, truths: list[tuple[float, float]], labels: str
) -> None:
    plan = design(n=N, options=len(truths), kind="ladder", labelled=labels == "first")
    found = drive(plan, differences(np.random.default_rng(seed), truths, N), frozenset())
    for standing in found.standings:
        assert (standing.state == "unlikely") == (standing.stop is not None)
        if standing.stop is not None:
            assert standing.stop.seen <= found.asked[standing.option] < N
            assert standing.cases[1] == standing.stop.seen
        if found.asked[standing.option] == N:
            assert standing.state != "unlikely"


@law
@given(seeds, rates, st.integers(1, 199))
def test_what_was_answered_ahead_is_read_before_an_option_is_given_up(
    seed: int, truth: tuple[float, float], ahead: int
) -> None:
    """As where a batch, or a cascade's cheap model, was asked further than this option's turn."""
    values, plan = _history(seed, truth), design(n=N, options=1, kind="ladder")
    held = PairsSoFar(pairs={"o0": prefix(plan, "o0", values, ahead)})
    (standing,) = standings(plan, held)
    if standing.stop is not None:
        assert standing.cases[1] == standing.stop.seen
    if standing.stop is not None and standing.stop.seen > plan.pilot:
        later = [check for check in plan.checks if check > standing.stop.seen]
        assert ahead < later[0]
    whole = PairsSoFar(pairs={"o0": prefix(plan, "o0", values, N)})
    (standing,) = standings(plan, whole)
    assert standing.stop is None or standing.stop.seen <= plan.pilot


@law
@given(seeds, rates)
def test_the_shown_bound_exceeds_the_limit_exactly_when_the_option_passed(
    seed: int, truth: tuple[float, float]
) -> None:
    _, found = _decide(_history(seed, truth), 5.0)
    (standing,) = found.standings
    if standing.worst is not None:
        assert (standing.worst > -0.05) == (standing.state == "passes")
