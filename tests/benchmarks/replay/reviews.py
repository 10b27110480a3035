"""Point 5 at the level of a review: kills and shuffled latencies change no finding.

`python -m tests.benchmarks.replay.reviews ROOT` reviews a workspace on an inline cluster: the
driver of the small version; the large one kills `rightsize review`, with Ray and all.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import psutil

from harness.ask.cluster.workers import InlineCluster
from harness.journal import upkeep
from harness.record.stored import read_records
from tests.support.reviews import CYCLE, Shape, answers, run_review, write_review_workspace
from tests.support.wire.holding import Gate, held
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

Kind: TypeAlias = Literal["inline", "ray"]

LARGE = Shape(cases=500, kind="ladder", features=("tickets", "mails"))
SMALL = Shape(cases=400, kind="ladder", features=("tickets", "mails"))
RIGHTSIZE = Path(sys.executable).with_name("rightsize")
"""The installed command."""

START_S = 1.5
"""Within so long a kill comes while a review starts."""
GONE_S = 300.0
"""Longest wait until every process of a killed driver is gone."""


class Shuffled:
    """The scripted answers, each after a random delay: no two runs have the same order."""

    def __init__(self, seed: int, most_s: float) -> None:
        self._rng, self._most_s, self._lock = Random(seed), most_s, Lock()

    def __call__(self, body: Body) -> Reply:
        reply = answers(body)
        with self._lock:
            delay_s = self._rng.uniform(0, self._most_s)
        return Reply(text=reply.text, usage=reply.usage, delay_s=delay_s)


def decided(records: Sequence[DecisionRecord]) -> list[dict[str, Any]]:
    """What a kill must not change: finding, reasons, quality with its looks, slices, cases used."""
    return [
        {
            "feature": record.feature.id,
            "finding": record.finding,
            "verdict": record.verdict,
            "chosen": record.chosen,
            "reasons": record.reason_codes,
            "eval_set": record.evidence.eval_set.model_dump(exclude={"times_used"}),
            "trials": record.evidence.spend.trials,
            "options": [
                option.model_dump(
                    include={"result", "reason_codes", "quality", "slices", "guardrails", "missing"}
                )
                for option in record.options
            ],
        }
        for record in records
    ]


def undisturbed(
    folder: Path, *, shape: Shape, seed: int, most_s: float = 0.05
) -> list[dict[str, Any]]:
    """One whole review, its answers in an order of their own."""
    with OpenAIServer(Shuffled(seed, most_s)) as server, InlineCluster() as cluster:
        write_review_workspace(folder, server.port, shape)
        return decided(run_review(folder, cluster))


def command(root: Path, kind: Kind) -> list[str]:
    if kind == "inline":
        return [sys.executable, "-m", "tests.benchmarks.replay.reviews", str(root)]
    words = ["review", "-w", str(root), "--cycle", CYCLE, "--yes"]
    return [str(RIGHTSIZE), *words]


class Driver:
    """A review in a process of its own, and all that it started."""

    def __init__(self, root: Path, kind: Kind) -> None:
        self.process = subprocess.Popen(
            command(root, kind), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._family: set[psutil.Process] = set()

    def wait(self, *, until: Any) -> None:
        """Until `until()` or its end; all its children are known then."""
        while not until() and self.process.poll() is None:
            self._family.update(children(self.process.pid))
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`, and wait until nothing that it started lives."""
        self._family.update(children(self.process.pid))
        self.process.kill()
        self.process.communicate()
        _, alive = psutil.wait_procs(self._family, timeout=GONE_S)
        assert not alive, alive

    def end(self) -> None:
        said, errors = self.process.communicate()
        assert self.process.returncode == 0, said + errors


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def killed_reviews(  # noqa: PLR0913  # each is a fact of the run
    folder: Path, *, shape: Shape, kills: int, kind: Kind, seed: int, most: int, most_s: float
) -> dict[str, Any]:
    """Kill the review `kills` times, then let it end; compare it with an undisturbed one.

    Most kills come while it asks, within `most` requests since its start: what it asks beyond waits
    for its answer, so that it cannot end before. Every fifth kill comes while it starts.
    """
    rng = Random(seed)
    calm = undisturbed(folder / "calm", shape=shape, seed=seed, most_s=most_s)
    root = folder / "killed"
    gate = Gate(0)
    with OpenAIServer(held(Shuffled(seed + 1, most_s), gate)) as server:
        write_review_workspace(root, server.port, shape)
        for number in range(kills):
            before = len(server.log.calls)
            gate.allow(before + rng.randrange(most))
            driver = Driver(root, kind)
            if number % 5 != 4:
                driver.wait(until=lambda: len(server.log.calls) > gate())
            else:
                moment = time.monotonic() + rng.uniform(0, START_S)
                driver.wait(until=lambda moment=moment: time.monotonic() > moment)
            assert driver.process.poll() is None, "the review ended before it was killed"
            driver.kill()
        gate.open()
        driver = Driver(root, kind)
        driver.end()
        counts = dict(server.log.by_hash)
        found = decided(final_records(root, kind))
    facts = upkeep.show(root / ".rightsize" / "journal.sqlite")
    return {
        "kills": kills,
        "runs": len(facts.runs),
        "requests": sum(counts.values()),
        "distinct": len(counts),
        "paid_twice": sum(counts.values()) - len(counts),
        "sent_and_not_committed": sum(run.interrupted for run in facts.runs),
        "looks": [
            len(option["quality"]["looks"])
            for record in found
            for option in record["options"]
            if option["quality"]
        ],
        "equal": found == calm,
    }


def final_records(root: Path, kind: Kind) -> Sequence[DecisionRecord]:
    if kind == "inline":
        return run_review(root, None, run_id="reader")
    return read_records(root / "reviews" / CYCLE)


def drive(root: Path) -> None:
    """The review that the small version kills; each run has a name of its own."""
    with InlineCluster() as cluster:
        run_review(root, cluster, run_id=f"run-{time.monotonic_ns()}")


if __name__ == "__main__":
    drive(Path(sys.argv[1]))
