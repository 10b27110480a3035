"""How often a probe's bounds miss, and how far its goodput is off, on queues of known truth.

    python -m tests.benchmarks.probe.coverage

In virtual time; writes `results.md`. Each cell is 300 searches with seeds of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from harness.probe.search import SearchPlan, Share, find_goodput
from tests.support.queues import Queue

RESULTS = Path(__file__).with_name("results.md")
TRIALS = 300
QUEUES = {
    "1 server, limit 8 services": Queue(servers=1, service_s=0.02, limit_s=0.16),
    "2 servers, limit 5": Queue(servers=2, service_s=0.04, limit_s=0.2),
    "1 server, constant service, limit 4.8": Queue(
        servers=1, service_s=0.025, limit_s=0.12, constant=True
    ),
    "16 servers, limit 4": Queue(servers=16, service_s=1.5, limit_s=6.0),
}
HEAD = """\
# The probe's search

`python -m tests.benchmarks.probe.coverage` (virtual time; 300 searches a row; bounds at \
one-sided 5 %)

| queue | requests a run | goodput off by, mean | lower bound above the truth | \
upper bound below it | upper over lower, median | runs |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(kw_only=True)
class Tally:
    off: list[float]
    widths: list[float]
    too_high: int = 0
    too_low: int = 0
    runs: int = 0


def tally(queue: Queue, requests: int) -> Tally:
    truth = queue.goodput()
    found = Tally(off=[], widths=[])
    for trial in range(TRIALS):

        def measure(rate: float, repeat: int, trial: int = trial) -> Share:
            found.runs += 1
            return queue.measure(rate, 1000 * trial + repeat, requests=requests)

        goodput = find_goodput(measure, SearchPlan(first_per_s=truth / 1.7))
        lower, upper = goodput.lower_per_s, goodput.upper_per_s
        assert lower is not None
        assert upper is not None
        found.off.append(math.log(goodput.per_s / truth))
        found.widths.append(upper / lower)
        found.too_high += truth < lower
        found.too_low += truth > upper
    return found


def main() -> None:
    rows: list[str] = []
    for name, queue in QUEUES.items():
        for requests in (120, 400, 1000):
            found = tally(queue, requests)
            cells = (
                name, f"{requests:,}", f"{fmean(found.off):+.1%}",
                f"{found.too_high / TRIALS:.1%}", f"{found.too_low / TRIALS:.1%}",
                f"{median(found.widths):.2f}", f"{found.runs / TRIALS:.0f}",
            )  # fmt: skip
            rows.append(f"| {' | '.join(cells)} |\n")
    RESULTS.write_text(HEAD + "".join(rows))


if __name__ == "__main__":
    main()
