"""`rightsize import traffic`: a log of calls becomes a traffic file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.importing_traffic import import_traffic
from harness.money.traffic import Week, together
from harness.wording import percent, plural
from harness.workspace.feature_file import FeatureConfig


@click.command(name="traffic")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.workspace
@click.option(
    "--to", "name", default=None, help="File under traffic/, as 2026-10.csv (default: the log's)."
)
def traffic_command(source: Path, workspace: Path, *, name: str | None) -> None:
    """Add a log of calls up to a week of traffic a feature. A file that is there stays.

    Columns: timestamp (ISO 8601, with its offset), feature, request_id, input_tokens,
    output_tokens; optional cohort, cached_tokens, cache_written_tokens. Rows with one request_id
    are one request and its retried calls. The log must span whole weeks.
    """
    found = import_traffic(find_workspace(workspace), source, name=name)
    say(f"{found.path}: {plural(found.weeks[0].weeks, 'week')}")
    for line in _lines(found.weeks, found.features, found.path.name):
        say(line)


def _lines(
    weeks: tuple[Week, ...], features: Mapping[str, FeatureConfig], file: str
) -> Iterator[str]:
    for name in sorted({week.feature for week in weeks}):
        own = together(tuple(week for week in weeks if week.feature == name))
        month = own.to_traffic(source=file)
        yield (
            f"  {name}: {month.requests_per_month:,} requests a month, "
            f"{month.input_tokens:,.0f} tokens in, {month.output_tokens:,.0f} out, "
            f"{percent(month.cached_share, 1)} cached, {percent(month.retry_rate, 1)} retried; "
            f"{_use(features.get(name), name, file)}"
        )


def _use(feature: FeatureConfig | None, name: str, file: str) -> str:
    """What becomes of a feature's rows."""
    if feature is None:
        return "no feature of this workspace"
    if feature.traffic is None:
        return "used, as its file states no traffic"
    return (
        f"features/{name}.yaml states {feature.traffic.requests_per_month:,}, which counts; "
        f"`curve: {file}` takes the hours from here"
    )
