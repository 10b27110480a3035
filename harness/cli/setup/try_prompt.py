"""`rightsize try`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say, say_block
from harness.conduct.opening import find_workspace
from harness.conduct.planning import plan
from harness.conduct.preparing.showing_prompts import prompt_lines, tune_prompt
from harness.conduct.preparing.trying import PromptToTry, Tried, try_prompt
from harness.plan.planning import Selection
from harness.wording import usd

SHOWN = 5


@click.command(name="try")
@click.argument("feature")
@options.workspace
@click.option("--model", "-m", required=True, help="The option to ask.")
@click.option(
    "--prompt",
    type=options.InputFile(),
    default=None,
    help="A prompt file to try instead of the workspace's own.",
)
@click.option("--show", is_flag=True, help="Show the first prompt filled in, and ask nothing.")
def try_command(
    feature: str, workspace: Path, model: str, prompt: Path | None, *, show: bool
) -> None:
    """Run a prompt on FEATURE's tune cases; the deciding cases are never asked."""
    root = find_workspace(workspace)
    if show:
        planned = plan(root, Selection(features=(feature,)), now=options.now())
        for line in prompt_lines(tune_prompt(planned.plan.features[0], model, prompt)):
            say_block(line)
        return
    asked = PromptToTry(root=root, feature=feature, model=model, prompt=prompt)
    _show(try_prompt(asked, listener=Terminal(), clock=options.now))


def _show(tried: Tried) -> None:
    mean = "no case has a score" if tried.mean is None else f"mean score {100 * tried.mean:.1f}"
    lost = sum(each.score is None for each in tried.cases)
    without = f", {lost} without a score" if lost else ""
    cases = f"{len(tried.cases)} tune cases{without}"
    say(f"{tried.option} on {cases}: {mean}, {usd(tried.spent_usd)}")
    for each in tried.cases[:SHOWN]:
        score = "?" if each.score is None else f"{each.score:g}"
        target = each.case.target or "(not labelled)"
        say_block(f"  [{score}] {each.case.id}: {each.text}  right: {target}")
    which = f"prompt {tried.prompt_sha256[:12]}"
    say(f"{which}; {tried.prompts_tried} tried for {tried.option}, counted")
