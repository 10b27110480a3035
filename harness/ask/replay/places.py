"""Who holds the places of a lane that features share: calls that hang must not take them all.

Most places are anybody's; some are kept, a few for each feature, for those who hold few. So a
feature whose calls never end leaves the others a way through, at whatever time they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

MOST_KEPT = 4
"""Places kept for one feature; fewer where many share a lane."""
KEPT_SHARE = 4
"""At most one place in so many is kept."""
STALE_S = 5.0
"""A call that lasts longer may hang, and gains nothing by waiting at a worker for its turn."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One call's place."""

    number: int
    feature: str
    is_kept: bool
    """One of those that are kept for features that hold few."""


NO_SEAT = Seat(0, "", is_kept=False)


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

    def take(self, feature: str, now: float) -> Seat:
        """A kept one where there is one for it, else one of the others."""
        self._number += 1
        place = Seat(self._number, feature, is_kept=self.keeps_one_for(feature))
        self._held[feature] += 1
        self._kept_taken += place.is_kept
        self.common += not place.is_kept
        if not place.is_kept:
            self._since[place.number] = now
        return place

    def leave(self, place: Seat) -> None:
        """Give it back."""
        self._held[place.feature] -= 1
        self._kept_taken -= place.is_kept
        self.common -= not place.is_kept
        self._since.pop(place.number, None)

    def is_stale(self, now: float) -> bool:
        """Whether a call in one of the others is in flight for long, where features share them."""
        return bool(self.kept and self._since) and now - next(iter(self._since.values())) > STALE_S
