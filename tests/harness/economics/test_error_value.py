from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.economics.error_value import QualityLoss, error_value

SAVING = Decimal("0.0288")


def test_the_reference_page_by_hand() -> None:
    """0.0288 / (2 / 560) = 8.064 and 0.0288 / 0.021 = 1.371; 343 and 2,016 more errors a month."""
    loss = QualityLoss(estimate=200 / 560, worst=2.1)
    value = error_value(SAVING, loss, requests_per_month=96_000, error_cost_usd=Decimal("0.90"))
    assert value.at_estimate == pytest.approx(Decimal("8.064"))
    assert value.at_worst == Decimal("1.371429")
    assert value.more_errors_per_month == pytest.approx(96_000 * 2 / 560)
    assert value.more_errors_per_month_worst == pytest.approx(2016)
    assert value.net_saving_estimate == pytest.approx(Decimal("2456.228571"))
    assert value.net_saving_worst == Decimal("950.4")


def test_a_better_option_is_not_credited() -> None:
    loss = QualityLoss(estimate=-1.5, worst=0.5)
    value = error_value(SAVING, loss, requests_per_month=1000, error_cost_usd=Decimal(1))
    assert value.at_estimate is None
    assert value.more_errors_per_month == 0
    assert value.net_saving_estimate == Decimal("28.8")


def test_without_a_stated_cost_there_is_no_net_saving() -> None:
    loss = QualityLoss(estimate=1, worst=2)
    value = error_value(SAVING, loss, requests_per_month=1000, error_cost_usd=None)
    assert (value.net_saving_estimate, value.net_saving_worst) == (None, None)


@given(
    st.integers(1, 10_000).map(lambda cents: Decimal(cents) / 10_000),
    st.integers(1, 1000).map(lambda tenths: tenths / 10),
)
def test_break_even_is_the_root_found_by_bisection(saving: Decimal, points: float) -> None:
    """At the break-even cost of an error, what is saved equals what the errors cost."""
    low, high = Decimal(0), Decimal(100_000)
    for _ in range(80):
        middle = (low + high) / 2
        pays = saving - Decimal(str(points)) / 100 * middle > 0
        low, high = (middle, high) if pays else (low, middle)
    loss = QualityLoss(estimate=points, worst=points)
    value = error_value(saving, loss, requests_per_month=1, error_cost_usd=None)
    assert value.at_estimate is not None
    assert abs(value.at_estimate - low) <= Decimal("0.000001")
