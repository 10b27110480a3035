"""`rightsize why`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from harness.bring.labelling.questions import shown_input
from harness.bring.labelling.sheets import printable
from harness.cli import options
from harness.conduct.differences import Disagreement, Side, disagreements
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.record.stored import file_name, read_records
from harness.tell.content import ContentCase, write_content
from harness.wording import plural
from harness.workspace.state import journal_file, write_private
from harness.workspace.workspace import load_workspace


@click.command()
@click.argument("feature")
@options.workspace
@options.cycle
@click.option(
    "--include-content",
    type=click.Path(path_type=Path),
    default=None,
    help="Write prompts and answers instead: to a .jsonl file, or to a folder as pages with the "
    "worst regressions, the best gains and a blind sheet. Only you may read them.",
)
def why(feature: str, workspace: Path, cycle: str | None, include_content: Path | None) -> None:
    """Show where models disagree on FEATURE, side by side. On a terminal only."""
    if include_content is None and not sys.stdout.isatty():
        raise UsageError("answers are shown on a terminal only; --include-content writes a file")
    now = options.now()
    root = find_workspace(workspace)
    named = cycle_of(cycle, now.date())
    wanted = Selection(features=(feature,))
    loaded = load_workspace(root, features=(feature,))
    plan = plan_review(loaded, cycle=named, on=now.date(), wanted=wanted).features[0]
    with Journal.read(journal_file(root)) as journal:
        found = list(disagreements(plan, journal))
    if include_content is not None:
        if include_content.suffix == ".jsonl":
            write_private(include_content, "".join(map(_line, found)))
        else:
            _write_pages(root / "reviews" / named, feature, found, include_content)
        click.echo(f"wrote {include_content}: {plural(len(found), 'disagreement')}")
        return
    _show_noise(root / "reviews" / named, feature)
    _show(found)


def _show_noise(review: Path, feature: str) -> None:
    """What of it is no difference between models, where the record knows."""
    record = next((one for one in read_records(review) if one.feature.id == feature), None)
    if record is not None and record.noise is not None:
        noise = record.noise
        click.echo(
            f"{record.current.option} against itself: scores differ on "
            f"{noise.disagreement:.1f} % of {plural(noise.cases, 'case')}"
        )


def _write_pages(review: Path, feature: str, found: Sequence[Disagreement], folder: Path) -> None:
    record = next((one for one in read_records(review) if one.feature.id == feature), None)
    if record is None:
        raise UsageError(f"{feature}: no record in {review}; `rightsize review` writes them")
    for option in sorted({each.option for each in found}):
        cases = [_content(each) for each in found if each.option == option]
        place = folder / file_name(option.replace("@", "-").replace("+", "-"))
        for path in write_content(record, option, cases, place, options.now()):
            click.echo(path)


def _content(each: Disagreement) -> ContentCase:
    return ContentCase(
        case_id=each.case.id,
        part="",
        prompt=shown_input(each.case),
        incumbent_answer=each.incumbent.text,
        candidate_answer=each.candidate.text,
        incumbent_score=each.incumbent.score,
        candidate_score=each.candidate.score,
        judge_reason=each.candidate.reason,
    )


def _show(found: Sequence[Disagreement]) -> None:
    for each in found:
        click.echo(f"\n{each.option}  case {printable(each.case.id)}")
        click.echo(printable(shown_input(each.case)))
        click.echo(f"  right:     {printable(each.case.target or '(not labelled)')}")
        click.echo(f"  today:     {printable(each.incumbent.text)}  {_mark(each.incumbent)}")
        click.echo(f"  candidate: {printable(each.candidate.text)}  {_mark(each.candidate)}")
        if each.candidate.reason:
            click.echo(f"  the judge: {printable(each.candidate.reason)}")
    click.echo(f"{plural(len(found), 'disagreement')}")


def _mark(side: Side) -> str:
    """The score, and the second grader's where it differs: one of the two graders is wrong."""
    if side.score is None:
        return "[?]"
    if side.again is None or side.again == side.score:
        return f"[{side.score:g}]"
    return f"[{side.score:g}, a second grader: {side.again:g}]"


def _side(side: Side) -> dict[str, object]:
    reason = {"judge": side.reason} if side.reason else {}
    again = {} if side.again is None else {"second_grader": side.again}
    return {"text": side.text, "score": side.score, **again, **reason}


def _line(each: Disagreement) -> str:
    whole = {
        "option": each.option,
        "case": each.case.id,
        "input": shown_input(each.case),
        "target": each.case.target,
        "current": _side(each.incumbent),
        "candidate": _side(each.candidate),
    }
    return json.dumps(whole, ensure_ascii=False) + "\n"
