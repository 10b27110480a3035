from __future__ import annotations

from decimal import Decimal

import pytest

from harness.money.hosting import curve_of


def test_an_even_week() -> None:
    curve = curve_of(1461)
    assert curve.hours == 168
    assert set(curve.milli_requests) == {2000}
    assert (curve.requests, curve.requests_per_month) == (336, 1461)


def test_a_quiet_hour_is_not_rounded_to_none() -> None:
    curve = curve_of(1)
    assert min(curve.milli_requests) == 2
    assert curve.requests_per_month == pytest.approx(Decimal("1.461"))


def test_weights_shape_the_week() -> None:
    curve = curve_of(Decimal("730.5"), [3, 1, 0, 0])
    assert curve.milli_requests == (3000, 1000, 0, 0)


@pytest.mark.parametrize("weights", [[0, 0], [1, -1]])
def test_weights_that_are_no_shape(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        curve_of(1, weights)
