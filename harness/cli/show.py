"""Money, time and counts as text, and the progress of a review: a live bar, or lines for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.cli.say import say
from harness.conduct.reviewing.progress import OptionProgress
from harness.journal.upkeep import FaultFacts
from harness.wording import limit, one_line, plural, usd

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


_HOUR = 60


def duration(hours: float) -> str:
    """`1 h 50`, `12 min`, `under a minute`.

    >>> duration(1.84), duration(0.2), duration(0.001)
    ('1 h 50', '12 min', 'under a minute')
    """
    minutes = round(hours * 60)
    if minutes < 1:
        return "under a minute"
    return f"{minutes} min" if minutes < _HOUR else f"{minutes // _HOUR} h {minutes % _HOUR:02d}"


def fault_line(fault: FaultFacts) -> str:
    """`gpt-5: 36 trials got no answer: AuthRejectedError, status 401`."""
    status = "" if fault.status is None else f", status {fault.status}"
    return f"{fault.model}: {plural(fault.trials, 'trial')} got no answer: {fault.error}{status}"


EVERY, SHARE, LONGEST_S = 25, 0.05, 10.0
"""A log has a line after so many more answers and this share of them all, or after this time."""


def standing_line(standing: OptionProgress) -> str:
    """`refund-request   haiku   look 1 of 1   144/144   at worst -3.4 on 130 (limit -6 points)`."""
    worst = "-" if standing.worst is None else f"{standing.worst:+.1f} on {standing.rests_on}"
    return (
        f"{standing.feature:<22} {standing.option:<22} look {standing.look} of {standing.looks}   "
        f"{standing.cases}/{standing.of_cases}   at worst {worst} ({limit(standing.margin)})   "
        f"{standing.action}   {usd(standing.spent_usd)}"
    )


class News:
    """Which standings are new: an option that ended at an earlier look stands as it stood."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[int, int, str]] = {}

    def is_new(self, standing: OptionProgress) -> bool:
        """Whether the option moved since it was last told, and remember that it was."""
        option = (standing.feature, standing.option)
        stands = (standing.look, standing.cases, standing.action)
        was, self._told[option] = self._told.get(option), stands
        return stands != was


def _without(missing: int) -> str:
    """`, 3 without an answer`; nothing where every trial has one."""
    return f", {missing} without an answer" if missing else ""


class PlainProgress:
    """Lines for a log. `planned` is the most calls of the plan, `expected` what it expects.

    The time left is by the pace since the first answer: starting is not asking.
    """

    def __init__(
        self,
        planned: int,
        clock: Callable[[], float],
        *,
        err: bool = False,
        expected: int | None = None,
    ) -> None:
        self._planned, self._clock, self._err = planned, clock, err
        self._expected = expected
        self._first_at: float | None = None
        self._clock_now = 0.0
        self._settled = self._missing = self._told = 0
        self._news = News()

    def note(self, text: str) -> None:
        """One line."""
        say(text, err=self._err)

    def expect_more(self) -> None:
        """One answer more than was planned will be told of."""
        self._planned += 1

    def spared(self, most: int, expected: int) -> None:
        """So many fewer."""
        self._planned -= most
        self._expected = None if self._expected is None else self._expected - expected

    def settled(self, *, spent_usd: Decimal, answered: bool = True) -> None:
        """A line now and then."""
        self._settled += 1
        self._missing += not answered
        now = self._clock()
        if self._first_at is None:
            self._first_at = self._clock_now = now
        known = self._expected is not None and self._settled < self._expected
        whole = self._expected if self._expected is not None and known else self._planned
        since = self._settled - self._told
        if since < max(EVERY, SHARE * whole) and now - self._clock_now < LONGEST_S:
            return
        self._told, self._clock_now = self._settled, now
        most = f"at most {self._planned}"
        of = f"about {self._expected} answers, {most}" if known else f"{most} answers"
        say(
            f"{self._settled - self._missing} of {of}{_without(self._missing)}, "
            f"{usd(spent_usd)}, {self._time_left()}",
            err=self._err,
        )

    def _time_left(self) -> str:
        """What is expected, and at most: how many answers are needed depends on them."""
        most = self._until(self._planned)
        about = "" if most.startswith("under") else "about "
        if self._expected is None or self._settled >= self._expected:
            return f"{about}{most} left"
        soon = self._until(self._expected)
        if soon == most:
            return f"{about}{most} left"
        about = "" if soon.startswith("under") else "about "
        return f"{about}{soon} left, at most {most}"

    def _until(self, answers: int) -> str:
        begun = self._clock_now - (self._first_at or 0.0)
        left = max(answers - self._settled, 0)
        return duration(begun / (self._settled - 1) * left / 3600)

    def stood(self, standing: OptionProgress) -> None:
        """A line per look of an option that still moves."""
        if self._news.is_new(standing):
            say(standing_line(standing), err=self._err)


class LiveProgress:
    """A bar with the time left, and lines above it."""

    def __init__(self, bar: Bar, planned: int, *, expected: int | None = None) -> None:
        self._bar = bar
        self._news = News()
        self._planned, self._missing, self._settled = planned, 0, 0
        self._expected = min(expected or planned, planned)
        most = "" if self._expected == planned else f" (at most {planned})"
        self._task: TaskID = bar.add_task(f"answers{most}", total=self._expected, spent="USD 0")

    def note(self, text: str) -> None:
        """One line above the bar."""
        self._bar.console.print(one_line(text), markup=False, highlight=False)

    def expect_more(self) -> None:
        """One answer more than was planned will be told of."""
        self._planned += 1
        self._expected += 1
        self._bar.update(self._task, total=self._expected)

    def spared(self, most: int, expected: int) -> None:
        """So many fewer."""
        self._planned -= most
        self._expected = max(min(self._expected - expected, self._planned), self._settled)
        most_left = "" if self._expected == self._planned else f" (at most {self._planned})"
        description = f"answers{most_left}"
        self._bar.update(self._task, total=self._expected, description=description)

    def settled(self, *, spent_usd: Decimal, answered: bool = True) -> None:
        """Move the bar, which goes on where an answer is missing, and says so."""
        self._missing += not answered
        self._settled += 1
        if self._settled > self._expected:
            self._expected = self._planned
            self._bar.update(self._task, total=self._planned)
        spent = f"{usd(spent_usd)}{_without(self._missing)}"
        self._bar.update(self._task, advance=1, spent=spent)

    def stood(self, standing: OptionProgress) -> None:
        """A line above the bar, for an option that still moves."""
        if self._news.is_new(standing):
            self.note(standing_line(standing))


@contextmanager
def show_progress(
    planned: int, *, err: bool = False, expected: int | None = None
) -> Generator[PlainProgress | LiveProgress]:
    """Live on a terminal, plain lines elsewhere; `planned` is the most calls of the plan."""
    if err or not sys.stdout.isatty():
        yield PlainProgress(planned, time.monotonic, err=err, expected=expected)
        return
    from rich.progress import (  # noqa: PLC0415  # only a terminal needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[spent]}"),
    )
    with Progress(*columns) as bar:
        yield LiveProgress(bar, planned, expected=expected)
