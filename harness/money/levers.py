"""Savings that need no other model: batch, prompt caching, lower effort, shorter output.

Levers on one feature exclude each other, so each is priced alone, from what the evaluation or the
prompts show of the feature's requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.money.amounts import plain, rounded
from harness.money.monthly import MonthlyCost
from harness.money.prices.model_catalogue import ModelFacts
from harness.record.money import Lever, LeverBasis
from harness.wording import percent
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from providers.completion import TokenUsage

CACHE_LIVES_PER_MONTH = Decimal(8766)
"""Five-minute lives of a cached prefix in a month of 730.5 hours."""
SHARE_PLACES = 9
SHORTER = Decimal("0.9")
"""Shorter output is shown for answers that are a tenth shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of a feature's requests; None: unknown, and no lever is based on it."""

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


def repriced(lever: Lever, cost: MonthlyCost) -> Lever | None:
    """Price a lever of the record again; None where the new rates have no batch.

    A lever with a saving that is not made from tokens stays as it is.
    """
    if lever.basis is None and lever.saving_monthly:
        return lever
    if lever.basis is None:
        return _lever(lever.kind, cost, None, possible=lever.possible, needs=lever.needs)
    if lever.basis.batch and not cost.rates.batches:
        return None
    return _lever(lever.kind, cost, lever.basis, possible=lever.possible, needs=lever.needs)


def _lever(
    kind: str, cost: MonthlyCost, basis: LeverBasis | None, *, possible: bool, needs: str
) -> Lever:
    monthly = cost.monthly if basis is None else _monthly(cost, basis)
    return Lever(
        kind=kind,
        saving_monthly=plain(cost.monthly - monthly),
        monthly=plain(monthly),
        possible=possible,
        needs=needs,
        basis=basis,
    )


def _monthly(cost: MonthlyCost, basis: LeverBasis) -> Decimal:
    changed = replace(
        cost.workload.scaled(Decimal(1), basis.output_factor),
        cached_share=basis.cached_share,
        written_share=basis.cache_written_share,
    )
    return changed.monthly(cost.rates, batch=basis.batch)


def _basis(cost: MonthlyCost, **changed: bool | Decimal) -> LeverBasis:
    """The incumbent's month with some values changed."""
    incumbent = {
        "batch": False,
        "output_factor": Decimal(1),
        "cached_share": cost.workload.cached_share,
        "cache_written_share": cost.workload.written_share,
    }
    return LeverBasis.model_validate({**incumbent, **changed})


def _batch(feature: FeatureConfig, cost: MonthlyCost) -> Iterator[Lever]:
    if not cost.rates.batches:
        return
    deferrable = feature.mode == "deferrable"
    needs = "answers may come within a day" if deferrable else "the feature answers live"
    yield _lever("batch", cost, _basis(cost, batch=True), possible=deferrable, needs=needs)


def _caching(cost: MonthlyCost, facts: ModelFacts, observed: Observed) -> Iterator[Lever]:
    prefix, least = observed.prefix_tokens, facts.cache_min_tokens
    if prefix is None or least is None or cost.rates.cache_read >= cost.rates.input:
        return
    if prefix < least:
        needs = f"a shared prefix of at least {least:,} tokens; this one has {prefix:,}"
        yield _lever("caching", cost, None, possible=False, needs=needs)
        return
    warm = warm_share(cost.workload.requests_per_month)
    lever = _lever(
        "caching",
        cost,
        _cached(cost, prefix, warm),
        possible=True,
        needs=f"mark the first {prefix:,} tokens as cacheable; no quality test",
    )
    if lever.saving_monthly > 0:
        yield lever
        return
    needs = f"more traffic: only {percent(warm)} of the requests would find the prefix cached"
    yield _lever("caching", cost, None, possible=False, needs=needs)


def warm_share(requests_per_month: int) -> Decimal:
    """Share of the requests that find a cached prefix, under Poisson arrivals.

    The gap to the one before is shorter than a cache's life of five minutes,
    which each use renews, with probability 1 - exp(-requests per life).
    """
    return 1 - (-Decimal(requests_per_month) / CACHE_LIVES_PER_MONTH).exp()


def _cached(cost: MonthlyCost, prefix: int, warm: Decimal) -> LeverBasis:
    mean = cost.workload.input_tokens
    share = min(Decimal(prefix) / mean, Decimal(1)) if mean else Decimal(0)
    return _basis(
        cost,
        cached_share=rounded(share * warm, SHARE_PLACES),
        cache_written_share=rounded(share * (1 - warm), SHARE_PLACES),
    )


def _effort(model: ModelConfig, cost: MonthlyCost, observed: Observed) -> Iterator[Lever]:
    reasoning = observed.reasoning_share
    if not model.efforts[1:] or not reasoning:
        return
    needs = "a quality test as a candidate; the saving is at most this, without any reasoning"
    basis = _basis(cost, output_factor=1 - reasoning)
    yield _lever("effort", cost, basis, possible=True, needs=needs)


def _shorter(cost: MonthlyCost) -> Iterator[Lever]:
    if not cost.workload.output_tokens:
        return
    needs = "a prompt whose answers are a tenth shorter, and a quality test"
    basis = _basis(cost, output_factor=SHORTER)
    yield _lever("shorter-output", cost, basis, possible=True, needs=needs)


_FEWEST = 2


def observe(prompts: Sequence[str], usages: Sequence[TokenUsage]) -> Observed:
    """Measure the shared prefix and the reasoning of the incumbent's requests.

    The prefix is what all `prompts` begin with, in tokens at the requests' own bytes per token.

    Args:
        prompts: the text of each request, everything that is sent in its order.
        usages: their usage, in the same order.
    """
    return Observed(prefix_tokens=_prefix(prompts, usages), reasoning_share=_reasoning(usages))


def _prefix(prompts: Sequence[str], usages: Sequence[TokenUsage]) -> int | None:
    size = sum(len(prompt.encode()) for prompt in prompts)
    tokens = sum(usage.input_tokens for usage in usages)
    if len(prompts) < _FEWEST or not size or not tokens:
        return None
    return _shared_bytes(prompts) * tokens // size


def _shared_bytes(texts: Sequence[str]) -> int:
    """Bytes that all texts begin with: what the first and the last in order have in common."""
    first, last = min(texts).encode(), max(texts).encode()
    pairs = zip(first, last, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _reasoning(usages: Sequence[TokenUsage]) -> Decimal | None:
    output = sum(usage.output_tokens for usage in usages)
    if not output:
        return None
    return rounded(Decimal(sum(usage.reasoning_tokens for usage in usages)) / output, SHARE_PLACES)
