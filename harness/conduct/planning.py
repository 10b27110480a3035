"""`plan`: what a review would ask, cost and decide. Spends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from harness.bring.labelling.questions import counted
from harness.conduct.checking import checked_workspace
from harness.conduct.listening import Listener, Planned, Quiet
from harness.conduct.opening import cycle_of, utc_now
from harness.conduct.reviewing.review import shows_only
from harness.conduct.sealing import Seal, seal_plan
from harness.errors import Faults, UsageError
from harness.journal.journal import Journal
from harness.journal.life import binding
from harness.money.prices.model_catalogue import CurrentModel, cheaper_and_not_listed
from harness.money.prices.rates import vendor_of
from harness.plan.lives.identity import QUICK_SUFFIX
from harness.plan.model import FeaturePlan, Plan
from harness.plan.planning import PlanHooks, Selection, plan_review
from harness.wording import listed
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace


def with_counted_labels(planned: Planned) -> Plan:
    """The plan, its expected labels counted as far as the journal has answers."""
    path = journal_file(planned.workspace.root)
    if not path.is_file():
        return planned.plan
    with Journal.read(path) as journal:
        return counted(planned.plan, journal)


def plan(
    root: Path,
    wanted: Selection | None = None,
    *,
    cycle: str | None = None,
    now: datetime | None = None,
    listener: Listener | None = None,
) -> Planned:
    """Plan a review of the workspace in `root`.

    Args:
        root: folder of the workspace, where its policy.yaml lies.
        wanted: which features and models, and the most to spend; all of them without.
        cycle: as 2026-Q4; the quarter of `now` without.
        now: the moment of the plan; the clock's without.
        listener: told which features are left out.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
        UsageError: a feature, a model or a cycle that there is not.
    """
    asked, told, moment = wanted or Selection(), listener or Quiet(), now or utc_now()
    workspace = opened(root, asked, moment, told)
    found = planned_in(workspace, asked, cycle=cycle, now=moment)
    if found.faults.found:
        told.unplanned(found.faults)
    told.planned(found)
    return found


def seal(planned: Planned) -> tuple[Seal, ...]:
    """Write the plans, with their hashes, so that all can see that nothing moved since.

    Raises:
        UsageError: answers came already, or another plan is sealed for the cycle.
    """
    path = journal_file(planned.workspace.root)
    if path.is_file():
        with Journal.read(path) as journal:
            _refuse_begun(planned.plan, journal)
    return seal_plan(planned.plan, planned.workspace.root, planned.now)


def _refuse_begun(plan: Plan, journal: Journal) -> None:
    for one in plan.to_ask:
        if binding(journal, one.feature, one.cycle):
            raise UsageError(
                f"{one.feature}: answers came under a plan of {one.cycle} already; a seal now "
                "would show nothing. Seal the next cycle before its first call"
            )


_MOST_NAMED = 5


def not_tried_lines(planned: Planned) -> Iterator[str]:
    """The line that names `not_tried`, cheapest first."""
    found = not_tried(planned)
    if found:
        names = ", ".join(f"{each.name} ({each.price})" for each in found[:_MOST_NAMED])
        yield f"cheaper and not tried: {names}"


def not_tried(planned: Planned) -> tuple[CurrentModel, ...]:
    """Current models of the workspace's vendors that nobody listed, and that cost less.

    A vendor counts where one of its models may see the data of a planned feature.
    """
    models = planned.workspace.models
    data = {each.config.data for each in planned.plan.features}
    vendors = {
        vendor
        for config in models.values()
        if data & set(config.may_see) and (vendor := vendor_of(config)) is not None
    }
    rates = [each.incumbent.rates for each in planned.plan.features if each.incumbent]
    known = [each for each in rates if each is not None]
    if not known:
        return ()
    dearest = max(each.input for each in known), max(each.output for each in known)
    listed = {config.version or name.partition("@")[0] for name, config in models.items()}
    return cheaper_and_not_listed(vendors, listed, dearest, planned.now.date())


def opened(root: Path, wanted: Selection, now: datetime, listener: Listener) -> Workspace:
    """The workspace without the features that `check` refuses, of which the listener is told.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
    """
    workspace = checked_workspace(root, on=now.date(), features=wanted.features)
    if workspace.refused:
        listener.refused(workspace)
    return workspace.all_live() if wanted.quick else workspace


def planned_in(
    workspace: Workspace,
    wanted: Selection,
    *,
    cycle: str | None,
    now: datetime,
    before: Callable[[frozenset[str]], None] | None = None,
) -> Planned:
    """The plan of a workspace; `before` may refuse the models of it before the slow part.

    Raises:
        UsageError: a feature, a model or a cycle that there is not.
    """
    hooks = PlanHooks(check_models=before, faults=Faults())
    sound = (name for name in wanted.features if name not in workspace.refused)
    found = plan_review(
        workspace,
        cycle=cycle_of(cycle, now.date()) + (QUICK_SUFFIX if wanted.quick else ""),
        on=now.date(),
        wanted=replace(wanted, features=tuple(sound)),
        hooks=hooks,
    )
    return Planned(workspace=workspace, plan=found, now=now, faults=hooks.faults)


def fixing_lines(plan: Plan, root: Path) -> Iterator[str]:
    """What a review fixes for its cycle, or cannot decide any more: a line a feature."""
    path = journal_file(root)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.read(path)) if path.is_file() else None
        for one in plan.to_ask:
            why = shows_only(root, one, journal)
            if why is not None:
                yield f"      {one.feature}: EXPLORATORY, to show and not to decide: {why}"
            elif one.left_out and not (journal and binding(journal, one.feature, one.cycle)):
                yield _confined(one)


def _confined(plan: FeaturePlan) -> str:
    asked = listed([option.name for option in plan.asked])
    left = listed(plan.left_out)
    return (
        f"      {plan.feature}: with its first answer this review fixes the options of "
        f"{plan.cycle}: {asked}, without {left}; a later review of {plan.cycle} that adds "
        f"{'it' if len(plan.left_out) == 1 else 'them'} could only show. "
        "Leave --model out to decide on all of them"
    )
