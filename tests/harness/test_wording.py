"""Counts as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.wording import percent, plural


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
