"""Point 4 of the providers' issue: no wire costs over 25 % more CPU than the bare SDK."""

from __future__ import annotations

import pytest

from tests.benchmarks.providers.cpu_per_request import measure, table

MOST_OVER = 0.25


@pytest.mark.bench
def test_no_wire_costs_much_more_than_the_bare_sdk() -> None:
    rows = measure()
    assert all(row.over <= MOST_OVER for row in rows), table(rows)
