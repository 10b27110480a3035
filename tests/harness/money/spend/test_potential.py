"""The most that could be saved, by prices alone; unit costs and their denominators."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from harness.money.prices.logged_prices import LoggedPrices
from harness.money.prices.rate_tables import Rates
from harness.money.savings import DAYS_PER_MONTH
from harness.money.spend.lines import Consumed, Outlay
from harness.money.spend.potential import SwapPrices, potential_of
from harness.money.spend.unit_costs import PUBLISHED, unit_costs
from harness.workspace.policy_file import PolicyConfig

DEAR = Rates(
    input=Decimal(4),
    output=Decimal(20),
    cache_read=Decimal(1),
    cache_write=Decimal(5),
    cache_write_1h=Decimal(5),
    source="test",
)
CHEAP = replace(DEAR, input=Decimal(2), output=Decimal(10), cache_read=Decimal("0.5"))
PRICES = SwapPrices(
    own=lambda model, _: {"dear": DEAR}.get(model),
    cheaper=lambda model, _: {"cheap": CHEAP, "half": DEAR} if model == "dear" else {},
    on=date(2026, 11, 30),
)


def used(calls: int = 1000) -> Consumed:
    number = Decimal(calls)
    return Consumed(requests=number, input=number * 1000, output=number * 100)


def test_the_most_is_by_the_cheapest_and_at_the_periods_pace() -> None:
    lines = [
        Outlay(feature="a", model="dear", usd=Decimal("6.00"), used=used()),
        Outlay(feature="b", model="unknown", usd=Decimal("3.00"), used=used()),
        Outlay(feature="c", model="dear", usd=Decimal("1.00"), used=Consumed()),
        Outlay(feature="", model="dear", usd=Decimal("9.00"), used=used()),
    ]
    found = {one.feature: one for one in potential_of(lines, Decimal(7), PRICES)}
    assert set(found) == {"a", "b", "c"}
    # 1,000 x (700 tokens at 2 and 50 at 10) is 1.90 USD of 6.00.
    month = DAYS_PER_MONTH / 7
    assert found["a"].cheapest == "cheap"
    assert found["a"].saving_usd == (Decimal("4.10") * month).quantize(Decimal("0.01"))
    assert found["a"].monthly_usd == (6 * month).quantize(Decimal("0.01"))
    (half, *_) = potential_of(lines[:1], Decimal(7), PRICES, {"a": Decimal(3)})
    assert (half.monthly_usd, half.saving_usd) == (
        (3 * month).quantize(Decimal("0.01")),
        (Decimal("2.05") * month).quantize(Decimal("0.01")),
    )
    (none,) = potential_of(lines[:1], Decimal(7), PRICES, {"a": Decimal(7)})
    assert (none.monthly_usd, none.saving_usd) == (0, 0)
    assert (found["b"].cheapest, found["b"].saving_usd) == ("", 0)
    assert (found["c"].cheapest, found["c"].saving_usd) == ("", 0)


def test_what_is_cheaper_comes_from_the_vendors_list() -> None:
    policy = PolicyConfig.model_validate({"max_spend_usd": 1, "risk": {"low": {"margin": 10}}})
    prices = LoggedPrices(models={}, policy=policy)
    day = date(2026, 11, 30)
    found = prices.cheaper("gpt-5", day)
    own = prices.rates("gpt-5", day)
    assert own is not None
    assert found
    assert all(one.input < own.input and one.output < own.output for one in found.values())
    assert prices.cheaper("no-such-model", day) == {}


def test_a_unit_cost_without_a_denominator_is_not_known() -> None:
    def of(counts: Consumed, unreported: frozenset[str] = frozenset()) -> dict[str, Decimal | None]:
        line = Outlay(usd=Decimal("1.20"), used=counts)
        return {one.name: one.value for one in unit_costs([line], unreported)}

    assert set(of(Consumed()).values()) == {None}
    assert {one.value for one in unit_costs([])} == {None}
    counts = replace(used(10), retries=Decimal(2), failed=Decimal(3), cached=Decimal(2500))
    found = of(counts)
    assert found["USD a request"] == Decimal("0.12")
    assert found["USD per 1,000 requests"] == 120
    assert found["USD per call that succeeded"] == Decimal("1.20") / 9
    assert found["USD per million tokens"] == Decimal("1.20") * 1_000_000 / 11_000
    assert found["input read from the prompt cache"] == Decimal("0.25")
    assert found["retries per request"] == Decimal("0.2")
    assert set(PUBLISHED) <= set(found)
    unreported = frozenset({"failed", "retries", "reasoning", "cached"})
    left = of(counts, unreported)
    absent: dict[str, None] = dict.fromkeys(("failed", "retries", "reasoning", "cached"))
    unsaid = of(replace(counts, **absent))  # type: ignore[arg-type]
    assert {name for name, value in unsaid.items() if value is None} == {
        name for name, value in left.items() if value is None
    }
    assert {name for name in found if found[name] != left[name]} == {
        "calls that failed",
        "USD per call that succeeded",
        "retries per request",
        "output that is reasoning",
        "input read from the prompt cache",
    }
