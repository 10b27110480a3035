from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.amounts import exact, plain, rounded
from harness.money.prices.attempts import gpu_time_cost
from harness.workspace.policy_file import GpuPrice


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


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("0E+3", "0"),
        ("-0.000", "0"),
        ("1", "1"),
        ("7", "7"),
        ("10", "10"),
        ("1.20E+3", "1200"),
        ("1E+1", "10"),
        ("0.500", "0.5"),
        ("-3.10", "-3.1"),
    ],
)
def test_equal_numbers_have_one_plain_text(number: str, text: str) -> None:
    assert str(plain(Decimal(number))) == text


def test_no_digit_of_a_large_amount_is_lost() -> None:
    """Python's usual 28 digits would do for no sum of trillions in billionths of a cent."""
    long = Decimal("123456789012345678901234567890.123456789")
    assert plain(long) == long
    assert rounded(long, 6) == Decimal("123456789012345678901234567890.123457")


@pytest.mark.parametrize(
    ("spot", "usd"),
    [pytest.param(None, "7.2", id="on demand"), pytest.param("1.50", "2.7", id="spot, if offered")],
)
def test_gpus_cost_by_the_second_while_they_are_held(spot: str | None, usd: str) -> None:
    """Two for 54 minutes: 0.9 hours each."""
    price = GpuPrice.model_validate(
        {"on_demand": "4", "spot": spot, "as_of": "2026-10-01", "source": "quote"}
    )
    assert gpu_time_cost(3240, 2, price) == Decimal(usd)
