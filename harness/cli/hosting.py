"""The models that a plan asks and that we serve: on which GPUs, in which waves."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.serving.catalogue import catalogue_of, wanted_weights
from harness.serving.gpus import NoGpuError, gpus_here
from harness.serving.hosted import Fetch, host_models
from harness.serving.lifecycle import serve_models
from harness.serving.offline import FACTORY as OFFLINE
from harness.serving.offline import OfflineBench
from harness.serving.resolve import resolve_weights
from harness.serving.specs import serve_specs
from harness.serving.states import gpus_by_team, list_servers
from harness.serving.waves import Need, Room, check_quota_of, replicas, waves
from harness.serving.weights import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping

    from harness.cluster.actors import RayCluster
    from harness.config.files import ModelConfig
    from harness.config.workspace import Workspace
    from harness.plan.model import Plan
    from harness.serving.specs import ServeSpec

STATE = ".rightsize"
"""Folder of a workspace where the journal lies; the only place that holds answers."""


def logs_of(root: Path) -> Path:
    """Where a workspace keeps the logs and state files of its servers."""
    return root / STATE / "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """Which managed models are loaded when."""

    ahead: tuple[tuple[str, ...], ...]
    """Waves that answer everything before the review; none where all models fit at once."""
    during: tuple[str, ...]
    """Loaded while the review runs: all of them, or the judges, who read others' answers."""


def managed(workspace: Workspace, plan: Plan) -> dict[str, ModelConfig]:
    """The models that the plan may ask and that we start."""
    asked = {model for models in _by_team(plan).values() for model in models}
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


def check_quotas(workspace: Workspace, plan: Plan) -> None:
    """Refuse, before anything is spent or started, a model above its team's GPU quota.

    Raises:
        NoGpuError: one line that names the model, the team and its quota.
    """
    room = room_of(workspace, ())
    for need in needs_of(workspace, plan):
        check_quota_of(need, room)


def room_of(workspace: Workspace, machines: tuple[int, ...]) -> Room:
    """The GPUs that there are, and what the teams may still hold of them."""
    held = gpus_by_team(list_servers(logs_of(workspace.root)))
    return Room(machines=machines, quota=workspace.policy.gpu_quota, held=held)


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
    machines: tuple[int, ...],
    *,
    idle: Collection[str] = (),
) -> Loads:
    """Everything at once where it fits; else in waves, and the judges by themselves.

    `idle` are models whose servers nothing will ask: they are not loaded.

    Raises:
        NoGpuError: a model fits nowhere, or the judges do not fit at once.
    """
    needs = tuple(need for need in needs_of(workspace, plan) if need.model not in idle)
    room = room_of(workspace, machines)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Where models are started: on this machine, or by Ray on the nodes of a cluster."""

    workspace: Workspace
    plan: Plan
    cluster: RayCluster
    remote: bool
    """The cluster is not of this machine alone."""
    loaded: Callable[[Mapping[str, float]], None]
    """Told the seconds from start to first answer of models on GPUs, before they are asked."""
    given: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of weights that the user has already."""

    def machines(self) -> tuple[int, ...]:
        """GPUs by machine."""
        if self.remote:
            return self.cluster.gpus()
        return (len(gpus_here(os.environ)),)

    @contextmanager
    def serve(self, names: Collection[str]) -> Generator[dict[str, str]]:
        """Start models, all at once; addresses by model. They are ended on leaving."""
        models = {name: self.workspace.models[name] for name in names}
        if not models:
            yield {}
            return
        by_ray = self.remote or any(model.serve and model.serve.gpus for model in models.values())
        with (
            self._by_ray(models)
            if by_ray
            else serve_here(self.workspace, models, self.given) as served
        ):
            yield served

    @contextmanager
    def bench(self, name: str) -> Generator[OfflineBench]:
        """Processes that answer a model's requests without its server; ended on leaving."""
        specs, fetches = self._specs({name: self.workspace.models[name]})
        need = next(n for n in needs_of(self.workspace, self.plan) if n.model == name)
        room = room_of(self.workspace, self.machines())
        count = replicas(need, room, specs[name].offline_replicas)
        with self.cluster.seats(OFFLINE, [specs[name].gpus] * count) as seats:
            bench = OfflineBench(name, specs[name], seats, fetches.get(name))
            try:
                yield bench
            finally:
                bench.stop()

    @contextmanager
    def _by_ray(self, models: Mapping[str, ModelConfig]) -> Generator[dict[str, str]]:
        """On the node whose GPUs Ray gives it, which fetches its own weights."""
        specs, fetches = self._specs(models)
        click.echo(f"starting {', '.join(models)} on the cluster")
        with host_models(
            specs, seating=self.cluster, logs=logs_of(self.workspace.root), fetches=fetches
        ) as served:
            self.cluster.live_at({one.base_url: one.node for one in served.values() if one.node})
            self.loaded({name: one.load_s for name, one in served.items()})
            yield {name: one.base_url for name, one in served.items()}

    def _specs(
        self, models: Mapping[str, ModelConfig]
    ) -> tuple[dict[str, ServeSpec], dict[str, Fetch]]:
        """What to start, and the weights that their node has to fetch."""
        catalogue = catalogue_of(self.workspace.root)
        wanted = wanted_weights(models)
        fetches = {
            name: Fetch.of(catalogue[text])
            for name, text in wanted.items()
            if text in catalogue and text not in self.given
        }
        here = {
            name: model for name, model in models.items() if name in wanted and name not in fetches
        }
        paths = resolve_weights(
            here,
            workspace=self.workspace.root,
            cache=cache_folder(os.environ, Path.home()),
            given=self.given,
            progress=show_fetch,
        )
        later = {wanted[name]: Path(wanted[name]) for name in fetches}
        return serve_specs(models, {**later, **paths}), fetches


@contextmanager
def serve_here(
    workspace: Workspace, models: Mapping[str, ModelConfig], given: Mapping[str, Path]
) -> Generator[dict[str, str]]:
    """Start models on this machine; addresses by model."""
    with ExitStack() as stack:
        click.echo(f"starting {', '.join(models)} on this machine")
        specs = specs_of(workspace, models, given)
        served = stack.enter_context(
            serve_models(specs, logs=logs_of(workspace.root), environ=os.environ)
        )
        yield {name: one.base_url for name, one in served.items()}


def specs_of(
    workspace: Workspace, models: Mapping[str, ModelConfig], given: Mapping[str, Path]
) -> dict[str, ServeSpec]:
    """Specs of models that we start here, their weights found or fetched."""
    weights = resolve_weights(
        models,
        workspace=workspace.root,
        cache=cache_folder(os.environ, Path.home()),
        given=given,
        progress=show_fetch,
    )
    return serve_specs(models, weights)


def show_fetch(what: str, done: int, total: int) -> None:
    """One line of fetching weights."""
    share = f"{done / total:.0%}" if total else ""
    click.echo(f"weights: {what} {share}")


def _answering(plan: Plan) -> set[str]:
    return {
        rung.model
        for feature in plan.to_ask
        if feature.config.answers == "replayed"
        for rung in (feature.incumbent, *(option.rung for option in feature.asked))
        if rung is not None
    }


def _by_team(plan: Plan) -> dict[str, set[str]]:
    """Models that the features of each team ask, their judges included."""
    found: dict[str, set[str]] = {}
    for feature in plan.to_ask:
        models = {judge.rung.model for judge in feature.judges}
        if feature.config.answers == "replayed":
            rungs = (feature.incumbent, *(option.rung for option in feature.asked))
            models |= {rung.model for rung in rungs if rung is not None}
        found.setdefault(feature.config.team, set()).update(models)
    return found
