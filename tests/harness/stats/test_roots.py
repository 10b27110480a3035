from __future__ import annotations

import math

import pytest

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
