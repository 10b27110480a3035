"""`rightsize try` and `rightsize tune`: a prompt on the tune cases, tried or searched for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say, say_block
from harness.conduct.opening import find_workspace
from harness.conduct.planning import plan
from harness.conduct.preparing.showing_prompts import prompt_lines, tune_prompt
from harness.conduct.preparing.trying import PromptToTry, Tried, try_prompt
from harness.conduct.tuning.searching import Goal, TriedPrompt, TuneFound
from harness.conduct.tuning.tuning import PromptToTune, TunedPrompt, asked_tunings
from harness.conduct.tuning.tuning import tune as find_prompt
from harness.errors import CannotTellError
from harness.plan.planning import Selection
from harness.wording import plural, usd

PER = 1000
"""Requests whose cost is shown."""


@click.command(name="tune")
@click.argument("feature")
@options.workspace
@click.option(
    "--model",
    "-m",
    default=None,
    help="The option whose prompt is sought; without it each that the feature's `tune:` names.",
)
@options.max_spend
@click.option(
    "--from",
    "brought",
    type=options.InputFile(),
    multiple=True,
    help="A prompt file to begin with as well; may be repeated.",
)
@click.option(
    "--rewrite-by",
    "rewriter",
    default=None,
    metavar="MODEL",
    help="Let this model, which must be allowed to see the data, rewrite prompts (extra: tune).",
)
@click.option(
    "--goal",
    type=click.Choice(["better", "shorter"]),
    default=None,
    help="Seek the best prompt, or the cheapest that loses no more than the limit to today's. "
    "[default: better; for `tune: [incumbent]` shorter]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws other examples.")
def tune(  # noqa: PLR0913  # one parameter for each option
    feature: str,
    workspace: Path,
    model: str | None,
    max_spend: Decimal | None,
    brought: tuple[Path, ...],
    *,
    rewriter: str | None,
    goal: Goal | None,
    seed: int,
) -> None:
    """Find a prompt for a model on FEATURE's tune cases; the deciding cases are never asked.

    Writes prompts/FEATURE/MODEL~tuned.j2 where one did better than today's prompt: the review tests
    it as an option of its own. Run again after a stop, it goes on.
    """
    asked = PromptToTune(
        root=find_workspace(workspace),
        feature=feature,
        model=model,
        max_spend_usd=max_spend,
        brought=brought,
        seed=seed,
        rewriter=rewriter,
        goal=goal,
    )
    stopped: list[str] = []
    left = max_spend
    for one in asked_tunings(asked, on=options.now().date()):
        one = replace(one, max_spend_usd=left)  # noqa: PLW2901
        found = find_prompt(one, listener=Terminal(), clock=options.now)
        for line in tuning_lines(found):
            say(line)
        left = None if left is None else max(left - found.spent_usd, Decimal(0))
        if found.path is None and found.found.out_of_money:
            stopped.append(f"{found.option}: the cap ended the search after {usd(found.spent_usd)}")
    if stopped:
        raise CannotTellError(
            f"{'; '.join(stopped)}; nothing was written, every answer is kept: run it again with a "
            "larger --max-spend"
        )


def tuning_lines(tuned: TunedPrompt) -> Iterator[str]:
    """What was tried, what came of it, and what it costs."""
    shown, search, choice = tuned.parts
    yield (
        f"{tuned.feature}, {tuned.option}: {plural(search, 'tune case')} to search by, {choice} to "
        f"choose by, {shown} to show"
    )
    yield f"{'search':>8} {'choice':>8} {'tokens in':>10} {'USD per 1,000':>14}  prompt"
    yield from map(_line, tuned.found.tried)
    yield _result(tuned.found)
    if tuned.path is not None:
        yield f"wrote prompts/{tuned.feature}/{tuned.path.name}{_dearer(tuned)}"
    capped = "; the cap kept further ones from being tried" if tuned.found.out_of_money else ""
    yield (
        f"{plural(tuned.prompts_tried, 'prompt')} tried for {tuned.option}, counted{capped}; "
        f"{usd(tuned.spent_usd)} spent. Whether one holds, `rightsize review` decides on other "
        "cases."
    )


def _line(tried: TriedPrompt) -> str:
    choice = f"{100 * tried.choice.mean:.1f}" if tried.choice and tried.choice.complete else "-"
    search = f"{100 * tried.search.mean:.1f}" if tried.search.complete else "-"
    tokens, price = tried.search.input_tokens, PER * tried.search.usd_per_request
    return f"{search:>8} {choice:>8} {tokens:>10,.0f} {price:>14,.4f}  {tried.one.way.what}"


def _result(found: TuneFound) -> str:
    sure = found.difference
    if found.best is None and found.out_of_money:
        return "the cap ended the search before a prompt did better: nothing is written"
    if found.best is None or sure is None:
        return "no prompt was chosen before today's on the choosing cases: nothing is written"
    among = f", the best of {found.chosen_from} allowed for" if found.chosen_from > 1 else ""
    return (
        f"best: {found.best.one.way.what}: {100 * sure.value:+.1f} points on {sure.n} choosing "
        f"cases, at worst {100 * sure.lower:+.1f}, at best {100 * sure.upper:+.1f} (95 % each"
        f"{among})"
    )


def _dearer(tuned: TunedPrompt) -> str:
    more, best = tuned.more_monthly_usd, tuned.found.best
    if more is None or best is None:
        return ""
    old, new = tuned.found.today.search.input_tokens, best.search.input_tokens
    change = f"costs {usd(more)} a month more" if more > 0 else f"saves {usd(-more)} a month"
    return f": {new:,.0f} tokens in instead of {old:,.0f}, which {change}"


CASES_SHOWN = 5


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
    for each in tried.cases[:CASES_SHOWN]:
        score = "?" if each.score is None else f"{each.score:g}"
        target = each.case.target or "(not labelled)"
        say_block(f"  [{score}] {each.case.id}: {each.text}  right: {target}")
    which = f"prompt {tried.prompt_sha256[:12]}"
    say(f"{which}; {tried.prompts_tried} tried for {tried.option}, counted")
