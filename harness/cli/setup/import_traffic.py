"""`rightsize import traffic`: logs of calls become a traffic file."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.importing_traffic import (
    LogsToRead,
    TrafficWritten,
    import_traffic,
)
from harness.errors import CannotTellError
from harness.money.measured import Spending
from harness.money.traffic import NoTrafficError, Week, together
from harness.wording import percent, plural, usd
from harness.workspace.feature_file import FeatureConfig

_NOTED = {
    "doubled": "in an hour that clocks show twice: read as its first time",
    "spelled": "with a cost as $0.12, 0.12 USD or 0,12: read as amounts of USD",
}
_CALLERS = 5
_TEAMS = 8
_QUIET_DAYS = 3


@click.command(name="traffic")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=options.InputFile(),
)
@options.workspace
@click.option(
    "--to", "name", default=None, help="File under traffic/, as 2026-10.csv (default: the log's)."
)
@click.option("--format", "form", default=None, help="The logs' format (default: found).")
@click.option(
    "--mapping",
    type=options.InputFile(),
    default=None,
    help="YAML that says which column is what, for a table of your own.",
)
@click.option("--timezone", default=None, help="Zone of times without an offset, as Europe/Berlin.")
def traffic_command(sources: tuple[Path, ...], workspace: Path, **given: str | None) -> None:
    """Add logs of calls up to a week of traffic a feature. A file that is there stays.

    LiteLLM, Langfuse, OpenTelemetry (OTLP as JSON), Bedrock and others are known; JSON Lines, CSV
    and Parquet, packed or not. The neutral table has the columns timestamp, feature, request_id,
    input_tokens, output_tokens; optional are cohort, cached_tokens, cache_written_tokens, model,
    cost_usd, latency_ms, status, tags and caller. Rows of it with one request_id are one request
    and its retried calls. A row that cannot be read is kept apart with its file, line and reason;
    more than 1 % of them, or a file cut or damaged from a row on, ends with code 4.
    """
    how = LogsToRead(
        format=given["form"],
        mapping=Path(given["mapping"]) if given["mapping"] else None,
        timezone=given["timezone"],
    )
    found = import_traffic(find_workspace(workspace), sources, name=given["name"], how=how)
    for line in _lines(found, how.timezone):
        say(line)
    if found.cut is not None:
        raise CannotTellError(f"{found.cut}; see {found.refused}, and import again")
    if found.too_many_refused:
        raise CannotTellError(
            f"more than 1 % of the rows were refused; see {found.refused}, and import again"
        )


def _lines(found: TrafficWritten, zone: str | None) -> Iterator[str]:
    again = "; nothing changed, it says so already" if found.unchanged else ""
    yield f"{found.path}: {found.measured.window}{again}"
    for source in found.measured.sources:
        passed = f", {source.passed_over:,} no calls of a model" if source.passed_over else ""
        refused = f", {source.refused:,} refused" if source.refused else ""
        yield f"  {source.file}: {source.format}, {plural(source.rows, 'row')}{passed}{refused}"
    for form in found.formats:
        if form.untried:
            yield f"  {form.name}: untried, no public example of it was at hand: check the figures"
    yield from _not_told(found)
    yield from _zones(found, zone)
    if found.measured.quiet_days >= _QUIET_DAYS:
        yield f"  no call at all for {found.measured.quiet_days} days: is a part missing?"
    yield from (f"  refused, {count:,}: {reason}" for reason, count in found.reasons.items())
    yield from _spent(found.measured.spending)
    yield from (f"  bought: {one.says}: beside what was spent by the call" for one in found.bought)
    names = sorted({week.feature for week in found.weeks})
    grown = {each.feature: each.growth_per_month for each in found.measured.features}
    for name in names:
        own = together(tuple(week for week in found.weeks if week.feature == name))
        growth = grown.get(name)
        more = "" if growth is None else f", {growth:+.1%} requests a month"
        use = _use(found.features.get(name), name, found.path)
        yield f"  {name}: {_month(own, found)}{more}; {use}"
    for each in found.measured.findings:
        cost = "cost not known" if each.usd_a_month is None else f"{usd(each.usd_a_month)} a month"
        whose = each.feature or "of no feature"
        yield f"  {each.kind}: {whose}, since {each.since}, by {each.who}: {each.says}; {cost}"


def _not_told(found: TrafficWritten) -> Iterator[str]:
    """Columns that nothing is made of, and what no column says."""
    if found.not_read:
        yield f"  not read: {', '.join(found.not_read)}"
    if any(each.failed is None for each in found.measured.features):
        yield "  which calls failed is not told: no column of a log says it"
    unreported, asked = (
        sum(getattr(week.total, name) for week in found.weeks)
        for name in ("write_untold", "input_tokens")
    )
    if unreported:
        share = percent(unreported / asked, 1)
        yield f"  what was written to a prompt cache is not told of {share} of the input"


def _zones(found: TrafficWritten, zone: str | None) -> Iterator[str]:
    """The zone by which times without an offset were read."""
    for form in found.formats:
        if form.at.unit == "iso" and (form.at.zone or zone):
            why = "as it documents" if form.at.zone else "by --timezone"
            yield f"  {form.name}: times without an offset are {form.at.zone or zone}, {why}"
    for note, calls in found.noted.items():
        if calls:
            yield f"  {plural(calls, 'call')} {_NOTED[note]}"


def _month(own: Week, found: TrafficWritten) -> str:
    try:
        month = own.to_traffic(source=found.path.name)
    except NoTrafficError:
        return "no request with tokens"
    return (
        f"{month.requests_per_month:,} requests a month, "
        f"{month.input_tokens:,.0f} tokens in, {month.output_tokens:,.0f} out, "
        f"{_cached(own, month.cached_share)}, {percent(month.retry_rate, 1)} retried"
    )


def _cached(own: Week, share: float) -> str:
    """What was read from a prompt cache, and of how much of the input the log tells it."""
    total = own.total
    told = 1 - total.cache_untold / total.input_tokens
    if not told:
        return "cached not told"
    of = "" if told == 1 else f" of the {percent(told, 1)} that tell"
    return f"{percent(share, 1)} cached{of}"


def _use(feature: FeatureConfig | None, name: str, path: Path) -> str:
    """What becomes of a feature's rows."""
    if feature is None:
        return "no feature of this workspace"
    if feature.traffic is None:
        return "used, as its file states no traffic"
    return (
        f"features/{name}.yaml states {feature.traffic.requests_per_month:,}, which counts; "
        f"`curve: {path.name}` takes the hours from here"
    )


def _spent(spending: Spending | None) -> Iterator[str]:
    """What was spent, first by callers of no feature, each with the rule that would place it."""
    if spending is None:
        return
    listed = f", {usd(spending.at_list_usd)} of it at list prices" if spending.at_list_usd else ""
    unknown = f"; unknown of {plural(spending.unknown_calls, 'call')}"
    if spending.total_usd:
        more = unknown if spending.unknown_calls else ""
        yield f"  spent: {usd(spending.total_usd)}{listed}{more}"
    nobody = sum((each.usd for each in spending.untagged), Decimal(0))
    if spending.untagged:
        calls = sum(each.calls for each in spending.untagged)
        yield (
            f"  of no feature: {plural(calls, 'call')}, {usd(nobody)}; "
            "a line of attribution.yaml would place them:"
        )
    for each in spending.untagged[:_CALLERS]:
        alias = f"key_alias: {each.name}" if each.name else "tag: ..."
        said = f"{plural(each.calls, 'call')}, {usd(each.usd)}"
        yield f"    - {{when: {{{alias}}}, feature: ...}}    # {said}"
    for name, noun in (("teams", "team"), ("products", "product"), ("environments", "environment")):
        shares = getattr(spending, name)
        if any(each.name for each in shares):
            parts = ", ".join(
                f"{each.name or 'nobody'} {usd(each.usd)}" for each in shares[:_TEAMS]
            )
            yield f"  by {noun}: {parts}"
