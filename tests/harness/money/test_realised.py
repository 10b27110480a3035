from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.money.realised import BilledRow, realised, verified
from harness.record.base import State
from harness.record.lifecycle import Actor, Move, move
from tests.support.record_parts import a_cost
from tests.support.records import decided, downgrade_record, justify_record

AT = datetime(2027, 2, 3, tzinfo=UTC)
OLD, NEW = "claude-opus-4-5", "claude-haiku-4-5"
# 96,000 requests a month cost 3,115.71 before and 632.61 as forecast, after discounts.


def row(month: str, model: str, requests: int, cost: str, feature: str = "invoice-extraction"):  # noqa: ANN201
    return BilledRow(
        month=month, feature=feature, model=model, requests=requests, cost_usd=Decimal(cost)
    )


def test_a_forecast_that_came_true() -> None:
    found = realised(downgrade_record(), [row("2027-01", NEW, 96_000, "632.61")])
    assert found.saving == Decimal("2483.10")
    assert found.volume_effect == 0
    assert found.share_on_chosen == 1


def test_volume_is_told_apart_from_the_model() -> None:
    """Twice the requests at twice the forecast's bill: the model saves twice as much."""
    found = realised(downgrade_record(), [row("2027-01", NEW, 192_000, "1265.22")])
    assert found.volume_effect == Decimal("3115.71")
    assert found.saving == Decimal("4966.20")
    assert found.billed - found.old_at_forecast_volume == found.volume_effect + found.model_effect


def test_months_are_averaged_and_those_before_the_change_do_not_count() -> None:
    bill = [
        row("2026-12", OLD, 96_000, "3115.71"),
        row("2027-01", OLD, 48_000, "1557.855"),
        row("2027-01", NEW, 48_000, "316.305"),
        row("2027-02", f"{NEW}-20251001", 96_000, "632.61"),
        row("2027-02", NEW, 96_000, "1.00", feature="another"),
    ]
    found = realised(downgrade_record(), bill)
    assert found.months == ("2027-01", "2027-02")
    assert found.share_on_chosen == Decimal("0.75")
    assert found.saving == (Decimal("1241.55") + Decimal("2483.10")) / 2


@given(
    st.integers(min_value=1, max_value=10**9),
    st.decimals(min_value=0, max_value=10**7, places=2),
)
def test_the_two_effects_make_the_whole_difference(requests: int, cost: Decimal) -> None:
    found = realised(downgrade_record(), [row("2027-01", NEW, requests, str(cost))])
    whole = found.billed - found.old_at_forecast_volume
    assert abs(found.volume_effect + found.model_effect - whole) < Decimal("1e-12")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param(justify_record(), "nothing was changed", id="stay"),
        pytest.param(downgrade_record(traffic=None), "no monthly cost", id="no traffic"),
        pytest.param(
            downgrade_record(current_cost=a_cost(monthly_after_discounts=None)),
            "no monthly cost",
            id="no cost",
        ),
    ],
)
def test_what_cannot_be_realised(record, message: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with pytest.raises(UsageError, match=message):
        realised(record, [row("2027-01", NEW, 1, "1")])


def test_a_bill_without_the_feature() -> None:
    with pytest.raises(UsageError, match="no month of the bill"):
        realised(downgrade_record(), [row("2027-01", OLD, 1, "1")])


def test_verifying_keeps_the_finding() -> None:
    accepted = decided(downgrade_record())
    step = Move(
        to=State.IMPLEMENTED,
        actor=Actor.LOCK,
        by="rightsize lock",
        by_source="machine",
        at=AT,
        reason="production reads claude-haiku-4-5",
    )
    running = move(accepted, step)
    found = realised(running, [row("2027-01", NEW, 96_000, "700.00")])
    made = verified(running, found, source="bill.csv", now=AT)
    assert made.state is State.VERIFIED
    assert made.savings is not None
    assert made.savings.realised == Decimal("2415.71")
    assert made.savings.verified_at == AT
    assert made.history[-1].reason == "bill.csv: USD 2,415.71 a month over 2027-01"
    assert made.finding_sha256 == accepted.finding_sha256
    again = verified(made, found, source="bill.csv", now=AT)
    assert again.state is State.VERIFIED


def test_only_what_runs_can_be_verified() -> None:
    found = realised(downgrade_record(), [row("2027-01", NEW, 96_000, "700.00")])
    with pytest.raises(UsageError, match="PROPOSED and cannot become VERIFIED"):
        verified(downgrade_record(), found, source="bill.csv", now=AT)
    with pytest.raises(UsageError, match="proposes no saving"):
        verified(justify_record(), found, source="bill.csv", now=AT)
