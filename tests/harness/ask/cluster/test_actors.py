"""What a worker pool does when Ray does not play along; a fake Ray says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.ask.cluster.actors import RayCluster, RayWorkerPool
from harness.ask.cluster.ray_session import RaySession, remote_token, start_patiently
from harness.ask.cluster.workers import Done, Host, Lost, own_identity
from harness.errors import RightsizeError, UsageError


class FakeRay:
    """Knows one answer to each method of an actor; an exception is raised by `get`."""

    class exceptions:  # noqa: N801  # as Ray has it
        class RayActorError(Exception):
            pass

        class GetTimeoutError(Exception):
            pass

    def __init__(self, **answers: Any) -> None:
        self.answers = {"identity": own_identity(), "open": None, **answers}
        self.actors = 0

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4.0}

    def remote(self, _kind: type) -> FakeRay:
        return self

    def options(self, **_options: Any) -> Any:
        ray = self

        class Actor:
            def remote(self, _factory: str) -> FakeActor:
                ray.actors += 1
                return FakeActor()

        return Actor()

    def get(self, ref: tuple[Any, str, int], timeout: float | None = None) -> Any:  # noqa: ARG002
        answer = self.answers[ref[1]]
        answer = answer.pop(0) if isinstance(answer, list) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, refs: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list]:  # noqa: ARG002
        return refs[:num_returns], []


class FakeMethod:
    def __init__(self, actor: FakeActor, name: str) -> None:
        self.actor, self.name = actor, name

    def options(self, **_options: Any) -> FakeMethod:
        return self

    def remote(self, *_arguments: Any) -> tuple[FakeActor, str, int]:
        self.actor.calls += 1
        return (self.actor, self.name, self.actor.calls)


class FakeActor:
    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> FakeMethod:
        return FakeMethod(self, name)


def pool(ray: FakeRay, workers: int = 1) -> RayWorkerPool:
    return RayWorkerPool(ray, "tests.support.handlers:echo", workers=workers, same_disk=True)


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        pytest.param(
            replace(own_identity(), version="other"), UsageError, "other code", id="other version"
        ),
        pytest.param(
            FakeRay.exceptions.GetTimeoutError(), RightsizeError, "is a CPU free", id="no room"
        ),
        pytest.param(
            ImportError("no\nmodule named harness.cluster"),
            UsageError,
            "module named harness.cluster",
            id="not installed",
        ),
    ],
)
def test_a_worker_that_cannot_serve_is_refused(answer: Any, kind: type, word: str) -> None:
    with pytest.raises(kind, match=word):
        pool(FakeRay(identity=answer))


def test_the_last_dead_worker_is_replaced_at_once() -> None:
    ray = FakeRay(collect=[FakeRay.exceptions.RayActorError(), [Done(task=3, result="x")]])
    workers = pool(ray)
    assert list(workers.send(["a", "b"])) == [1, 2]
    assert list(workers.receive(1)) == [
        Lost(task=1, reason="WorkerLostError"),
        Lost(task=2, reason="WorkerLostError"),
    ]
    assert (workers.size, ray.actors) == (1, 2)
    workers.send(["c"])
    assert list(workers.receive(1)) == [Done(task=3, result="x")]


def test_while_others_work_a_replacement_joins_when_it_is_there() -> None:
    dead = FakeRay.exceptions.RayActorError()
    ray = FakeRay(collect=[dead, [], [], [], []])
    workers = pool(ray, workers=2)
    workers.receive(1)
    assert (workers.size, ray.actors) == (1, 3)
    workers.receive(1)
    assert workers.size == 2


def test_a_cluster_keeps_one_cpu_for_the_driver_on_its_own_machine() -> None:
    sizes = []
    for same_disk in (True, False):
        ray = FakeRay()
        session = RaySession(lambda ray=ray: ray)
        cluster = RayCluster(session, workers=None, same_disk=same_disk)
        sizes.append(cluster.pool("tests.support.handlers:echo").size)
        assert session.ray() is ray
    assert sizes == [3, 4]


def test_an_error_on_connecting_comes_to_whoever_waits() -> None:
    def connect() -> Any:
        raise ConnectionError("no cluster there")

    session = RaySession(connect)
    with pytest.raises(ConnectionError, match="no cluster there"):
        session.ray()
    session.close()


def test_a_remote_token_comes_from_the_environment_or_from_a_file(tmp_path: Any) -> None:
    named = remote_token({"RAY_AUTH_TOKEN_PATH": "/somewhere"}, tmp_path / "token")
    assert str(named) == "/somewhere"
    given = remote_token({"RAY_AUTH_TOKEN": "abc"}, tmp_path / "token")
    assert given.read_text() == "abc"


async def test_a_host_works_its_blocks_once_it_is_open() -> None:
    host = Host("tests.support.handlers:echo")
    with pytest.raises(RuntimeError, match="not opened"):
        await host.submit([(1, "x")])
    await host.open()
    await host.submit([(1, "x"), (2, "y")])
    ended = sorted(await host.collect(), key=lambda end: end.task)
    assert ended == [Done(task=1, result="x"), Done(task=2, result="y")]
    assert await host.identity() == own_identity()


class Stubborn(FakeRay):
    """Starts at the n-th attempt."""

    def __init__(self, starts_at: int) -> None:
        super().__init__()
        self.starts_at, self.inits, self.shutdowns = starts_at, 0, 0

    def init(self, **_options: Any) -> None:
        self.inits += 1
        if self.inits < self.starts_at:
            raise OSError("timed out during startup")

    def shutdown(self) -> None:
        self.shutdowns += 1


def test_a_ray_that_starts_late_is_tried_again() -> None:
    ray = Stubborn(3)
    assert start_patiently(ray, {}) is ray
    assert (ray.inits, ray.shutdowns) == (3, 2)


def test_a_ray_that_never_starts_is_told_in_one_line() -> None:
    with pytest.raises(RightsizeError, match="Ray did not start on this machine"):
        start_patiently(Stubborn(9), {})
