"""`rightsize serving`: what runs, started and stopped by hand."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import click

from harness.ask.serving.gpus import check_quota, pack
from harness.ask.serving.server import ServerContext, counts_tokens, free_port
from harness.ask.serving.server_lifecycle import leave_running, stop_server
from harness.ask.serving.states import ServerState, gpus_by_team, list_servers
from harness.cli import options
from harness.cli.say import say
from harness.cli.show import duration
from harness.conduct.loads import free_here
from harness.conduct.model_hosts import Local
from harness.conduct.opening import find_workspace
from harness.errors import UsageError
from harness.workspace.state import logs_folder
from harness.workspace.workspace import Workspace, load_workspace

HEAD = ("MODEL", "ENGINE", "NODE", "ADDRESS THERE", "GPUS", "TEAM", "UP", "LEFT")
HOUR = timedelta(hours=1)


@click.group()
def serving() -> None:
    """List, start and stop the models that this workspace serves."""


@serving.command("list")
@options.workspace
def list_(*, workspace: Path) -> None:
    """List what runs, for a review too: where, on how many GPUs, for whom, for how long still."""
    now = options.now()
    running = list_servers(logs_folder(find_workspace(workspace)), now)
    if not running:
        say("nothing runs")
        return
    rows = [HEAD, *(_row(state, now) for state in running)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("   ".join(cells).rstrip())


def _row(state: ServerState, now: datetime) -> tuple[str, ...]:
    left = state.ends_by - now
    return (
        state.model,
        state.engine,
        state.guard.host,
        state.base_url or "offline",
        str(state.gpus),
        ", ".join(state.teams) or "-",
        duration((now - state.since) / HOUR),
        duration(left / HOUR) if left > timedelta() else "over",
    )


@serving.command()
@click.argument("model")
@options.workspace
@click.option("--team", default=None, help="Team that holds the GPUs (policy.yaml: gpu_quota).")
@click.option(
    "--idle-s",
    type=click.FloatRange(0),
    default=1800.0,
    show_default=True,
    help="Suspend after so long without a token; 0: never.",
)
def start(*, model: str, workspace: Path, team: str | None, idle_s: float) -> None:
    """Start MODEL and leave it running until it is stopped, idle, or its `ttl_s` is over."""
    found = load_workspace(find_workspace(workspace))
    config = found.models.get(model)
    if config is None or config.serve is None:
        served = ", ".join(name for name, one in found.models.items() if one.serve) or "none"
        raise UsageError(f"{model}: has no `serve` in this workspace; models with one: {served}")
    logs = logs_folder(found.root)
    for other in list_servers(logs, options.now()):
        if other.model == model:
            say(f"{model} runs already, at {other.base_url or 'no address'}: one more")
    _check_team(found, team, config.serve.gpus)
    given = (
        pack({model: config.serve.gpus}, free_here(found.root, options.now()))
        if config.serve.gpus
        else {}
    )
    place = ServerContext(
        logs=logs, environ=os.environ, port=free_port(), gpus=given.get(model, ()),
        teams=(team,) if team else (), detached=True, idle_s=idle_s,
    )  # fmt: skip
    say(f"starting {model}; its log: {logs / model}.log")
    specs = Local(workspace=found, models={model: config}, say=say, clock=options.now).specs()
    served_model = leave_running(model, specs[model], place)
    say(f"{model}   {served_model.base_url}   ready after {served_model.load_s:.1f} s")
    if idle_s and not counts_tokens(place.port):
        hours = duration(config.serve.ttl_s / HOUR.total_seconds())
        say(f"{model}: counts no tokens on /metrics, so that it is never idle; ends in {hours}")


@serving.command()
@click.argument("model")
@options.workspace
def stop(*, model: str, workspace: Path) -> None:
    """Stop every server of MODEL."""
    for state in stop_server(logs_folder(find_workspace(workspace)), model, options.now()):
        say(f"{state.model}   {state.base_url} on {state.guard.host}   stopped")


def _check_team(workspace: Workspace, team: str | None, gpus: int) -> None:
    """Keep to the team's quota; where there are quotas, GPUs are not held by nobody.

    Raises:
        UsageError: no team is named, or one that there is not: it would have no quota to keep.
        NoGpuError: the team would hold more than its quota.
    """
    quota = workspace.policy.gpu_quota
    if team is None and gpus and quota:
        raise UsageError(
            f"--team: say whose {gpus} GPUs these are: policy.yaml: gpu_quota names "
            f"{', '.join(quota)}"
        )
    known = {*quota, *(feature.team for feature in workspace.features.values())}
    if team is not None and team not in known:
        raise UsageError(
            f"--team {team}: no such team; policy.yaml: gpu_quota and the features name "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    if team is not None:
        held = gpus_by_team(list_servers(logs_folder(workspace.root), options.now()))
        check_quota({team: gpus}, held, quota)
