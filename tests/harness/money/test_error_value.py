from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.savings import QualityLoss, error_value

SAVING = Decimal("0.0288")
"""USD a request."""


def test_the_reference_page_by_hand() -> None:
    """0.0288 / (2 / 560) = 8.064 and 0.0288 / 0.021 = 1.371; 343 and 2,016 more errors a month."""
    loss = QualityLoss(estimate=200 / 560, worst=2.1)
    value = error_value(
        SAVING * 96_000, loss, requests_per_month=96_000, error_cost_usd=Decimal("0.90")
    )
    assert value.at_estimate == pytest.approx(Decimal("8.064"))
    assert value.at_worst == Decimal("1.371429")
    assert value.more_errors_per_month == pytest.approx(96_000 * 2 / 560)
    assert value.more_errors_per_month_worst == pytest.approx(2016)
    assert value.net_saving_estimate == pytest.approx(Decimal("2456.228571"))
    assert value.net_saving_worst == Decimal("950.4")


def test_a_better_option_is_not_credited() -> None:
    loss = QualityLoss(estimate=-1.5, worst=0.5)
    value = error_value(SAVING * 1000, loss, requests_per_month=1000, error_cost_usd=Decimal(1))
    assert value.at_estimate is None
    assert value.more_errors_per_month == 0
    assert value.net_saving_estimate == Decimal("28.8")


def test_without_a_stated_cost_there_is_no_net_saving() -> None:
    loss = QualityLoss(estimate=1, worst=2)
    value = error_value(SAVING * 1000, loss, requests_per_month=1000, error_cost_usd=None)
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


def test_a_one_off_cost_is_taken_off_what_is_left() -> None:
    """Saved 100, lost 2 of 100 x 1,000 requests x USD 3 = 60; a one-off cost of 15 a month."""
    loss = QualityLoss(estimate=2, worst=4)
    value = error_value(
        Decimal(100),
        loss,
        requests_per_month=1000,
        error_cost_usd=Decimal(3),
        one_off_monthly=Decimal(15),
    )
    assert (value.net_saving_estimate, value.net_saving_worst) == (40, -20)
    assert (value.saving_after_discounts, value.net_of_one_off) == (100, 25)


def test_without_a_stated_cost_the_one_off_cost_is_taken_off_the_bill() -> None:
    loss = QualityLoss(estimate=2, worst=4)
    value = error_value(
        Decimal(100),
        loss,
        requests_per_month=1000,
        error_cost_usd=None,
        one_off_monthly=Decimal(15),
    )
    assert (value.net_saving_estimate, value.net_of_one_off) == (None, 85)
