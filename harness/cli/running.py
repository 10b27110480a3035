"""What `review` and `demo` share: from a plan to records and documents."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import click

from harness.cli.progress import show_progress
from harness.cli.show import usd
from harness.cluster.opening import local_cluster, remote_cluster
from harness.errors import ExitCode
from harness.publish.pages import publish
from harness.publish.store import read_records, write_records
from harness.record.codes import Finding, Reason, Verdict
from harness.replay.journal import Journal
from harness.replay.retry import RetryPolicy
from harness.review.progress import Silent
from harness.review.reviewing import review
from harness.review.running import Engine, NotInJournalError
from harness.serving.lifecycle import serve_models
from harness.serving.resolve import resolve_weights
from harness.serving.specs import serve_specs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from harness.config.files import ModelConfig
    from harness.config.workspace import Workspace
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.replay.ledger import Ledger

STATE = ".rightsize"
"""Folder of a workspace where the journal lies; the only place that holds answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Where and when a review runs."""

    now: datetime
    out: Path | None = None
    address: str | None = None
    strict: bool = False
    given_weights: Mapping[str, Path] | None = None


def run(workspace: Workspace, plan: Plan, setup: Setup) -> int:
    """Replay, decide, write records and documents; returns the exit code."""
    state = workspace.root / STATE
    out = (setup.out or workspace.root / "reviews") / plan.cycle
    with Journal.open(
        state / "journal.sqlite",
        run_id=secrets.token_hex(8),
        cycle=plan.cycle,
        now=setup.now.isoformat(),
    ) as journal:
        records, ledger = reviewed(workspace, plan, setup, journal)
    write_records(records, out)
    publish(read_records(out), out, now=setup.now)
    return _close(records, ledger, out, strict=setup.strict)


def reviewed(
    workspace: Workspace, plan: Plan, setup: Setup, journal: Journal
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """From the journal alone where it has every answer; else with models and Ray."""
    engine = Engine(
        cluster=None,
        journal=journal,
        retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
        progress=Silent(),
        now=setup.now,
        share_of_rate_limit=workspace.policy.share_of_rate_limit,
    )
    try:
        return review(workspace, plan, {}, engine)
    except NotInJournalError:
        state = workspace.root / STATE
    with ExitStack() as stack:
        cluster = stack.enter_context(
            local_cluster(state=state)
            if setup.address is None
            else remote_cluster(setup.address, state=state, environ=os.environ)
        )
        served = serve(workspace, plan, setup, stack)
        calls = sum(p.money.calls for p in plan.to_ask if p.money)
        progress = stack.enter_context(show_progress(calls))
        return review(workspace, plan, served, replace(engine, cluster=cluster, progress=progress))


def serve(workspace: Workspace, plan: Plan, setup: Setup, stack: ExitStack) -> dict[str, str]:
    """Start the models that this plan asks and that we serve; addresses by model."""
    models = _managed(workspace, plan)
    if not models:
        return {}
    weights = resolve_weights(
        models,
        workspace=workspace.root,
        cache=cache_folder(os.environ),
        given=setup.given_weights or {},
        progress=_show_fetch,
    )
    specs = serve_specs(models, weights)
    logs = workspace.root / STATE / "logs"
    click.echo(f"starting {', '.join(models)} on this machine")
    served = stack.enter_context(serve_models(specs, logs=logs, environ=os.environ))
    return {model: one.base_url for model, one in served.items()}


def _managed(workspace: Workspace, plan: Plan) -> dict[str, ModelConfig]:
    asked = {
        rung.model
        for feature in plan.to_ask
        if feature.config.answers == "replayed"
        for rung in (feature.incumbent, *(option.rung for option in feature.asked))
        if rung is not None
    }
    asked |= {judge.rung.model for feature in plan.to_ask for judge in feature.judges}
    return {
        name: config
        for name, config in workspace.models.items()
        if name in asked and config.serve is not None
    }


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Per-user cache of weights."""
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "model-rightsizing"


def _show_fetch(what: str, done: int, total: int) -> None:
    share = f"{done / total:.0%}" if total else ""
    click.echo(f"fetching {what} {share}")


def _counted(records: Sequence[DecisionRecord]) -> Iterator[str]:
    """How many of each verdict; what only waits for labels, or was never asked, by itself."""
    open_ones = [record for record in records if record.verdict is Verdict.UNDECIDED]
    closed = [record.finding is Finding.UNAVAILABLE for record in open_ones]
    waiting = [Reason.LABELS_MISSING in record.reason_codes for record in open_ones].count(True)
    rest = len(open_ones) - closed.count(True) - waiting
    for verdict in (Verdict.DOWNGRADE, Verdict.JUSTIFY):
        yield f"{verdict.upper()} {[record.verdict for record in records].count(verdict)}"
    yield f"{Verdict.UNDECIDED.upper()} {rest}"
    if waiting:
        yield f"WAITING FOR LABELS {waiting}"
    if any(closed):
        yield f"NOT EVALUATED {closed.count(True)}"


def _close(records: Sequence[DecisionRecord], ledger: Ledger, out: Path, *, strict: bool) -> int:
    """The last lines and the exit code."""
    spends = [record.evidence.spend for record in records]
    missing = sum(
        option.missing.current + option.missing.candidate
        for record in records
        for option in record.options
        if option.missing
    )
    saved = sum((spend.saved_by_stopping_usd for spend in spends), Decimal(0))
    click.echo(
        f"spent {usd(ledger.spent_usd)}; stopping early saved {usd(saved)}; "
        f"{missing} trials missing"
    )
    verdicts = [record.verdict for record in records]
    click.echo("   ".join(_counted(records)))
    click.echo(f"documents: {out / 'index.html'}")
    undecided = strict and Verdict.UNDECIDED in verdicts
    return ExitCode.CANNOT_TELL if undecided else ExitCode.OK
