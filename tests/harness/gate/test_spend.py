"""Limits on spend: each kind, waivers, both sides of a change; stricter limits never pass more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.gate.findings import Cause, GateReport, Outcome
from harness.gate.outputs import SPEND_TAG, as_json, as_junit, as_markdown, as_text
from harness.gate.spend import SpendCell, SpendInput, judge_spend
from harness.money.measured import Window
from harness.money.owned.paid import PaidEndpoint, PaidHour
from harness.workspace.policy_file import SpendPolicy

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = Window(start=MONDAY, end=MONDAY + timedelta(days=7))
SUPPORT = SpendCell(
    team="support",
    environment="production",
    calls=10_400,
    requests=10_000,
    retries=400,
    usd=Decimal(1680),
    untagged_usd=Decimal(84),
)
NOBODY = SpendCell(calls=1000, requests=1000, usd=Decimal(336), untagged_usd=Decimal(336))


def endpoint(*requests: int | None, gpus: int | None = 2, usd: str | None = "4") -> PaidEndpoint:
    hours = tuple(
        PaidHour(
            at=MONDAY + at * timedelta(hours=1),
            usd=None if usd is None else Decimal(usd),
            gpus=None if gpus is None else Decimal(gpus),
            requests=count,
        )
        for at, count in enumerate(requests)
    )
    return PaidEndpoint(name="llama", team="support", environment="production", hours=hours)


def judged(policy: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> GateReport:
    facts: dict[str, Any] = {
        "window": WEEK,
        "today": date(2026, 11, 30),
        "cells": (SUPPORT, NOBODY),
    }
    return judge_spend(
        SpendInput(
            **(facts | more),
            here=SpendPolicy.model_validate(policy),
            before=None if before is None else SpendPolicy.model_validate(before),
        )
    )


@pytest.mark.parametrize(
    ("policy", "outcome", "says"),
    [
        # 2,016 in 168 hours are 12 an hour, 8,766 in a month of 730.5.
        ({"budget_usd": 8766}, "pass", ""),
        ({"budget_usd": 8765}, "fail", "USD 2,016 in 168 hours is USD 8,766 a month"),
        ({"untagged_share": 0.2}, "fail", "20.8 % of USD 2,016 belongs to no feature (USD 420)"),
        ({"untagged_share": 0.21}, "pass", ""),
        ({"retry_rate": 0.036}, "fail", "retries (3.6364 %); at most 3.6000 %"),
        ({"retry_rate": 0.037}, "pass", ""),
        ({"teams": {"support": {"retry_rate": 0.037}}}, "fail", "400 calls of 10,000 requests"),
        ({"teams": {"support": {"untagged_share": 0.05}}}, "pass", ""),
        ({"environments": {"production": {"budget_usd": 7000}}}, "fail", "USD 7,305 a month"),
        ({"teams": {"support": {"environments": {"development": {"budget_usd": 1}}}}}, "warn",
         "nothing was read of support in development"),
        ({"idle_hours": 24}, "cannot tell", "no hours of endpoints were read"),
        ({"gpu_quota": 1}, "cannot tell", "no hours of endpoints were read"),
    ],
)  # fmt: skip
def test_each_limit_holds_what_was_read_of_its_scope(
    policy: dict[str, Any], outcome: str, says: str
) -> None:
    report = judged(policy)
    assert report.outcome.value == outcome
    assert says in as_text(report)


@pytest.mark.parametrize(
    ("found", "policy", "outcome", "says"),
    [
        (endpoint(3, 0, 0, 1), {"idle_hours": 2}, "pass", ""),
        (endpoint(3, 0, 0, 0), {"idle_hours": 2}, "fail",
         "llama had no request for 3 hours from 2026-11-23 01:00 (USD 12.00 paid)"),
        (endpoint(3, 0, 0, 0, usd=None), {"idle_hours": 2}, "fail", "(cost not known)"),
        (endpoint(3, None, 1), {"idle_hours": 2}, "cannot tell", "nobody counted every request"),
        (endpoint(0, 0), {"idle_hours": 2}, "cannot tell", "nobody counted every request"),
        (endpoint(3), {"gpu_quota": 1}, "fail", "2 GPUs were held at once (2026-11-23 00:00 UTC)"),
        (endpoint(3), {"gpu_quota": 2}, "pass", ""),
        (endpoint(3, gpus=None), {"gpu_quota": 2}, "cannot tell", "nobody says how many GPUs"),
        (endpoint(3), {"teams": {"ml": {"gpu_quota": 1}}}, "warn", "nothing was read of ml"),
    ],
)  # fmt: skip
def test_endpoints_of_ones_own_are_held_to_their_hours(
    found: PaidEndpoint, policy: dict[str, Any], outcome: str, says: str
) -> None:
    report = judged(policy, endpoints=(found,))
    assert report.outcome.value == outcome
    assert says in as_text(report)


def test_calls_without_a_cost_leave_a_budget_untold_and_a_broken_one_broken() -> None:
    cells = (SUPPORT, SpendCell(team="ml", calls=200, unpriced_calls=200, requests=200))
    assert judged({"budget_usd": 9000}, cells=cells).exit_code is ExitCode.CANNOT_TELL
    assert judged({"budget_usd": 10}, cells=cells).exit_code is ExitCode.GATE_FAILED
    few = (SUPPORT, SpendCell(team="ml", calls=100, unpriced_calls=100, requests=100))
    assert judged({"budget_usd": 9000}, cells=few).exit_code is ExitCode.OK


def test_a_value_just_above_its_limit_does_not_read_as_if_it_met_it() -> None:
    # 2,016 in 168 hours are 8,766 a month.
    assert "is USD 8,766.00 a month; the budget is USD 8,765.99" in as_text(
        judged({"budget_usd": "8765.99"})
    )
    assert "20.8333 % of USD 2,016 belongs to no feature (USD 420); at most 20.8300 % may" in (
        as_text(judged({"untagged_share": 0.2083}))
    )


def waived(until: str, **limits: Any) -> dict[str, Any]:
    waiver = {"until": until, "by": "cfo@example.com", "reason": "load test"}
    return {"owner": "finops@example.com", **limits, "waive": {"budget_usd": waiver}}


def test_a_waiver_warns_until_its_day_and_fails_after_it() -> None:
    inside = judged(waived("2026-11-30", budget_usd=10))
    assert inside.exit_code is ExitCode.OK
    assert "waived until 2026-11-30 by cfo@example.com: load test" in as_text(inside)
    over = judged(waived("2026-11-29", budget_usd=10))
    assert over.exit_code is ExitCode.GATE_FAILED
    assert "its waiver by cfo@example.com ended on 2026-11-29" in as_text(over)
    assert "finops@example.com answers for it" in as_text(over)


@pytest.mark.parametrize(
    ("here", "told"),
    [
        (waived("2027-03-01", budget_usd=10), "spend.budget_usd: waived until 2027-03-01"),
        ({"budget_usd": 10_000}, "spend.budget_usd: 10000, was 10"),
        ({}, "spend.budget_usd: none, was 10"),
    ],
)
def test_a_change_neither_waives_nor_raises_a_limit_for_itself(
    here: dict[str, Any], told: str
) -> None:
    report = judged(here, before={"budget_usd": 10})
    assert report.exit_code is ExitCode.GATE_FAILED
    assert told in as_text(report)
    assert judged({"budget_usd": 10}, before=here).exit_code is ExitCode.GATE_FAILED


def test_what_else_moves_spend_is_told() -> None:
    report = judged({"budget_usd": 9000}, told=("attribution.yaml: changed",))
    (found,) = [one for one in report.findings if one.code is Cause.WEAKENED]
    assert found.outcome is Outcome.WARN


def test_all_outputs_say_the_same() -> None:
    report = judged({"budget_usd": 10, "retry_rate": 0.5})
    assert as_text(report).endswith(
        "gate: 1 limit on spend holds on 2026-11-23 to 2026-11-29.  fail\n"
    )
    assert as_markdown(report).startswith(f"{SPEND_TAG}\n## Spend gate: fail")
    assert '"rule": "budget_usd"' in as_json(report)
    assert 'tests="2" failures="1"' in as_junit(report)


AMOUNTS = st.decimals(0, 10_000, places=2)
CELLS = st.builds(
    SpendCell,
    team=st.sampled_from(["", "a", "b"]),
    environment=st.sampled_from(["", "x"]),
    calls=st.integers(10, 20),
    unpriced_calls=st.integers(0, 10),
    requests=st.integers(0, 9),
    retries=st.integers(0, 9),
    usd=AMOUNTS.map(lambda usd: usd + 10_000),
    untagged_usd=AMOUNTS,
)
ENDPOINTS = st.lists(
    st.builds(
        endpoint,
        st.sampled_from([None, 0, 1]),
        st.sampled_from([None, 0, 1]),
        st.sampled_from([0, 1]),
        gpus=st.sampled_from([None, 1, 4]),
    ),
    max_size=2,
).map(tuple)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "budget_usd": st.integers(0, 200_000),
        "untagged_share": st.floats(0, 1),
        "retry_rate": st.floats(0, 1),
        "idle_hours": st.integers(1, 4),
        "gpu_quota": st.integers(0, 9),
    },
)


@with_any(
    st.lists(CELLS, max_size=4).map(tuple),
    ENDPOINTS,
    LIMITS,
    st.floats(0, 1),
    st.sampled_from("ab"),
)
def test_a_stricter_limit_never_passes_more(
    cells: tuple[SpendCell, ...],
    endpoints: tuple[PaidEndpoint, ...],
    limits: dict[str, Any],
    factor: float,
    team: str,
) -> None:
    tighter = {
        name: type(value)(value * factor) or (1 if name == "idle_hours" else 0)
        for name, value in limits.items()
    }
    order = list(Outcome).index
    for shape in (lambda one: one, lambda one: {"teams": {team: one}}):
        now, then = (
            judged(shape(each), cells=cells, endpoints=endpoints) for each in (limits, tighter)
        )
        assert order(then.outcome) >= order(now.outcome)
        both = judged(shape(limits), before=shape(tighter), cells=cells, endpoints=endpoints)
        assert order(both.outcome) >= order(then.outcome)
