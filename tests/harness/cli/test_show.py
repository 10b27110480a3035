"""Time as a terminal shows it."""

from __future__ import annotations

import pytest

from harness.cli.show import duration


@pytest.mark.parametrize(
    ("hours", "said"), [(1.84, "1 h 50"), (0.2, "12 min"), (0.001, "under a minute")]
)
def test_how_long(hours: float, said: str) -> None:
    assert duration(hours) == said
