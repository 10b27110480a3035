"""One worker at a time is asked about batches, and waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cluster.crew import Done
from harness.replay.batch_calls import Fetched, Polled, Submit, Submitted
from harness.replay.calls import Fault
from harness.replay.ending import LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cluster.crew import Crew
    from harness.replay.batch_calls import BatchCall, BatchReply
    from harness.replay.retry import RetryPolicy

SUBMISSIONS = 4
IDLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDesk:
    """Used from one thread, while nothing else uses the crew."""

    crew: Crew
    retry: RetryPolicy
    pause: Callable[[float], None]
    left_alone: str = "go on at the vendors"
    then: str = "read them"

    def ask(self, call: BatchCall) -> BatchReply:
        """The reply to one call."""
        return self._wait(self._hand_over(call))

    def submit(self, submission: Submit) -> tuple[BatchReply, bool]:
        """The reply to a submission, and whether Ctrl-C came while it was waited for.

        Submitted again is only what the vendor refused for the moment: behind a silence a batch
        may stand.
        """
        tries = 1
        while True:
            task = self._hand_over(submission)
            try:
                reply = self._wait(task)
            except KeyboardInterrupt:
                return self._wait(task), True
            delay_s = self._delay_s(reply, tries)
            if delay_s is None:
                return reply, False
            self.pause(delay_s)
            tries += 1

    def _delay_s(self, reply: BatchReply, tries: int) -> float | None:
        if not isinstance(reply, Fault) or reply.status is None or tries >= SUBMISSIONS:
            return None
        return self.retry.delay_s(reply, counted=tries, elapsed_s=0.0)

    def _hand_over(self, call: BatchCall) -> int:
        return self.crew.send([call])[0]

    def _wait(self, task: int) -> BatchReply:
        """The worker's own ceiling bounds the wait; what earlier passes left is not ours."""
        while True:
            for end in self.crew.receive(IDLE_S):
                if end.task == task:
                    return _reply(end.result) if isinstance(end, Done) else LOST


def _reply(result: object) -> BatchReply:
    return result if isinstance(result, Submitted | Polled | Fetched | Fault) else LOST
