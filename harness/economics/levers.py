"""Savings that need no other model; each is alone, for levers on one feature exclude each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import plain
from harness.record.parts import Lever

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.config.files import FeatureConfig, ModelConfig
    from harness.costing.catalogue import ModelFacts
    from harness.economics.monthly import MonthlyCost
    from harness.economics.workload import Workload

CACHE_LIVES_PER_MONTH = Decimal(8766)
"""Five-minute lives of a cached prefix in a month of 730.5 hours."""
SHORTER = Decimal("0.9")
"""Shorter output is shown for answers that are a tenth shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the evaluation or the prompts show of a feature; None: unknown, and no lever on it."""

    prefix_tokens: int | None = None
    """Input tokens before the case, which every request shares."""
    reasoning_share: Decimal | None = None
    """Part of the output tokens that is reasoning."""


def levers(
    feature: FeatureConfig,
    model: ModelConfig,
    cost: MonthlyCost,
    facts: ModelFacts,
    observed: Observed,
) -> tuple[Lever, ...]:
    """List the incumbent's levers at list price, dearest saving first.

    A lever without its price (a model that has no batch) or without its fact (an unknown prefix)
    is left out rather than shown as zero.
    """
    found = (
        *_batch(feature, cost),
        *_caching(cost, facts, observed),
        *_effort(model, cost, observed),
        *_shorter(cost),
    )
    return tuple(sorted(found, key=lambda lever: (-lever.saving_monthly, lever.kind)))


def best_without_test(found: tuple[Lever, ...]) -> Lever | None:
    """The lever that saves most of those that are possible and need no quality test."""
    free = [one for one in found if one.possible and one.kind in {"batch", "caching"}]
    return max(free, key=lambda lever: lever.saving_monthly, default=None)


def _lever(kind: str, cost: MonthlyCost, monthly: Decimal, *, possible: bool, needs: str) -> Lever:
    return Lever(
        kind=kind,
        saving_monthly=plain(cost.monthly - monthly),
        monthly=plain(monthly),
        possible=possible,
        needs=needs,
    )


def _batch(feature: FeatureConfig, cost: MonthlyCost) -> Iterator[Lever]:
    if not cost.rates.batches:
        return
    deferrable = feature.mode == "deferrable"
    needs = "answers may come within a day" if deferrable else "the feature answers live"
    monthly = cost.workload.monthly(cost.rates, batch=True)
    yield _lever("batch", cost, monthly, possible=deferrable, needs=needs)


def _caching(cost: MonthlyCost, facts: ModelFacts, observed: Observed) -> Iterator[Lever]:
    prefix, least = observed.prefix_tokens, facts.cache_min_tokens
    if prefix is None or least is None or cost.rates.cache_read >= cost.rates.input:
        return
    if prefix < least:
        needs = f"a shared prefix of at least {least:,} tokens; this one has {prefix:,}"
        yield _lever("caching", cost, cost.monthly, possible=False, needs=needs)
        return
    warm = warm_share(cost.workload.requests_per_month)
    monthly = _cached(cost.workload, prefix, warm).monthly(cost.rates)
    if monthly >= cost.monthly:
        needs = f"more traffic: only {warm:.0%} of the requests would find the prefix cached"
        yield _lever("caching", cost, cost.monthly, possible=False, needs=needs)
        return
    needs = f"mark the first {prefix:,} tokens as cacheable; no quality test"
    yield _lever("caching", cost, monthly, possible=True, needs=needs)


def warm_share(requests_per_month: int) -> Decimal:
    """Share of the requests that find a prefix cached, when they come at random.

    With Poisson arrivals the gap to the one before is shorter than a cache's life of five minutes,
    which each use renews, with probability 1 - exp(-requests per life).
    """
    return 1 - (-Decimal(requests_per_month) / CACHE_LIVES_PER_MONTH).exp()


def _cached(workload: Workload, prefix: int, warm: Decimal) -> Workload:
    mean = workload.input_tokens
    share = min(Decimal(prefix) / mean, Decimal(1)) if mean else Decimal(0)
    return replace(workload, cached_share=share * warm, written_share=share * (1 - warm))


def _effort(model: ModelConfig, cost: MonthlyCost, observed: Observed) -> Iterator[Lever]:
    reasoning = observed.reasoning_share
    if not model.efforts[1:] or not reasoning:
        return
    least = cost.workload.scaled(Decimal(1), 1 - reasoning).monthly(cost.rates)
    needs = "a quality test as a candidate; the saving is at most this, without any reasoning"
    yield _lever("effort", cost, least, possible=True, needs=needs)


def _shorter(cost: MonthlyCost) -> Iterator[Lever]:
    if not cost.workload.output_tokens:
        return
    monthly = cost.workload.scaled(Decimal(1), SHORTER).monthly(cost.rates)
    needs = "a prompt whose answers are a tenth shorter, and a quality test"
    yield _lever("shorter-output", cost, monthly, possible=True, needs=needs)
