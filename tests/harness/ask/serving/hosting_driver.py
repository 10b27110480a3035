"""A driver on a cluster of two nodes, only the second of which has (logical) GPUs.

    python -m tests.harness.ask.serving.hosting_driver FOLDER [hang | crash | late]

prints JSON lines. `hang` serves until it is killed; `late` serves when a worker pool has every CPU.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.ask.cluster.actors import remote_cluster
from harness.ask.cluster.ray_session import write_token
from harness.ask.serving.hosted import host_models
from harness.ask.serving.specs import ServeSpec
from harness.errors import RightsizeError

SCRIPT = Path(__file__).parents[3] / "support" / "scripted_server.py"


@dataclass(frozen=True, kw_only=True)
class Task:
    server_url: str | None


def spec(*options: str, gpus: int = 1) -> ServeSpec:
    command = (sys.executable, str(SCRIPT), "{port}", *options)
    return ServeSpec(engine="command", weights=None, command=command, gpus=gpus, ready_s=60)


SPECS = {
    "whole": {"one": spec(), "same": spec(), "other": spec("--tickets")},
    "hang": {"one": spec()},
    "late": {"one": spec(gpus=0)},
    "crash": {"one": spec("--crash-at-start")},
}


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201


def serve(folder: Path, mode: str, address: str, second: str) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(
            remote_cluster(address, state=folder, environ=dict(os.environ))
        )
        if mode == "late":
            cluster.pool("tests.support.handlers:where")
        said: list[str] = []
        served = stack.enter_context(
            host_models(
                SPECS[mode], placement=cluster, logs=folder / "logs", fetches={}, say=said.append
            )
        )
        nodes = {one.base_url: str(one.node) for one in served.values()}
        pids = [
            process.pid
            for one in served.values()
            for process in (
                psutil.Process(one.pid), *psutil.Process(one.pid).children(recursive=True)
            )
        ]  # fmt: skip
        say(
            gpus=list(cluster.gpus()),
            nodes=sorted({node == second for node in nodes.values()}),
            shared=served["one"] == served.get("same"),
            load_s=served["one"].load_s,
            pids=pids,
        )
        if mode == "hang":
            time.sleep(600)
        pool = cluster.pool("tests.support.handlers:where")
        cluster.pin_servers(nodes)
        pool.send(
            [Task(server_url=None), *(Task(server_url=server_url) for server_url in nodes)] * 5
        )
        ended: list[object] = []
        while len(ended) < 5 * (1 + len(nodes)):
            ended += [
                end.result  # type: ignore[union-attr]
                for end in pool.receive(20)
            ]
        say(
            sizes=[pool.size, *(pool.size_at(server_url) for server_url in nodes)],
            at_home=[node == nodes[server_url] for server_url, node in ended if server_url],  # type: ignore[misc]
            workers=len({worker for _, worker in ended}),  # type: ignore[misc]
            said=said,
        )


def main(folder: Path, mode: str) -> int:
    token = folder / "cluster-token"
    write_token(token)
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token))
    from ray.cluster_utils import Cluster  # noqa: PLC0415  # reads the environment when imported

    nodes = Cluster()
    nodes.add_node(num_cpus=1, num_gpus=0, include_dashboard=False)
    second = nodes.add_node(num_cpus=1, num_gpus=2)
    try:
        serve(folder, mode, nodes.address, second.node_id)
    except RightsizeError as error:
        say(error=str(error))
    finally:
        nodes.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), (sys.argv[2:] or ["whole"])[0]))
