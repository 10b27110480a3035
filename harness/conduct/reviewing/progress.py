"""What a review tells while it runs. Terminals and logs show it; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.conduct.finding.feature_run import FeatureRun


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


class Progress(Protocol):
    """Listens to a review."""

    def note(self, text: str) -> None:
        """One line worth reading: a model started, a lane that died."""
        ...

    def expect_more(self) -> None:
        """One more answer than was planned will be reported."""
        ...

    def spared(self, most: int, expected: int) -> None:
        """A feature has ended, and so many of the most and of the expected calls will not come."""
        ...

    def settled(self, *, spent_usd: Decimal, answered: bool = True) -> None:
        """One trial has ended, with an answer or without."""
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

    def spared(self, most: int, expected: int) -> None:
        """Nothing."""

    def settled(self, *, spent_usd: Decimal, answered: bool = True) -> None:
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

    def spared(self, most: int, expected: int) -> None:
        """Nothing: no feature has ended yet."""

    def settled(self, *, spent_usd: Decimal, answered: bool = True) -> None:
        """Count a trial that is asked live and will be reported again."""
        self._progress.expect_more()
        self._progress.settled(spent_usd=spent_usd, answered=answered)

    def stood(self, standing: OptionProgress) -> None:
        """Nothing: no option was looked at yet."""


def standings_of(run: FeatureRun, spent_usd: Decimal) -> Iterator[OptionProgress]:
    """How each option of a feature stands that was looked at."""
    for standing in run.standings():
        if standing.looks:
            yield OptionProgress(
                feature=run.plan.feature,
                option=standing.option,
                look=sum(end <= standing.asked for end in run.design.looks),
                looks=len(run.design.looks),
                cases=standing.asked,
                rests_on=standing.n,
                of_cases=len(run.design.order),
                worst=None if standing.worst is None else 100 * standing.worst,
                margin=run.design.margin,
                action=standing.looks[-1].action,
                spent_usd=spent_usd,
            )
