"""Durations and faults as text, and the progress of a review: a live bar, or lines for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal
from math import sqrt
from typing import TYPE_CHECKING

from harness.cli.say import say
from harness.conduct.reviewing.progress import OptionProgress, Upcoming
from harness.journal.upkeep import FaultFacts
from harness.wording import limit, one_line, plural
from harness.wording import usd as usd_words

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
"""A log has a line after 25 more answers that are also 5 % of all, or else after ten seconds."""


def standing_line(standing: OptionProgress) -> str:
    """`refund-request   haiku   look 1 of 1   144/144   at worst -3.4 on 130 (limit -6 points)`."""
    worst = "-" if standing.worst is None else f"{standing.worst:+.1f} on {standing.rests_on}"
    return (
        f"{standing.feature:<22} {standing.option:<22} look {standing.look} of {standing.looks}   "
        f"{standing.cases}/{standing.of_cases}   at worst {worst} ({limit(standing.margin)})   "
        f"{standing.action}   {usd_words(standing.spent_usd)}"
    )


class News:
    """Which standings have changed: an option that ended earlier is reported again as it was."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[int, int, str]] = {}

    def is_new(self, standing: OptionProgress) -> bool:
        """Whether the option moved since it was last told; the new standing is remembered."""
        option = (standing.feature, standing.option)
        stands = (standing.look, standing.cases, standing.action)
        was, self._told[option] = self._told.get(option), stands
        return stands != was


def _without(missing: int) -> str:
    """`, 3 without an answer`; nothing where every trial has one."""
    return f", {missing} without an answer" if missing else ""


class Remaining:
    """How many answers are still to come, and how long they will take at the pace so far.

    An expensive model is usually a slow one, and more of it is asked at the beginning than later;
    but one ten times as dear takes about three times as long, not ten. So the time is the geometric
    mean of two: by the number of answers, and by what they are expected to cost. Where nothing
    costs anything it is the first; before a few answers are there it is not told. The clock starts
    with the first answer that was asked for in this run, as starting models is not asking. Answers
    that the journal had are no part of the pace, and neither is the time between two of them. As
    long as there are no others, theirs is the pace.
    """

    def __init__(self, planned: Upcoming, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead = planned
        self._now: float | None = None
        self._reading_s = self._asking_s = 0.0
        self._asked = 0
        self._was_stored = True
        self._asked_usd = Decimal(0)
        self.settled = self.missing = 0

    def take(self, *, answered: bool, usd: Decimal, stored: bool) -> float:
        """One more has ended; the time."""
        before, self._now = self._now, self._clock()
        passed = 0.0 if before is None else self._now - before
        if not self._asked:
            self._reading_s += passed
        elif not (stored and self._was_stored):
            self._asking_s += passed
        if not stored:
            # The first one starts the clock: the time that it took is not known.
            self._asked_usd += usd if self._asked else Decimal(0)
            self._asked += 1
        self._was_stored = stored
        self.settled += 1
        self.missing += not answered
        self._ahead -= Upcoming(most=0, expected=0, usd=usd)
        return self._now

    def less(self, less: Upcoming) -> None:
        """Fewer are to come, or more where it is negative."""
        self._ahead -= less

    @property
    def most(self) -> int:
        """The most answers that there may be, those that came included."""
        return self._ahead.most

    @property
    def expected(self) -> int | None:
        """Answers expected in all, those that came included; None once more than that came."""
        known = self.settled < self._ahead.expected
        return min(self._ahead.expected, self.most) if known else None

    def left(self) -> str:
        """The time expected, and at most: how many answers are needed depends on the answers."""
        if self._asked:
            gone, by_number = self._asking_s, self._asking_s / max(self._asked - 1, 1)
        else:
            gone, by_number = 0.0, self._reading_s / max(self.settled - 1, 1)
        to_most, expected = max(self.most - self.settled, 0), self.expected
        if expected is None:
            return f"{_about(by_number * to_most)} left"
        to_come = expected - self.settled
        if 0 < self._asked < min(EVERY, SHARE * to_come):
            return "time left not known yet"
        soon_s = by_number * to_come
        if self._asked_usd > 0 and self._ahead.usd > 0:
            soon_s = sqrt(soon_s * gone * float(self._ahead.usd / self._asked_usd))
        soon, most = _about(soon_s), _about(soon_s * to_most / to_come)
        at_most = most.removeprefix("about ")
        return f"{soon} left" if soon == most else f"{soon} left, at most {at_most}"


def _about(seconds: float) -> str:
    told = duration(seconds / 3600)
    return told if told.startswith("under") else f"about {told}"


class PlainProgress:
    """Lines for a log."""

    def __init__(self, planned: Upcoming, clock: Callable[[], float], *, err: bool = False) -> None:
        self._remaining, self._err = Remaining(planned, clock), err
        self._told_at: float | None = None
        self._told = 0
        self._news = News()

    def note(self, text: str) -> None:
        """One line."""
        say(text, err=self._err)

    def expect_more(self) -> None:
        """One answer more than was planned will be told of."""
        self._remaining.less(Upcoming(most=-1, expected=-1))

    def spared(self, less: Upcoming) -> None:
        """So much less, or more."""
        self._remaining.less(less)

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        """A line now and then."""
        ahead = self._remaining
        now = ahead.take(answered=answered, usd=usd, stored=stored)
        if self._told_at is None:
            self._told_at = now
        since = ahead.settled - self._told
        whole = ahead.expected or ahead.most
        if since < max(EVERY, SHARE * whole) and now - self._told_at < LONGEST_S:
            return
        self._told, self._told_at = ahead.settled, now
        of = f"at most {ahead.most} answers"
        if ahead.expected not in {None, ahead.most}:
            of = f"about {ahead.expected} answers, at most {ahead.most}"
        say(
            f"{ahead.settled - ahead.missing} of {of}{_without(ahead.missing)}, "
            f"{usd_words(spent_usd)}, {ahead.left()}",
            err=self._err,
        )

    def stood(self, standing: OptionProgress) -> None:
        """A line per look of an option that still moves."""
        if self._news.is_new(standing):
            say(standing_line(standing), err=self._err)


class LiveProgress:
    """A bar with the time left, and lines above it."""

    def __init__(self, bar: Bar, planned: Upcoming, clock: Callable[[], float]) -> None:
        self._bar = bar
        self._news = News()
        self._remaining = Remaining(planned, clock)
        self._task: TaskID = bar.add_task("answers", spent="USD 0", left="")
        self._show()

    def note(self, text: str) -> None:
        """One line above the bar."""
        self._bar.console.print(one_line(text), markup=False, highlight=False)

    def expect_more(self) -> None:
        """One answer more than was planned will be told of."""
        self.spared(Upcoming(most=-1, expected=-1))

    def spared(self, less: Upcoming) -> None:
        """So much less, or more."""
        self._remaining.less(less)
        self._show()

    def settled(
        self,
        *,
        spent_usd: Decimal,
        answered: bool = True,
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        """Move the bar, which goes on where an answer is missing, and says so."""
        self._remaining.take(answered=answered, usd=usd, stored=stored)
        spent = f"{usd_words(spent_usd)}{_without(self._remaining.missing)}"
        self._bar.update(self._task, advance=1, spent=spent, left=self._remaining.left())
        self._show()

    def _show(self) -> None:
        most, expected = self._remaining.most, self._remaining.expected
        description = "answers" if expected in {None, most} else f"answers (at most {most})"
        total = most if expected is None else expected
        self._bar.update(self._task, total=total, description=description)

    def stood(self, standing: OptionProgress) -> None:
        """A line above the bar, for an option that still moves."""
        if self._news.is_new(standing):
            self.note(standing_line(standing))


@contextmanager
def show_progress(
    planned: Upcoming, *, err: bool = False
) -> Generator[PlainProgress | LiveProgress]:
    """Live on a terminal, plain lines elsewhere."""
    if err or not sys.stdout.isatty():
        yield PlainProgress(planned, time.monotonic, err=err)
        return
    from rich.progress import (  # noqa: PLC0415  # only a terminal needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[spent]}"),
    )
    with Progress(*columns) as bar:
        yield LiveProgress(bar, planned, time.monotonic)
