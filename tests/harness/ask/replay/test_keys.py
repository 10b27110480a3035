"""Which keys the workers have not."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import Done, InlineCluster, Lost
from harness.ask.replay.worker import OPENER, KeyCheck, MissingKeys, missing_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ask.cluster.workers import Ended


class ScriptedPool:
    """Three workers; the second has no `B`, the third dies."""

    size = 3

    def __init__(self) -> None:
        self.sent: Sequence[object] = ()
        self.ends = iter(
            [
                [Done(task=1, result=MissingKeys(host="node-1", names=()))],
                [],
                [
                    Done(task=2, result=MissingKeys(host="node-2", names=("B",))),
                    Lost(task=3, reason="WorkerLostError"),
                ],
            ]
        )

    def size_at(self, server_url: str | None) -> int:  # noqa: ARG002
        return self.size

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        self.sent = payloads
        return [1, 2, 3]

    def receive(self, timeout_s: float) -> Sequence[Ended]:  # noqa: ARG002
        return next(self.ends)


def test_every_worker_is_asked_for_every_name_and_none_for_no_name() -> None:
    pool = ScriptedPool()
    assert missing_keys(pool, ["B", "A"]) == {"B": ("node-2",)}
    assert list(pool.sent) == [KeyCheck(names=("A", "B"))] * 3
    idle = ScriptedPool()
    assert missing_keys(idle, []) == {}
    assert not idle.sent


def test_a_worker_looks_at_its_own_environment_and_tells_names_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIGHTSIZE_TEST_THERE", "sesame")
    monkeypatch.setenv("RIGHTSIZE_TEST_EMPTY", "")
    monkeypatch.delenv("RIGHTSIZE_TEST_ABSENT", raising=False)
    names = ["RIGHTSIZE_TEST_THERE", "RIGHTSIZE_TEST_EMPTY", "RIGHTSIZE_TEST_ABSENT"]
    with InlineCluster() as cluster:
        found = missing_keys(cluster.pool(OPENER), names)
    here = (socket.gethostname(),)
    assert found == {"RIGHTSIZE_TEST_ABSENT": here, "RIGHTSIZE_TEST_EMPTY": here}
    assert "sesame" not in json.dumps(found)
