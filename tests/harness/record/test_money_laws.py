"""Each law of a record's money, broken by one figure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.record.laws import broken_in_money, broken_laws
from tests.support.record_parts import a_break_even, a_feature, an_option
from tests.support.records import downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord


def with_savings(**over: object) -> DecisionRecord:
    record = downgrade_record()
    assert record.savings is not None
    return record.model_copy(update={"savings": record.savings.model_copy(update=over)})


def with_even(**over: object) -> DecisionRecord:
    return downgrade_record(options=(an_option(error_break_even=a_break_even(**over)),))


@pytest.mark.parametrize("record", [downgrade_record(), justify_record(), undecided_record()])
def test_the_money_of_a_record_obeys(record: DecisionRecord) -> None:
    assert list(broken_in_money(record)) == []


@pytest.mark.parametrize(
    ("record", "words"),
    [
        pytest.param(
            with_even(saving_after_discounts=Decimal(2759)), "difference of the months", id="list"
        ),
        pytest.param(with_even(more_errors_per_month=384.0), "384.0 more errors", id="errors"),
        pytest.param(with_even(more_errors_per_month_worst=2400.0), "2400.0 more", id="worst"),
        pytest.param(with_even(at_estimate=Decimal("8.05")), "8.05 for each", id="break-even"),
        pytest.param(with_even(net_saving_estimate=Decimal("2450.4")), "2450.4 left", id="net"),
        pytest.param(with_even(net_saving_worst=None), "None left", id="no net at worst"),
        pytest.param(
            downgrade_record(feature=a_feature(error_cost_usd=None)), "nobody stated", id="no cost"
        ),
        pytest.param(with_savings(after_discounts=Decimal(2759)), "2759 saved", id="gross"),
        pytest.param(with_savings(net_monthly=Decimal("2483.1")), "chosen option's", id="not net"),
        pytest.param(with_savings(one_off_monthly=Decimal(0)), "less 0", id="one-off"),
        pytest.param(with_savings(minimum_usd=Decimal(1900)), "the least is 1900", id="minimum"),
        pytest.param(
            downgrade_record(bridge=downgrade_record().bridge[:1]), "bridge sums", id="bridge"
        ),
    ],
)
def test_one_figure_that_does_not_fit_is_told(record: DecisionRecord, words: str) -> None:
    assert any(words in line for line in broken_laws(record))


def test_what_cannot_be_accepted_need_not_reach_the_least() -> None:
    record = with_savings(minimum_usd=Decimal(1900))
    marked = record.evidence.model_copy(update={"exploratory": ("re-priced",)})
    assert list(broken_in_money(record.model_copy(update={"evidence": marked}))) == []


def test_older_figures_at_list_price_are_read_as_they_are() -> None:
    old = {"saving_after_discounts": None, "net_of_one_off": None}
    record = with_even(at_estimate=Decimal("8.05"), net_saving_estimate=Decimal("2450.4"), **old)
    saved = with_savings(minimum_usd=None, net_monthly=None).savings
    assert list(broken_in_money(record.model_copy(update={"savings": saved}))) == []
