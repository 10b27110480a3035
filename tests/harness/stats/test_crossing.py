"""Where a falling share crosses a level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats.load import Crossing, Outside, find_crossing


def logistic(rate: float, truth: float = 3.0) -> float:
    return 1 / (1 + (rate / truth) ** 2 / 9)


def test_a_curve_straight_in_log_odds_is_crossed_exactly_and_without_width() -> None:
    rates = (2.0, 2.5, 3.5)
    found = find_crossing(rates, [[logistic(r)] * 4 for r in rates], at=0.9, level=0.05)
    assert isinstance(found, Crossing)
    assert (found.value, found.lower, found.upper) == pytest.approx((3.0, 3.0, 3.0))


def test_one_repeat_has_no_bounds() -> None:
    found = find_crossing((2.0, 4.0), [[0.95], [0.8]], at=0.9, level=0.05)
    assert isinstance(found, Crossing)
    assert found.lower is found.upper is None


@pytest.mark.parametrize(
    ("shares", "below"),
    [
        pytest.param([[0.8, 0.8], [0.5, 0.5]], True, id="too high everywhere"),
        pytest.param([[1.0, 1.0], [0.95, 0.96]], False, id="good everywhere"),
        pytest.param([[0.95, 0.87], [0.5, 0.5]], True, id="too high without the first repeat"),
        pytest.param([[1.0, 1.0], [0.99, 0.6]], False, id="good without the second"),
    ],
)
def test_a_crossing_beyond_what_was_measured_says_on_which_side(
    shares: list[list[float]], *, below: bool
) -> None:
    assert find_crossing((1.0, 2.0), shares, at=0.9, level=0.05) == Outside(below=below)


def test_one_repeat_that_is_out_of_reach_is_outside_too() -> None:
    assert find_crossing((1.0, 2.0), [[0.8], [0.5]], at=0.9, level=0.05) == Outside(below=True)


def test_a_share_that_rises_by_chance_is_pooled_with_its_neighbour() -> None:
    found = find_crossing((1.0, 2.0, 4.0), [[0.94], [0.98], [0.5]], at=0.9, level=0.05)
    flat = find_crossing((1.0, 2.0, 4.0), [[0.96], [0.96], [0.5]], at=0.9, level=0.05)
    assert found == flat


def test_the_bounds_are_the_jackknifes_with_students_t() -> None:
    """Log-odds that shift per repeat: each left-out crossing by hand."""
    rng = np.random.default_rng(5)
    rates = np.array([2.0, 3.0, 4.5])
    shares = np.array(
        [[logistic(r, 3.0 * math.exp(e)) for e in rng.normal(0, 0.1, 6)] for r in rates]
    )
    found = find_crossing(list(rates), shares.tolist(), at=0.9, level=0.05)
    assert isinstance(found, Crossing)
    assert found.lower is not None
    assert found.upper is not None

    def crossing(table: np.ndarray) -> float:
        mean = table.mean(axis=1)
        odds = np.log(mean / (1 - mean))
        return float(np.interp(-math.log(9), -odds, np.log(rates)))

    left_out = np.array([crossing(np.delete(shares, r, axis=1)) for r in range(6)])
    error = math.sqrt(5 / 6 * float(((left_out - left_out.mean()) ** 2).sum()))
    whole = crossing(shares)
    assert math.log(found.value) == pytest.approx(whole)
    assert math.log(found.upper) == pytest.approx(whole + stats.t.ppf(0.95, 5) * error)
    assert math.log(found.lower) == pytest.approx(whole - stats.t.ppf(0.975, 5) * error)


def test_a_crossing_lies_between_the_settings_beside_it() -> None:
    found = find_crossing((1.0, 2.0, 4.0, 8.0), [[0.99], [0.95], [0.8], [0.1]], at=0.9, level=0.05)
    assert isinstance(found, Crossing)
    assert found.between == (2.0, 4.0)
    assert found.drop == pytest.approx(math.log(0.95 / 0.05) - math.log(0.8 / 0.2))
    assert 2.0 < found.value < 4.0


@pytest.mark.parametrize(("shares", "value"), [([0.9, 0.5], 1.0), ([0.95, 0.9, 0.5], 2.0)])
def test_a_setting_that_just_reaches_the_share_is_the_crossing(
    shares: list[float], value: float
) -> None:
    found = find_crossing((1.0, 2.0, 4.0)[: len(shares)], [[s] for s in shares], at=0.9, level=0.05)
    assert isinstance(found, Crossing)
    assert found.value == pytest.approx(value)
    assert found.between[0] == value
