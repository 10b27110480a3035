"""Models of one's own by the names that servers give them, with what a replica holds and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from harness.money.amounts import exact
from harness.money.hosted_rates import capacity_of
from harness.workspace.probe_file import read_probe
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What a model that is served holds and costs, where no metric says it."""

    name: str
    """As the workspace calls it."""
    gpus: Decimal | None = None
    usd_per_hour: Decimal | None = None


def served_models(workspace: Workspace) -> dict[str, ServedModel]:
    """Models with a `gpu:`, by each name that a server may serve them under."""
    return dict(_named(workspace))


def _named(workspace: Workspace) -> Iterator[tuple[str, ServedModel]]:
    for name, config in workspace.models.items():
        if config.gpu is None:
            continue
        price = workspace.policy.gpus.get(config.gpu)
        gpus = _gpus_of(workspace, name)
        usd = None
        if price is not None and gpus is not None:
            premium = exact(price.managed_premium) if config.hosting.managed else Decimal(0)
            usd = price.on_demand * (1 + premium) * gpus
        held = None if gpus is None else Decimal(gpus)
        served = ServedModel(name=name, gpus=held, usd_per_hour=usd)
        weights = config.serve.weights if config.serve else None
        yield from ((each, served) for each in {name, config.version, weights} if each)


def _gpus_of(workspace: Workspace, model: str) -> int | None:
    """GPUs of a replica: as it is started, else as it was probed; None: nobody says."""
    serve = workspace.models[model].serve
    if serve is not None and serve.gpus:
        return serve.gpus
    probes = sorted((workspace.root / "probes").glob(f"{model}.*.json"))
    found = {capacity_of(read_probe(path)).gpus_per_replica for path in probes}
    return found.pop() if len(found) == 1 else None
