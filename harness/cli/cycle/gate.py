"""`rightsize gate`."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import click
from pydantic import ValidationError

from harness.cli import options
from harness.conduct.gating import git
from harness.conduct.gating.inputs import (
    Checkout,
    added_models,
    evidence_of,
    lock_before,
    production_proposals,
    workspace_proposals,
)
from harness.errors import UsageError
from harness.gate.findings import GateReport, weighed
from harness.gate.inputs import GateInput
from harness.gate.judging import judge
from harness.gate.outputs import WRITERS, as_json, as_markdown, as_text
from harness.record.lock import LOCK_FILE, Lock, read_lock
from harness.workspace.policy_file import GatePolicy
from harness.workspace.workspace import Workspace, load_workspace

_CODES = """\b
Exit codes: 0 pass, or warnings alone; 3 failed; 4 cannot tell;
2 the command line, the workspace, the lock or a record is wrong; 1 internal error;
with --run: 5 refused for budget before spending, 130 interrupted, resumable.
Without --run no model is asked: the gate reads the lock, the records and this repository."""
RUN = "harness.cli.gate_run:evaluate"
"""Named, and loaded when it is asked for, as commands are: the base install has no engine."""


@click.command(epilog=_CODES)
@options.workspace
@click.option(
    "--lock",
    "lock_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The lock, in a repository without a workspace (default: rightsizing.lock).",
)
@click.option(
    "--repo", default=None, metavar="NAME", help="This repository's name in `used_in` (folder)."
)
@click.option(
    "--base", default=None, metavar="REF", help="What the change is against (default: CI's own)."
)
@click.option(
    "--out",
    "outs",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Write .json, .md, .xml (JUnit) or .txt; may be repeated.",
)
@click.option("--json", "to_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--run", "to_run", is_flag=True, help="Evaluate first what lacks evidence.")
@options.max_spend
def gate(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    lock_path: Path | None,
    repo: str | None,
    base: str | None,
    outs: tuple[Path, ...],
    to_json: bool,
    to_run: bool,
    max_spend: Decimal | None,
) -> int:
    """Check a change of a model, a prompt or an eval set against what was decided."""
    for path in outs:
        if path.suffix not in WRITERS:
            known = ", ".join(WRITERS)
            raise UsageError(f"--out {path}: not one of {known}")
    if max_spend is not None and not to_run:
        raise UsageError("--max-spend: nothing is spent without --run")
    loaded = _workspace(workspace, lock_path)
    where = lock_path or (loaded.root if loaded else Path.cwd()) / LOCK_FILE
    lock = _read(where)
    checkout = _checkout(where, repo, git.base_of(base, os.environ))
    given = _given(lock, where, loaded, checkout, options.now())
    report = _after_a_run(given, loaded, max_spend) if to_run else judge(given)
    comment = as_markdown(report, git.job_page(os.environ))
    for path in outs:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = comment if path.suffix == ".md" else WRITERS[path.suffix](report)
        path.write_text(text, encoding="utf-8")
    _summarise(comment, os.environ.get("GITHUB_STEP_SUMMARY"))
    click.echo(as_json(report) if to_json else as_text(report), nl=False)
    if checkout.commit is None and not to_json:
        click.echo("no base is known: model ids that the change adds were not looked for", err=True)
    return report.exit_code


def _workspace(given: Path, lock_path: Path | None) -> Workspace | None:
    """The workspace; none in a service's repository, which has a lock alone."""
    try:
        root = options.find_workspace(given)
    except UsageError:
        lone = lock_path is not None or (Path.cwd() / LOCK_FILE).is_file()
        if lone and given == Path("rightsizing"):
            return None
        raise
    return load_workspace(root)


def _read(path: Path) -> Lock:
    try:
        text = path.read_text(encoding="utf-8")
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
    today = now.date()
    proposed = list(production_proposals(checkout, lock, loaded, today))
    if loaded is not None:
        proposed += workspace_proposals(loaded, lock, today)
    return GateInput(
        lock=lock,
        rules=loaded.policy.gate if loaded else _rules(lock),
        now=now,
        proposed=tuple(proposed),
        evidence=evidence_of(loaded, today) if loaded else None,
        lock_before=lock_before(checkout, where),
        added=added_models(checkout, loaded),
        policy_sha256=loaded.policy_sha256 if loaded else None,
        looks=loaded.policy.procedure.looks if loaded else None,
    )


def _after_a_run(
    given: GateInput, loaded: Workspace | None, max_spend: Decimal | None
) -> GateReport:
    """Judge by records that include those of a test made now."""
    if loaded is None:
        raise UsageError("--run: there is no workspace here; evaluate where the eval sets are")
    limit = given.rules.evaluation_usd
    cap = limit if max_spend is None else min(limit, max_spend)
    module, _, name = RUN.partition(":")
    evaluate = getattr(importlib.import_module(module), name)
    with redirect_stdout(sys.stderr):
        refused = evaluate(given, judge(given), loaded.root, cap, click.echo)
    report = judge(replace(given, evidence=evidence_of(loaded, given.now.date())))
    worn = (weighed([one], given.rules, risk=_risk(given, one.feature)) for one in refused)
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


def _summarise(comment: str, path: str | None) -> None:
    """Add the comment to the job's page, where a CI service offers one."""
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(comment)
