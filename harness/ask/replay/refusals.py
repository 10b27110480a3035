"""Refusals that asking again would not change: told once; a lane with nothing else is stopped."""

from __future__ import annotations

from collections.abc import Callable

from harness.ask.replay.backlog import Pending
from harness.ask.replay.calls import CallFailure
from harness.ask.replay.governor import Governor
from harness.journal.trials import FaultKind, Lane
from providers.completion import Completion

REFUSED = frozenset({400, 415, 422})
SAME_REFUSALS = 5
"""A model that refuses this many calls in a row for one reason is asked no more."""


class Refusals:
    """The refusals of each lane, in a row. No trial waits longer than `patience_s` to be asked."""

    def __init__(
        self, governor: Governor, tell: Callable[[str], object], *, patience_s: float
    ) -> None:
        self._governor = governor
        self._tell = tell
        self._patience_s = patience_s
        self._in_a_row: dict[Lane, tuple[str, int]] = {}
        self._told_too_large: set[Lane] = set()

    def count(self, pending: Pending, result: Completion | CallFailure) -> None:
        """Take one call's end."""
        if not isinstance(result, CallFailure):
            self._in_a_row.pop(pending.lane, None)
        elif result.kind is FaultKind.RATE_LIMITED and result.blame == "request":
            self._tell_too_large(pending)
        elif result.kind is FaultKind.RATE_LIMITED:
            self._count_closed(pending, result)
        elif result.blame == "request" and result.status in REFUSED:
            self._count_same(pending, result)

    def _count_same(self, pending: Pending, result: CallFailure) -> None:
        how = f"{result.error}, status {result.status}"
        if self._is_last(pending.lane, how):
            self._governor.stop(pending.lane, result.error)
            said = f": {result.said}" if result.said else ""
            self._tell(
                f"{pending.trial.request.model}: {SAME_REFUSALS} calls in a row were refused "
                f"({how}{said}); nothing more is asked of it. A parameter that a model refuses is "
                "left out with `omit:` in its entry, as `omit: [temperature]`"
            )

    def _count_closed(self, pending: Pending, result: CallFailure) -> None:
        """A limit of an hour or a day: the lane would be tried again and again for nothing."""
        wait_s = result.retry_after_s or 0.0
        if wait_s > self._patience_s and self._is_last(pending.lane, result.error):
            self._governor.stop(pending.lane, result.error)
            self._tell(
                f"{pending.trial.request.model}: {SAME_REFUSALS} calls in a row were told to come "
                f"back in {wait_s:,.0f} s; nothing more is asked of it in this run"
            )

    def _tell_too_large(self, pending: Pending) -> None:
        if pending.lane in self._told_too_large:
            return
        self._told_too_large.add(pending.lane)
        trial = pending.trial
        self._tell(
            f"{trial.request.model}: a request of {trial.feature}, about "
            f"{pending.slot.needs.tokens:,.0f} tokens with its `max_output_tokens`, is larger than "
            "what the provider grants in a minute: such requests can never be answered, and are "
            "asked once"
        )

    def _is_last(self, lane: Lane, how: str) -> bool:
        """Count one more; True if it is the one that stops the lane."""
        before, times = self._in_a_row.get(lane, (how, 0))
        times = times + 1 if before == how else 1
        self._in_a_row[lane] = (how, times)
        return times == SAME_REFUSALS
