"""A real Ray cluster of two nodes with token authentication; the second has two (logical) GPUs.

    python -m tests.support.ray_nodes FOLDER CPUS CPUS

prints one JSON line (address, token's file, the second node's id, its own pid) and lives until its
standard input ends. Its workers have this process's environment, not the driver's.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, TypedDict

from harness.ask.cluster.ray_session import SOURCES, write_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Nodes(TypedDict):
    address: str
    token: str
    second: str
    pid: int
    """Whose descendants the nodes' processes are."""


@contextmanager
def ray_nodes(
    folder: Path, environ: Mapping[str, str], cpus: tuple[int, int] = (2, 1)
) -> Iterator[Nodes]:
    """The cluster in a process of its own, whose environment is `environ` and ours.

    `cpus` are those of each node: a review has a worker for each.
    """
    process = Popen(
        [sys.executable, "-m", "tests.support.ray_nodes", str(folder), *map(str, cpus)],
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        cwd=SOURCES,
        env={**os.environ, **environ, "PYTHONPATH": str(SOURCES)},
    )
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("{"))
        yield json.loads(line)
    finally:
        process.communicate(timeout=300)


def main(folder: Path, *cpus: str) -> None:
    token = folder / "cluster-token"
    write_token(token)
    os.environ.update(
        RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token), RAY_USAGE_STATS_ENABLED="0"
    )
    from ray.cluster_utils import Cluster  # noqa: PLC0415  # reads the environment when imported

    with ExitStack() as stack:
        nodes = Cluster()
        stack.callback(nodes.shutdown)
        of_first, of_second = map(int, cpus)
        nodes.add_node(num_cpus=of_first, num_gpus=0, include_dashboard=False)
        second = nodes.add_node(num_cpus=of_second, num_gpus=2)
        found = Nodes(
            address=nodes.address, token=str(token), second=second.node_id, pid=os.getpid()
        )
        print(json.dumps(found), flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
