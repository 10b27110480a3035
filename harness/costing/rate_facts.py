"""Rates as a record holds them, in both directions."""

from __future__ import annotations

from typing import Any

from harness.costing.tables import Band, Rates
from harness.record.parts import RateFacts, TierFacts


def to_rate_facts(rates: Rates) -> RateFacts:
    """Write rates into the record."""
    return RateFacts.model_validate(rates, from_attributes=True)


def from_rate_facts(facts: RateFacts) -> Rates:
    """Read rates back from the record."""
    stated: dict[str, Any] = dict(facts)
    stated |= {"tiers": _bands(facts.tiers), "batch_bands": _bands(facts.batch_bands)}
    return Rates(**stated)


def _bands(tiers: tuple[TierFacts, ...]) -> tuple[Band, ...]:
    return tuple(Band(**dict(tier)) for tier in tiers)
