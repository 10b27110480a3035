"""No float ever touches money: checked in the source, in the types, and while running."""

from __future__ import annotations

import ast
import decimal
import types
import typing
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from harness.money.hosted_rates import Hosting, break_even_volume
from harness.money.hosting import Capacity, HostingPlan, curve_of, hosting_cost
from harness.money.prices.attempts import attempt_cost, upper_bound
from harness.money.prices.rates import find_rates
from harness.money.savings import saving_upper_bound
from harness.record import parts
from harness.tell.focus import write_focus
from harness.tell.repricing import reprice
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import GpuPrice, PolicyConfig
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic, used
from tests.support.priced_records import CHOSEN, a_priced_record

ROOT = Path(__file__).parents[3] / "harness"
MONEY_ROOMS = sorted(
    [*(ROOT / "money").rglob("*.py"), ROOT / "tell" / "focus.py", ROOT / "tell" / "repricing.py"]
)
NOT_MONEY = {
    "cascade.py": ("mean input tokens", "mean output tokens"),
    "monthly.py": ("mean input tokens", "mean output tokens"),
    "pricebook.py": ("how alike two names are",),
    "traffic.py": ("a share of requests",),
    "savings.py": (
        "how much longer a prompt is",
        "a percentage",
        "of nothing",
        "months to pay back",
        "errors a month",
        "errors a month at worst",
    ),
}
"""Floats that stand in these files, and what they are: none of them is USD."""


def floats(tree: ast.AST) -> list[ast.AST]:
    """Float literals and calls of float(): everything that could make one."""
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
        )
        or (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Div)
            and all(isinstance(side, ast.Constant) for side in (node.left, node.right))
        )
    ]


@pytest.mark.parametrize("path", MONEY_ROOMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_source_makes_no_float_but_the_listed_ones(path: Path) -> None:
    found = floats(ast.parse(path.read_text(encoding="utf-8")))
    assert len(found) == len(NOT_MONEY.get(path.name, ())), [ast.unparse(node) for node in found]


def usd_fields(model: type[BaseModel]) -> list[tuple[str, object]]:
    marks = (
        "usd",
        "cost",
        "monthly",
        "per_request",
        "per_success",
        "saving",
        "at_estimate",
        "at_worst",
    )
    not_usd = ("payback", "errors_per_month", "requests_per_month")
    return [
        (f"{model.__name__}.{name}", field.annotation)
        for name, field in model.model_fields.items()
        if any(mark in name for mark in marks) and not any(mark in name for mark in not_usd)
    ]


RECORDED = [
    item
    for item in vars(parts).values()
    if isinstance(item, type) and issubclass(item, parts.Recorded)
]


@pytest.mark.parametrize(
    ("name", "annotation"),
    [field for model in (*RECORDED, GpuPrice) for field in usd_fields(model)],
)
def test_no_field_of_money_may_hold_a_float(name: str, annotation: object) -> None:
    def kinds(one: object) -> set[object]:
        inner = typing.get_args(one)
        union = isinstance(one, types.UnionType) or typing.get_origin(one) is typing.Union
        return {kind for part in inner for kind in kinds(part)} if union else {one}

    assert float not in kinds(annotation), name


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 300_000), st.integers(1, 5_000)), min_size=2, max_size=5),
    st.floats(0.01, 0.9, allow_nan=False),
    st.floats(0, 3, allow_nan=False),
)
def test_a_float_that_meets_a_decimal_stops_the_program(
    cases: list[tuple[int, int]], cached: float, retries: float
) -> None:
    """Under the trap Decimal(float) and comparing with one are errors; arithmetic always is."""
    with decimal.localcontext() as context:
        context.traps[decimal.FloatOperation] = True
        with pytest.raises(decimal.FloatOperation):
            Decimal(cached)
        traffic = some_traffic(cached_share=cached, retry_rate=retries)
        record = a_priced_record(traffic, [pair(one, one) for one in cases])
        reprice(record, {CHOSEN: some_rates(OPUS)}, as_of=date(2026, 12, 1))
        write_focus([record], month=date(2026, 11, 1))
        saving_upper_bound(traffic, incumbent=some_rates(OPUS), candidate=some_rates(HAIKU))


def test_rates_reservations_and_gpus_under_the_same_trap() -> None:
    gpu = GpuPrice(
        on_demand=Decimal("3.90"),
        committed_1y=Decimal("2.45"),
        managed_premium=0.1,
        as_of=date(2026, 10, 1),
        source="quote",
    )
    capacity = Capacity(
        goodput_per_s=Decimal("1.5"), gpus_per_replica=1, load_s=Decimal(90), source="probe"
    )
    plan = HostingPlan(managed=True, api_per_request=Decimal("0.004"))
    policy = PolicyConfig(max_spend_usd=Decimal(1), risk={}, discounts={"anthropic": 0.1})
    with decimal.localcontext() as context:
        context.traps[decimal.FloatOperation] = True
        rates = find_rates(
            "claude-haiku-4-5", ModelConfig(provider="anthropic"), policy, on=date(2026, 11, 20)
        )
        attempt_cost(used(10, 10), rates, batch=True)
        upper_bound(input_bytes=10, max_output_tokens=1, rates=rates, max_input_tokens=None)
        cost = hosting_cost(curve_of(10**6, [3, 1] * 84), capacity, gpu, plan)
        assert isinstance(cost.monthly, Decimal)
        way = Hosting(capacity=capacity, gpu=gpu, plan=HostingPlan())
        assert break_even_volume(way, api_per_request=Decimal("0.01")) is not None


def test_a_float_price_is_refused_at_the_door() -> None:
    with pytest.raises(TypeError):
        some_rates(OPUS, discount=0.1)
    with pytest.raises(TypeError):
        _ = some_rates(OPUS).input * 1.5  # pyright: ignore[reportOperatorIssue]
    with pytest.raises(TypeError):
        _ = some_rates(OPUS).input + np.float64(1)  # pyright: ignore[reportOperatorIssue]
