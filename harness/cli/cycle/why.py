"""`rightsize why`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from harness.bring.labelling.questions import shown_input
from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.differences import (
    Differences,
    Disagreement,
    PromptChange,
    Side,
    prompt_changes,
    write_differences,
)
from harness.conduct.concluding.differences import why as find_differences
from harness.conduct.concluding.past import PastReview
from harness.conduct.opening import find_workspace
from harness.errors import UsageError
from harness.wording import plural


@click.command()
@click.argument("feature", required=False)
@click.option("--feature", "-f", "named", default=None, help="The same as FEATURE.")
@options.workspace
@options.cycle
@click.option(
    "--include-content",
    type=click.Path(path_type=Path),
    default=None,
    help="Write prompts and answers instead: to a .jsonl file, or to a folder as pages with the "
    "worst regressions, the best gains and a blind sheet. Only you may read them.",
)
@click.option("--prompts", is_flag=True, help="Show how the options' prompts differ instead.")
@options.as_json
def why(  # noqa: PLR0913  # one parameter for each option
    feature: str | None,
    named: str | None,
    workspace: Path,
    cycle: str | None,
    include_content: Path | None,
    *,
    prompts: bool,
    as_json: bool,
) -> None:
    """Show where models disagree on FEATURE, side by side. On a terminal only.

    With --json: ids and scores, no text of a prompt or an answer.
    """
    feature = _one(feature, named)
    if prompts:
        if as_json or include_content is not None:
            raise UsageError("--prompts goes with neither --json nor --include-content")
        _show_prompts(prompt_changes(find_workspace(workspace), feature, now=options.now()))
        return
    if include_content is None and not as_json and not sys.stdout.isatty():
        raise UsageError("answers are shown on a terminal only; --include-content writes a file")
    now = options.now()
    past = PastReview(root=find_workspace(workspace), cycle=cycle)
    differences = find_differences(past, feature, now=now)
    if as_json and include_content is None:
        say_block(json.dumps([_scores(each) for each in differences.found], indent=2))
        return
    if include_content is not None:
        for page in write_differences(differences, include_content, now=now):
            say(str(page))
        say(f"wrote {include_content}: {plural(len(differences.found), 'disagreement')}")
        return
    _show_noise(differences)
    _show(differences.found)


def _one(feature: str | None, named: str | None) -> str:
    """The feature that is asked for, once.

    Raises:
        UsageError: none, or two.
    """
    found = {each for each in (feature, named) if each is not None}
    if len(found) != 1:
        raise UsageError("name one feature: `rightsize why FEATURE`")
    return found.pop()


def _show_prompts(changes: Sequence[PromptChange]) -> None:
    for each in changes:
        other, own = each.files
        same = "" if each.lines else ": the same text"
        say(f"{each.option} ({own}) beside {each.beside} ({other}){same}")
        for line in each.lines:
            say_block(line)
    if not changes:
        say("every option is asked under the same prompt")


def _scores(each: Disagreement) -> dict[str, object]:
    return {
        "case": each.case.id,
        "option": each.option,
        "today": each.incumbent.score,
        "candidate": each.candidate.score,
    }


def _show_noise(differences: Differences) -> None:
    """What of it is no difference between models, where the record knows."""
    record = differences.record()
    if record is not None and record.noise is not None:
        noise = record.noise
        say(
            f"{record.current.option} against itself: scores differ on "
            f"{noise.disagreement:.1f} % of {plural(noise.cases, 'case')}"
        )


def _show(found: Sequence[Disagreement]) -> None:
    for each in found:
        say("")
        say(f"{each.option}  case {each.case.id}")
        say_block(shown_input(each.case))
        say_block(f"  right:     {each.case.target or '(not labelled)'}")
        say_block(f"  today:     {each.incumbent.text}  {_mark(each.incumbent)}")
        say_block(f"  candidate: {each.candidate.text}  {_mark(each.candidate)}")
        if each.candidate.reason:
            say_block(f"  the judge: {each.candidate.reason}")
    say(f"{plural(len(found), 'disagreement')}")


def _mark(side: Side) -> str:
    """The score, and the second grader's where it differs: one of the two graders is wrong."""
    if side.score is None:
        return "[?]"
    if side.again is None or side.again == side.score:
        return f"[{side.score:g}]"
    return f"[{side.score:g}, a second grader: {side.again:g}]"
