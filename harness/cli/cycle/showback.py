"""`rightsize showback`: what was spent, on what, whose, and why it changed, from logs alone."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.opening import find_workspace
from harness.conduct.spending.showing_back import (
    show_back,
    show_made_up,
    write_showback_files,
)
from harness.errors import UsageError
from harness.money.spend.timespan import Timespan, span_named


@click.command()
@options.workspace
@click.option("--week", default=None, help="A week, as 2026-W48 (default: the last whole one).")
@click.option("--month", default=None, help="A month, as 2026-11.")
@click.option(
    "--out",
    "outs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Where the pages go (default: showback/ in the workspace, by week or month), or a file to "
    "write: .csv, .xlsx (tables for finance); may be repeated.",
)
@click.option(
    "--metrics",
    multiple=True,
    type=options.InputFile(),
    help="Hours of endpoints and GPUs of one's own (harness/bring/README.md); may be repeated.",
)
@click.option(
    "--made-up", is_flag=True, help="Instead: of logs that are made up now, to see what it says."
)
@options.as_json
def showback(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    week: str | None,
    month: str | None,
    outs: tuple[Path, ...],
    metrics: tuple[Path, ...],
    made_up: bool,
    as_json: bool,
) -> None:
    """Show each team what its calls cost: no model is asked, no review is needed.

    It reads what `rightsize import traffic` kept of the logs: one page of all spend, one a team;
    why it changed, what belongs to nobody, which features to review first, and what at most can be
    saved.
    """
    span, now = _span(week, month), options.now()
    if made_up:
        written = show_made_up(span, outs, now=now)
    else:
        root = find_workspace(workspace)
        shown = show_back(root, span, now=now, metrics=metrics)
        written = write_showback_files(shown, root, outs)
    names = [str(path) for path in written]
    if as_json:
        say_block(json.dumps({"files": names}, indent=2))
        return
    for name in names:
        say(name)


def _span(week: str | None, month: str | None) -> Timespan | None:
    if week is not None and month is not None:
        raise UsageError("--week or --month, not both")
    if week is not None:
        return span_named("week", week)
    return None if month is None else span_named("month", month)
