"""What a review tells while it runs. Terminals and logs show it; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one option stands after a look. Points; `worst` is None when nothing was tested."""

    feature: str
    option: str
    look: int
    looks: int
    cases: int
    of_cases: int
    worst: float | None
    margin: float
    action: str
    spent_usd: Decimal


class Progress(Protocol):
    """Listens to a review."""

    def note(self, text: str) -> None:
        """One line worth reading: a model started, a lane that died."""
        ...

    def settled(self, *, spent_usd: Decimal) -> None:
        """One trial has ended."""
        ...

    def stood(self, standing: Standing) -> None:
        """An option was looked at."""
        ...


class Silent:
    """Tells nobody."""

    def note(self, text: str) -> None:
        """Nothing."""

    def settled(self, *, spent_usd: Decimal) -> None:
        """Nothing."""

    def stood(self, standing: Standing) -> None:
        """Nothing."""
