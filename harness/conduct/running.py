"""`review`: replay, score, compare, decide, and write records and documents."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random

from harness.ask.cluster.actors import RayCluster, local_cluster, remote_cluster
from harness.ask.cluster.handover import HandoverCluster, handed_over
from harness.ask.cluster.workers import Cluster, InlineCluster
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.conduct.access import check_access, check_access_early, check_node_keys
from harness.conduct.listening import Listener, Planned, Quiet, nobody
from harness.conduct.loads import check_quotas, free_here, loads_of, managed, room_of
from harness.conduct.model_hosts import Hosts, go_offline
from harness.conduct.opening import utc_now
from harness.conduct.planning import opened, planned_in
from harness.conduct.reviewing.load_book import LoadBook
from harness.conduct.reviewing.prefetch import answer_ahead
from harness.conduct.reviewing.progress import Prefetching, Progress, Silent, Upcoming
from harness.conduct.reviewing.review import review as run_review
from harness.conduct.reviewing.session import NotInJournalError, Runtime
from harness.conduct.span_target import SpanTarget
from harness.errors import Faults, UsageError
from harness.journal.journal import Journal
from harness.journal.life import past_tests
from harness.journal.run_calls import calls_of_run
from harness.journal.upkeep import FaultFacts, unanswered
from harness.money.owned.units import keep_bought
from harness.money.portfolio.overview import Overview, overview
from harness.plan.model import Plan
from harness.plan.planning import Selection
from harness.record.model import DecisionRecord
from harness.record.stored import read_sound, write_records
from harness.tell.pages import PAGES, publish, publish_one
from harness.tell.spans import export_requests
from harness.workspace.state import journal_file, state_folder
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Where a review runs, where it writes, and who is told."""

    out: Path | None = None
    """Folder of records and documents; `reviews/` in the workspace without."""
    address: str | None = None
    """The Ray cluster to run on; this machine alone without."""
    given_weights: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of weights that are here already."""
    listener: Listener = field(default_factory=Quiet)
    clock: Callable[[], datetime] = utc_now
    in_order: bool = False
    """One feature after the other, as far as that keeps the models busy: a document comes early."""
    otlp: SpanTarget | None = None
    """Where each call is sent as a span when the review ends; without it no spans are sent."""
    found: Callable[[Reviewed], object] = nobody
    """Told what was found as soon as the documents lie there: Ray may take a second more to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What a review found, wrote and spent."""

    planned: Planned
    records: tuple[DecisionRecord, ...]
    """Of the features of this review."""
    figures: Overview
    """Of all records of the cycle."""
    folder: Path
    """Records and documents of the cycle."""
    earlier_usd: Decimal
    """Spent in this cycle before."""
    cycle_usd: Decimal
    """Spent in this cycle, this review's part too."""
    possibly_billed_usd: Decimal
    """Set aside for calls whose usage nobody told."""
    unanswered: tuple[FaultFacts, ...]
    faults: Faults
    """What went wrong with single features; their answers are kept."""
    unsent_spans: str | None = None
    """Why not all calls left as spans; None where all did, or none were to."""


def review(
    root: Path,
    wanted: Selection | None = None,
    *,
    cycle: str | None = None,
    settings: RunSettings | None = None,
) -> Reviewed:
    """Review the workspace in `root`: what the journal has is not asked again.

    Args:
        root: folder of the workspace, where its policy.yaml lies.
        wanted: which features and models, and the most to spend; all of them without.
        cycle: as 2026-Q4; the current quarter without.
        settings: where it runs, where it writes, and who is told.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
        UsageError: a feature, a model or a cycle that there is not; a missing key; no place to
            write.
        BudgetRefusedError: the listener does not allow the plan's cost.
        NoGpuError: a model fits on no GPU, or is above its team's quota.
    """
    how, asked = settings or RunSettings(), wanted or Selection()
    now = how.clock()
    workspace = opened(root, asked, now, how.listener)
    access = None if how.address else partial(check_access_early, workspace, environ=os.environ)
    planned = planned_in(workspace, asked, cycle=cycle, now=now, before=access)
    if planned.faults.found:
        how.listener.unplanned(planned.faults)
    how.listener.planned(planned)
    check_quotas(planned.workspace, planned.plan, planned.now)
    how.listener.allow(planned.plan)
    return run(planned, how)


def run(planned: Planned, settings: RunSettings) -> Reviewed:
    """Replay a plan, decide, write records and documents; then send its calls as spans.

    Raises:
        UsageError: a missing key, no place to write, or another review that ended since the plan.
    """
    folder = _folder(planned, settings)
    path, run_id = journal_file(planned.workspace.root), secrets.token_hex(8)
    _check_writable(folder)
    with ExitStack() as last:
        try:
            found = _written(planned, settings, folder, run_id, last)
        except BaseException:
            unsent = _send_spans(settings.otlp, path, run_id)
            if unsent is not None:
                settings.listener.note(f"warning: {unsent}")
            raise
        found = replace(found, unsent_spans=_send_spans(settings.otlp, path, run_id))
        settings.found(found)
    return found


def _written(
    planned: Planned, settings: RunSettings, folder: Path, run_id: str, last: ExitStack
) -> Reviewed:
    """What a review found, its records and documents written; `last` ends the cluster."""
    path, cycle = journal_file(planned.workspace.root), planned.plan.cycle
    with Journal.open(path, run_id=run_id, cycle=cycle, now=planned.now.isoformat()) as journal:
        _refuse_outdated(planned, journal)
        earlier_usd = journal.spend(cycle=cycle).known_usd
        faults = Faults()
        records, ledger = reviewed(planned, settings, journal, faults, last)
    write_records(records, folder, faults)
    found = read_sound(folder, faults)
    kept = partial(keep_bought, planned.workspace, folder, planned.now.date())
    faults.attempt("the index", "what is bought could not be told", kept)
    publish(found, folder, now=planned.now, faults=faults)
    return Reviewed(
        planned=planned,
        records=tuple(records),
        figures=overview(found, planned.now.date()),
        folder=folder,
        earlier_usd=earlier_usd,
        cycle_usd=ledger.spent_usd,
        possibly_billed_usd=ledger.possibly_billed_usd,
        unanswered=tuple(unanswered(path, run_id)),
        faults=faults,
    )


def _send_spans(target: SpanTarget | None, journal: Path, run_id: str) -> str | None:
    """Send the calls of this run, an interrupted one's too; says why where not all left."""
    if target is None or not journal.is_file():
        return None
    calls = calls_of_run(journal, run_id)
    try:
        target.send(export_requests(calls, run=run_id, version=version("model-rightsizing")))
    except (UsageError, sqlite3.Error) as error:
        own = isinstance(error, UsageError)
        why = error if own else f"--otlp {target.text}: the journal cannot be read ({error})"
        return f"{why}; not all calls of this run left as spans, all else is kept"
    return None


def _refuse_outdated(planned: Planned, journal: Journal) -> None:
    """Refuse a plan if another review took the same part of the 5 % since it was made."""
    known = {(one.feature, one.cycle, one.written_at) for one in planned.plan.tests}
    new = [
        one for one in past_tests(journal) if (one.feature, one.cycle, one.written_at) not in known
    ]
    if new:
        raise UsageError(
            f"{new[0].feature} was reviewed as {new[0].cycle} after this review was planned: "
            "tests on the same cases share one error, so begin again to plan with what is left"
        )


def _check_writable(folder: Path) -> None:
    """Refuse, before anything is asked, a folder that takes no records."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder}: cannot be written")


def reviewed(
    planned: Planned, settings: RunSettings, journal: Journal, faults: Faults, last: ExitStack
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """The records of a plan: from the journal alone where it has every answer, else by asking.

    `faults` keep what goes wrong with one feature from the others. `last` waits for the cluster's
    end: there is something to do meanwhile.

    Raises:
        UsageError: a missing key, or a cluster that cannot be joined.
        NoGpuError: a model fits on no GPU.
    """
    workspace, plan = planned.workspace, planned.plan
    engine = _engine(planned, journal, faults)
    try:
        return run_review(workspace, plan, {}, engine)
    except NotInJournalError:
        faults.found.clear()  # The features go through the same again, with who can answer.
    if settings.address is None:
        check_access(workspace, plan, os.environ)
    with ExitStack() as stack:
        cluster = last.enter_context(_cluster(workspace, plan, settings))
        if settings.address is not None:
            check_node_keys(workspace, plan, cluster)
        book = LoadBook(workspace=workspace, plan=plan, journal=journal)
        hosts = _hosts(planned, settings, cluster, book)
        progress = stack.enter_context(settings.listener.progress(_to_ask(plan)))
        early = _drafting(planned, settings, progress)
        engine = replace(
            engine, cluster=cluster, progress=progress, in_order=settings.in_order, drafted=early
        )
        if not managed(workspace, plan):
            engine = replace(engine, begin_shutdown=cluster.begin_shutdown)
        ahead = replace(engine, progress=Prefetching(progress))
        idle = go_offline(hosts, ahead, book)
        room = room_of(workspace, hosts.machines(), settings.clock())
        loads = loads_of(workspace, plan, room, idle=idle)
        for number, wave in enumerate(loads.ahead, 1):
            progress.note(f"wave {number} of {len(loads.ahead)}: {', '.join(wave)}")
            with book.loading(wave), hosts.serve(wave) as served:
                answer_ahead(plan, served, ahead)
        stack.enter_context(book.loading(loads.during))
        return run_review(workspace, plan, stack.enter_context(hosts.serve(loads.during)), engine)


def _hosts(planned: Planned, settings: RunSettings, cluster: Cluster, book: LoadBook) -> Hosts:
    return Hosts(
        workspace=planned.workspace,
        plan=planned.plan,
        cluster=cluster if isinstance(cluster, RayCluster) else None,
        remote=settings.address is not None,
        given=settings.given_weights,
        loaded=book.settle,
        say=settings.listener.note,
        clock=settings.clock,
    )


MOST_EARLY = 15
"""Features whose documents are written one by one; of more, all at the end, in processes."""


def _drafting(
    planned: Planned, settings: RunSettings, progress: Progress
) -> Callable[[DecisionRecord], None] | None:
    """Writes a feature's record and pages as its review ends, and says where they lie.

    What cannot be written is not told here: all are written at the end, and told of then.
    """
    folder = _folder(planned, settings)
    pages = folder / "documents"

    def early(record: DecisionRecord) -> None:
        faults = Faults()
        for stored in write_records([record], folder, faults):
            make = partial(publish_one, stored.record, pages, now=planned.now)
            for page in faults.attempt(record.feature.id, PAGES, make) or ():
                if page.suffix == ".html":
                    progress.note(f"{record.verdict.value}  {record.feature.id}: {page}")

    # One feature's review ends with the whole: the same would be written twice at once.
    return early if 1 < len(planned.plan.to_ask) <= MOST_EARLY else None


def _folder(planned: Planned, settings: RunSettings) -> Path:
    """Where records and documents of the cycle lie."""
    return (settings.out or planned.workspace.root / "reviews") / planned.plan.cycle


MOST_WITHOUT_RAY = 500
"""Calls that this process makes faster by itself than Ray starts."""


def _to_ask(plan: Plan) -> Upcoming:
    asked = [one.money for one in plan.to_ask if one.money]
    return Upcoming(
        most=_calls(plan),
        expected=sum(money.expected_calls for money in asked),
        usd=sum((money.expected_usd for money in asked), Decimal(0)),
    )


def _calls(plan: Plan) -> int:
    return sum(one.money.calls for one in plan.to_ask if one.money)


def _waits_for_ray(workspace: Workspace, plan: Plan) -> bool:
    """Whether a review needs workers, GPUs or an event loop apart from its own process."""
    asked = [workspace.features[one.feature] for one in plan.to_ask]
    return (
        workspace.policy.ray == "always"
        or any(one.program or one.latency for one in asked)
        or bool(managed(workspace, plan))
    )


def _cluster(
    workspace: Workspace, plan: Plan, settings: RunSettings
) -> AbstractContextManager[RayCluster | InlineCluster | HandoverCluster]:
    """This process or this machine alone, or the cluster at the address."""
    root, state = workspace.root, state_folder(workspace.root)
    if settings.address is not None:
        return remote_cluster(settings.address, state=state, environ=os.environ)
    waits = _waits_for_ray(workspace, plan)
    if not waits and _calls(plan) <= MOST_WITHOUT_RAY:
        return InlineCluster()
    local = local_cluster(state=state, gpus=[gpu.id for gpu in free_here(root, settings.clock())])
    return local if waits else handed_over(local, settings.listener.note)


def _engine(planned: Planned, journal: Journal, faults: Faults) -> Runtime:
    """What reviews from the journal alone."""
    return Runtime(
        cluster=None,
        journal=journal,
        retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
        progress=Silent(),
        now=planned.now,
        share_of_rate_limit=planned.workspace.policy.share_of_rate_limit,
        faults=faults,
    )
