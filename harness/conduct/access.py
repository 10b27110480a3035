"""Whether the models of a plan can be asked: an SDK and a key here, keys on a cluster's nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from harness.ask.cluster.workers import Cluster
from harness.ask.programs.asked import place_of
from harness.ask.programs.protocol import ProgramPlace
from harness.ask.replay.worker import OPENER, missing_keys, missing_programs
from harness.conduct.loads import asked_models
from harness.errors import UsageError
from harness.journal.upkeep import models_in
from harness.plan.model import Plan
from harness.workspace.endpoints import endpoint_of
from harness.workspace.model_file import ModelConfig
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace
from providers.opening import missing_sdk


def check_access(workspace: Workspace, plan: Plan, environ: Mapping[str, str]) -> None:
    """Refuse models that this machine cannot ask, before anything is asked or started.

    Raises:
        UsageError: one line per model: the variable that is not set, or the SDK to install.
    """
    check_models({name: workspace.models[name] for name in asked_models(plan)}, environ)


def check_access_early(
    workspace: Workspace, models: Collection[str], *, environ: Mapping[str, str]
) -> None:
    """Refuse models that this machine cannot ask, before the plan is worked out.

    A model whose answers the journal may have, all of them, is left for later.

    Raises:
        UsageError: one line per model: the variable that is not set, or the SDK to install.
    """
    path = journal_file(workspace.root)
    known = models_in(path) if path.is_file() else frozenset[str]()
    check_models({name: workspace.models[name] for name in {*models} - known}, environ)


def access_lines(
    workspace: Workspace, models: Collection[str], environ: Mapping[str, str]
) -> Iterator[str]:
    """What this machine lacks to ask models, one line each."""
    for name in sorted(models):
        yield from missing(name, workspace.models[name], environ)


def check_models(models: Mapping[str, ModelConfig], environ: Mapping[str, str]) -> None:
    """Refuse models that this machine cannot ask.

    Raises:
        UsageError: one line per model and lack.
    """
    lines = [line for name in sorted(models) for line in missing(name, models[name], environ)]
    if lines:
        raise UsageError.of([*lines, "nothing was asked"])


def missing(name: str, config: ModelConfig, environ: Mapping[str, str]) -> Iterator[str]:
    """What stands between this machine and a model, one line each."""
    if config.key is not None and not environ.get(config.key):
        yield f"{name}: no environment variable {config.key} (`key:` in its models/ file)"
    problem = missing_sdk(endpoint_of(config))
    if problem is not None:
        yield f"{name}: {problem}"


def programs_of(plan: Plan) -> tuple[ProgramPlace, ...]:
    """The programs of the features that are asked."""
    found: list[ProgramPlace] = []
    for feature in plan.to_ask:
        program, incumbent = feature.asker.program, feature.incumbent
        if program is not None and incumbent is not None:
            found.append(place_of(program.asked_with(incumbent, feature.config)))
    return tuple(found)


def check_node_keys(workspace: Workspace, plan: Plan, cluster: Cluster) -> None:
    """Refuse, before anything is asked or started, keys that a worker has not.

    A model that we start is asked on its own node alone, which says itself what it lacks.

    Raises:
        UsageError: one line per key: the models that need it, and the nodes without it.
    """
    models: dict[str, list[str]] = {}
    for name in sorted(asked_models(plan)):
        config = workspace.models[name]
        if config.key is not None and config.serve is None:
            models.setdefault(config.key, []).append(name)
    pool = cluster.pool(OPENER)
    missing = missing_keys(pool, models)
    lines = [
        f"{', '.join(models[key])}: no environment variable {key} on {', '.join(hosts)}: set it "
        "where Ray is started there; no key travels"
        for key, hosts in missing.items()
    ]
    lines += [
        f"{folder}: the program is not there, or is another, on {', '.join(hosts)}: put the same "
        "folder there, with the same interpreter, packages and named variables (or a `version`)"
        for folder, hosts in missing_programs(pool, programs_of(plan)).items()
    ]
    if lines:
        raise UsageError.of([*lines, "nothing was asked"])
