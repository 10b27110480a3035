"""Prompts tuned for real, on the demo's models.

    nice -n 10 python -m tests.benchmarks.tuning FOLDER FEATURE... >> results.md

Each feature's eval set keeps 48 cases for tuning, in a copy of the demo in FOLDER, so that 112 or
152 decide. `rightsize tune` seeks a prompt for the small model; then both prompts, today's and the
tuned one, are asked every deciding case, which no search has seen. Run again, it asks nothing
twice. One table of Markdown a feature; they are kept in `results.md`.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from scipy.stats import binomtest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.retry import RetryPolicy
from harness.cli.cycle.review import write_demo
from harness.conduct.model_hosts import Local, serve_here
from harness.conduct.opening import cycle_of, utc_now
from harness.conduct.preparing.trying import Asking
from harness.conduct.tuning.prompt_trials import PartScore, PromptTrials
from harness.conduct.tuning.searching import TriedPrompt
from harness.conduct.tuning.tuning import (
    PromptToTune,
    TunedPrompt,
    served_task,
    task_of,
    tuned_on,
)
from harness.journal.earlier import tuning_spend
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.stats.estimates import Sample, estimate
from harness.workspace.state import journal_file
from harness.workspace.workspace import load_workspace

MODEL = "smollm2-135m"
TUNE_CASES = 48
PER = 1000
LEVEL = 0.025
"""One-sided: intervals of 95 %."""


def prepared(folder: Path, features: Sequence[str]) -> Path:
    """The demo with so many tune cases for each feature."""
    root = write_demo(folder)
    for feature in features:
        path = root / "evalsets" / feature / "evalset.yaml"
        text = path.read_text(encoding="utf-8").replace("tune: 16", f"tune: {TUNE_CASES}")
        path.write_text(text, encoding="utf-8")
    return root


def tuned(root: Path, feature: str) -> Iterator[str]:
    """A search as `rightsize tune` makes it, without Ray, and both prompts on what decides."""
    now, loaded = utc_now(), load_workspace(root)
    cycle = cycle_of(None, now.date())
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted).features[0]
    asked = PromptToTune(root=root, feature=feature, model=MODEL)
    task, told = task_of(plan, asked, loaded, on=now.date()), list[str]()
    with ExitStack() as stack:
        path, run_id = journal_file(root), secrets.token_hex(8)
        journal = stack.enter_context(
            Journal.open(path, run_id=run_id, cycle=cycle, now=now.isoformat())
        )
        models = {rung.model: rung.config for rung in task.rungs}
        local = Local(workspace=loaded, models=models, say=told.append, clock=utc_now)
        served = stack.enter_context(serve_here(local, dict.fromkeys(models, (plan.config.team,))))
        task = served_task(task, served)
        asking = Asking(
            cluster=stack.enter_context(InlineCluster()),
            journal=journal,
            retry=RetryPolicy(rng=Random(secrets.randbits(64))),
            share_of_rate_limit=1.0,
            cap_usd=Decimal(5),
            now=now.isoformat(),
        )
        found = tuned_on(task, asking, root=root, cycle=cycle)
        ways = [found.found.today.one, *([found.found.best.one] if found.found.best else [])]
        spent = tuning_spend(path, feature, task.option, cycle=cycle)
        trials = PromptTrials(plan, task.rungs, asking, spent)
        cases = plan.sample.deciding
        measured = [trials.score(one, cases, counts_for=task.option) for one in ways]
    yield from lines(found, measured)


def share(part: PartScore) -> str:
    """Right answers of all, in percent, with its interval (Wilson)."""
    n, right = len(part.scores), round(sum(part.scores.values()))
    span: Any = binomtest(right, n).proportion_ci(method="wilson")
    return f"{right}/{n} = {100 * right / n:.1f} ({100 * span.low:.1f} to {100 * span.high:.1f})"


def difference(old: PartScore, new: PartScore) -> str:
    """Points, case by case (Tango's interval)."""
    both = sorted(old.scores.keys() & new.scores.keys())
    values = tuple(new.scores[case] - old.scores[case] for case in both)
    sample = Sample(differences=values, clusters=tuple(range(len(both))))
    found = estimate(sample, "tango", LEVEL)
    if found is None:
        return "-"
    return f"{100 * found.value:+.1f} ({100 * found.lower:+.1f} to {100 * found.upper:+.1f})"


def lines(done: TunedPrompt, measured: Sequence[PartScore]) -> Iterator[str]:
    """One feature's findings."""
    found, today = done.found, done.found.today
    shown, search, choice = done.parts
    yield f"## {done.feature}, {MODEL}\n"
    yield (
        f"{search} cases to search by, {choice} to choose by, {shown} to show; "
        f"{len(measured[0].scores)} decide. {len(found.tried)} prompts tried; the search cost "
        f"USD {done.spent_usd:.4f}.\n"
    )
    yield "| prompt | right of search | right of choice | tokens in | USD per 1,000 |"
    yield "|---|---|---|---:|---:|"
    for each in found.tried:
        yield _row(each, chosen=found.best is not None and each.one == found.best.one)
    yield ""
    best = found.best
    if best is None or best.choice is None or today.choice is None:
        yield "No prompt did better than today's on the choosing cases: none was written.\n"
        yield f"Deciding cases, today's prompt: {share(measured[0])}.\n"
        return
    yield "| cases | before, % | after, % | difference, points |"
    yield "|---|---|---|---|"
    for name, old, new in (
        ("search", today.search, best.search),
        ("choice", today.choice, best.choice),
        ("**deciding**", *measured),
    ):
        yield f"| {name} | {share(old)} | {share(new)} | {difference(old, new)} |"
    yield ""
    old, new = measured
    yield (
        f"Tokens in, a request: {old.input_tokens:.0f} before, {new.input_tokens:.0f} after; USD "
        f"per 1,000: {PER * old.usd_per_request:.4f} before, {PER * new.usd_per_request:.4f} "
        "after.\n"
    )


def _row(each: TriedPrompt, *, chosen: bool) -> str:
    mark = "**" if chosen else ""
    choice = share(each.choice) if each.choice and each.choice.complete else "-"
    tokens, usd = each.search.input_tokens, PER * each.search.usd_per_request
    what = each.one.way.what.replace("|", "/")
    return f"| {mark}{what}{mark} | {share(each.search)} | {choice} | {tokens:.0f} | {usd:.4f} |"


def main(folder: str, *features: str) -> int:
    """Tune, ask, tell."""
    root = prepared(Path(folder), features)
    for feature in features:
        for line in tuned(root, feature):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
