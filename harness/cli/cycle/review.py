"""`rightsize review`.

`rightsize demo`.
"""

from __future__ import annotations

import os
import shutil
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import click

from harness.cli import options
from harness.cli.access import check_access_early
from harness.cli.loads import check_quotas
from harness.cli.plan_text import plan_lines
from harness.cli.ready import code_after, code_of_plan, kept, ready_workspace
from harness.cli.running import RunSettings, fixing_lines, run, with_counted_labels
from harness.cli.show import usd
from harness.errors import BudgetRefusedError, Faults, UsageError
from harness.plan.model import Plan
from harness.plan.planning import PlanHooks, Selection, plan_review
from harness.workspace.reading import shipped

QUICK_SUFFIX = "-quick"


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.model
@options.max_spend
@options.out
@click.option(
    "--address", default=None, help="The Ray cluster that this machine is of: host:port, or auto."
)
@click.option("--yes", is_flag=True, help="Spend without asking.")
@click.option("--quick", is_flag=True, help="A few cases only: a look, never a decision.")
@click.option("--strict", is_flag=True, help="Exit with 4 when a verdict is undecided.")
def review(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    models: tuple[str, ...],
    max_spend: Decimal | None,
    out: Path | None,
    address: str | None,
    yes: bool,
    quick: bool,
    strict: bool,
) -> int:
    """Replay every feature's eval set, decide, and write its document."""
    now = options.now()
    named = options.cycle_of(cycle, now.date()) + (QUICK_SUFFIX if quick else "")
    root = options.find_workspace(workspace)
    loaded = ready_workspace(root, on=now.date(), features=features)
    if quick:
        loaded = loaded.all_live()
    wanted = Selection(
        features=kept(features, loaded), models=models, quick=quick, max_spend_usd=max_spend
    )
    access = None if address else partial(check_access_early, loaded, environ=os.environ)
    hooks = PlanHooks(check_models=access, faults=Faults())
    plan = plan_review(loaded, cycle=named, on=now.date(), wanted=wanted, hooks=hooks)
    planned = code_of_plan(loaded, hooks.faults)
    for line in plan_lines(with_counted_labels(plan, loaded.root), details=False):
        click.echo(line)
    for line in fixing_lines(plan, loaded.root):
        click.echo(line)
    check_quotas(loaded, plan)
    confirm(plan, yes=yes)
    setup = RunSettings(now=now, out=out, address=address, strict=strict)
    return code_after(planned, run(loaded, plan, setup))


def confirm(plan: Plan, *, yes: bool) -> None:
    """Ask before money is spent; where nobody can answer, refuse.

    Raises:
        BudgetRefusedError: the answer is no, or there is no terminal and no `--yes`.
    """
    if yes or not plan.worst_usd:
        return
    most = f"The review spends at most {usd(plan.worst_usd)}"
    if not sys.stdin.isatty():
        raise BudgetRefusedError(f"{most}; say --yes to allow it where nobody can be asked")
    if not click.confirm(f"{most}.  Go on?"):
        raise BudgetRefusedError("nothing was spent")


COMMITTED = ("reviews", "rightsizing.lock", ".rightsize")
"""What a workspace gathers by itself."""


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rightsizing-demo"),
    show_default=True,
    help="Folder of the demo's workspace; written when it is not there.",
)
@options.cycle
@options.feature
@click.option("--quick", is_flag=True, help="A few cases only: a look, never a decision.")
@click.option(
    "--weights",
    "weights",
    multiple=True,
    metavar="NAME=FILE",
    help="A file of weights that you have already; may be repeated.",
)
def demo(
    *,
    out: Path,
    cycle: str | None,
    features: tuple[str, ...],
    quick: bool,
    weights: tuple[str, ...],
) -> int:
    """Review four features on two small language models, on this machine alone.

    The two models stand in for a flagship and a small tier; prices and traffic are illustrative.
    Nobody is billed, no key is needed.
    """
    now = options.now()
    root = write_demo(out)
    named = options.cycle_of(cycle, now.date()) + (QUICK_SUFFIX if quick else "")
    workspace = ready_workspace(root, on=now.date(), features=features)
    wanted = Selection(features=kept(features, workspace), quick=quick)
    hooks = PlanHooks(faults=Faults())
    plan = plan_review(workspace, cycle=named, on=now.date(), wanted=wanted, hooks=hooks)
    planned = code_of_plan(workspace, hooks.faults)
    for line in plan_lines(plan, details=False):
        click.echo(line)
    setup = RunSettings(now=now, given_weights=_given(weights))
    return code_after(planned, run(workspace, plan, setup))


def write_demo(out: Path) -> Path:
    """Copy the shipped workspace, unless one is there already.

    Raises:
        UsageError: the folder holds something else.
    """
    if out.exists() and any(out.iterdir()):
        if not (out / "policy.yaml").is_file():
            raise UsageError(f"--out {out}: holds something else; name an empty or a new folder")
        return out.resolve()
    shutil.copytree(
        shipped("demo"), out, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*COMMITTED)
    )
    return out.resolve()


def _given(weights: tuple[str, ...]) -> dict[str, Path]:
    given: dict[str, Path] = {}
    for text in weights:
        name, equals, file = text.partition("=")
        if not equals or not Path(file).is_file():
            raise UsageError(f"--weights {text}: not NAME=FILE with a file that is there")
        given[name] = Path(file)
    return given
