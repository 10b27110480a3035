"""Which calls are samples of a model's latency.

Only live calls of the latency pass count: an answer, or one still being made at the feature's
deadline (it took at least that long; leaving it out would flatter a slow model). A call during
which our own event loop was late is no sample, nor is one that the world prevented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.trials import Attempt, Outcome

DEADLINE = "DeadlineExceededError"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySample:
    """Seconds of the live calls of one option, in the order of the calls.

    `first_token_s` is empty where answers were not streamed. `beyond_deadline` of `total_s` are
    lower bounds: their answers were still being made at the deadline. `lagged` calls were
    discarded, `failed` brought no answer.
    """

    total_s: tuple[float, ...]
    first_token_s: tuple[float, ...]
    inter_token_s: tuple[float, ...]
    beyond_deadline: int
    lagged: int
    failed: int
    measured_at: str | None
    """UTC of the last call; None without any."""


def select_sample(outcomes: Iterable[Outcome]) -> LatencySample:
    """The latency sample of one option's outcomes; other passes' outcomes are passed over."""
    attempts = [
        attempt
        for outcome in outcomes
        if outcome.trial.purpose == "latency"
        for attempt in outcome.attempts
    ]
    timed = [attempt for attempt in attempts if _is_timed(attempt)]
    kept = sorted((a for a in timed if not a.lagged), key=lambda a: (a.started_at, a.number))
    return LatencySample(
        total_s=tuple(a.total_s for a in kept if a.total_s is not None),
        first_token_s=tuple(a.first_token_s for a in kept if a.first_token_s is not None),
        inter_token_s=tuple(a.inter_token_s for a in kept if a.inter_token_s is not None),
        beyond_deadline=sum(a.error == DEADLINE for a in kept),
        lagged=len(timed) - len(kept),
        failed=len(attempts) - len(timed),
        measured_at=kept[-1].started_at if kept else None,
    )


def _is_timed(attempt: Attempt) -> bool:
    return attempt.total_s is not None and attempt.error in {None, DEADLINE}
