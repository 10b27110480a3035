"""A bucket that refills evenly: so many requests or tokens a minute."""

from __future__ import annotations

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
        lacking = min(amount, self._burst) - self._level
        return 0.0 if lacking <= ROUNDING else lacking / self.per_s

    def take(self, amount: float) -> None:
        """Take it, once `wait_s` is 0."""
        self._level -= amount

    def give(self, amount: float) -> None:
        """Put back what was taken and not used; a negative amount takes more."""
        self._level = min(self._burst, self._level + amount)

    def _fill(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._at) * self.per_s)
        self._at = now
