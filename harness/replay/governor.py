"""How fast each lane may be asked: one governor for the whole cluster, on the driver.

A lane is what a provider limits together: (provider, key, model).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.replay.calls import Reply
    from harness.trials import Trial


class Lane(NamedTuple):
    """What a provider limits together."""

    provider: str
    """Vendor and address."""
    key: str
    """Name of the key."""
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """What a lane grants, by configuration; None where only its headers will say."""

    max_concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


def lane_of(trial: Trial) -> Lane:
    """The lane of a trial."""
    endpoint = trial.endpoint
    provider = endpoint.vendor if endpoint.base_url is None else endpoint.base_url
    return Lane(provider, endpoint.key_name or "", trial.request.model)


@dataclass(slots=True)
class _State:
    limits: LaneLimits
    in_flight: int = 0
    dead: str | None = field(default=None)


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
        self._lanes: dict[Lane, _State] = {}
        self.now = monotonic

    def admit(self, lane: Lane, trial: Trial) -> float:  # noqa: ARG002  # token buckets need it
        """Take a slot of the lane: 0 when taken, else seconds until it is worth asking again."""
        state = self._state(lane)
        if state.dead is not None or state.in_flight >= state.limits.max_concurrency:
            return float("inf")
        state.in_flight += 1
        return 0.0

    def refund(self, lane: Lane) -> None:
        """Give back a slot whose call was never made."""
        self._state(lane).in_flight -= 1

    def ended(self, lane: Lane, reply: Reply | None) -> None:
        """A call ended (None: its worker was lost): free its slot and learn from it."""
        self._state(lane).in_flight -= 1
        del reply

    def stop(self, lane: Lane, reason: str) -> None:
        """Ask nothing more of a lane in this run."""
        self._state(lane).dead = reason

    def stopped(self, lane: Lane) -> str | None:
        """Why a lane is dead, None while it lives."""
        return self._state(lane).dead

    def _state(self, lane: Lane) -> _State:
        if lane not in self._lanes:
            self._lanes[lane] = _State(self._limits.get(lane, self._default))
        return self._lanes[lane]
