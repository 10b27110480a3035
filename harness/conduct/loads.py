"""Which of the models that a plan asks and that we serve are loaded when, and on how many GPUs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.ask.serving.gpus import (
    FreeGpus,
    Gpu,
    Need,
    NoGpuError,
    check_team_quotas,
    free_gpus,
    waves,
)
from harness.ask.serving.states import gpus_by_team, gpus_taken, list_servers
from harness.plan.model import Plan
from harness.workspace.model_file import ModelConfig
from harness.workspace.state import logs_folder
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """Which managed models are loaded when."""

    ahead: tuple[tuple[str, ...], ...]
    """Waves that answer everything before the review; none where all models fit at once."""
    during: tuple[str, ...]
    """Loaded while the review runs: all of them, or the judges, who read others' answers."""


def asked_models(plan: Plan) -> set[str]:
    """The models that the plan may ask, judges included."""
    return {model for models in _by_team(plan).values() for model in models}


def managed(workspace: Workspace, plan: Plan) -> dict[str, ModelConfig]:
    """The models that the plan may ask and that we start."""
    asked = asked_models(plan)
    return {
        name: config
        for name, config in workspace.models.items()
        if name in asked and config.serve is not None
    }


def needs_of(workspace: Workspace, plan: Plan) -> tuple[Need, ...]:
    """GPUs by model, with the teams whose features ask it."""
    by_team = _by_team(plan)
    return tuple(
        Need(
            model=name,
            gpus=config.serve.gpus if config.serve else 0,
            teams=frozenset(team for team, models in by_team.items() if name in models),
        )
        for name, config in managed(workspace, plan).items()
    )


def check_quotas(workspace: Workspace, plan: Plan, now: datetime) -> None:
    """Refuse, before anything is spent or started, a model above its team's GPU quota.

    Raises:
        NoGpuError: one line that names the model, the team and its quota.
    """
    room = room_of(workspace, (), now)
    for need in needs_of(workspace, plan):
        check_team_quotas(need, room)


def room_of(workspace: Workspace, machines: tuple[int, ...], now: datetime) -> FreeGpus:
    """The GPUs that there are, and what the teams may still hold of them.

    Raises:
        UsageError: the state file of a running server cannot be read.
    """
    held = gpus_by_team(list_servers(logs_folder(workspace.root), now))
    return FreeGpus(machines=machines, quota=workspace.policy.gpu_quota, held=held)


def free_here(root: Path, now: datetime) -> tuple[Gpu, ...]:
    """GPUs of this machine that no server of the workspace has.

    Raises:
        UsageError: the state file of a running server cannot be read.
    """
    return free_gpus(os.environ, gpus_taken(list_servers(logs_folder(root), now)))


def offline_of(workspace: Workspace, plan: Plan) -> tuple[str, ...]:
    """The models that the plan asks for answers and that answer without their server."""
    answering = _answering(plan)
    return tuple(
        name
        for name, config in managed(workspace, plan).items()
        if config.serve is not None and config.serve.offline is not None and name in answering
    )


def loads_of(
    workspace: Workspace,
    plan: Plan,
    room: FreeGpus,
    *,
    idle: Collection[str] = (),
) -> Loads:
    """Everything at once where it fits; else in waves, and the judges by themselves.

    `idle` are models whose servers nothing will ask: they are not loaded.

    Raises:
        NoGpuError: a model fits nowhere, or the judges do not fit at once.
    """
    needs = tuple(need for need in needs_of(workspace, plan) if need.model not in idle)
    found = waves(needs, room)
    if len(found) <= 1:
        return Loads(ahead=(), during=found[0] if found else ())
    judges = {judge.rung.model for feature in plan.to_ask for judge in feature.judges}
    during = waves([need for need in needs if need.model in judges], room)
    if len(during) > 1:
        raise NoGpuError(
            f"{', '.join(sorted(judges))}: the judges do not fit on the GPUs at once; "
            "let fewer models judge"
        )
    answering = {need.model for need in needs} & _answering(plan)
    return Loads(
        ahead=waves([need for need in needs if need.model in answering], room),
        during=during[0] if during else (),
    )


def hosting_lines(workspace: Workspace, plan: Plan) -> Iterator[str]:
    """What the plan's own models need, for people; nothing where they need no GPU."""
    needs = [need for need in needs_of(workspace, plan) if need.gpus]
    if needs:
        each = ", ".join(f"{need.model} {need.gpus}" for need in needs)
        total = sum(need.gpus for need in needs)
        yield f"GPUs: {each}; {total} to load all at once, with fewer they are loaded in waves"
    without = {name: workspace.models[name].serve for name in offline_of(workspace, plan)}
    if without:
        each = ", ".join(
            f"{name} in up to {serve.offline.replicas} at once"
            for name, serve in without.items()
            if serve is not None and serve.offline is not None
        )
        yield f"Offline: {each}; every case is answered, whenever the decision stops"


def _answering(plan: Plan) -> set[str]:
    return {
        rung.model
        for feature in plan.to_ask
        if feature.config.answers == "replayed"
        for rung in (feature.incumbent, *feature.asked)
        if rung is not None
    }


def _by_team(plan: Plan) -> dict[str, set[str]]:
    """Models that the features of each team ask, their judges included."""
    found: dict[str, set[str]] = {}
    for feature in plan.to_ask:
        models = {judge.rung.model for judge in feature.judges}
        if feature.config.answers == "replayed":
            rungs = (feature.incumbent, *feature.asked)
            models |= {rung.model for rung in rungs if rung is not None}
        found.setdefault(feature.config.team, set()).update(models)
    return found
