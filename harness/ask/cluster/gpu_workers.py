"""Workers that hold GPUs of one node each, and an object in each whose methods are called.

All seats of a request are reserved together, in one placement group: half of what is wanted would
hold GPUs and serve nothing. Ray tells each worker which GPUs are its own (CUDA_VISIBLE_DEVICES).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.ask.cluster.workers import Identity, load_factory, own_identity, refuse_mismatch
from harness.errors import RightsizeError, UsageError

# pyright: basic


SEAT_S = 120.0
"""Longest wait for the GPUs, and for a worker to start there."""
CALL_S = 900.0
"""Longest call of a seat: weights may be fetched."""
NO_GPU = {"memory": 1.0}
"""A seat without GPUs, in bytes: Ray reserves no empty bundle, and a crew may have every CPU."""


class GpuWorkerError(RightsizeError):
    """What a seat's object refused, in its own words; or the seat is gone."""


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
        """Call a method: (True, its result), or (False, the line of an error of ours)."""
        try:
            return True, getattr(self._object, method)(*arguments)
        except RightsizeError as error:
            return False, str(error)


class GpuWorker:
    """One seat, from the driver's side."""

    def __init__(self, ray: Any, actor: Any, *, same_disk: bool) -> None:
        theirs = ray.get(actor.identity.remote(), timeout=SEAT_S)
        refuse_mismatch(own_identity(), theirs, same_disk=same_disk)
        self._ray, self._actor = ray, actor
        self.node: str = ray.get(actor.node.remote(), timeout=SEAT_S)
        """Ray's id of the node."""

    def call(self, method: str, *arguments: object) -> object:
        """Call a method of the seat's object.

        Raises:
            SeatError: the object refused, or its worker is gone.
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
    """Take one seat per entry of `gpus`, all or none; on leaving their workers are killed.

    Raises:
        UsageError: the cluster has not so many free GPUs, or a worker runs other code.
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    bundles = [{"GPU": float(count)} if count else dict(NO_GPU) for count in gpus]
    group = placement_group(bundles, strategy="PACK")
    actors: list[Any] = []
    try:
        ready, _ = ray.wait([group.ready()], timeout=SEAT_S)
        if not ready:
            raise UsageError(
                f"the cluster did not give {', '.join(map(str, gpus))} GPUs at once within "
                f"{SEAT_S:.0f} s: others hold them; run again when they are free"
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
