"""Money, shares and counts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.wording import percent, plural, usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "\u2013"),
        (Decimal(0), "USD 0.00"),
        (Decimal("2758.6"), "USD 2,759"),
        (Decimal("99.5"), "USD 99.50"),
        (Decimal(100), "USD 100"),
        (Decimal("8.051"), "USD 8.05"),
        (Decimal("0.9"), "USD 0.90"),
        (Decimal("0.03612"), "USD 0.0361"),
        (Decimal("0.0000123"), "USD 0.0000123"),
        (Decimal(-2759), "USD -2,759"),
        (Decimal("1234567.89"), "USD 1,234,568"),
        (Decimal("1234.5"), "USD 1,235"),
        (Decimal("99.994"), "USD 99.99"),
        (Decimal("0.01"), "USD 0.01"),
        (Decimal("0.363"), "USD 0.363"),
        (Decimal("0.00000000512"), "USD 0.00000000512"),
        (Decimal("-0.00004"), "USD -0.00004"),
    ],
)
def test_money(amount: Decimal | None, text: str) -> None:
    assert usd(amount) == text


def test_signed_money_shows_its_plus() -> None:
    assert usd(Decimal(7), signed=True) == "USD +7.00"


@pytest.mark.parametrize(
    ("number", "several", "said"),
    [
        (1, None, "1 case"),
        (0, None, "0 cases"),
        (2, None, "2 cases"),
        (1234, None, "1,234 cases"),
        (1, "case files", "1 case"),
        (3, "case files", "3 case files"),
    ],
)
def test_a_noun_agrees_with_its_count(number: int, several: str | None, said: str) -> None:
    assert plural(number, "case", several) == said


@pytest.mark.parametrize(
    ("share", "places", "said"),
    [(0.923, 0, "92 %"), (Decimal("0.0164"), 1, "1.6 %"), (1, 0, "100 %"), (0.0, 0, "0 %")],
)
def test_a_share_is_a_number_apart_from_its_sign(
    share: float | Decimal, places: int, said: str
) -> None:
    assert percent(share, places) == said
