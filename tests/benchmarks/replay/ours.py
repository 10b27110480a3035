"""One replay of many trials against a load server, timed without the start of Ray.

Prints as JSON: seconds of start-up and of the span, CPU seconds of the driver and of the workers,
and the driver's memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

from harness.ask.cluster.actors import local_cluster
from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.ask.replay.worker import OPENER
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Trial
from providers.provider import Endpoint
from tests.support.trials import request, trial, usd_per_token

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = "2026-11-24T00:00:00+00:00"


def load_trials(
    base_url: str, total: int, endpoint: Endpoint | None = None, **overrides: Any
) -> Iterator[Trial]:
    endpoint = endpoint or Endpoint(
        vendor="openai-compatible", api="chat", base_url=base_url, transport="direct"
    )
    for number in range(total):
        asked = request(f"item-{number} is it?", model="load-1", **overrides)
        yield trial(
            number, endpoint=endpoint, request=asked, option="load-1", reserve_usd=Decimal("0.001")
        )


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a process and of all it started."""
    family = [process, *process.children(recursive=True)]
    return sum(t.user + t.system for t in (p.cpu_times() for p in family))


def parts(concurrency: int) -> dict[str, Any]:
    return {
        "governor": Governor(
            default=LaneLimits(max_concurrency=concurrency, start_concurrency=concurrency)
        ),
        "ledger": Ledger(Decimal(1000), usd_per_token),
        "retry": RetryPolicy(rng=Random(1)),
    }


def main(base_url: str, total: int, concurrency: int, folder: Path, workers: int) -> dict[str, Any]:
    began = time.monotonic()
    me = psutil.Process()
    with (
        local_cluster(state=folder, cpus=2, workers=workers) as cluster,
        Journal.open(folder / "journal", run_id="bench", cycle="2026-Q4", now=NOW) as journal,
    ):
        cluster.pool(OPENER)
        ready = time.monotonic()
        before, own = cpu_s(me), sum(me.cpu_times()[:2])
        wire_s: list[float] = []
        rss = me.memory_info().rss
        for outcome in replay(
            load_trials(base_url, total), cluster=cluster, journal=journal, **parts(concurrency)
        ):
            assert isinstance(outcome, Answered), outcome
            wire_s.append(outcome.attempts[-1].total_s or 0.0)
        ended = time.monotonic()
        assert len(wire_s) == total
        return {
            "start_s": ready - began,
            "span_s": ended - ready,
            "cpu_s": cpu_s(me) - before,
            "driver_cpu_s": sum(me.cpu_times()[:2]) - own,
            "wire_s": sum(wire_s) / total,
            "rss_growth_mb": (me.memory_info().rss - rss) / 1e6,
        }


if __name__ == "__main__":
    url, items, width, state, actors = sys.argv[1:6]
    os.environ.pop("OPENAI_API_KEY", None)
    print(json.dumps(main(url, int(items), int(width), Path(state), int(actors))))  # noqa: T201
