"""A year of hourly traffic for 200 features, as GPUs with a commitment.

    python -m tests.benchmarks.economics.year

The traffic is made up (seeded): a daily and a weekly wave, growth, noise, volumes from 100 to ten
million requests a month.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from decimal import Decimal

import numpy as np

from harness.money.hosting import Capacity, HostingPlan, HourlyCurve, hosting_cost
from harness.workspace.policy_file import GpuPrice

FEATURES = 200
HOURS = 8760
DAY = date(2026, 11, 20)
H100 = GpuPrice(
    on_demand=Decimal("3.90"), committed_1y=Decimal("2.45"), as_of=DAY, source="made up"
)
REPLICA = Capacity(
    goodput_per_s=Decimal(4), gpus_per_replica=1, load_s=Decimal(120), source="made up"
)


def a_year(draw: np.random.Generator) -> list[int]:
    """Requests of each hour."""
    hour = np.arange(HOURS)
    wave = (1 + np.sin(hour / 24 * 2 * np.pi)) * np.where(hour // 24 % 7 < 5, 1.0, 0.3)
    mean = 10 ** draw.uniform(2, 7) / 730
    return draw.poisson(mean * (0.1 + wave) * (1 + hour / HOURS)).tolist()


def main() -> None:
    draw = np.random.default_rng(20261124)
    years = [a_year(draw) for _ in range(FEATURES)]
    started = time.process_time()
    hosted = [
        hosting_cost(
            HourlyCurve(milli_requests=tuple(1000 * requests for requests in year)),
            REPLICA,
            H100,
            HostingPlan(),
        )
        for year in years
    ]
    taken_s = time.process_time() - started
    most = max(max(cost.replicas) for cost in hosted)
    out = sys.stdout.write
    out(f"{FEATURES * HOURS:,} feature-hours to replicas and a commitment in {taken_s:.2f} s CPU: ")
    out(f"up to {most} replicas, {sum(cost.committed_replicas for cost in hosted)} committed\n")


if __name__ == "__main__":
    main()
