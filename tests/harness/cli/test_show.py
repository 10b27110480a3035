"""Money and time as a terminal shows them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.cli.show import duration, usd


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "USD 0"),
        ("1234.5", "USD 1,235"),
        ("99.994", "USD 99.99"),
        ("0.01", "USD 0.01"),
        ("0.00123", "USD 0.0012"),
        ("0.0000507", "USD 0.000051"),
        ("0.00000000512", "USD 0.0000000051"),
        ("-0.00004", "USD -0.000040"),
    ],
)
def test_no_amount_is_rounded_to_nothing(amount: str, said: str) -> None:
    assert usd(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("hours", "said"), [(1.84, "1 h 50"), (0.2, "12 min"), (0.001, "under a minute")]
)
def test_how_long(hours: float, said: str) -> None:
    assert duration(hours) == said
