"""How sure a model is and how often it is right: fitted, turned into a threshold, drawn."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.calibration import curve, least_said, log_odds, sharpness

CHANCE = st.floats(min_value=0.01, max_value=0.99)


def drawn(count: int, factor: float, seed: int = 3) -> tuple[list[float], list[float]]:
    """Answers of a model that is `factor` times as sure (on log odds) as it says."""
    rng = Random(seed)
    said = [rng.uniform(0.5, 0.995) for _ in range(count)]
    chances = [1 / (1 + math.exp(-factor * log_odds(one))) for one in said]
    return said, [float(rng.random() < chance) for chance in chances]


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.0])
def test_many_answers_find_how_sure_a_model_really_is(factor: float) -> None:
    assert sharpness(*drawn(2000, factor)) == pytest.approx(factor, rel=0.15)


def test_few_answers_move_it_little_and_none_not_at_all() -> None:
    assert sharpness([], []) == 1.0
    assert 1 < sharpness([0.9] * 5, [1.0] * 5) < 1.5
    assert 1 < sharpness([0.9] * 60, [1.0] * 60) < 3
    assert 0.7 < sharpness([0.9], [0.0]) < 1


def test_one_number_fits_as_a_search_over_a_grid_does() -> None:
    said, right = drawn(200, 0.6)

    def loss(log_factor: float) -> float:
        chances = [1 / (1 + math.exp(-math.exp(log_factor) * log_odds(one))) for one in said]
        each = zip(chances, right, strict=True)
        fit = -sum(math.log(c if hit else 1 - c) for c, hit in each)
        return fit + log_factor**2 / (2 * 0.5**2)

    best = min((step / 100 for step in range(-200, 200)), key=loss)
    assert math.log(sharpness(said, right)) == pytest.approx(best, abs=2e-2)


@settings(max_examples=60, deadline=None)
@given(wanted=CHANCE, factor=st.floats(min_value=0.2, max_value=5))
def test_the_least_said_is_as_likely_right_as_wanted(wanted: float, factor: float) -> None:
    least = least_said(wanted, factor)
    assert 0 < least <= 1
    if 0.001 < least < 0.999:
        chance = 1 / (1 + math.exp(-factor * log_odds(least)))
        assert chance >= wanted - 1e-9
        assert least_said(wanted, factor * 1.1) <= least or wanted < 0.5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0])), min_size=1))
def test_a_curve_counts_every_answer_once(pairs: list[tuple[float, float]]) -> None:
    said, right = [one for one, _ in pairs], [one for _, one in pairs]
    found = curve(said, right)
    assert found is not None
    assert sum(one.n for one in found.bins) == len(pairs)
    whole = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    assert found.brier == pytest.approx(whole, abs=1e-9)
    assert 0 <= found.gap <= 1
    for one in found.bins:
        assert one.low <= one.said <= one.high


def test_no_answers_have_no_curve() -> None:
    assert curve([], []) is None
