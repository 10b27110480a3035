"""A fixed-seed slice of how reviews end, for every run of the tests."""

from __future__ import annotations

import pytest

from tests.benchmarks.decision.endings import Ending, measure
from tests.benchmarks.decision.margin import ALLOWED

RUNS = 3000


@pytest.mark.parametrize(("n", "options"), [(150, 1), (200, 1), (150, 3)])
def test_an_equal_candidate_that_was_asked_everything_is_left_open(n: int, options: int) -> None:
    found = measure(Ending(truth="equal", n=n, options=options), runs=RUNS)
    at_the_last = found["unlikely before"] - found["unlikely now"]
    still_open = 1 - found["passes"] - found["worse"] - found["unlikely now"]
    assert 0.06 < at_the_last < 0.2
    assert still_open > at_the_last


@pytest.mark.parametrize(("n", "options"), [(150, 1), (200, 1), (200, 3), (400, 3)])
def test_at_the_margin_it_errs_as_before(n: int, options: int) -> None:
    found = measure(Ending(truth="at the margin", n=n, options=options), runs=RUNS)
    assert found["at most"] <= ALLOWED
