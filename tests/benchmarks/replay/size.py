"""Point 3: many trials do not cost memory, nor slow the engine down; the journal keeps up."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.journal.journal import Ended, Journal, Sent
from harness.journal.trials import Answered, Attempt
from providers.completion import TokenUsage
from tests.benchmarks.replay.ours import NOW, load_trials
from tests.support.instant_worker import FACTORY
from tests.support.trials import usd_per_token

if TYPE_CHECKING:
    from harness.ask.cluster.workers import Cluster


def long_run(cluster: Cluster, folder: Path, *, total: int) -> dict[str, Any]:
    """Driver memory, and the rate of the first and last tenth, over `total` trials."""
    me = psutil.Process()
    marks: list[tuple[float, float]] = []
    with Journal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal:
        run = replay(
            load_trials("http://127.0.0.1/v1", total),
            cluster=cluster,
            journal=journal,
            governor=Governor(default=LaneLimits(max_concurrency=256, start_concurrency=256)),
            ledger=Ledger(Decimal(10**6), usd_per_token),
            retry=RetryPolicy(rng=Random(1)),
            factory=FACTORY,
        )
        for number, outcome in enumerate(run):
            assert isinstance(outcome, Answered)
            if number % (total // 20) == 0:
                marks.append((time.monotonic(), me.memory_info().rss / 1e6))
        marks.append((time.monotonic(), me.memory_info().rss / 1e6))
        size_mb = (folder / "journal").stat().st_size / 1e6
    part = total // 20
    return {
        "trials": total,
        "rss_growth_mb": marks[-1][1] - marks[1][1],
        "rate_first": 2 * part / (marks[3][0] - marks[1][0]),
        "rate_last": 2 * part / (marks[-1][0] - marks[-3][0]),
        "journal_mb": size_mb,
    }


def journal_rate(folder: Path, *, total: int, batch: int) -> float:
    """Attempts a second that the journal takes, sent and ended and settled, durably."""
    trials = list(load_trials("http://127.0.0.1/v1", total))
    attempt = Attempt(
        number=1,
        started_at=NOW,
        reserve_usd=Decimal("0.001"),
        cost_usd=Decimal("0.0001"),
        usage=TokenUsage(input_tokens=20, output_tokens=5),
        total_s=1.0,
        first_token_s=None,
        inter_token_s=None,
        error=None,
        status=200,
        request_id="r",
        served_model="m",
    )
    with Journal.open(folder / "rate", run_id="r", cycle="c", now=NOW) as journal:
        began = time.monotonic()
        ended: list[Ended] = []
        for start in range(0, total, batch):
            part = trials[start : start + batch]
            rows = journal.commit(ended=ended, sent=[Sent(trial=t, number=1) for t in part])
            ended = [
                Ended(
                    row=row,
                    attempt=attempt,
                    outcome=Answered(trial=t, attempts=(attempt,), text="yes", finish="stop"),
                )
                for row, t in zip(rows, part, strict=True)
            ]
        journal.commit(ended=ended, sent=())
        return total / (time.monotonic() - began)
