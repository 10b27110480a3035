"""The rate limiter of one lane: concurrency, rates and pauses, learned from its replies.

A `Bucket` is a token bucket; a `Meter` paces calls by one limit (requests, tokens, input or output
tokens per minute) and learns what a call uses; the `Throttle` joins them with a concurrency window.

Of a lane that features share, a few places are kept for each feature, for those who hold few. So a
feature whose calls never end leaves the others a way through, at whatever time they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.ask.replay.calls import CallFailure, Reply
from harness.journal.trials import FaultKind
from providers.completion import RateLimit, TokenUsage

ROUNDING = 1e-9
BURST_S = 0.6
"""A full bucket holds what this many seconds bring, or one request."""


class Bucket:
    """Starts full. A call may take more than the bucket holds when it is full: it then owes."""

    def __init__(self, per_minute: float, now: float) -> None:
        self.per_s = per_minute / 60
        self._level = self._burst
        self._at = now

    @property
    def _burst(self) -> float:
        return max(1.0, self.per_s * BURST_S)

    def set_rate(self, per_minute: float, now: float) -> None:
        """Change the rate from now on."""
        self._fill(now)
        self.per_s = per_minute / 60
        self._level = min(self._level, self._burst)

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until `amount` may be taken; 0 when it may be now."""
        self._fill(now)
        shortfall = min(amount, self._burst) - self._level
        return 0.0 if shortfall <= ROUNDING else shortfall / self.per_s

    def take(self, amount: float) -> None:
        """Take it, once `wait_s` is 0."""
        self._level -= amount

    def give(self, amount: float) -> None:
        """Put back what was taken and not used; a negative amount takes more."""
        self._level = min(self._burst, self._level + amount)

    def _fill(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._at) * self.per_s)
        self._at = now


SAFETY = 0.98
"""Of the granted share: calls sent evenly may arrive in bunches."""

LEARNING = 0.1
"""Weight of the newest call in the mean of a call."""


class Meter:
    """Paces calls by what they are expected to use; without a grant it only learns."""

    def __init__(self, granted: int | None, share: float, *, mean: float | None = None) -> None:
        self.granted = granted
        """Limit per minute for all users of the key; None if it is not known."""
        self._share = share
        self._mean = mean
        self._bucket: Bucket | None = None

    def wait_s(self, guess: float, now: float) -> float:
        """Seconds until a call may be sent; `guess` is what it uses before the mean is known."""
        bucket = self._filled(now)
        return 0.0 if bucket is None else bucket.wait_s(self._expected(guess), now)

    def take(self, guess: float) -> float:
        """Set aside what a call is expected to use; returns it."""
        expected = self._expected(guess)
        if self._bucket is not None:
            self._bucket.take(expected)
        return expected

    def learn(self, used: float, set_aside: float) -> None:
        """Learn what a call used, and give back what was set aside beyond it."""
        self._mean = used if self._mean is None else self._mean + LEARNING * (used - self._mean)
        if self._bucket is not None:
            self._bucket.give(set_aside - used)

    def give(self, set_aside: float) -> None:
        """Give back what a refused call did not use."""
        if self._bucket is not None:
            self._bucket.give(set_aside)

    def adopt(self, limit: int | None, remaining: int | None) -> float:
        """Adopt what a header grants; returns seconds to leave to others what is not our share."""
        self.granted = limit or self.granted
        if not limit or remaining is None:
            return 0.0
        below = (1 - self._share) * limit - remaining
        return max(0.0, below * 60 / limit)

    def _expected(self, guess: float) -> float:
        return guess if self._mean is None else self._mean

    def _filled(self, now: float) -> Bucket | None:
        if self.granted is None:
            return None
        rate = self.granted * self._share * SAFETY
        if self._bucket is None:
            self._bucket = Bucket(rate, now)
        elif self._bucket.per_s != rate / 60:
            self._bucket.set_rate(rate, now)
        return self._bucket


CUT = 0.7
FLOOR = 4.0
"""No cut goes below: pauses do the rest, and one stalled call must not stop its lane."""
GROWTH_PAUSE_S = 1.0
"""After a 5xx, concurrency does not grow for this long."""
BARE_PAUSE_S = 1.0
"""Pause after a 429 that does not say when to come back."""
MAX_PAUSE_S = 300.0
AHEAD = 0.3
WIDE = 16
CALM_S = 60.0


class Uses(NamedTuple):
    """What a call uses of each limit."""

    requests: float = 0.0
    tokens: float = 0.0
    input_tokens: float = 0.0
    """Those that count: read from a cache they do not."""
    output_tokens: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """What a lane grants, by configuration; None where only its headers will say."""

    max_concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    start_concurrency: int = 16
    """In flight at first; doubles with every round of answers until the lane pushes back."""
    features: int = 1
    """That may ask it in this run: none of them may take every place."""


@dataclass(slots=True, kw_only=True)
class LaneCounts:
    """What happened on a lane so far."""

    calls: int = 0
    answered: int = 0
    rate_limited: int = 0
    overloaded: int = 0
    cuts: int = 0
    most_in_flight: int = 0
    tokens: int = 0
    first_at: float | None = None
    last_at: float | None = None


class Throttle:
    """The state of one lane. Times are seconds of one monotonic clock.

    Concurrency follows additive increase, multiplicative decrease (Chiu and Jain, 1989), with a
    doubling start; it grows by answers to calls that were in flight when it was the limit. All
    429s to calls that were sent before a cut belong to that cut's episode.
    """

    def __init__(self, limits: LaneLimits, share: float) -> None:
        self.limits = limits
        self.counts = LaneCounts()
        self.places = Places(limits.max_concurrency, limits.features)
        self._most = float(limits.max_concurrency - self.places.kept)
        start = float(limits.start_concurrency)
        if self.places.kept:
            start = max(FLOOR, start - self.places.kept)
        self.window = min(start, self._most)
        """Calls at once, beside those in places that are kept."""
        self._doubling = True
        self._cut_at = self._grow_at = self._resume_at = float("-inf")
        self._full_at = self._pushed_at = float("-inf")
        self.requests = Meter(limits.requests_per_minute, share, mean=1.0)
        self.tokens = Meter(limits.tokens_per_minute, share)
        self._input, self._output = Meter(None, share), Meter(None, share)
        self._meters: Sequence[Meter] = (self.requests, self.tokens, self._input, self._output)

    def wait_s(self, guess: Uses, now: float, feature: str = "") -> float:
        """Seconds until a call may be sent: 0 for now, inf for when another has ended."""
        is_full = self.places.common >= int(self.window) + self.prefetch(now)
        if is_full and not self.places.keeps_one_for(feature):
            self._full_at = now
            return float("inf")
        waits = [m.wait_s(use, now) for m, use in zip(self._meters, guess, strict=True)]
        return max(0.0, self._resume_at - now, *waits)

    def prefetch(self, now: float) -> int:
        """Calls that may wait at the workers, so that the wire is busy while the driver writes.

        None on a narrow lane, where they would go to workers with nothing to do; none where a
        rate or a recent push-back says that the next call must wait for the driver's word, or where
        they would wait behind calls that hang.
        """
        calm = now - self._pushed_at > CALM_S and not self.places.is_stale(now)
        paced = any(meter.granted is not None for meter in self._meters)
        return 0 if paced or not calm or self.window < WIDE else int(self.window * AHEAD)

    def width(self, workers: int, now: float) -> int | None:
        """Most calls on each worker's wire; None where the driver alone limits them."""
        return max(1, int(self.window) // workers) if self.prefetch(now) else None

    def take(self, guess: Uses, now: float, feature: str = "") -> tuple[Uses, HeldPlace]:
        """Take a place for a call; returns it, and what was set aside for the call."""
        place = self.places.take(feature, now)
        counts = self.counts
        counts.calls += 1
        on_wire = sum(self.places.held.values()) - max(0, self.places.common - int(self.window))
        counts.most_in_flight = max(counts.most_in_flight, on_wire)
        counts.first_at = now if counts.first_at is None else counts.first_at
        taken = (m.take(use) for m, use in zip(self._meters, guess, strict=True))
        return Uses(*taken), place

    def is_beyond(self, use: Uses, told: RateLimit | None) -> bool:
        """Whether a call uses more than a whole minute grants: then it can never be answered.

        Where input has a limit of its own, that one is known to count a call before it runs.
        """
        granted = told or RateLimit()
        most_input = granted.input_tokens_limit or self._input.granted
        if most_input is not None:
            return use.input_tokens > most_input
        most = granted.tokens_limit or self.tokens.granted
        return most is not None and use.tokens > most

    def ended(
        self, reply: Reply | None, *, sent_at: float, taken: Uses, now: float, place: HeldPlace
    ) -> None:
        """Free a call's place and learn from its reply (None: its worker was lost)."""
        self.places.leave(place)
        self.counts.last_at = now
        if reply is None:
            return
        result = reply.result
        if result.usage is not None:
            self._learn_tokens(result.usage, taken)
        if result.rate_limit is not None:
            self._learn_limits(result.rate_limit, now)
        if isinstance(result, CallFailure) and result.blame == "request":
            self.tokens.give(taken.tokens)
            self._input.give(taken.input_tokens)
            self._output.give(taken.output_tokens)
        elif isinstance(result, CallFailure):
            self._push_back(result, sent_at, now)
        else:
            self.counts.answered += 1
            if sent_at <= self._full_at and now >= self._grow_at:
                self._grow()

    def _grow(self) -> None:
        step = 1.0 if self._doubling else 1.0 / self.window
        self.window = min(self._most, self.window + step)

    def _push_back(self, fault: CallFailure, sent_at: float, now: float) -> None:
        if fault.kind is FaultKind.RATE_LIMITED:
            self.counts.rate_limited += 1
            self._pushed_at = now
            wait_s = BARE_PAUSE_S if fault.retry_after_s is None else fault.retry_after_s
            self._resume_at = max(self._resume_at, now + min(wait_s, MAX_PAUSE_S))
            self._doubling = False
            if sent_at > self._cut_at:
                self._cut_at = now
                self.counts.cuts += 1
                self.window = max(min(FLOOR, self.window), self.window * CUT)
        elif fault.blame == "transient":
            self.counts.overloaded += 1
            self._doubling = False
            self._grow_at = now + GROWTH_PAUSE_S

    def _learn_tokens(self, usage: TokenUsage, taken: Uses) -> None:
        used = usage.input_tokens + usage.output_tokens
        self.counts.tokens += used
        self.tokens.learn(used, taken.tokens)
        self._input.learn(usage.input_tokens - usage.cache_read_tokens, taken.input_tokens)
        self._output.learn(usage.output_tokens, taken.output_tokens)

    def _learn_limits(self, seen: RateLimit, now: float) -> None:
        """Adopt what the headers grant, and leave to others what is left below our share."""
        waits = (
            self.requests.adopt(seen.requests_limit, seen.requests_remaining),
            self.tokens.adopt(seen.tokens_limit, seen.tokens_remaining),
            self._input.adopt(seen.input_tokens_limit, seen.input_tokens_remaining),
            self._output.adopt(seen.output_tokens_limit, seen.output_tokens_remaining),
        )
        if any(waits):
            self._resume_at = max(self._resume_at, now + max(waits))


MOST_KEPT = 4
"""Places kept for one feature; fewer where many share a lane."""
KEPT_SHARE = 4
"""At most one place in so many is kept."""
STALE_S = 5.0
"""A call that lasts longer may hang, and gains nothing by waiting at a worker for its turn."""


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """One call's place."""

    number: int
    feature: str
    is_kept: bool
    """One of those that are kept for features that hold few."""


NO_PLACE = HeldPlace(0, "", is_kept=False)


class Places:
    """The places of one lane that `features` features share, `most` calls at once."""

    def __init__(self, most: int, features: int) -> None:
        shared = features > 1 and most >= KEPT_SHARE
        room = max(2, most // KEPT_SHARE) if shared else 0
        self._each = max(1, min(MOST_KEPT, room // features)) if shared else 0
        self.kept = min(features * self._each, room)
        """How many are not anybody's."""
        self.common = 0
        """Calls in the others."""
        self._kept_taken = 0
        self._held: Counter[str] = Counter()
        self._since: dict[int, float] = {}
        self._number = 0

    @property
    def held(self) -> Mapping[str, int]:
        """Calls in flight, by feature."""
        return self._held

    def keeps_one_for(self, feature: str) -> bool:
        """Whether a kept place is free for a call of this feature."""
        return self._kept_taken < self.kept and self._held[feature] < self._each

    def take(self, feature: str, now: float) -> HeldPlace:
        """A kept one where there is one for it, else one of the others."""
        self._number += 1
        place = HeldPlace(self._number, feature, is_kept=self.keeps_one_for(feature))
        self._held[feature] += 1
        self._kept_taken += place.is_kept
        self.common += not place.is_kept
        if not place.is_kept:
            self._since[place.number] = now
        return place

    def leave(self, place: HeldPlace) -> None:
        """Give it back."""
        self._held[place.feature] -= 1
        self._kept_taken -= place.is_kept
        self.common -= not place.is_kept
        self._since.pop(place.number, None)

    def is_stale(self, now: float) -> bool:
        """Whether a call in one of the others is in flight for long, where features share them."""
        return bool(self.kept and self._since) and now - next(iter(self._since.values())) > STALE_S
