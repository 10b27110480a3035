"""How fast each lane may be asked: one governor for the whole cluster, on the driver.

A lane is what a provider limits together: (provider, key, model). A review takes at most
`share_of_rate_limit` of what a lane grants, by its headers or by configuration; the rest is
production's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from harness.ask.replay.calls import CallFailure, Reply
from harness.ask.replay.throttle import NO_PLACE, HeldPlace, LaneCounts, LaneLimits, Throttle, Uses
from harness.journal.trials import FaultKind, Lane, LaneHistory, Trial

BYTES_PER_TOKEN = 4


class Slot(NamedTuple):
    """A call's place in its lane."""

    taken: Uses
    """Set aside of the lane's limits."""
    sent_at: float
    needs: Uses = Uses()
    """What the call itself is expected to use, whatever the lane's mean."""
    place: HeldPlace = NO_PLACE


def lane_of(trial: Trial) -> Lane:
    """The lane of a trial."""
    endpoint = trial.endpoint
    provider = endpoint.vendor if endpoint.base_url is None else endpoint.base_url
    return Lane(provider, endpoint.key_name or "", trial.request.model)


class Governor:
    """Admits calls to lanes."""

    def __init__(
        self,
        limits: Mapping[Lane, LaneLimits] | None = None,
        *,
        default: LaneLimits | None = None,
        share_of_rate_limit: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = dict(limits or {})
        self._default = default or LaneLimits()
        self._share = share_of_rate_limit
        self._lanes: dict[Lane, Throttle] = {}
        self._dead: dict[Lane, str] = {}
        self.now = monotonic

    def wait_s(self, lane: Lane, trial: Trial) -> float:
        """Seconds until the trial may be asked: 0 now, inf when something must end first."""
        if lane in self._dead:
            return float("inf")
        return self._throttle(lane).wait_s(guess_uses(trial), self.now(), trial.feature)

    def held(self, lane: Lane) -> Mapping[str, int]:
        """Calls in flight on a lane, by feature."""
        return self._throttle(lane).places.held

    def width(self, lane: Lane, workers: int) -> int | None:
        """Most calls of a lane on each worker's wire; None where the driver alone limits them."""
        return self._throttle(lane).width(workers, self.now())

    def take(self, lane: Lane, trial: Trial) -> Slot:
        """Take a slot of the lane, once `wait_s` is 0."""
        now = self.now()
        needs = guess_uses(trial)
        taken, place = self._throttle(lane).take(needs, now, trial.feature)
        return Slot(taken, now, needs, place)

    def judged(self, lane: Lane, slot: Slot, reply: Reply) -> Reply:
        """The reply; a rate limit that is smaller than the request is that one's fault."""
        result = reply.result
        if not isinstance(result, CallFailure) or result.kind is not FaultKind.RATE_LIMITED:
            return reply
        if not self._throttle(lane).is_beyond(slot.needs, result.rate_limit):
            return reply
        return replace(reply, result=replace(result, blame="request"))

    def ended(self, lane: Lane, slot: Slot, reply: Reply | None) -> None:
        """A call ended (None: its worker was lost): free its slot and learn from it."""
        self._throttle(lane).ended(
            reply, sent_at=slot.sent_at, taken=slot.taken, now=self.now(), place=slot.place
        )

    def stop(self, lane: Lane, reason: str) -> None:
        """Ask nothing more of a lane in this run."""
        self._dead.setdefault(lane, reason)

    def stopped(self, lane: Lane) -> str | None:
        """Why a lane is dead, None while it lives."""
        return self._dead.get(lane)

    def history(self) -> Sequence[LaneHistory]:
        """What each lane did since it was last taken."""
        return [_history(lane, throttle) for lane, throttle in self._lanes.items()]

    def take_history(self) -> Sequence[LaneHistory]:
        """What each lane did since it was last taken; counts start again."""
        taken = self.history()
        for throttle in self._lanes.values():
            throttle.counts = LaneCounts()
        return [lane for lane in taken if lane.calls]

    def _throttle(self, lane: Lane) -> Throttle:
        if lane not in self._lanes:
            self._lanes[lane] = Throttle(self._limits.get(lane, self._default), self._share)
        return self._lanes[lane]


def guess_uses(trial: Trial) -> Uses:
    """What a call uses before the lane has told its mean."""
    size = sum(len(message.text) for message in trial.request.messages) // BYTES_PER_TOKEN
    most = trial.request.max_output_tokens
    return Uses(requests=1, tokens=size + most, input_tokens=size, output_tokens=most)


def predict_s(
    limits: LaneLimits, *, calls: float, tokens: float, busy_s: float, share: float
) -> float:
    """Seconds that `calls` with `tokens` in all take on a lane, `busy_s` seconds in all.

    The slowest of three: concurrency, the share of the requests a minute, and of the tokens.
    """
    rates = ((calls, limits.requests_per_minute), (tokens, limits.tokens_per_minute))
    paced = [amount * 60 / (limit * share) for amount, limit in rates if limit]
    return max([busy_s / min(limits.max_concurrency, max(calls, 1.0)), *paced])


def _history(lane: Lane, throttle: Throttle) -> LaneHistory:
    counts = throttle.counts
    started, ended = counts.first_at, counts.last_at
    return LaneHistory(
        lane=lane,
        calls=counts.calls,
        answered=counts.answered,
        rate_limited=counts.rate_limited,
        overloaded=counts.overloaded,
        cuts=counts.cuts,
        most_in_flight=counts.most_in_flight,
        tokens=counts.tokens,
        active_s=0.0 if started is None or ended is None else ended - started,
        requests_per_minute=throttle.requests.granted,
        tokens_per_minute=throttle.tokens.granted,
    )
