from __future__ import annotations

import math
from random import Random

import pytest
from scipy.optimize import brentq

from harness.stats.roots import falling_root


@pytest.mark.parametrize("level", [0.05, 0.005, 1e-6])
def test_the_zero_is_found_to_rounding(level: float) -> None:
    found = falling_root(lambda x: math.exp(-x) - level, 0.0, 100.0)
    assert found == pytest.approx(-math.log(level), rel=1e-12)


@pytest.mark.parametrize(("constant", "end"), [(-1.0, 0.0), (0.0, 0.0), (1.0, 2.0)])
def test_without_a_crossing_the_nearer_end_counts(constant: float, end: float) -> None:
    assert falling_root(lambda _: constant, 0.0, 2.0) == end


def test_a_jump_counts_as_a_crossing() -> None:
    found = falling_root(lambda x: 1.0 if x < 0.3 else -1.0, 0.0, 1.0)
    assert found == pytest.approx(0.3, abs=1e-14)


def test_each_step_is_that_of_scipys_brentq() -> None:
    rng = Random(7)
    for _ in range(400):
        a, b, c = (rng.uniform(-1.0, 3.0) for _ in range(3))
        falling = rng.choice(
            (
                lambda x, a=a, b=b, c=c: a - abs(b) * x**3 - abs(c) * x,
                lambda x, a=a, b=b: math.exp(-abs(b) * x) - abs(a) / 3,
                lambda x, a=a: math.tanh(5 * (a - x)),
                lambda x, a=a: 1.0 if x < a else -1.0,
            )
        )
        low, high = rng.choice(((-5.0, 5.0), (0, 1), (0.0, 1e6)))
        within = rng.choice((1e-15, 1e-9, 1e-4))
        if falling(low) > 0 > falling(high):
            expected = brentq(falling, low, high, xtol=within * (high - low))
            assert falling_root(falling, low, high, within=within) == expected
