"""A sample of the corpus: the whole is run by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks.faults.__main__ import broken


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_value_is_told_at_its_line(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIG_KEY", "a key that is asked for, and never used")
    for one in broken(3, seed):
        assert one.fault is None, one
