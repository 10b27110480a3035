"""A year of hourly traffic for 200 features: priced per token, and as GPUs with a commitment.

    python -m tests.benchmarks.economics.year

The traffic is made up (seeded): a daily and a weekly wave, growth, noise, volumes from 100 to ten
million requests a month. The prices are the catalogue's. Each feature's year is checked against its
total tokens at the list price.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from decimal import Decimal

import numpy as np

from harness.money.hosting import Capacity, HostingPlan, HourlyCurve, hosting_cost
from harness.money.hours import HourlyUsage, price_hours
from harness.money.prices.pricebook import catalogue_rates
from harness.workspace.policy_file import GpuPrice

FEATURES = 200
HOURS = 8760
DAY = date(2026, 11, 20)
MODELS = (
    ("anthropic", "claude-opus-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5-mini"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
)
H100 = GpuPrice(
    on_demand=Decimal("3.90"), committed_1y=Decimal("2.45"), as_of=DAY, source="made up"
)
REPLICA = Capacity(
    goodput_per_s=Decimal(4), gpus_per_replica=1, load_s=Decimal(120), source="made up"
)


def a_year(draw: np.random.Generator) -> HourlyUsage:
    hour = np.arange(HOURS)
    wave = (1 + np.sin(hour / 24 * 2 * np.pi)) * np.where(hour // 24 % 7 < 5, 1.0, 0.3)
    mean = 10 ** draw.uniform(2, 7) / 730
    calls = draw.poisson(mean * (0.1 + wave) * (1 + hour / HOURS)).astype(np.int64)
    tokens = int(draw.integers(200, 20_000))
    return HourlyUsage(
        calls=calls,
        input_tokens=calls * tokens,
        cached_tokens=calls * (tokens // 3),
        cache_written_tokens=calls * (tokens // 50),
        output_tokens=calls * int(draw.integers(10, 800)),
    )


def by_hand(usage: HourlyUsage, vendor: str, model: str) -> Decimal:
    """The year's totals at the list price: right for a model without a cliff."""
    rates = catalogue_rates(vendor, model, DAY)
    read, written = int(usage.cached_tokens.sum()), int(usage.cache_written_tokens.sum())
    fresh = int(usage.input_tokens.sum()) - read - written
    return (
        fresh * rates.input
        + read * rates.cache_read
        + written * rates.cache_write
        + int(usage.output_tokens.sum()) * rates.output
    ) / 1_000_000


def main() -> None:
    draw = np.random.default_rng(20261124)
    years = [a_year(draw) for _ in range(FEATURES)]
    started = time.perf_counter()
    costs = [
        price_hours(year, catalogue_rates(*MODELS[index % len(MODELS)], DAY))
        for index, year in enumerate(years)
    ]
    tokens_s = time.perf_counter() - started
    for index, (year, cost) in enumerate(zip(years, costs, strict=True)):
        if cost.usd != by_hand(year, *MODELS[index % len(MODELS)]):
            raise AssertionError(f"feature {index} does not add up")
    started = time.perf_counter()
    hosted = [
        hosting_cost(
            HourlyCurve(milli_requests=tuple((year.calls * 1000).tolist())),
            REPLICA,
            H100,
            HostingPlan(),
        )
        for year in years
    ]
    gpus_s = time.perf_counter() - started
    rows = FEATURES * HOURS
    most = max(max(cost.replicas) for cost in hosted)
    out = sys.stdout.write
    out(f"{rows:,} feature-hours priced per token in {tokens_s:.2f} s, every sum exact: ")
    out(f"USD {sum(cost.usd for cost in costs):,.2f} a year\n")
    out(f"{rows:,} feature-hours to replicas and a commitment in {gpus_s:.2f} s: ")
    out(f"up to {most} replicas, {sum(cost.committed_replicas for cost in hosted)} committed\n")


if __name__ == "__main__":
    main()
