"""`rightsize review` and `rightsize demo`."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.plan_text import plan_lines
from harness.cli.say import say, say_block
from harness.cli.show import fault_line
from harness.conduct.listening import Planned
from harness.conduct.opening import find_workspace
from harness.conduct.planning import fixing_lines, with_counted_labels
from harness.conduct.running import Reviewed, RunSettings
from harness.conduct.running import review as conduct_review
from harness.conduct.span_target import SpanTarget
from harness.conduct.tuning.worth import untuned_lines
from harness.errors import ExitCode, Faults, UsageError
from harness.plan.planning import Selection
from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from harness.record.stored import file_name
from harness.tell.page.missing import missing_text
from harness.tell.portfolio.spend import summary, verdict_counts
from harness.wording import usd
from harness.workspace.reading import shipped


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
@click.option(
    "--otlp",
    default=None,
    metavar="FILE|URL",
    help="Write every call as an OpenTelemetry span, without prompt or answer.",
)
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
    otlp: str | None,
) -> int:
    """Replay every feature's eval set, decide, and write its document."""
    wanted = Selection(features=features, models=models, quick=quick, max_spend_usd=max_spend)
    settings = RunSettings(
        out=out,
        address=address,
        listener=Terminal(lines=_lines, confirm=not yes),
        clock=options.now,
        otlp=None if otlp is None else SpanTarget(otlp),
        found=tell,
    )
    found = conduct_review(find_workspace(workspace), wanted, cycle=cycle, settings=settings)
    return exit_code(found, strict=strict)


def _lines(planned: Planned) -> Iterator[str]:
    yield from plan_lines(with_counted_labels(planned), details=False)
    yield from fixing_lines(planned.plan, planned.workspace.root)
    yield from untuned_lines(planned.plan, planned.workspace.root)


def tell(found: Reviewed) -> None:
    """Say the last lines of a review, the figures of the index among them."""
    say(_bill(found))
    say("   ".join(verdict_counts(found.records)))
    for line in summary(found.figures):
        say(line)
    say(f"documents: {found.folder / 'index.html'}")
    for fault in found.unanswered:
        say(fault_line(fault), err=True)
    _tell_faults(found.faults)
    if found.unsent_spans is not None:
        say(found.unsent_spans, err=True)


def exit_code(found: Reviewed, *, strict: bool = False) -> int:
    """The exit code of a review; `strict`: an undecided verdict has one of its own."""
    undecided = strict and any(one.verdict == Verdict.UNDECIDED for one in found.records)
    code = found.faults.exit_code or (ExitCode.CANNOT_TELL if undecided else ExitCode.OK)
    code = code if code == ExitCode.INTERNAL_ERROR else found.planned.exit_code or code
    unsent = ExitCode.OK if found.unsent_spans is None else ExitCode.USAGE_ERROR
    return code or unsent


def _bill(found: Reviewed) -> str:
    """What this run spent, and the cycle's runs together where there were others."""
    spends = [record.evidence.spend for record in found.records]
    saved = sum((spend.saved_by_stopping_usd for spend in spends), Decimal(0))
    unknown = found.possibly_billed_usd
    possibly = f", {usd(unknown)} more possibly billed" if unknown else ""
    in_all = f" ({usd(found.cycle_usd)} in this cycle)" if found.earlier_usd else ""
    return (
        f"spent {usd(found.cycle_usd - found.earlier_usd)}{in_all}{possibly}; "
        f"stopping early saved {usd(saved)}; {missing_text(found.records)}"
    )


def _tell_faults(faults: Faults) -> None:
    """Say what went wrong with single features, after all others were written."""
    debug = click.get_current_context().find_root().params.get("debug")
    for fault in faults.found:
        say(str(fault), err=True)
        if debug:
            say_block("".join(traceback.format_exception(fault.error)), err=True)
    if faults.found:
        say("their answers are kept: once that is mended, run the same again", err=True)


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
@click.option("--open", "opens", is_flag=True, help="Open the index in the browser at the end.")
@click.option(
    "--showback", is_flag=True, help="Instead: a showback of made-up logs, without any model."
)
@click.option(
    "--weights",
    "weights",
    multiple=True,
    metavar="NAME=FILE",
    help="A file of weights that you have already; may be repeated.",
)
def demo(  # noqa: PLR0913  # one argument per option of the command
    *,
    out: Path,
    cycle: str | None,
    features: tuple[str, ...],
    quick: bool,
    opens: bool,
    showback: bool,
    weights: tuple[str, ...],
) -> int:
    """Review six features on two small language models, on this machine alone.

    One of them is a program of two calls, which finds its SDK beside this command. The models stand
    in for a flagship and a small tier; prices and traffic are illustrative. Nobody is billed, no
    key is needed.
    """
    if showback:
        return _show_made_up(out)
    settings = RunSettings(
        given_weights=_given(weights),
        listener=Terminal(),
        clock=options.now,
        in_order=True,
        found=_tell_demo,
    )
    wanted = Selection(features=features, quick=quick)
    # The program's `python` is the one that runs this: it has the SDK, active or not.
    beside = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    found = conduct_review(write_demo(out), wanted, cycle=cycle, settings=settings)
    if opens:
        open_page(found.folder / "index.html")
    return exit_code(found)


def _tell_demo(found: Reviewed) -> None:
    tell(found)
    say("open, in this order:")
    for number, (page, what) in enumerate(to_show(found.folder, found.records), 1):
        say(f"    {number}. {page}   {what}")


def to_show(folder: Path, records: Sequence[DecisionRecord]) -> list[tuple[Path, str]]:
    """The documents of a demonstration, in its order: all features, a swap, a reason to stay.

    Of several with one verdict, the feature that costs most. What no feature has is left out.
    """
    pages = [(folder / "index.html", "all features: what to do, and what it saves")]
    for verdict, what in _SHOWN.items():
        these = [record for record in records if record.verdict is verdict]
        dearest = max(these, key=_monthly, default=None)
        if dearest is not None:
            page = folder / "documents" / f"{file_name(dearest.feature.id)}.html"
            pages.append((page, f"{dearest.feature.name}: {what}"))
    return pages[:MOST_SHOWN]


def open_page(page: Path, browser: Callable[[str], bool] = webbrowser.open) -> None:
    """Open a page in the browser, or say that there is none."""
    if not browser(page.resolve().as_uri()):
        say(f"--open: no browser could be started; open {page}", err=True)


MOST_SHOWN = 3
_SHOWN = {
    Verdict.DOWNGRADE: "a smaller model will do",
    Verdict.JUSTIFY: "a reason to stay",
    Verdict.UNDECIDED: "undecided yet, and what would decide it",
}


def _monthly(record: DecisionRecord) -> tuple[bool, Decimal | None]:
    """Orders features by what they cost a month; one whose cost is not known comes last."""
    monthly = record.current_cost.monthly_after_discounts
    return monthly is not None, monthly


def _show_made_up(out: Path) -> int:
    """A showback of a made-up company; its command brings what the base install lacks."""
    root = click.get_current_context().find_root()
    command = cast("click.Group", root.command).get_command(root, "showback")
    if command is None:
        raise click.UsageError("no such command: showback", root)
    arguments = ["--made-up", "--out", str(out / "showback")]
    command.main(args=arguments, prog_name="showback", standalone_mode=False)
    return ExitCode.OK


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
