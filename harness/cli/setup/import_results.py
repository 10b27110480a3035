"""`rightsize import outcomes`: answers that were paid for already, brought in."""

from __future__ import annotations

from pathlib import Path

import click

from harness.bring.onramp.imported_answers import Imported
from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say
from harness.cli.setup.import_sets import show_problems
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.importing_answers import (
    AnswersBrought,
    AnswersToImport,
    ToFillIn,
    import_answers,
)
from harness.errors import ExitCode

one_feature = click.option("--feature", "-f", required=True, help="Id of the feature.")


@click.command(name="outcomes")
@click.argument("sources", nargs=-1, required=True, type=options.InputFile())
@one_feature
@options.workspace
@click.option("--incumbent", default=None, help="Model of today, for a feature that is new.")
@click.option(
    "--replace",
    is_flag=True,
    help="Put the file's answers and targets in the place of others that are there.",
)
def outcomes_command(
    sources: tuple[Path, ...],
    feature: str,
    workspace: Path,
    incumbent: str | None,
    *,
    replace: bool,
) -> int:
    """Bring in answers of promptfoo, inspect_ai, OpenAI's Evals or a table. No call is made.

    A table (CSV, TSV, JSON Lines) has the columns case, model, and score (0 to 1), answer or
    tool_calls; what else is known: repeat, input, target, input_tokens, output_tokens,
    cached_tokens, seconds, error, cluster, slice.NAME.

    It writes what is not there: evalsets/FEATURE, prompts/FEATURE, features/FEATURE.yaml (of a new
    feature, whose model of today --incumbent names) and models/FEATURE.yaml. A model of the file is
    the option of its name; one that is none is told with the line to write.
    """
    asked = AnswersToImport(
        root=find_workspace(workspace),
        sources=sources,
        feature=feature,
        incumbent=incumbent,
        replace=replace,
    )
    found = import_answers(asked, now=options.now(), listener=Terminal())
    if isinstance(found, ToFillIn):
        for line in found.fault.told:
            say(line, err=True)
        say("fill these in, then run the same command again", err=True)
        return ExitCode.USAGE_ERROR
    _show(found)
    return ExitCode.OK


def _told(done: Imported) -> str:
    """Of how many answers that were written the file tells tokens and time."""
    written = done.counts["written"] + done.counts["replaced"]
    if not written:
        return ""
    tokens, time = (
        {0: "none", written: "all"}.get(count, f"{count:,}")
        for count in (done.usage_told, done.time_told)
    )
    return f"; tokens are told of {tokens}, seconds of {time}"


def _show(found: AnswersBrought) -> None:
    done = found.done
    counts = "; ".join(f"{count} {what}" for what, count in done.counts.items() if count)
    say(f"answers: {counts or 'none'}")
    say(f"graded by {found.grader}{_told(done)}")
    show_problems(done.problems)
    for line in found.alike:
        say(line)
    if found.resting:
        say(
            f"made from what was there before: {', '.join(found.resting)}; `rightsize verify` "
            "makes them again from the old answers, `rightsize review` decides on the new ones"
        )
