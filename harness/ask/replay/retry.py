"""Whether and when a trial is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from harness.ask.replay.calls import CallFailure
from harness.journal.trials import FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """A trial's budget of attempts and time.

    A rate limit is not the trial's doing: it costs time of the budget, no attempt.
    """

    rng: Random
    max_attempts: int = 5
    budget_s: float = 600.0
    """From the first attempt's start; no attempt begins later."""
    base_s: float = 0.5
    cap_s: float = 30.0

    def delay_s(self, fault: CallFailure, *, counted: int, elapsed_s: float) -> float | None:
        """Seconds until the next attempt, None when the budget is spent.

        `counted` is how many attempts so far count against the budget. A 429 does not: its wait
        does not double, and ends by `budget_s` alone; beside it, its whole lane pauses
        (`harness.ask.replay.throttle`). Other waits double with full jitter
        (Brooker, "Exponential backoff and jitter", 2015); a server's Retry-After is a
        floor, with jitter on top so that those who wait do not come back at once.
        """
        if fault.blame != "transient" or counted >= self.max_attempts:
            return None
        backoff = self.rng.uniform(0, min(self.cap_s, self.base_s * 2.0 ** min(counted, 30)))
        delay = backoff if fault.retry_after_s is None else fault.retry_after_s + backoff
        return delay if elapsed_s + delay <= self.budget_s else None


def counts(fault: CallFailure) -> bool:
    """Whether a failed attempt counts against `max_attempts`: a rate limit does not."""
    return fault.kind is not FaultKind.RATE_LIMITED
