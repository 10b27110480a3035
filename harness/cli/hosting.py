"""The models that we serve: started here or by Ray, and ended."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.loads import free_here, logs_of, needs_of, room_of
from harness.serving.catalogue import catalogue_of, wanted_weights
from harness.serving.hosted import Fetch, host_models
from harness.serving.lifecycle import serve_models
from harness.serving.marks import mark_of
from harness.serving.offline import FACTORY as OFFLINE
from harness.serving.offline import OfflineBench
from harness.serving.resolve import resolve_weights
from harness.serving.specs import serve_specs
from harness.serving.states import ServerState, held
from harness.serving.waves import replicas
from harness.serving.weights import cache_folder
from harness.wording import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping

    from harness.cluster.actors import RayCluster
    from harness.config.files import ModelConfig
    from harness.config.workspace import Workspace
    from harness.plan.model import Plan
    from harness.serving.specs import ServeSpec


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
        return (len(free_here(self.workspace.root)),)

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
            else serve_here(self.workspace, models, self.given, self._teams()) as served
        ):
            yield served

    @contextmanager
    def bench(self, name: str) -> Generator[OfflineBench]:
        """Processes that answer a model's requests without its server; ended on leaving."""
        specs, fetches = self._specs({name: self.workspace.models[name]})
        need = next(n for n in needs_of(self.workspace, self.plan) if n.model == name)
        room = room_of(self.workspace, self.machines())
        count = replicas(need, room, specs[name].offline_replicas)
        state = ServerState(
            model=name, engine=specs[name].engine, port=None, guard=mark_of(os.getpid()),
            since=options.now(), ttl_s=specs[name].ttl_s, gpus=specs[name].gpus * count,
            teams=tuple(sorted(need.teams)),
        )  # fmt: skip
        with (
            self.cluster.seats(OFFLINE, [specs[name].gpus] * count) as seats,
            held(logs_of(self.workspace.root), state),
        ):
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
            specs, seating=self.cluster, logs=logs_of(self.workspace.root), fetches=fetches,
            teams=self._teams(),
        ) as served:  # fmt: skip
            self.cluster.live_at({one.base_url: one.node for one in served.values() if one.node})
            self.loaded({name: one.load_s for name, one in served.items()})
            yield {name: one.base_url for name, one in served.items()}

    def _teams(self) -> dict[str, tuple[str, ...]]:
        """Who hold a model's GPUs: the teams whose features ask it."""
        return {
            need.model: tuple(sorted(need.teams)) for need in needs_of(self.workspace, self.plan)
        }

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
        specs = serve_specs(models, {**later, **paths}, workspace=self.workspace.root)
        return specs, fetches


@contextmanager
def serve_here(
    workspace: Workspace,
    models: Mapping[str, ModelConfig],
    given: Mapping[str, Path],
    teams: Mapping[str, tuple[str, ...]],
) -> Generator[dict[str, str]]:
    """Start models on this machine, for the teams that hold their GPUs; addresses by model."""
    with ExitStack() as stack:
        click.echo(f"starting {', '.join(models)} on this machine")
        specs = specs_of(workspace, models, given)
        served = stack.enter_context(
            serve_models(
                specs,
                logs=logs_of(workspace.root),
                environ=os.environ,
                teams=teams,
                gpus=lambda _: free_here(workspace.root),
            )
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
    return serve_specs(models, weights, workspace=workspace.root)


def show_fetch(what: str, done: int, total: int) -> None:
    """One line of fetching weights."""
    share = percent(done / total) if total else ""
    click.echo(f"weights: {what} {share}")
