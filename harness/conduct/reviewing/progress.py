"""What a review tells while it runs. Terminals and logs show it; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionProgress:
    """Where one option stands after a look, in points; `worst` is None when nothing was tested."""

    feature: str
    option: str
    look: int
    looks: int
    cases: int
    """Asked so far, the pilot's too; `worst` rests on `rests_on` of them."""
    rests_on: int
    of_cases: int
    worst: float | None
    margin: float
    action: str
    spent_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """Answers of a review: at most, and as many as are expected, with what those cost."""

    most: int
    expected: int
    usd: Decimal = Decimal(0)

    def __sub__(self, other: Upcoming) -> Upcoming:
        """So many less."""
        return Upcoming(
            most=self.most - other.most,
            expected=self.expected - other.expected,
            usd=self.usd - other.usd,
        )

    @property
    def changes(self) -> bool:
        """Whether it is more, or less, than nothing."""
        return bool(self.most or self.expected or self.usd)


class Progress(Protocol):
    """Listens to a review."""

    def note(self, text: str) -> None:
        """One line worth reading: a model started, a lane that died."""
        ...

    def expect_more(self) -> None:
        """One more answer than was planned will be reported."""
        ...

    def spared(self, less: Upcoming) -> None:
        """So much less is to be asked than was told; it may be more."""
        ...

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        """One trial has ended, with an answer or without.

        `usd` is what it was expected to cost; `stored`: the journal had it, nothing was asked.
        """
        ...

    def stood(self, standing: OptionProgress) -> None:
        """An option was looked at."""
        ...


class Silent:
    """Tells nobody."""

    def note(self, text: str) -> None:
        """Nothing."""

    def expect_more(self) -> None:
        """Nothing."""

    def spared(self, less: Upcoming) -> None:
        """Nothing."""

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        """Nothing."""

    def stood(self, standing: OptionProgress) -> None:
        """Nothing."""


class Prefetching:
    """Progress of a prefetch, whose answers the review reads and reports once more."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        """One line."""
        self._progress.note(text)

    def expect_more(self) -> None:
        """One more answer than was planned will be reported."""
        self._progress.expect_more()

    def spared(self, less: Upcoming) -> None:
        """Nothing: no feature has ended yet."""

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),  # noqa: ARG002  # the review tells of it again
        stored: bool = False,
    ) -> None:
        """Count a trial that is asked live and will be reported again."""
        self._progress.expect_more()
        self._progress.settled(spent_usd=spent_usd, answered=answered, stored=stored)

    def stood(self, standing: OptionProgress) -> None:
        """Nothing: no option was looked at yet."""
