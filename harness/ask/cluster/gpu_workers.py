"""Ray workers that hold GPUs of one node, each around one object whose methods are called remotely.

All workers of a request are reserved together, in one placement group: a part of them would hold
GPUs and serve nothing. Ray tells each worker which GPUs it has (CUDA_VISIBLE_DEVICES).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.ask.cluster.workers import Identity, load_factory, own_identity, refuse_mismatch
from harness.errors import RightsizeError, UsageError

# pyright: basic


START_S = 120.0
"""Longest wait for the GPUs, and for a worker to start there."""
CALL_S = 900.0
"""Longest call of a GPU worker: weights may be fetched."""
NO_GPU = {"memory": 1.0}
"""Reserved for a worker that needs no GPU, in bytes: Ray refuses an empty bundle, and worker pools
may hold every CPU."""


class GpuWorkerError(RightsizeError):
    """A call to a GPU worker failed: its object refused (with its own message), or it is gone."""


class GpuWorkerActor:
    """A Ray actor around one object."""

    def __init__(self, factory: str) -> None:
        self._object: Any = load_factory(factory)()

    def identity(self) -> Identity:
        """Which code this worker runs."""
        return own_identity()

    def node(self) -> str:
        """The node that this worker is on."""
        import ray

        return ray.get_runtime_context().get_node_id()

    def call(self, method: str, arguments: tuple[object, ...]) -> tuple[bool, object]:
        """Call a method: (True, its result), or (False, the message of a `RightsizeError`)."""
        try:
            return True, getattr(self._object, method)(*arguments)
        except RightsizeError as error:
            return False, str(error)


class GpuWorker:
    """The driver's handle to one GPU worker."""

    def __init__(self, ray: Any, actor: Any, *, same_disk: bool) -> None:
        theirs = ray.get(actor.identity.remote(), timeout=START_S)
        refuse_mismatch(own_identity(), theirs, same_disk=same_disk)
        self._ray, self._actor = ray, actor
        self.node: str = ray.get(actor.node.remote(), timeout=START_S)
        """Ray's id of the node."""

    def call(self, method: str, *arguments: object) -> object:
        """Call a method of the GPU worker's object.

        Raises:
            GpuWorkerError: the object refused, or its worker is gone.
        """
        try:
            good, result = self._ray.get(self._actor.call.remote(method, arguments), timeout=CALL_S)
        except self._ray.exceptions.RayError as error:
            raise GpuWorkerError(f"its worker is gone ({type(error).__name__})") from error
        if not good:
            raise GpuWorkerError(str(result))
        return result


@contextmanager
def reserve(
    ray: Any, factory: str, gpus: Sequence[int], *, same_disk: bool
) -> Generator[tuple[GpuWorker, ...]]:
    """Reserve one GPU worker per entry of `gpus`, all or none; they are killed on exit.

    Raises:
        UsageError: the cluster has too few free GPUs, or a worker runs other code.
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    bundles = [{"GPU": float(count)} if count else dict(NO_GPU) for count in gpus]
    group = placement_group(bundles, strategy="PACK")
    actors: list[Any] = []
    try:
        ready, _ = ray.wait([group.ready()], timeout=START_S)
        if not ready:
            raise UsageError(
                f"the cluster did not give {', '.join(map(str, gpus))} GPUs at once within "
                f"{START_S:.0f} s: others hold them; run again when they are free"
            )
        actors += [
            _actor(ray, factory, group, index=index, gpus=count) for index, count in enumerate(gpus)
        ]
        yield tuple(GpuWorker(ray, actor, same_disk=same_disk) for actor in actors)
    finally:
        for actor in actors:
            ray.kill(actor)
        remove_placement_group(group)


def _actor(ray: Any, factory: str, group: Any, *, index: int, gpus: int) -> Any:
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    return (
        ray.remote(GpuWorkerActor)
        .options(
            num_cpus=0,
            num_gpus=gpus,
            max_restarts=0,
            scheduling_strategy=PlacementGroupSchedulingStrategy(
                placement_group=group, placement_group_bundle_index=index
            ),
        )
        .remote(factory)
    )
