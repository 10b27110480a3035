"""`rightsize review`."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.access import check_access_early
from harness.cli.fixing import fixing_lines
from harness.cli.loads import check_quotas
from harness.cli.plan_text import plan_lines
from harness.cli.ready import code_after, code_of_plan, kept, ready_workspace
from harness.cli.running import Setup, run
from harness.cli.show import usd
from harness.cli.waiting import with_counted_labels
from harness.errors import BudgetRefusedError, Faults
from harness.plan.planning import Selection, plan_review
from harness.plan.watching import Watch

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from harness.plan.model import Plan

QUICK_SUFFIX = "-quick"


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.model
@options.max_spend
@options.out
@click.option(
    "--address", default=None, help="The Ray cluster that this machine is of: host:port, or auto."
)
@click.option("--yes", is_flag=True, help="Spend without asking.")
@click.option("--quick", is_flag=True, help="A few cases only: a look, never a decision.")
@click.option("--strict", is_flag=True, help="Exit with 4 when a verdict is undecided.")
def review(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    models: tuple[str, ...],
    max_spend: Decimal | None,
    out: Path | None,
    address: str | None,
    yes: bool,
    quick: bool,
    strict: bool,
) -> int:
    """Replay every feature's eval set, decide, and write its document."""
    now = options.now()
    named = options.cycle_of(cycle, now.date()) + (QUICK_SUFFIX if quick else "")
    root = options.find_workspace(workspace)
    loaded = ready_workspace(root, on=now.date(), features=features)
    if quick:
        loaded = loaded.all_live()
    wanted = Selection(
        features=kept(features, loaded), models=models, quick=quick, max_spend_usd=max_spend
    )
    access = None if address else partial(check_access_early, loaded, environ=os.environ)
    watch = Watch(before=access, faults=Faults())
    plan = plan_review(loaded, cycle=named, on=now.date(), wanted=wanted, watch=watch)
    planned = code_of_plan(loaded, watch.faults)
    for line in plan_lines(with_counted_labels(plan, loaded.root), details=False):
        click.echo(line)
    for line in fixing_lines(plan, loaded.root):
        click.echo(line)
    check_quotas(loaded, plan)
    confirm(plan, yes=yes)
    setup = Setup(now=now, out=out, address=address, strict=strict)
    return code_after(planned, run(loaded, plan, setup))


def confirm(plan: Plan, *, yes: bool) -> None:
    """Ask before money is spent; where nobody can answer, refuse.

    Raises:
        BudgetRefusedError: the answer is no, or there is no terminal and no `--yes`.
    """
    if yes or not plan.worst_usd:
        return
    most = f"The review spends at most {usd(plan.worst_usd)}"
    if not sys.stdin.isatty():
        raise BudgetRefusedError(f"{most}; say --yes to allow it where nobody can be asked")
    if not click.confirm(f"{most}.  Go on?"):
        raise BudgetRefusedError("nothing was spent")
