"""A small sample of the mutated files; the whole is run by hand (tests/benchmarks/intake)."""

from __future__ import annotations

import pytest

from tests.benchmarks.intake.fuzzing import IMPORTERS, faults


@pytest.mark.parametrize("name", IMPORTERS)
def test_mutated_files_end_in_files_of_ours_or_in_one_line(name: str) -> None:
    assert list(faults(name, 40, 3)) == []
