"""`gate`: a change of a model, a prompt or an eval set against what was decided."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from harness.conduct.gating import git
from harness.conduct.gating.base import stated_before, stated_here
from harness.conduct.gating.inputs import (
    Checkout,
    added_models,
    evidence_of,
    lock_before,
    production_proposals,
    workspace_proposals,
)
from harness.conduct.listening import Listener, Quiet
from harness.conduct.opening import find_workspace, utc_now
from harness.errors import UsageError
from harness.gate.findings import GateReport, weighed
from harness.gate.inputs import GateInput, Stated
from harness.gate.judging import judge
from harness.gate.weakening import deciding, stricter
from harness.record.lock import LOCK_FILE, Lock, read_lock
from harness.record.signatures import unsigned
from harness.record.stored import carries_decision, read_plain
from harness.workspace.policy_file import GatePolicy
from harness.workspace.workspace import Workspace, load_workspace

RUN = "harness.conduct.gating.evaluate:evaluate"
"""Named, and loaded when it is asked for, as commands are: the base install has no engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeToJudge:
    """Where a change lies, and what it is judged by."""

    workspace: Path = Path("rightsizing")
    lock: Path | None = None
    """`rightsizing.lock` in the workspace without; a service's repository has a lock alone."""
    repo: str | None = None
    """This repository's name in `used_in`; the folder's name without."""
    base: str | None = None
    """The git reference that the change is against; none is known without."""
    run: bool = False
    """Evaluate first what lacks evidence."""
    max_spend_usd: Decimal | None = None
    """The most that evaluating may spend, where the policy would allow more."""
    listener: Listener = field(default_factory=Quiet)
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the gate says, and whether it knew what the change is against."""

    report: GateReport
    base_known: bool
    """Without one, model ids that the change adds were not looked for."""


def gate(change: ChangeToJudge | None = None) -> Judgement:
    """Judge a change by the lock, the records and this repository.

    Raises:
        UsageError: no lock, or one that cannot be read; no git repository for a base; no workspace
            to evaluate in.
        WorkspaceError: a fault of the workspace.
        BudgetRefusedError: evaluating is expected to cost more than is left; it is not begun.
    """
    asked = change or ChangeToJudge()
    loaded = _workspace(asked.workspace, asked.lock)
    where = asked.lock or (loaded.root if loaded else Path.cwd()) / LOCK_FILE
    lock = _read(where)
    checkout = _checkout(where, asked.repo, asked.base)
    given = _given(lock, where, loaded, checkout, asked.clock())
    report = _after_a_run(given, loaded, asked) if asked.run else judge(given)
    return Judgement(report=report, base_known=checkout.commit is not None)


def _workspace(given: Path, lock_path: Path | None) -> Workspace | None:
    """The workspace; none in a service's repository, which has a lock alone."""
    try:
        root = find_workspace(given)
    except UsageError:
        lone = lock_path is not None or (Path.cwd() / LOCK_FILE).is_file()
        if lone and given == Path("rightsizing"):
            return None
        raise
    return load_workspace(root)


def _read(path: Path) -> Lock:
    try:
        text = read_plain(path).decode("utf-8")
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); `rightsize lock` writes it"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: no UTF-8 text; take it back from version control") from None
    return read_lock(text, shown=path.name)


def _checkout(lock_path: Path, repo: str | None, base: str | None) -> Checkout:
    """The repository around the current folder, else the one around the lock."""
    root = git.toplevel(Path.cwd()) or git.toplevel(lock_path.resolve().parent)
    if root is None:
        if base is not None:
            raise UsageError(f"--base {base}: this is no git repository")
        here = Path.cwd()
        return Checkout(root=here, name=repo or here.name, commit=None)
    commit = None if base is None else git.merge_base(root, base)
    return Checkout(root=root, name=repo or root.name, commit=commit)


def _given(
    lock: Lock, where: Path, loaded: Workspace | None, checkout: Checkout, now: datetime
) -> GateInput:
    if loaded is not None:
        return _beside_records(lock, where, loaded, checkout, now)
    was, unread = lock_before(checkout, where)
    added = added_models(checkout, None)
    stated, ruled = _rules(lock), _rules(was) if was else None
    return GateInput(
        lock=lock,
        rules=stricter(stated, ruled),
        now=now,
        proposed=tuple(production_proposals(checkout, (lock, was), None, now.date())),
        evidence=None,
        lock_before=was,
        added=added.uses,
        unread=added.unread,
        told=added.told,
        unread_before=unread,
        rules_stated=stated,
        rules_before=ruled,
    )


def _beside_records(
    lock: Lock, where: Path, loaded: Workspace, checkout: Checkout, now: datetime
) -> GateInput:
    today, here = now.date(), stated_here(loaded)
    was, unread = lock_before(checkout, where)
    base = stated_before(checkout.root, checkout.commit, loaded.root)
    before, added = base.stated, added_models(checkout, loaded)
    stated, ruled = loaded.policy.gate, before.policy.gate if before else None
    read = production_proposals(checkout, (lock, was), loaded, today, before)
    return GateInput(
        lock=lock,
        rules=stricter(stated, ruled),
        now=now,
        proposed=(*read, *workspace_proposals(loaded, lock, today, before)),
        evidence=evidence_of(loaded, today),
        lock_before=was,
        added=added.uses,
        unread=added.unread,
        told=added.told,
        unread_before=(*unread, *base.unread),
        policy_sha256=loaded.policy_sha256,
        looks=loaded.policy.procedure.looks,
        here=here,
        before=before,
        rules_stated=stated,
        rules_before=ruled,
        rules_locked=_rules(lock),
        laxer_policy=before is not None and any(deciding(before.policy, loaded.policy)),
        unsigned=_unsigned(here, before),
    )


def _unsigned(here: Stated, before: Stated | None) -> dict[str, str]:
    """Why decisions do not count as signed, where either side asks for signatures.

    The keys are the base branch's: a change does not say whose signature counts. Where no base
    is known they are those of the working tree.
    """
    if not (here.policy.require_signature or (before and before.policy.require_signature)):
        return {}
    signers = (before or here).signers
    decided = (one for one in here.records.values() if carries_decision(one))
    told = {one.etag: unsigned(one, signers) for one in decided}
    return {etag: why for etag, why in told.items() if why is not None}


def _after_a_run(given: GateInput, loaded: Workspace | None, change: ChangeToJudge) -> GateReport:
    """Judge by records that include those of a test made now."""
    if loaded is None:
        raise UsageError("--run: there is no workspace here; evaluate where the eval sets are")
    limit = given.rules.evaluation_usd
    cap = limit if change.max_spend_usd is None else min(limit, change.max_spend_usd)
    module, _, name = RUN.partition(":")
    evaluate = getattr(importlib.import_module(module), name)
    refused = evaluate(given, judge(given), loaded.root, cap, change.listener)
    report = judge(replace(given, evidence=evidence_of(loaded, given.now.date())))
    worn = (weighed([one], given.in_force, risk=_risk(given, one.feature)) for one in refused)
    return replace(report, findings=(*report.findings, *(one for each in worn for one in each)))


def _risk(given: GateInput, feature: str) -> str | None:
    entry = given.lock.features.get(feature)
    return None if entry is None else entry.risk


def _rules(lock: Lock) -> GatePolicy:
    try:
        return GatePolicy.model_validate(lock.gate)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{LOCK_FILE}: gate.{where}: {first['msg']}") from None
