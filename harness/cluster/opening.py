"""Opens a cluster: Ray on this machine, or a running one."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cluster.actors import RayCluster
from harness.cluster.session import Session, join_remote, remote_token, start_local
from harness.cluster.watchdog import guard
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence


@contextmanager
def local_cluster(
    *,
    state: Path,
    cpus: int | None = None,
    gpus: Sequence[str] | None = None,
    workers: int | None = None,
) -> Generator[RayCluster]:
    """Ray on this machine, with a token of its own in `state`; starts in the background.

    `cpus` is how many Ray may use, `gpus` which (their ids; default: all of both), `workers` how
    many actors a crew has.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = Path(tempfile.mkdtemp(prefix="rightsize-"))
    watchdog = guard(temp)
    session = Session(start_local(state / "ray-token", temp, cpus, gpus))
    try:
        yield RayCluster(session, workers=workers, same_disk=True)
    finally:
        session.close()
        watchdog.communicate()


@contextmanager
def remote_cluster(
    address: str, *, state: Path, environ: Mapping[str, str], workers: int | None = None
) -> Generator[RayCluster]:
    """A running Ray cluster; its token comes from `environ`, and without one it is refused.

    `address` is `host:port`, or `auto` for the cluster that this machine is a node of. Ray's
    client (`ray://`) is another protocol, whose proxy would stand between us and every answer.
    """
    if "://" in address:
        raise UsageError(
            f"--address {address}: run this on a node of the cluster (its head, a pod) and say "
            "`auto`, or the head's host:port; Ray's client protocol is not spoken"
        )
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    token_file = remote_token(environ, state / "ray-token")
    session = Session(join_remote(address, token_file))
    try:
        yield RayCluster(session, workers=workers, same_disk=False)
    finally:
        session.close()
