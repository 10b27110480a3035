"""When batches are asked about: soon at first, then ever more rarely, each for so long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROWTH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a batch is asked about, seconds; after `window_s` a later run reads it."""

    first_s: float = 2.0
    most_s: float = 60.0
    window_s: float = 26 * 3600.0


@dataclass(slots=True, kw_only=True)
class Waits:
    """The waits between two looks at all open batches."""

    patience: Patience
    monotonic: Callable[[], float]
    _step_s: float = 0.0
    _due: float = float("-inf")
    _waited: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def left_s(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self._due - self.monotonic())

    def begin(self) -> None:
        """A batch is new: look at once, and soon again."""
        self._step_s = self.patience.first_s
        self.end()

    def end(self) -> None:
        """Look now, whatever is left of the wait."""
        self._due = float("-inf")

    def again(self, batches: Iterable[str]) -> None:
        """These were looked at and have not ended."""
        for batch in batches:
            self._waited[batch] = self._waited.get(batch, 0.0) + self._step_s
        self._due = self.monotonic() + self._step_s
        self._step_s = min(self._step_s * GROWTH, self.patience.most_s)

    def are_over(self, batch: str) -> bool:
        """Whether a batch was waited for long enough."""
        return self._waited.get(batch, 0.0) >= self.patience.window_s
