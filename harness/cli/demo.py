"""`rightsize demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness.cli import options
from harness.cli.plan_text import plan_lines
from harness.cli.ready import code_after, code_of_plan, kept, ready_workspace
from harness.cli.review import QUICK_SUFFIX
from harness.cli.running import Setup, run
from harness.config.shipped import shipped
from harness.errors import Faults, UsageError
from harness.plan.planning import Selection, plan_review
from harness.plan.watching import Watch

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
    watch = Watch(faults=Faults())
    plan = plan_review(workspace, cycle=named, on=now.date(), wanted=wanted, watch=watch)
    planned = code_of_plan(workspace, watch.faults)
    for line in plan_lines(plan, details=False):
        click.echo(line)
    setup = Setup(now=now, given_weights=_given(weights))
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
