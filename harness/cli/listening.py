"""A job's listener on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import click

from harness.cli.plan_text import plan_lines
from harness.cli.say import say
from harness.cli.show import show_progress
from harness.conduct.listening import Planned, Quiet
from harness.conduct.reviewing.progress import Progress, Upcoming
from harness.errors import BudgetRefusedError, Faults
from harness.plan.model import Plan
from harness.wording import usd
from harness.workspace.workspace import Workspace


def plain_plan(planned: Planned) -> Iterator[str]:
    """The plan, without its details."""
    yield from plan_lines(planned.plan, details=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal(Quiet):
    """Prints what a job tells; `err` keeps standard output free for what the command gives."""

    err: bool = False
    lines: Callable[[Planned], Iterator[str]] = field(default=plain_plan)
    """What is said of a plan."""
    confirm: bool = False
    """Ask before money is spent."""

    def refused(self, workspace: Workspace) -> None:
        """The features that `check` refuses are left out."""
        for name, faults in workspace.refused.items():
            say(f"{name} is left out, nothing of it is asked:", err=True)
            for fault in faults:
                say(f"    {fault}", err=True)

    def unplanned(self, faults: Faults) -> None:
        """Features that could not be planned are left out."""
        for fault in faults.found:
            say(f"{fault}; it is left out, nothing of it is asked", err=True)

    def planned(self, planned: Planned) -> None:
        """The plan as lines."""
        for line in self.lines(planned):
            say(line, err=self.err)
        for line in planned.unpriced:
            say(line, err=True)

    def allow(self, plan: Plan) -> None:
        """Ask before money is spent; where nobody can answer, refuse.

        Raises:
            BudgetRefusedError: the answer is no, or there is no terminal and no `--yes`.
        """
        if not self.confirm or not plan.worst_usd:
            return
        most = f"The review spends at most {usd(plan.worst_usd)}"
        if not sys.stdin.isatty():
            raise BudgetRefusedError(f"{most}; say --yes to allow it where nobody can be asked")
        if not click.confirm(f"{most}.  Go on?"):
            raise BudgetRefusedError("nothing was spent")

    def note(self, text: str) -> None:
        """One line."""
        say(text, err=self.err)

    def progress(self, planned: Upcoming) -> AbstractContextManager[Progress]:
        """A bar on a terminal, lines elsewhere."""
        return show_progress(planned, err=self.err)
