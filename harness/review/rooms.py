"""How many trials of each lane may be on their way: a slow lane fills its own room and no other's.

All trials wait in one window. Without rooms those of a slow lane would fill it, and the lanes
beside it would be asked no faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.replay.run import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.replay.governor import Lane, LaneLimits

ROUNDS = 2
"""A lane's answers may come at once, and as many trials must be there to follow them."""


class Rooms:
    """The room of each lane, and how much of it is taken."""

    def __init__(self, limits: Mapping[Lane, LaneLimits]) -> None:
        spare = WINDOW // max(len(limits), 1)
        self._free = {
            lane: ROUNDS * granted.max_concurrency + spare for lane, granted in limits.items()
        }
        self.window = 2 * sum(self._free.values())
        """A window that takes in what all rooms hold; half of a window is always taken in."""

    def take(self, lane: Lane) -> bool:
        """Take a place; False while the room is full."""
        if not self._free[lane]:
            return False
        self._free[lane] -= 1
        return True

    def leave(self, lane: Lane) -> None:
        """Give a place back."""
        self._free[lane] += 1
