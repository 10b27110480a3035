"""`rightsize report`, `reprice` and `export`: a review's records, written again in other forms."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.documents import FILES, report_files, report_month
from harness.conduct.concluding.documents import report as write_documents
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.repricing_records import OtherPrices
from harness.conduct.concluding.repricing_records import export as write_estimate
from harness.conduct.concluding.repricing_records import reprice as reprice_records
from harness.conduct.opening import find_workspace
from harness.errors import UsageError
from harness.tell.repricing import not_repriced
from harness.wording import plural, usd


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


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--on",
    "day",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    default=None,
    help="Day whose prices count (default: today).",
)
def reprice(
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    day: datetime | None,
) -> None:
    """Work a cycle's records out at other prices. No model is asked; no record is overwritten."""
    past = PastReview(root=find_workspace(workspace), cycle=cycle, features=features)
    on = day.date() if day else None
    reprice_records(past, on=on, to=out, told=_show, now=options.now())


def _show(found: OtherPrices) -> None:
    say(_line(found))


def _line(found: OtherPrices) -> str:
    before, after = found.before, found.after
    today = _change(
        before.current_cost.monthly_after_discounts, after.current_cost.monthly_after_discounts
    )
    saved = _change(
        before.savings.after_discounts if before.savings else None,
        after.savings.after_discounts if after.savings else None,
    )
    text = f"{before.feature.id}: {today} a month after discounts, saving {saved}"
    if after.evidence.exploratory == before.evidence.exploratory:
        return f"{text}; no price changed"
    kept = not_repriced(before)
    return f"{text}; as they were: {', '.join(kept)}" if kept else text


def _change(before: Decimal | None, after: Decimal | None) -> str:
    if before is None or after is None:
        return "not known"
    return usd(before) if before == after else f"{usd(before)} -> {usd(after)}"


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--month",
    type=click.DateTime(formats=["%Y-%m"]),
    default=None,
    help="Month that the rows are dated in, as 2026-11 (default: this one).",
)
@click.option(
    "--option",
    default=None,
    help="Price this option in the records that have it (default: today's model).",
)
def export(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    month: datetime | None,
    option: str | None,
) -> None:
    """Write a month's cost as an estimate in the shape of FOCUS, one row a day and token type."""
    past = PastReview(root=find_workspace(workspace), cycle=cycle, features=features)
    day = month.date() if month else None
    found = write_estimate(past, month=day, option=option, to=out, now=options.now())
    unknown = f", {found.known} of {plural(found.features, 'feature')} known"
    say(
        f"{found.path}: {plural(found.rows, 'row')}, an estimate of {usd(found.billed_usd)} "
        f"after discounts{'' if found.known == found.features else unknown}"
    )
