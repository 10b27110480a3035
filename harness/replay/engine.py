"""Replays trials: the caller's thread gives trials and takes outcomes, another does the asking."""

from __future__ import annotations

from queue import Empty, Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import InterruptedRunError
from harness.replay.feed import Feed
from harness.replay.run import WINDOW, Rules, Run
from harness.replay.worker import OPENER

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from harness.cluster.crew import Cluster
    from harness.replay.governor import Governor
    from harness.replay.journal import Journal
    from harness.replay.ledger import Ledger
    from harness.replay.retry import RetryPolicy
    from harness.trials import Outcome, Trial

    Item: TypeAlias = Outcome | BaseException | None

AHEAD = 1000
"""Outcomes that may wait for the caller; with more, the engine waits."""

GRACE_S = 30.0
"""How long a stopped run waits for what is in flight."""

LOOK_S = 0.1
"""How often a blocked engine looks whether it was stopped."""

BEAT_S = 0.5
"""A source that had nothing is asked again after an outcome, or after so long without one."""


def replay(  # noqa: PLR0913  # the parts of a run, each replaceable
    trials: Iterable[Trial | None],
    *,
    cluster: Cluster,
    journal: Journal,
    governor: Governor,
    ledger: Ledger,
    retry: RetryPolicy,
    factory: str = OPENER,
    window: int = WINDOW,
    others_settle: bool = False,
) -> Generator[Outcome]:
    """Yield each trial's outcome as it settles; what the journal knows comes without a call.

    Trials are read lazily, in the caller's thread; asking goes on while the caller scores.
    Trials with equal fingerprints are asked once. When the cap leaves no room, nothing more is
    sent and every remaining trial is `Missing` with reason "BudgetExhausted"; a lane whose key
    or model is refused stops alone. Closing the iterator stops sending; what is in flight is
    still waited for, charged and journalled.

    `trials` may give None where it has nothing before more outcomes are taken; it is asked again,
    for as long as it has not ended. `window` is how many trials may wait here (twice: on their way
    and in the queues); half of it is always taken in, whatever lane it is for. `others_settle`:
    another pass on the same ledger settles its calls meanwhile, so that a cap without room is
    waited for as long as that one has something set aside.

    Raises:
        InterruptedRunError: On Ctrl-C, after what was in flight has been journalled.
    """
    rules = Rules(
        journal=journal,
        governor=governor,
        ledger=ledger,
        retry=retry,
        window=window,
        others_settle=others_settle,
    )
    engine = Engine(Run(cluster.crew(factory), rules), window)
    try:
        yield from _taken(engine, iter(trials))
    except KeyboardInterrupt:
        engine.stop()
        raise InterruptedRunError(
            f"interrupted; USD {ledger.spent_usd:.2f} spent and every answer so far is kept: "
            "run the same command again to go on"
        ) from None
    finally:
        engine.stop()


def _taken(engine: Engine, source: Iterator[Trial | None]) -> Iterator[Outcome]:
    """What the engine brings, to its end; trials are given to it meanwhile."""
    while True:
        engine.feed.top_up(source)
        try:
            item = engine.items.get(timeout=BEAT_S)
        except Empty:
            continue
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item
        yield item


class Engine:
    """A run in a thread of its own. Its last item is None, or the error that ended it."""

    def __init__(self, run: Run, window: int) -> None:
        self.feed = Feed(window)
        self.items: Queue[Item] = Queue(AHEAD)
        self._run = run
        self._thread = Thread(target=self._work, name="replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; wait for what is in flight."""
        self._run.stop.set()
        self._thread.join()

    def _work(self) -> None:
        last: Item = None
        try:
            for outcome in self._run.outcomes(self.feed):
                self._put(outcome)
            self._run.drain(GRACE_S)
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            last = error
        self._put(last)

    def _put(self, item: Item) -> None:
        while not self._run.stop.is_set():
            try:
                self.items.put(item, timeout=LOOK_S)
            except Full:
                continue
            return
