"""One of a lane's limits (requests, tokens, input or output tokens a minute) and what calls use."""

from __future__ import annotations

from harness.replay.buckets import Bucket

SAFETY = 0.98
"""Of the granted share: calls sent evenly may arrive in bunches."""

LEARNING = 0.1
"""Weight of the newest call in the mean of a call."""


class Meter:
    """Paces calls by what they are expected to use; without a grant it only learns."""

    def __init__(self, granted: int | None, share: float, *, mean: float | None = None) -> None:
        self.granted = granted
        """A minute, to everybody; None where nobody said."""
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

    def told(self, limit: int | None, remaining: int | None) -> float:
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
