"""`rightsize report`: a review's records to documents, a month's page, tables, sheets."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.documents import FILES, report_files, report_month
from harness.conduct.concluding.documents import report as write_documents
from harness.conduct.concluding.past import PastReview
from harness.conduct.opening import find_workspace
from harness.errors import UsageError


@click.command()
@options.workspace
@options.cycle
@options.feature
@click.option(
    "--out",
    "outs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Where records and documents lie (default: reviews/ in the workspace), or a file to "
    "write: .txt (a message for a chat), .csv or .xlsx (a table for finance), .html (one sheet a "
    "feature, to print for a meeting); may be repeated.",
)
@click.option(
    "--month",
    type=click.DateTime(formats=["%Y-%m"]),
    default=None,
    help="Write this month's page for the cost review instead, as 2026-11.",
)
@options.as_json
def report(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    outs: tuple[Path, ...],
    month: datetime | None,
    as_json: bool,
) -> None:
    """Write the documents of a cycle again from its records. No model is asked."""
    root, (folder, files) = find_workspace(workspace), _sorted(outs)
    past = PastReview(root=root, cycle=cycle, out=folder, features=features)
    if month is not None:
        if cycle or features or files:
            raise UsageError("--month: the page of a month is of every feature and cycle; leave "
                             "out --cycle, --feature and files")  # fmt: skip
        pages = report_month(past, month.date(), now=options.now())
    elif files:
        pages = report_files(past, files, now=options.now())
    else:
        pages = write_documents(past, now=options.now())
    shown = [str(page) for page in pages]
    if as_json:
        say_block(json.dumps({"pages": shown}, indent=2))
        return
    for page in shown:
        say(page)


def _sorted(outs: tuple[Path, ...]) -> tuple[Path | None, tuple[Path, ...]]:
    """The folder, and the files; what has no ending that we write is a folder."""
    files = tuple(path for path in outs if path.suffix in FILES and not path.is_dir())
    folders = [path for path in outs if path not in files]
    if folders[1:]:
        raise UsageError(f"--out {folders[1]}: a folder is given already, {folders[0]}")
    if folders and folders[0].is_file():
        raise UsageError(f"--out {folders[0]}: a file, and not one of {', '.join(FILES)}")
    return (folders[0] if folders else None), files
