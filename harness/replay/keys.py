"""Which keys the workers have not: asked of each before a review on other machines begins."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cluster.crew import Done
from harness.errors import RightsizeError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from harness.cluster.crew import Crew

ASK_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """Names of environment variables; a worker says which it has not."""

    names: tuple[str, ...]

    def found(self, environ: Mapping[str, str]) -> KeysLacking:
        """The worker's answer. It holds names, never a key."""
        lacking = tuple(name for name in self.names if not environ.get(name))
        return KeysLacking(host=socket.gethostname(), names=lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysLacking:
    """What one worker's environment does not have."""

    host: str
    names: tuple[str, ...]


def keys_lacking(crew: Crew, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Machines without a key, by the key's name. For a crew that does nothing else yet.

    Raises:
        RightsizeError: the workers do not answer.
    """
    if not names:
        return {}
    check = KeyCheck(names=tuple(sorted(names)))
    asked = set(crew.send([check] * crew.size))
    hosts: dict[str, set[str]] = {}
    deadline = time.monotonic() + ASK_S
    while asked:
        if time.monotonic() > deadline:
            raise RightsizeError(
                f"the cluster's workers did not answer within {ASK_S:.0f} s; is it overloaded? "
                "The same command goes on where this one stopped"
            )
        for end in crew.receive(1.0):
            asked.discard(end.task)
            found = end.result if isinstance(end, Done) else None
            if isinstance(found, KeysLacking):
                for name in found.names:
                    hosts.setdefault(name, set()).add(found.host)
    return {name: tuple(sorted(found)) for name, found in sorted(hosts.items())}
