from __future__ import annotations

from decimal import Decimal

from harness.money.cascade import cascade_cost
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic


def test_what_is_charged_by_the_request_is_paid_only_where_the_incumbent_is_asked() -> None:
    """One case of four goes on: a quarter of today's tokens, and of a cent a request."""
    pairs = [pair((5200, 380), (5200, 380))] * 4
    rates = some_rates(HAIKU), some_rates(OPUS, per_request=Decimal("0.01"))
    cost = cascade_cost(pairs, [True, True, True, False], some_traffic(), rates, success=0.9)
    calls = 96_000 * Decimal("1.016")
    tokens = calls * (5200 * 5 + 380 * 25) / 1_000_000
    assert cost.escalation.monthly == (tokens + calls * Decimal("0.01")) / 4
    assert cost.first.monthly == calls * (5200 * 1 + 380 * 5) / 1_000_000
    assert cost.escalated == 0.25


def test_a_minimum_is_paid_only_where_the_incumbent_is_asked() -> None:
    pairs = [pair((100, 10), (100, 10))] * 2
    dear = some_rates(OPUS, minimum_per_request=Decimal("0.04"))
    traffic = some_traffic(input_tokens=100, output_tokens=10)
    cost = cascade_cost(pairs, [True, False], traffic, (some_rates(HAIKU), dear), success=None)
    assert cost.escalation.monthly == 96_000 * Decimal("1.016") * Decimal("0.02")
    assert cost.per_success is None
