"""Point 4: every trial settled, none lost, none double, the ledger equal to the server's count."""

from __future__ import annotations

from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.errors import BudgetRefusedError
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Trial
from tests.benchmarks.replay.ours import NOW, load_trials
from tests.support.load_server import FAULTS, INPUT_TOKENS, OUTPUT_TOKENS, load_server
from tests.support.trials import usd_per_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from harness.ask.cluster.workers import Cluster
    from providers.completion import TokenUsage
    from tests.support.load_server import Running

PRICE = Decimal(INPUT_TOKENS + OUTPUT_TOKENS) / 100_000
UNKNOWN = ("500", "reset", "stall", "truncated")
"""Faults after which nobody knows what was billed."""


SHARE = 0.05
"""Of the requests of a storm, for each of five faults."""


def storm(
    cluster: Cluster,
    folder: Path,
    *,
    total: int,
    timeout_s: float = 2.0,
    meanwhile: Callable[[Running], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> dict[str, Any]:
    """Replay against a server that fails `SHARE` of the requests in each of five ways."""
    ledger = Ledger(Decimal(1000), usd_per_token)
    retry = RetryPolicy(rng=Random(1), base_s=0.05, max_attempts=10)
    with (
        load_server(latency_s=0.02, fault_share=SHARE) as server,
        meanwhile(server),
        Journal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal,
    ):
        trials = list(load_trials(server.base_url, total, timeout_s=timeout_s))
        outcomes = list(
            replay(
                trials,
                cluster=cluster,
                journal=journal,
                governor=Governor(default=LaneLimits(max_concurrency=128)),
                ledger=ledger,
                retry=retry,
            )
        )
        stats = server.stats()
        attempts = journal.attempts(t.fingerprint for t in trials)
    counted = {t.case_id: len(attempts[t.fingerprint]) for t in trials}
    unknown = [a for many in attempts.values() for a in many if a.cost_usd is None]
    return {
        "trials": total,
        "requests": stats["requests"],
        "faults": {name: stats["faults"].get(name, 0) for name in FAULTS},
        "settled": len({o.trial.fingerprint for o in outcomes}),
        "double": len(outcomes) - len({o.trial.fingerprint for o in outcomes}),
        "answered": sum(isinstance(o, Answered) for o in outcomes),
        "attempts": sum(counted.values()),
        "attempts_differ": sum(
            counted[f"c{name.removeprefix('item-')}"] != n for name, n in stats["items"].items()
        ),
        "ledger_usd": ledger.spent_usd,
        "server_usd": stats["answered"] * PRICE,
        "possibly_billed": len(unknown),
        "unknown_at_server": sum(stats["faults"].get(name, 0) for name in UNKNOWN),
        "reserved_usd": ledger.reserved_usd,
    }


def capped(cluster: Cluster, folder: Path, base_url: str, rng: Random) -> tuple[Decimal, Ledger]:
    """One run with random bounds, prices and cap; returns what the server would have billed."""
    billed: dict[str, Decimal] = {}
    bounds = [Decimal(rng.randrange(1, 200)) / 1000 for _ in range(rng.randrange(5, 60))]
    cap = sum(bounds, Decimal(0)) * rng.randrange(0, 120) / 100

    def price(trial: Trial, _usage: TokenUsage) -> Decimal:
        known = rng.random() < 0.9
        cost = trial.reserve_usd * rng.randrange(0, 101) / 100
        billed[trial.fingerprint] = billed.get(trial.fingerprint, Decimal(0)) + cost
        return cost if known else trial.reserve_usd

    ledger = Ledger(cap, price)
    trials = [
        Trial(**{**{n: getattr(t, n) for n in Trial.__slots__}, "reserve_usd": bound})
        for t, bound in zip(load_trials(base_url, len(bounds)), bounds, strict=True)
    ]
    try:
        with Journal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal:
            outcomes = list(
                replay(
                    trials,
                    cluster=cluster,
                    journal=journal,
                    governor=Governor(default=LaneLimits(max_concurrency=rng.randrange(1, 30))),
                    ledger=ledger,
                    retry=RetryPolicy(rng=rng, base_s=0.001),
                )
            )
    except BudgetRefusedError:
        assert cap < bounds[0]
        assert not billed
        return Decimal(0), ledger
    assert len(outcomes) == len(trials)
    return sum(billed.values(), Decimal(0)), ledger
