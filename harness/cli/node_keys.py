"""Whether a cluster's nodes have the keys of the models that a plan asks of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.loads import asked_models
from harness.errors import UsageError
from harness.replay.keys import keys_lacking
from harness.replay.worker import OPENER

if TYPE_CHECKING:
    from harness.cluster.crew import Cluster
    from harness.config.workspace import Workspace
    from harness.plan.model import Plan


def check_node_keys(workspace: Workspace, plan: Plan, cluster: Cluster) -> None:
    """Refuse, before anything is asked or started, keys that a worker has not.

    A model that we start is asked on its own node alone, which says itself what it lacks.

    Raises:
        UsageError: one line per key: the models that need it, and the nodes without it.
    """
    models: dict[str, list[str]] = {}
    for name in sorted(asked_models(plan)):
        config = workspace.models[name]
        if config.key is not None and config.serve is None:
            models.setdefault(config.key, []).append(name)
    lacking = keys_lacking(cluster.crew(OPENER), models)
    lines = [
        f"{', '.join(models[key])}: no environment variable {key} on {', '.join(hosts)}: set it "
        "where Ray is started there; no key travels"
        for key, hosts in lacking.items()
    ]
    if lines:
        raise UsageError("\n".join([*lines, "nothing was asked"]))
