"""Worker handlers for tests of the cluster."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def work(payload: object) -> object:
    """Sleep, wait for a file, fail, die or echo, as the payload says."""
    match payload:
        case ("sleep", float(seconds)):
            await asyncio.sleep(seconds)
            return seconds
        case ("until", str(path)):
            while not Path(path).exists():  # noqa: ASYNC110, ASYNC240  # made by another process
                await asyncio.sleep(0.02)
            return path
        case ("raise", str(text)):
            raise ValueError(text)
        case ("die",):
            os._exit(1)
        case _:
            return payload


def echo() -> Callable[[object], Awaitable[object]]:
    return work


def where() -> Callable[[object], Awaitable[object]]:
    """Says whose home a task has, and on which node it is done."""
    import ray  # noqa: PLC0415  # only on a cluster

    node = ray.get_runtime_context().get_node_id()

    async def handle(payload: object) -> object:
        return getattr(payload, "server_url", None), node

    return handle
