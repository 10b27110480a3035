"""Counts as people read them."""

from __future__ import annotations

import pytest

from harness.wording import plural


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
