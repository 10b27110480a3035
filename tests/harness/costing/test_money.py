from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.costing.money import exact, plain, rounded


def test_a_float_is_read_as_it_is_written() -> None:
    assert exact(0.1) == Decimal("0.1")
    assert exact(0.1 + 0.2) == Decimal("0.30000000000000004")
    assert exact(Decimal("1.10")) == Decimal("1.10")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_not_finite_is_refused(number: float | Decimal) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        exact(number)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=9
    )
)
def test_plain_numbers_are_equal_and_have_one_text(number: Decimal) -> None:
    assert plain(number) == number
    assert str(plain(number)) == str(plain(number * Decimal("1.000")))
    assert "E" not in str(plain(rounded(number, 6))) or plain(rounded(number, 6)) == rounded(
        number, 6
    )


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [("0.0000005", 6, "0"), ("0.0000015", 6, "0.000002"), ("1200", 2, "1200"), ("1.50", 1, "1.5")],
)
def test_rounding_is_half_even_and_plain(number: str, places: int, text: str) -> None:
    assert f"{rounded(Decimal(number), places):f}" == text
