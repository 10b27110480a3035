"""Rates as a record holds them, in both directions."""

from __future__ import annotations

from harness.costing.tables import Band, Rates
from harness.record.parts import RateFacts, TierFacts


def to_rate_facts(rates: Rates) -> RateFacts:
    """Write rates into the record."""
    return RateFacts(
        input=rates.input,
        output=rates.output,
        cache_read=rates.cache_read,
        cache_write=rates.cache_write,
        cache_write_1h=rates.cache_write_1h,
        per_request=rates.per_request,
        batch_share=rates.batch_share,
        source=rates.source,
        valid_from=rates.valid_from,
        as_of=rates.as_of,
        discount=rates.discount,
        tiers=tuple(_tier_facts(band) for band in rates.tiers),
        batch_bands=tuple(_tier_facts(band) for band in rates.batch_bands),
    )


def from_rate_facts(facts: RateFacts) -> Rates:
    """Read rates back from the record."""
    return Rates(
        input=facts.input,
        output=facts.output,
        cache_read=facts.cache_read,
        cache_write=facts.cache_write,
        cache_write_1h=facts.cache_write_1h,
        per_request=facts.per_request,
        batch_share=facts.batch_share,
        source=facts.source,
        valid_from=facts.valid_from,
        as_of=facts.as_of,
        discount=facts.discount,
        tiers=tuple(_band(tier) for tier in facts.tiers),
        batch_bands=tuple(_band(tier) for tier in facts.batch_bands),
    )


def _band(tier: TierFacts) -> Band:
    return Band(
        from_input_tokens=tier.from_input_tokens,
        input=tier.input,
        output=tier.output,
        cache_read=tier.cache_read,
        cache_write=tier.cache_write,
        cache_write_1h=tier.cache_write_1h,
    )


def _tier_facts(band: Band) -> TierFacts:
    return TierFacts(
        from_input_tokens=band.from_input_tokens,
        input=band.input,
        output=band.output,
        cache_read=band.cache_read,
        cache_write=band.cache_write,
        cache_write_1h=band.cache_write_1h,
    )
