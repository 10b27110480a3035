"""What a plan gives, and who is told what a job does: a terminal, a log, or nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from harness.conduct.reviewing.progress import Progress, Silent
from harness.errors import ExitCode, Faults
from harness.plan.model import Plan
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made from."""

    workspace: Workspace
    """As it is asked: without the features that `check` refuses."""
    plan: Plan
    now: datetime
    faults: Faults
    """Of the features that could not be planned."""

    @property
    def exit_code(self) -> ExitCode:
        """Not OK where a feature is left out."""
        refused = ExitCode.USAGE_ERROR if self.workspace.refused else ExitCode.OK
        return self.faults.exit_code or refused


class Listener(Protocol):
    """Told what a job does, in the order in which it happens."""

    def refused(self, workspace: Workspace) -> None:
        """The features that `check` refuses are left out."""
        ...

    def unplanned(self, faults: Faults) -> None:
        """Features that could not be planned are left out."""
        ...

    def planned(self, planned: Planned) -> None:
        """The plan stands; nothing was asked yet."""
        ...

    def allow(self, plan: Plan) -> None:
        """Asked before money is spent.

        Raises:
            BudgetRefusedError: it must not be.
        """
        ...

    def note(self, text: str) -> None:
        """One line worth reading: a model is started, weights are fetched."""
        ...

    def progress(self, calls: int) -> AbstractContextManager[Progress]:
        """Who is told of answers and looks while at most `calls` calls are made."""
        ...


class Quiet:
    """Tells nobody, and allows what the policy and `max_spend_usd` allow."""

    def refused(self, workspace: Workspace) -> None:
        """Nothing."""

    def unplanned(self, faults: Faults) -> None:
        """Nothing."""

    def planned(self, planned: Planned) -> None:
        """Nothing."""

    def allow(self, plan: Plan) -> None:
        """Yes."""

    def note(self, text: str) -> None:
        """Nothing."""

    def progress(self, calls: int) -> AbstractContextManager[Progress]:  # noqa: ARG002
        """Nobody is told."""
        return nullcontext(Silent())


def nobody(_found: object) -> None:
    """Told one thing at a time, and says nothing."""
