"""`rightsize journal`: the upkeep of the file where answers live."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from harness.cli import options
from harness.cli.say import say
from harness.cli.show import fault_line
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.keeping_journal import JournalKeeper
from harness.conduct.preparing.keeping_journal import journal as keeper_of
from harness.errors import CannotTellError
from harness.journal.trials import LaneHistory
from harness.wording import plural


@click.group()
@options.workspace
@click.pass_context
def journal(context: click.Context, *, workspace: Path) -> None:
    """Show, check, merge, compact or export a workspace's journal."""
    context.obj = workspace


F = TypeVar("F", bound="Callable[..., object]")


def with_keeper(command: F) -> F:
    """Give a command the journal of its own `--workspace`, else of the group's."""

    @click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        help="Folder of the workspace.",
    )
    @click.pass_obj
    @wraps(command)
    def opened(group: Path, *values: Any, workspace: Path | None, **named: Any) -> object:  # noqa: ANN401  # click's own
        return command(keeper_of(find_workspace(workspace or group)), *values, **named)

    return cast("F", opened)


@journal.command()
@with_keeper
def show(keeper: JournalKeeper) -> None:
    """Say what is in it."""
    facts = keeper.facts()
    say(f"{keeper.path}: version {facts.version}, {facts.megabytes:.1f} MB")
    say(
        f"{plural(facts.trials, 'trial')} asked in {plural(facts.attempts, 'attempt')}: "
        f"{facts.answered} answered, {facts.failed} failed"
        + (f", {facts.replaced} replaced since" if facts.replaced else "")
    )
    for run in facts.runs:
        interrupted = f", {run.interrupted} interrupted" if run.interrupted else ""
        waiting = f", {run.in_batches} in batches to be read" if run.in_batches else ""
        say(
            f"  {run.cycle}  {run.started_at}  run {run.run_id}: {plural(run.plans, 'plan')}, "
            f"{plural(run.attempts, 'attempt')}{interrupted}{waiting}"
        )
    for fault in facts.faults:
        say(f"  {fault_line(fault)}")
    for lane in facts.lanes:
        say(f"  {lane_line(lane)}")


def lane_line(lane: LaneHistory) -> str:
    """`openai small: 12 calls in 3 s, at most 4 at once, 2 rate limits; granted 600 requests`."""
    grants = (
        (lane.requests_per_minute, "requests a minute"),
        (lane.tokens_per_minute, "tokens a minute"),
    )
    granted = ", ".join(f"{limit:,} {of}" for limit, of in grants if limit is not None)
    faults = ((lane.rate_limited, "rate limits"), (lane.overloaded, "server errors"))
    met = "".join(f", {count} {what}" for count, what in faults if count)
    return (
        f"{lane.lane.provider} {lane.lane.model}: {plural(lane.calls, 'call')} "
        f"in {lane.active_s:,.0f} s, at most {lane.most_in_flight} at once{met}"
        + (f"; granted {granted}" if granted else "")
    )


@journal.command()
@with_keeper
def check(keeper: JournalKeeper) -> None:
    """Find what is wrong with it; exit code 4 when something is."""
    problems = keeper.problems()
    if problems:
        raise CannotTellError.of(problems)
    say(f"{keeper.path}: in order")


@journal.command()
@click.argument("other", type=click.Path(path_type=Path))
@with_keeper
def merge(keeper: JournalKeeper, other: Path) -> None:
    """Bring in a colleague's journal; what both hold comes once."""
    merged = keeper.merge(other)
    say(
        f"{plural(merged.runs, 'run')}, {plural(merged.attempts, 'attempt')} "
        f"and {plural(merged.outcomes, 'answer')} came; "
        f"{merged.conflicts} were answered differently here and stay as they are"
    )


@journal.command()
@with_keeper
def compact(keeper: JournalKeeper) -> None:
    """Give back unused space."""
    before, after = keeper.compact()
    say(f"{keeper.path}: {before / 1e6:.1f} MB, now {after / 1e6:.1f} MB")


@journal.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--answers", is_flag=True, help="Include the models' answers.")
@with_keeper
def export(keeper: JournalKeeper, out: Path, *, answers: bool) -> None:
    """Write every attempt as a row of a Parquet file."""
    rows = keeper.export(out, answers=answers)
    say(f"{out}: {plural(rows, 'attempt')}")
