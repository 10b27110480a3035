"""A cluster of two nodes with a driver on it; the second node is killed in mid-run.

Run as a script: `python -m tests.harness.ask.cluster.two_nodes FOLDER URL` prints a JSON line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.request import urlopen

from harness.ask.cluster.actors import remote_cluster
from harness.ask.cluster.ray_session import write_token
from harness.ask.replay.engine import replay
from harness.ask.replay.worker import OPENER
from harness.journal.journal import Journal
from harness.journal.trials import Answered
from tests.benchmarks.replay.ours import NOW, load_trials, parts

TOTAL = 1500


def main(folder: Path, url: str) -> dict[str, object]:
    token = folder / "cluster-token"
    write_token(token)
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token))
    from ray.cluster_utils import Cluster  # noqa: PLC0415  # reads the environment when imported

    nodes = Cluster()
    nodes.add_node(num_cpus=1, include_dashboard=False)
    second = nodes.add_node(num_cpus=1)
    errors: set[str] = set()
    answered = 0
    try:
        with (
            remote_cluster(nodes.address, state=folder, environ=dict(os.environ)) as cluster,
            Journal.open(folder / "j", run_id="r", cycle="c", now=NOW) as journal,
        ):
            workers = cluster.pool(OPENER).size
            for outcome in replay(
                load_trials(url, TOTAL), cluster=cluster, journal=journal, **parts(64)
            ):
                answered += isinstance(outcome, Answered)
                errors.update(a.error for a in outcome.attempts if a.error)
                if answered == TOTAL // 5 and second is not None:
                    # Half of all are held: there is something in flight on either node.
                    nodes.remove_node(second, allow_graceful=False)
                    urlopen(f"{url.removesuffix('/v1')}/allow/inf").close()  # noqa: S310  # loopback
                    second = None
            left = cluster.pool(OPENER).size
    finally:
        nodes.shutdown()
    return {"workers": workers, "left": left, "answered": answered, "errors": sorted(errors)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))  # noqa: T201
