"""Models that we serve: started here or by Ray, asked with or without a server, and ended."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from harness.ask.cluster.actors import RayCluster
from harness.ask.replay.offline_backend import OfflineBackend
from harness.ask.serving.gpus import replicas
from harness.ask.serving.hosted import NodeWeights, host_models
from harness.ask.serving.offline import FACTORY as OFFLINE
from harness.ask.serving.offline import OfflineRunner, ProcessAnswers
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec, serve_specs
from harness.ask.serving.states import ServerState, held, mark_of
from harness.ask.serving.weights import cache_folder, resolve_weights
from harness.ask.serving.weights_file import catalogue_of, wanted_weights
from harness.conduct.loads import free_here, needs_of, offline_of, room_of
from harness.conduct.reviewing.load_book import LoadBook
from harness.conduct.reviewing.prefetch import answer_offline, is_answered, needs_server
from harness.conduct.reviewing.session import Runtime
from harness.plan.model import Plan
from harness.wording import percent
from harness.workspace.model_file import ModelConfig
from harness.workspace.state import logs_folder, write_private
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Where models are started: on this machine, or by Ray on the nodes of a cluster."""

    workspace: Workspace
    plan: Plan
    cluster: RayCluster | None
    """None: no model of the plan is ours to start."""
    remote: bool
    """The cluster is not of this machine alone."""
    loaded: Callable[[Mapping[str, float]], None]
    """Told the seconds from start to first answer of models on GPUs, before they are asked."""
    say: Callable[[str], None]
    clock: Callable[[], datetime]
    given: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of weights that the user has already."""

    @property
    def _ray(self) -> RayCluster:
        if self.cluster is None:
            raise LookupError("a model is to be started without Ray")
        return self.cluster

    def machines(self) -> tuple[int, ...]:
        """GPUs by machine."""
        if self.remote:
            return self._ray.gpus()
        return (len(free_here(self.workspace.root, self.clock())),)

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
            else serve_here(self._here(models), self._teams()) as served
        ):
            yield served

    @contextmanager
    def runner(self, name: str) -> Generator[OfflineRunner]:
        """Processes that answer a model's requests without its server; ended on leaving."""
        specs, fetches = self._specs({name: self.workspace.models[name]})
        need = next(n for n in needs_of(self.workspace, self.plan) if n.model == name)
        room = room_of(self.workspace, self.machines(), self.clock())
        count = replicas(need, room, specs[name].offline_replicas)
        state = ServerState(
            model=name, engine=specs[name].engine, port=None, guard=mark_of(os.getpid()),
            since=self.clock(), ttl_s=specs[name].ttl_s, gpus=specs[name].gpus * count,
            teams=tuple(sorted(need.teams)),
        )  # fmt: skip
        with (
            self._ray.gpu_workers(OFFLINE, [specs[name].gpus] * count) as gpu_workers,
            held(logs_folder(self.workspace.root), state),
        ):
            runner = OfflineRunner(name, specs[name], gpu_workers, fetches.get(name))
            try:
                yield runner
            finally:
                runner.stop()

    @contextmanager
    def _by_ray(self, models: Mapping[str, ModelConfig]) -> Generator[dict[str, str]]:
        """On the node whose GPUs Ray gives it, which fetches its own weights."""
        specs, fetches = self._specs(models)
        self.say(f"starting {', '.join(models)} on the cluster")
        with host_models(
            specs, placement=self._ray, logs=logs_folder(self.workspace.root), fetches=fetches,
            teams=self._teams(),
        ) as served:  # fmt: skip
            self._ray.pin_servers({one.base_url: one.node for one in served.values() if one.node})
            self.loaded({name: one.load_s for name, one in served.items()})
            yield {name: one.base_url for name, one in served.items()}

    def _here(self, models: Mapping[str, ModelConfig]) -> Local:
        return Local(
            workspace=self.workspace,
            models=models,
            say=self.say,
            clock=self.clock,
            given=self.given,
        )

    def _teams(self) -> dict[str, tuple[str, ...]]:
        """Who hold a model's GPUs: the teams whose features ask it."""
        return {
            need.model: tuple(sorted(need.teams)) for need in needs_of(self.workspace, self.plan)
        }

    def _specs(
        self, models: Mapping[str, ModelConfig]
    ) -> tuple[dict[str, ServeSpec], dict[str, NodeWeights]]:
        """What to start, and the weights that their node has to fetch."""
        catalogue = catalogue_of(self.workspace.root)
        wanted = wanted_weights(models)
        fetches = {
            name: NodeWeights.of(catalogue[text])
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
            progress=fetch_told(self.say),
        )
        later = {wanted[name]: Path(wanted[name]) for name in fetches}
        specs = serve_specs(models, {**later, **paths}, workspace=self.workspace.root)
        return specs, fetches


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Models to start on this machine, and who is told."""

    workspace: Workspace
    models: Mapping[str, ModelConfig]
    say: Callable[[str], None]
    clock: Callable[[], datetime]
    given: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of weights that the user has already."""

    def specs(self) -> dict[str, ServeSpec]:
        """What is to be started, the weights found or fetched."""
        weights = resolve_weights(
            self.models,
            workspace=self.workspace.root,
            cache=cache_folder(os.environ, Path.home()),
            given=self.given,
            progress=fetch_told(self.say),
        )
        return serve_specs(self.models, weights, workspace=self.workspace.root)


@contextmanager
def serve_here(local: Local, teams: Mapping[str, tuple[str, ...]]) -> Generator[dict[str, str]]:
    """Start models on this machine, for the teams that hold their GPUs; addresses by model.

    Raises:
        ServeError: a server does not come up.
        NoGpuError: the GPUs that the models need are not here.
    """
    root = local.workspace.root
    with ExitStack() as stack:
        local.say(f"starting {', '.join(local.models)} on this machine")
        served = stack.enter_context(
            serve_models(
                local.specs(),
                logs=logs_folder(root),
                environ=os.environ,
                teams=teams,
                gpus=lambda _: free_here(root, local.clock()),
            )
        )
        yield {name: one.base_url for name, one in served.items()}


def fetch_told(say: Callable[[str], None]) -> Callable[[str, int, int], None]:
    """Says how far the weights are fetched."""

    def tell(what: str, done: int, total: int) -> None:
        share = percent(done / total) if total else ""
        say(f"weights: {what} {share}")

    return tell


def go_offline(hosts: Hosts, engine: Runtime, book: LoadBook) -> tuple[str, ...]:
    """Let them answer what the journal lacks; returns those whose server nothing will ask."""
    plan, found = hosts.plan, offline_of(hosts.workspace, hosts.plan)
    for model in found:
        if not is_answered(plan, model, engine.journal):
            with hosts.runner(model) as runner, book.loading_offline(model, runner.size) as loading:
                engine.progress.note(f"offline: {model} in {runner.size} at once")
                backend = OfflineBackend(
                    runner=runner,
                    pause=engine.pause,
                    utc_now=lambda: hosts.clock().isoformat(),
                    new_id=lambda: secrets.token_hex(6),
                    tell=engine.progress.note,
                    collected=keeping(model, hosts),
                    loading=loading,
                )
                answer_offline(plan, model, backend, engine)
    return tuple(model for model in found if not needs_server(plan, model, engine.journal))


def keeping(model: str, hosts: Hosts) -> Callable[[Sequence[ProcessAnswers]], None]:
    """Charge the time that the processes loaded, and keep their logs."""
    logs = logs_folder(hosts.workspace.root)

    def keep(shares: Sequence[ProcessAnswers]) -> None:
        times_s = [share.load_s for share in shares if share.load_s is not None]
        # Without the load time of every process, the upper bound stays charged for all of them.
        if len(times_s) == len(shares):
            hosts.loaded({model: sum(times_s)})
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, share in enumerate(shares, 1):
            write_private(logs / f"{model}.offline.{number}.log", share.log)

    return keep
