"""`rightsize plan`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.plan_text import plan_lines
from harness.conduct.access import access_lines
from harness.conduct.listening import Planned
from harness.conduct.loads import asked_models, check_quotas, hosting_lines
from harness.conduct.opening import find_workspace
from harness.conduct.planning import fixing_lines, seal, with_counted_labels
from harness.conduct.planning import plan as make_plan
from harness.conduct.sealing import sealed_lines
from harness.conduct.since import cannot_tell_lines, since_lines
from harness.plan.planning import Selection


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.model
@options.max_spend
@click.option(
    "--seal",
    "sealed",
    is_flag=True,
    help="Write the plans with their hashes, to be committed or posted before the first call.",
)
@click.option("--details", is_flag=True, help="Say for each feature what will be asked and why.")
def plan(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    models: tuple[str, ...],
    max_spend: Decimal | None,
    sealed: bool,
    details: bool,
) -> int:
    """Show what is decided without a call, what is asked, and what it costs. Spends nothing."""
    planned = make_plan(
        find_workspace(workspace),
        Selection(features=features, models=models, max_spend_usd=max_spend),
        cycle=cycle,
        now=options.now(),
        listener=Terminal(lines=partial(_lines, details=details)),
    )
    for line in access_lines(planned.workspace, asked_models(planned.plan), os.environ):
        click.echo(f"warning: {line}", err=True)
    check_quotas(planned.workspace, planned.plan, planned.now)
    for line in sealed_lines(seal(planned)) if sealed else ():
        click.echo(line)
    return planned.exit_code


def _lines(planned: Planned, *, details: bool) -> Iterator[str]:
    loaded, found, now = planned.workspace, planned.plan, planned.now
    yield from plan_lines(with_counted_labels(planned), details=details)
    yield from fixing_lines(found, loaded.root)
    yield from hosting_lines(loaded, found)
    yield from cannot_tell_lines(found, loaded.root / "reviews")
    yield from since_lines(loaded, found, loaded.root / "reviews", now)
