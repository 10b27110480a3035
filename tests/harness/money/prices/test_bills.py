"""Hand-computed bills against the code, to the last digit."""

from __future__ import annotations

import ast
from datetime import date
from decimal import Decimal

import pytest

from harness.money.prices.attempts import attempt_cost
from harness.money.prices.rates import find_rates
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig
from providers.completion import TokenUsage
from tests.harness.money.prices.bills import BILLS, Bill, Call

POLICY = PolicyConfig(max_spend_usd=Decimal(1), risk={})


def config_of(bill: Bill) -> ModelConfig:
    return ModelConfig.model_validate(
        {"provider": bill.provider, "platform": bill.platform, "base_url": bill.base_url}
    )


def usage_of(call: Call) -> TokenUsage:
    return TokenUsage(
        input_tokens=call.input,
        output_tokens=call.output,
        cache_read_tokens=call.read,
        cache_write_tokens=call.write,
        cache_write_1h_tokens=call.write_1h,
        reasoning_tokens=call.reasoning,
    )


def on_paper(working: str) -> Decimal:
    """The arithmetic of a bill, in decimals: only numbers, + * and brackets."""

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.Constant):
            return Decimal(str(node.value))
        assert isinstance(node, ast.BinOp)
        left, right = value(node.left), value(node.right)
        return left + right if isinstance(node.op, ast.Add) else left * right

    return value(ast.parse(working, mode="eval").body) / 1_000_000


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.name)
def test_the_bill_is_what_the_vendor_would_write(bill: Bill) -> None:
    rates = find_rates(
        bill.model,
        config_of(bill),
        POLICY,
        on=date.fromisoformat(bill.on),
        service_tier=bill.tier,
    )
    costs = [
        attempt_cost(usage_of(call), rates, batch=bill.batch) * call.again for call in bill.calls
    ]
    assert sum(costs, Decimal(0)) == Decimal(bill.usd)


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.name)
def test_the_working_gives_the_bill(bill: Bill) -> None:
    assert on_paper(bill.working) == Decimal(bill.usd)


def test_there_are_enough_bills_and_each_names_its_source() -> None:
    assert len(BILLS) >= 40
    assert len({bill.name for bill in BILLS}) == len(BILLS)
    assert all(bill.source.startswith("https://") for bill in BILLS)
