"""What an offline pass leaves: its logs, and the time that its processes loaded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from harness.ask.serving.offline import ProcessAnswers
from harness.conduct.model_hosts import keeping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.conduct.model_hosts import Hosts


def share(load_s: float | None) -> ProcessAnswers:
    return ProcessAnswers(results=b"", load_s=load_s, failed=None, log="said")


def test_a_load_that_nobody_timed_is_not_taken_to_be_none(tmp_path: Path) -> None:
    told: list[Mapping[str, float]] = []
    workspace = SimpleNamespace(root=tmp_path)
    hosts = cast("Hosts", SimpleNamespace(workspace=workspace, loaded=told.append))
    keep = keeping("own", hosts)
    keep([share(2.0), share(None)])
    assert told == []
    keep([share(2.0), share(3.0)])
    assert told == [{"own": 5.0}]
    logs = sorted(path.name for path in (tmp_path / ".rightsize" / "logs").iterdir())
    assert logs == ["own.offline.1.log", "own.offline.2.log"]
