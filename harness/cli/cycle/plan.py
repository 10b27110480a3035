"""`rightsize plan`."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.access import access_lines
from harness.cli.loads import asked_models, check_quotas, hosting_lines
from harness.cli.plan_text import plan_lines
from harness.cli.ready import code_of_plan, kept, ready_workspace
from harness.cli.running import fixing_lines, with_counted_labels
from harness.cli.since import cannot_tell_lines, since_lines
from harness.errors import Faults
from harness.plan.planning import PlanHooks, Selection, plan_review


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.model
@options.max_spend
@click.option("--details", is_flag=True, help="Say for each feature what will be asked and why.")
def plan(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    models: tuple[str, ...],
    max_spend: Decimal | None,
    details: bool,
) -> int:
    """Show what is decided without a call, what is asked, and what it costs. Spends nothing."""
    now = options.now()
    today = now.date()
    root = options.find_workspace(workspace)
    loaded = ready_workspace(root, on=today, features=features)
    hooks = PlanHooks(faults=Faults())
    planned = plan_review(
        loaded,
        cycle=options.cycle_of(cycle, today),
        on=today,
        wanted=Selection(features=kept(features, loaded), models=models, max_spend_usd=max_spend),
        hooks=hooks,
    )
    code = code_of_plan(loaded, hooks.faults)
    for line in plan_lines(with_counted_labels(planned, root), details=details):
        click.echo(line)
    for line in fixing_lines(planned, root):
        click.echo(line)
    for line in hosting_lines(loaded, planned):
        click.echo(line)
    for line in cannot_tell_lines(planned, root / "reviews"):
        click.echo(line)
    for line in since_lines(loaded, planned, root / "reviews", now):
        click.echo(line)
    for line in access_lines(loaded, asked_models(planned), os.environ):
        click.echo(f"warning: {line}", err=True)
    check_quotas(loaded, planned)
    return code
