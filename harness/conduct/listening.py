"""What a plan gives, and who is told what a job does: a terminal, a log, or nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from harness.conduct.reviewing.progress import Progress, Silent, Upcoming
from harness.errors import ExitCode, Faults
from harness.plan.model import Plan
from harness.record.base import Reason
from harness.workspace.model_file import split_option
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
        """Not OK where a feature is left out, or its incumbent has no price that may be used."""
        refused = self.workspace.refused or self.unpriced
        return self.faults.exit_code or (ExitCode.USAGE_ERROR if refused else ExitCode.OK)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """A line for each feature of which nothing is asked, for want of its incumbent's price."""
        return tuple(
            f"features/{one.feature}.yaml: incumbent: {Reason.PRICE_MISSING}: {one.note}"
            for one in self.plan.features
            if one.incumbent is None
            and Reason.PRICE_MISSING in one.reasons
            and not self._is_priced_by_probe(one.config.incumbent)
        )

    def _is_priced_by_probe(self, option: str) -> bool:
        """Its price is a matter of a probe, which no file of the workspace can lack."""
        config = self.workspace.models[split_option(option)[0]]
        return config.gpu is not None and not config.price


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

    def progress(self, planned: Upcoming) -> AbstractContextManager[Progress]:
        """Who is told of answers and looks while so much is asked."""
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

    def progress(self, planned: Upcoming) -> AbstractContextManager[Progress]:  # noqa: ARG002
        """Nobody is told."""
        return nullcontext(Silent())


def nobody(_found: object) -> None:
    """Told one thing at a time, and says nothing."""
