"""`rightsize check`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.checking import CheckReport, aged_on, check_workspace, priced_on
from harness.conduct.opening import find_workspace
from harness.wording import plural


@click.command()
@options.workspace
@options.as_json
def check(workspace: Path, *, as_json: bool) -> int:
    """Find every error of a workspace at once: file, line, key, what to do. Spends nothing."""
    root = find_workspace(workspace)
    today = options.now().date()
    report = check_workspace(root, has_price=priced_on(today), has_aged=aged_on(today), on=today)
    if as_json:
        say_block(json.dumps(_json(report), indent=2))
        return report.exit_code
    for problem in report.problems:
        mark = "" if problem.severity == "error" else f"{problem.severity}: "
        say(f"{mark}{problem}", err=problem.severity == "error")
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
    say(f"{counts}: {found if report.problems else 'no problem found'}")
    return report.exit_code


def _json(report: CheckReport) -> dict[str, Any]:
    return {
        "features": report.features,
        "models": report.models,
        "cases": report.cases,
        "blocked": sorted({problem.file for problem in report.blocked}),
        "problems": [asdict(problem) for problem in report.problems],
        "exit_code": int(report.exit_code),
    }
