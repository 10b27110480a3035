"""`rightsize verify`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import click

from harness.ask.replay.retry import RetryPolicy
from harness.cli import options
from harness.cli.cycle.report import wanted_records
from harness.conduct.deciding import change_on_disk
from harness.conduct.opening import cycle_of, find_workspace
from harness.conduct.remaking import compare_findings
from harness.conduct.reviewing.progress import Silent
from harness.conduct.reviewing.review import review
from harness.conduct.reviewing.session import NotInJournalError, Runtime
from harness.errors import CannotTellError, ExitCode
from harness.journal.journal import Journal
from harness.money.realised import read_bill, realised, verified
from harness.plan.planning import Selection, plan_review
from harness.record.base import State
from harness.record.lifecycle import implemented
from harness.record.model import DecisionRecord
from harness.record.stored import read_records
from harness.tell.pages import publish
from harness.wording import plural, usd
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace, load_workspace

_ACCEPTED = {State.ACCEPTED, State.IMPLEMENTED, State.VERIFIED}


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--actual",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A bill as CSV (month,feature,model,requests,cost_usd): write what was realised.",
)
def verify(
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    actual: Path | None,
) -> int:
    """Make findings again from the journal; with --actual, hold forecasts against a bill."""
    now = options.now()
    root = find_workspace(workspace)
    folder = (out or root / "reviews") / cycle_of(cycle, now.date())
    records = wanted_records(folder, features)
    loaded = load_workspace(root)
    if actual is not None:
        return _hold_against_bill(loaded, records, actual, folder, now)
    same = [_recompute(loaded, record) for record in records]
    return ExitCode.OK if all(same) else ExitCode.GATE_FAILED


def _hold_against_bill(
    workspace: Workspace,
    records: Sequence[DecisionRecord],
    actual: Path,
    folder: Path,
    now: datetime,
) -> int:
    bill = read_bill(actual)
    billed = {row.feature for row in bill}
    for record in records:
        name = record.feature.id
        if record.state not in _ACCEPTED or record.savings is None or name not in billed:
            continue
        found = realised(record, bill)
        production = workspace.features[name].incumbent if name in workspace.features else ""

        def step(current: DecisionRecord, production: str = production) -> DecisionRecord:
            running = implemented(current, production, now)
            return verified(running, realised(running, bill), source=actual.name, now=now)

        change_on_disk(folder, name, step)
        click.echo(
            f"{name}: {usd(found.saving)} a month realised, {usd(found.forecast_saving)} forecast "
            f"({', '.join(found.months)}); volume alone {found.volume_effect:+,.2f}"
        )
    publish(read_records(folder), folder, now=now)
    return ExitCode.OK


def _recompute(workspace: Workspace, record: DecisionRecord) -> bool:
    """Whether the journal still leads to the record's finding; says so."""
    name, moment = record.feature.id, record.generated_at
    quick = any("--quick" in reason for reason in record.evidence.exploratory)
    wanted = Selection(features=(name,), models=(), quick=quick, max_spend_usd=None)
    plan = plan_review(workspace, cycle=record.cycle, on=moment.date(), wanted=wanted)
    state = journal_file(workspace.root)
    if not state.is_file():
        raise CannotTellError(f"{name}: no journal at {state}; the record rests on one")
    with Journal.read(state) as journal:
        journal.as_of = moment.astimezone(UTC).isoformat()
        engine = Runtime(
            cluster=None,
            journal=journal,
            retry=RetryPolicy(rng=Random(0)),  # noqa: S311  # nothing is asked
            progress=Silent(),
            now=moment,
            share_of_rate_limit=workspace.policy.share_of_rate_limit,
        )
        try:
            (again,), _ = review(workspace, plan, {}, engine)
        except NotInJournalError as error:
            raise CannotTellError(f"{name}: {error}; the journal lacks what it rests on") from None
    found = compare_findings(record, again)
    click.echo(f"{name}: {'the same finding' if found.same else 'ANOTHER FINDING'}")
    for line in found.differences:
        click.echo(f"  {line}")
    if journal.replaced:
        click.echo(
            f"  {plural(len(journal.replaced), 'answer')} that it rests on were replaced since: "
            "review again for a finding on the new ones"
        )
    return found.same
