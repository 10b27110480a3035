"""`rightsize check`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.conduct.checking import aged_on, check_workspace, priced_on
from harness.conduct.opening import find_workspace
from harness.wording import plural


@click.command()
@options.workspace
def check(workspace: Path) -> int:
    """Find every error of a workspace at once: file, line, key, what to do. Spends nothing."""
    root = find_workspace(workspace)
    today = options.now().date()
    report = check_workspace(root, has_price=priced_on(today), has_aged=aged_on(today), on=today)
    for problem in report.problems:
        mark = "" if problem.severity == "error" else f"{problem.severity}: "
        click.echo(f"{mark}{problem}", err=problem.severity == "error")
    counts = ", ".join(
        (
            plural(report.features, "feature"),
            plural(report.models, "model"),
            plural(report.cases, "case")
            + (f" in {plural(report.cases + report.copies, 'row')}" if report.copies else ""),
        )
    )
    found = (
        f"{plural(len(report.errors), 'error')}, "
        f"{plural(len(report.blocked), 'feature')} blocked, "
        f"{plural(len(report.warnings), 'warning')}"
    )
    click.echo(f"{counts}: {found if report.problems else 'no problem found'}")
    return report.exit_code
