"""What `review` and `demo` share: from a plan to records and documents.

What a review would fix for the rest of its cycle, or cannot decide any more, said beforehand.

How many labels a plan waits for, counted in the workspace's journal where there is one.
"""

from __future__ import annotations

import os
import secrets
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import click

from harness.ask.cluster.actors import local_cluster, remote_cluster
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.bring.labelling.questions import counted
from harness.cli.access import check_access, check_node_keys
from harness.cli.hosting import Hosts, go_offline
from harness.cli.loads import STATE, free_here, loads_of
from harness.cli.show import Ahead, fault_line, show_progress, usd
from harness.conduct.reviewing.loading import LoadBook
from harness.conduct.reviewing.prefetch import answer_ahead
from harness.conduct.reviewing.progress import Silent
from harness.conduct.reviewing.review import begun, binding, changed, review
from harness.conduct.reviewing.session import NotInJournalError, Runtime
from harness.errors import ExitCode, Faults, UsageError
from harness.journal.journal import Journal
from harness.journal.upkeep import unanswered
from harness.money.portfolio import Overview, overview
from harness.plan.model import FeaturePlan, Plan
from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from harness.record.stored import read_sound, write_records
from harness.tell.page.missing import missing_text
from harness.tell.pages import publish
from harness.tell.portfolio.spend import summary, verdict_counts
from harness.wording import listed
from harness.workspace.workspace import Workspace


def fixing_lines(plan: Plan, root: Path) -> Iterator[str]:
    """A line per feature that this review would confine, or whose plan was changed too late."""
    path = root / STATE / "journal.sqlite"
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.read(path)) if path.is_file() else None
        for one in plan.to_ask:
            late = None if journal is None else changed(begun(one, journal), journal)
            if late is not None:
                yield f"      {one.feature}: EXPLORATORY, to show and not to decide: {late}"
            elif one.left_out and not (journal and binding(journal, one.feature, one.cycle)):
                yield _confined(one)


def _confined(plan: FeaturePlan) -> str:
    asked = listed([option.name for option in plan.asked])
    left = listed(plan.left_out)
    return (
        f"      {plan.feature}: with its first answer this review fixes the options of "
        f"{plan.cycle}: {asked}, without {left}; a later review of {plan.cycle} that adds "
        f"{'it' if len(plan.left_out) == 1 else 'them'} could only show. "
        "Leave --model out to decide on all of them"
    )


def with_counted_labels(plan: Plan, root: Path) -> Plan:
    """The plan, its expected labels counted as far as answers are known."""
    path = root / STATE / "journal.sqlite"
    if not path.is_file():
        return plan
    with Journal.read(path) as journal:
        return counted(plan, journal)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Where and when a review runs."""

    now: datetime
    out: Path | None = None
    address: str | None = None
    strict: bool = False
    given_weights: Mapping[str, Path] | None = None


def run(workspace: Workspace, plan: Plan, setup: RunSettings) -> int:
    """Replay, decide, write records and documents; returns the exit code."""
    state = workspace.root / STATE
    out = (setup.out or workspace.root / "reviews") / plan.cycle
    path, run_id = state / "journal.sqlite", secrets.token_hex(8)
    _check_writable(out)
    with Journal.open(
        path,
        run_id=run_id,
        cycle=plan.cycle,
        now=setup.now.isoformat(),
    ) as journal:
        earlier_usd = journal.spend(cycle=plan.cycle).known_usd
        faults = Faults()
        records, ledger = reviewed(workspace, plan, setup, journal, faults)
    write_records(records, out, faults)
    found = read_sound(out, faults)
    publish(found, out, now=setup.now, faults=faults)
    click.echo(_bill(records, ledger, earlier_usd))
    figures = overview(found, setup.now.date())
    code = _close(records, figures, out, strict=setup.strict)
    for fault in unanswered(path, run_id):
        click.echo(fault_line(fault), err=True)
    return _tell(faults) or code


def _check_writable(folder: Path) -> None:
    """Refuse, before anything is asked, a folder that takes no records."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder}: cannot be written")


def _tell(faults: Faults) -> int:
    """What went wrong with single features, after all others were written; 0: nothing."""
    debug = click.get_current_context().find_root().params.get("debug")
    for fault in faults.found:
        click.echo(str(fault), err=True)
        if debug:
            traceback.print_exception(fault.error)
    if faults.found:
        click.echo("their answers are kept: once that is mended, run the same again", err=True)
    return faults.exit_code


def reviewed(
    workspace: Workspace, plan: Plan, setup: RunSettings, journal: Journal, faults: Faults
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """The records of a plan: from the journal alone where it has every answer, else by Ray.

    `faults` keep what goes wrong with one feature from the others.
    """
    engine = _engine(workspace, setup, journal, faults)
    try:
        return review(workspace, plan, {}, engine)
    except NotInJournalError:
        faults.found.clear()  # The features go through the same again, with who can answer.
        state = workspace.root / STATE
    if setup.address is None:
        check_access(workspace, plan, os.environ)
    with ExitStack() as stack:
        cluster = stack.enter_context(
            local_cluster(state=state, gpus=[gpu.id for gpu in free_here(workspace.root)])
            if setup.address is None
            else remote_cluster(setup.address, state=state, environ=os.environ)
        )
        if setup.address is not None:
            check_node_keys(workspace, plan, cluster)
        book = LoadBook(workspace=workspace, plan=plan, journal=journal)
        hosts = Hosts(
            workspace=workspace,
            plan=plan,
            cluster=cluster,
            remote=setup.address is not None,
            given=setup.given_weights or {},
            loaded=book.settle,
        )
        calls = sum(p.money.calls for p in plan.to_ask if p.money)
        progress = stack.enter_context(show_progress(calls))
        engine = replace(engine, cluster=cluster, progress=progress)
        early = replace(engine, progress=Ahead(progress))
        idle = go_offline(hosts, early, book)
        loads = loads_of(workspace, plan, hosts.machines(), idle=idle)
        for number, wave in enumerate(loads.ahead, 1):
            progress.note(f"wave {number} of {len(loads.ahead)}: {', '.join(wave)}")
            with book.loading(wave), hosts.serve(wave) as served:
                answer_ahead(plan, served, early)
        stack.enter_context(book.loading(loads.during))
        return review(workspace, plan, stack.enter_context(hosts.serve(loads.during)), engine)


def _engine(workspace: Workspace, setup: RunSettings, journal: Journal, faults: Faults) -> Runtime:
    """What reviews from the journal alone."""
    return Runtime(
        cluster=None,
        journal=journal,
        retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
        progress=Silent(),
        now=setup.now,
        share_of_rate_limit=workspace.policy.share_of_rate_limit,
        faults=faults,
    )


def _bill(records: Sequence[DecisionRecord], ledger: Ledger, earlier_usd: Decimal) -> str:
    """What this run spent, and the cycle's runs together where there were others."""
    spends = [record.evidence.spend for record in records]
    saved = sum((spend.saved_by_stopping_usd for spend in spends), Decimal(0))
    unknown = ledger.possibly_billed_usd
    possibly = f", {usd(unknown)} more possibly billed" if unknown else ""
    in_all = f" ({usd(ledger.spent_usd)} in this cycle)" if earlier_usd else ""
    return (
        f"spent {usd(ledger.spent_usd - earlier_usd)}{in_all}{possibly}; "
        f"stopping early saved {usd(saved)}; {missing_text(records)}"
    )


def _close(records: Sequence[DecisionRecord], figures: Overview, out: Path, *, strict: bool) -> int:
    """The last lines, the figures of the index among them, and the exit code."""
    verdicts = [record.verdict for record in records]
    click.echo("   ".join(verdict_counts(records)))
    for line in summary(figures):
        click.echo(line)
    click.echo(f"documents: {out / 'index.html'}")
    undecided = strict and Verdict.UNDECIDED in verdicts
    return ExitCode.CANNOT_TELL if undecided else ExitCode.OK
