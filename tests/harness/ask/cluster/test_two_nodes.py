from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ask.cluster.ray_session import SOURCES
from tests.harness.ask.cluster.two_nodes import TOTAL
from tests.support.load_server import load_server


@pytest.mark.ray
def test_a_lost_node_costs_only_what_it_had_in_flight(tmp_path: Path) -> None:
    with load_server(latency_s=0.05, hold_after=TOTAL // 2) as server:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.harness.ask.cluster.two_nodes",
                tmp_path,
                server.base_url,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            cwd=SOURCES,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )
        stats = server.stats()
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    assert (seen["workers"], seen["answered"]) == (2, TOTAL)
    assert seen["errors"] == ["WorkerLostError"]
    assert len(stats["items"]) == TOTAL
    assert stats["requests"] - TOTAL <= 64
