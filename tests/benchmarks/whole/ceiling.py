"""How many answers a second one driver takes: `python -m tests.benchmarks.whole.ceiling [N]`.

Workers on Ray answer at once, 256 in flight; trials are made beforehand. What one trial costs the
driver is told in microseconds of processor time: in the engine's thread, of it the journal's
commits, in the caller's thread, and in all others, which are Ray's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.cluster.actors import local_cluster
from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.journal.journal import Journal
from tests.benchmarks.replay.ours import NOW, load_trials
from tests.support.instant_worker import FACTORY
from tests.support.trials import usd_per_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ask.cluster.actors import RayCluster
    from harness.journal.trials import Trial

WIDTH = 256


class TimedJournal(Journal):
    """Knows what its commits took, and the thread that makes them from the first to the last."""

    began_s: float | None = None
    engine_s = commits_s = 0.0

    def commit(self, **given: Any) -> Sequence[int]:
        begin = time.thread_time()
        self.began_s = begin if self.began_s is None else self.began_s
        rows = super().commit(**given)
        end = time.thread_time()
        self.engine_s, self.commits_s = end - self.began_s, self.commits_s + end - begin
        return rows


def measured(trials: Sequence[Trial], cluster: RayCluster, folder: Path) -> str:
    limits = LaneLimits(max_concurrency=WIDTH, start_concurrency=WIDTH)
    with TimedJournal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal:
        whole_s, own_s = time.process_time(), time.thread_time()
        run = replay(
            iter(trials),
            cluster=cluster,
            journal=journal,
            governor=Governor(default=limits),
            ledger=Ledger(Decimal(10**6), usd_per_token),
            retry=RetryPolicy(rng=Random(1)),
            factory=FACTORY,
        )
        count = sum(1 for _ in run)
        whole_s, own_s = time.process_time() - whole_s, time.thread_time() - own_s
    assert count == len(trials)
    parts = {
        "a trial": whole_s,
        "in the engine's thread": journal.engine_s,
        "of it the journal's commits": journal.commits_s,
        "in the caller's thread": own_s,
        "in Ray's": whole_s - own_s - journal.engine_s,
    }
    said = [f"{1e6 * seconds / count:.0f} us {name}" for name, seconds in parts.items()]
    return f"{', '.join(said)}; {count / whole_s:,.0f} answers a second of processor time"


def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ceiling-"))
    trials = list(load_trials("http://127.0.0.1/v1", count))
    with local_cluster(state=folder / "state") as cluster:
        cluster.pool(FACTORY)
        print(measured(trials, cluster, folder))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
