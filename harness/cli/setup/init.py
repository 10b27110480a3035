"""`rightsize init`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from harness.bring.onramp.drafts import write_layout
from harness.bring.onramp.scan_features import ScanReport, scan_features
from harness.cli import options
from harness.cli.say import say
from harness.errors import ExitCode
from harness.money.prices.model_catalogue import known_model_ids
from harness.wording import plural
from harness.workspace.reading import shipped


@click.command()
@options.workspace
@click.option(
    "--scan",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Draft features from the model ids that this source tree uses.",
)
def init(workspace: Path, source: Path | None) -> int:
    """Write the layout of a workspace, with comments. Nothing that is there is changed."""
    written = write_layout(workspace, templates=shipped("init"), example=source is None)
    for name in written.created:
        say(f"wrote {workspace / name}")
    if written.kept:
        say(f"left as they are: {plural(len(written.kept), 'file')}")
    if source is None:
        say(f"next: rightsize check --workspace {workspace}")
    else:
        for line in scan_lines(scan_features(workspace, source, ids=known_model_ids())):
            say(line)
    return ExitCode.OK


def scan_lines(report: ScanReport) -> Iterator[str]:
    """What a scan found, as a person reads it."""
    ignored = f" ({_counts(report.ignored)}: ignored)" if report.ignored else ""
    yield (
        f"{plural(report.ids, 'model id')} in {plural(report.files, 'file')} -> "
        f"{plural(len(report.drafted), 'feature')} drafted in features/{ignored}"
    )
    if report.kept:
        yield f"left as they are: {plural(len(report.kept), 'feature')}"
    if report.models:
        yield f"models drafted in models/: {', '.join(report.models)}"
    if report.to_fill_in:
        lacking = ", ".join(f"{key} ({count})" for key, count in report.to_fill_in.items())
        yield f"to fill in: {lacking}"
    for line in report.others:
        yield f"left out: {line}"
    for note in report.notes:
        yield f"look at: {note}"


def _counts(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())
