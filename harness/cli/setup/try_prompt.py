"""`rightsize try`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random

import click

from harness.ask.cluster.actors import local_cluster
from harness.ask.replay.retry import RetryPolicy
from harness.ask.serving.gpus import Need, check_team_quotas
from harness.bring.labelling.sheets import printable
from harness.cli import options
from harness.cli.listening import Terminal
from harness.conduct.access import check_models
from harness.conduct.checking import checked_workspace
from harness.conduct.hosting import Local, serve_here
from harness.conduct.loads import room_of
from harness.conduct.opening import cycle_of, find_workspace
from harness.conduct.trying import Asking, Tried, rung_with, try_prompt
from harness.errors import UsageError
from harness.journal.earlier import prompts_tried
from harness.journal.journal import Journal
from harness.plan.ladder import PlannedOption
from harness.plan.planning import Selection, plan_review
from harness.wording import usd
from harness.workspace.state import journal_file, state_folder
from harness.workspace.workspace import Workspace

SHOWN = 5


@click.command(name="try")
@click.argument("feature")
@options.workspace
@click.option("--model", "-m", required=True, help="The option to ask.")
@click.option(
    "--prompt",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="A prompt file to try instead of the workspace's own.",
)
def try_command(feature: str, workspace: Path, model: str, prompt: Path | None) -> None:
    """Run a prompt on FEATURE's tune cases; the deciding cases are never asked."""
    now = options.now()
    root = find_workspace(workspace)
    loaded = checked_workspace(root, on=now.date(), features=(feature,))
    Terminal().refused(loaded)
    cycle = cycle_of(None, now.date())
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted)
    text = None if prompt is None else (prompt.name, prompt.read_text(encoding="utf-8"))
    rung = rung_with(plan.features[0], model, text)
    if not (rung.asked or rung.saves_too_little):
        raise UsageError(f"{model}: {rung.excluded}: {rung.note}")
    check_models({rung.model: rung.config}, os.environ)
    team = loaded.features[feature].team
    _check_quota(loaded, rung, team)
    state = state_folder(loaded.root)
    with ExitStack() as stack:
        journal = stack.enter_context(
            Journal.open(
                journal_file(loaded.root),
                run_id=secrets.token_hex(8),
                cycle=cycle,
                now=now.isoformat(),
            )
        )
        cluster = stack.enter_context(local_cluster(state=state))
        rung = _served(rung, _serving(loaded, rung, team, stack))
        asking = Asking(
            cluster=cluster,
            journal=journal,
            retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
            share_of_rate_limit=loaded.policy.share_of_rate_limit,
            cap_usd=loaded.policy.max_spend_usd,
            now=now.isoformat(),
        )
        tried = try_prompt(plan.features[0], rung, asking)
        count = prompts_tried(journal, feature, rung.name)
    _show(tried, count)


def _check_quota(workspace: Workspace, rung: PlannedOption, team: str) -> None:
    """Refuse GPUs that the feature's team may not hold."""
    serve = rung.config.serve
    if serve is not None:
        need = Need(model=rung.model, gpus=serve.gpus, teams=frozenset({team}))
        check_team_quotas(need, room_of(workspace, (), options.now()))


def _serving(
    workspace: Workspace, rung: PlannedOption, team: str, stack: ExitStack
) -> dict[str, str]:
    """Start this one model, where it is ours to start."""
    if rung.config.serve is None:
        return {}
    teams = {rung.model: (team,)}
    local = Local(
        workspace=workspace,
        models={rung.model: rung.config},
        say=click.echo,
        clock=options.now,
    )
    return stack.enter_context(serve_here(local, teams))


def _served(rung: PlannedOption, served: Mapping[str, str]) -> PlannedOption:
    return rung.served_at(served[rung.model]) if rung.model in served else rung


def _show(tried: Tried, count: int) -> None:
    mean = "no case has a score" if tried.mean is None else f"mean score {100 * tried.mean:.1f}"
    click.echo(f"{tried.option} on {len(tried.cases)} tune cases: {mean}, {usd(tried.spent_usd)}")
    for each in tried.cases[:SHOWN]:
        score = "?" if each.score is None else f"{each.score:g}"
        target = printable(each.case.target or "(not labelled)")
        click.echo(
            f"  [{score}] {printable(each.case.id)}: {printable(each.text)}  right: {target}"
        )
    click.echo(f"prompt {tried.prompt_sha256[:12]}; {count} tried for {tried.option}, counted")
