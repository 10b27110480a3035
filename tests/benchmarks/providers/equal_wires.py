"""Random requests through each SDK and around it.

    python -m tests.benchmarks.providers.equal_wires 1000

Each is held to the same bytes on the wire and the same answer; the first that differs ends the run.
"""

from __future__ import annotations

import asyncio
import sys
from random import Random

from tests.support.wire.both_ways import both_ways, drawn
from tests.support.wire.raw_server import RawReply, RawServer
from tests.support.wire.vendors import WIRES, WireCase


async def equal(wire: WireCase, server: RawServer, count: int, rng: Random) -> tuple[int, int]:
    """So many drawn requests in both ways: how many were sent, how many the wire refuses."""
    sent = 0
    async with both_ways(wire, server, timeouts=(60.0, 120)) as both:
        for _ in range(count):
            await both.same(drawn(rng))
            sent += bool(server.seen)
    return sent, count - sent


def main(count: int, seed: int) -> None:
    rng = Random(seed)
    with RawServer(RawReply()) as server:
        for wire in WIRES:
            sent, refused = asyncio.run(equal(wire, server, count, rng))
            print(f"{wire.name}: {sent} equal, {refused} refused before sending")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
