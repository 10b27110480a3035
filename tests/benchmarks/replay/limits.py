"""Point 2: the granted share is used, and no more, against a server that enforces its limits."""

from __future__ import annotations

from decimal import Decimal
from itertools import count, takewhile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.ask.replay.worker import OPENER
from harness.journal.journal import Journal
from providers.provider import Endpoint
from tests.benchmarks.replay.ours import NOW, load_trials
from tests.support.load_server import load_server
from tests.support.trials import usd_per_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.cluster.workers import Cluster
    from harness.journal.trials import Trial

WARM_S = 5.0
"""Until then the headers are being learned; afterwards is the steady state."""


def within(cluster: Cluster, folder: Path, *, seconds: float, share: float, **limits: Any) -> Any:
    """Ask for `seconds` as fast as the governor lets us; what the server saw, and its share.

    The wire, and the SDK, are those of the vendor in whose headers the limits are said.
    """
    governor = Governor(default=LaneLimits(max_concurrency=256), share_of_rate_limit=share)
    cluster.pool(OPENER)
    until = float("inf")

    def trials(base_url: str) -> Iterator[Trial]:
        source = load_trials(base_url, 10**9, endpoint_of(base_url, limits["style"]))
        yield from takewhile(lambda _: governor.now() < until, source)

    with (
        load_server(latency_s=0.05, **limits) as server,
        Journal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal,
    ):
        until = governor.now() + seconds
        run = replay(
            trials(server.base_url),
            cluster=cluster,
            journal=journal,
            governor=governor,
            ledger=Ledger(Decimal(1000), usd_per_token),
            retry=RetryPolicy(rng=Random(1)),
        )
        done = count()
        for _ in run:
            next(done)
            if governor.now() >= until:
                break
        run.close()
        stats = server.stats()
    return summary(stats, share=share, limits=limits, seconds=seconds)


def endpoint_of(base_url: str, style: str) -> Endpoint:
    if style == "openai":
        return Endpoint(vendor="openai", api="chat", base_url=base_url)
    return Endpoint(vendor="anthropic", api="messages", base_url=base_url.removesuffix("/v1"))


def summary(
    stats: dict[str, Any], *, share: float, limits: dict[str, Any], seconds: float
) -> dict[str, Any]:
    granted = min(
        limits.get("requests_per_minute") or float("inf"),
        (limits.get("tokens_per_minute") or float("inf")) / 25,
        (limits.get("output_tokens_per_minute") or float("inf")) / 5,
    )
    per_s = granted * share / 60
    start = stats["accepted_at"][0] + WARM_S
    end = min(stats["accepted_at"][0] + seconds - 2, stats["accepted_at"][-1])
    steady = [at for at in stats["accepted_at"] if start <= at < end]
    refused = [at for at in stats["refused_at"] if at >= start]
    window = min(60.0, end - start)
    ticks = [start + n for n in range(int(end - start - window) + 1)]
    most = max(sum(tick <= at < tick + window for at in stats["accepted_at"]) for tick in ticks)
    return {
        "style": limits.get("style"),
        "granted_share_per_s": per_s,
        "used": len(steady) / ((end - start) * per_s),
        "most_in_a_window": most,
        "allowed_in_a_window": per_s * window,
        "refused_in_steady_state": len(refused),
        "refused": len(stats["refused_at"]),
    }
