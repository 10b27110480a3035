"""`rightsize gate`."""

from __future__ import annotations

import importlib
import os
from decimal import Decimal
from pathlib import Path
from typing import cast

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say, say_block
from harness.conduct.gating import git
from harness.conduct.gating.change import ChangeToJudge
from harness.conduct.gating.change import gate as judge_change
from harness.errors import UsageError
from harness.gate.findings import GateReport
from harness.gate.outputs import WRITERS, as_json, as_markdown, as_text

SPEND = "harness.conduct.gating.spend"
"""Named, and loaded when it is asked for, as commands are."""
_CODES = """\b
Exit codes: 0 pass, or warnings alone; 3 failed; 4 cannot tell;
2 the command line, the workspace, the lock or a record is wrong; 1 internal error;
with --run: 5 refused for budget before spending, 130 interrupted, resumable.
Without --run no model is asked: the gate reads the lock, the records and this repository."""


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
@click.option(
    "--traffic",
    multiple=True,
    metavar="FILE|WEEK",
    help="Judge spend by policy.yaml: spend, instead of a change: a week as 2026-W48 or a month "
    "that was imported, or logs of calls; may be repeated.",
)
@click.option(
    "--metrics",
    multiple=True,
    type=options.InputFile(),
    help="Hours of endpoints and GPUs, for --traffic (harness/bring/README.md); may be repeated.",
)
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
    traffic: tuple[str, ...],
    metrics: tuple[Path, ...],
    to_run: bool,
    max_spend: Decimal | None,
) -> int:
    """Check a change of a model, a prompt or an eval set against what was decided.

    With --traffic, check what was spent against the limits of policy.yaml instead.
    """
    for path in outs:
        if path.suffix not in WRITERS:
            known = ", ".join(WRITERS)
            raise UsageError(f"--out {path}: not one of {known}")
    if max_spend is not None and not to_run:
        raise UsageError("--max-spend: nothing is spent without --run")
    if metrics and not traffic:
        raise UsageError("--metrics: needs --traffic, whose limits on idle hours it is for")
    if traffic:
        others = {"--run": to_run, "--lock": lock_path is not None, "--repo": repo is not None}
        for name in (name for name, given in others.items() if given):
            raise UsageError(f"--traffic: judges spend, and goes with no {name}")
        report = _spend(workspace, traffic, metrics, git.base_of(base, os.environ))
        return _told(report, outs, to_json=to_json)
    change = ChangeToJudge(
        workspace=workspace,
        lock=lock_path,
        repo=repo,
        base=git.base_of(base, os.environ),
        run=to_run,
        max_spend_usd=max_spend,
        listener=Terminal(err=True),
        clock=options.now,
    )
    judged = judge_change(change)
    code = _told(judged.report, outs, to_json=to_json)
    if not judged.base_known and not to_json:
        say("no base is known: model ids that the change adds were not looked for", err=True)
    return code


def _spend(
    workspace: Path, traffic: tuple[str, ...], metrics: tuple[Path, ...], base: str | None
) -> GateReport:
    """Judge spend; what reads logs is loaded here, as the base install has none of it."""
    module = importlib.import_module(SPEND)
    asked = module.SpendToJudge(
        workspace=workspace, traffic=traffic, metrics=metrics, base=base, clock=options.now
    )
    return cast("GateReport", module.gate_spend(asked))


def _told(report: GateReport, outs: tuple[Path, ...], *, to_json: bool) -> int:
    """Write and print a report; returns its exit code."""
    comment = as_markdown(report, git.job_page(os.environ))
    for path in outs:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = comment if path.suffix == ".md" else WRITERS[path.suffix](report)
        path.write_text(text, encoding="utf-8")
    _summarise(comment, os.environ.get("GITHUB_STEP_SUMMARY"))
    say_block(as_json(report) if to_json else as_text(report))
    return report.exit_code


def _summarise(comment: str, path: str | None) -> None:
    """Add the comment to the job's page, where a CI service offers one."""
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(comment)
