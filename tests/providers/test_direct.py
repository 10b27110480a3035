"""Requests that go around an SDK are the SDK's, byte for byte, and fail as the SDK's fail.

`python -m tests.benchmarks.providers.equal_wires 1000` asks more.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from providers.completion import Completion
from providers.errors import AnswerTooLargeError
from providers.provider import Endpoint, goes_direct
from providers.wire.bounded import MOST_BYTES
from tests.support.wire.both_ways import answer_of, both_ways, broken, drawn, packed, refusals
from tests.support.wire.raw_server import RawReply, RawServer
from tests.support.wire.vendors import WIRES, WireCase, a_request

if TYPE_CHECKING:
    from collections.abc import Iterator

every_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
SAMPLE = 12
"""Requests of each wire, drawn with a seed."""


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer(RawReply()) as running:
        yield running


@every_wire
async def test_every_feature_of_a_request_is_sent_as_the_sdk_sends_it(
    wire: WireCase, server: RawServer
) -> None:
    rng, sent = Random(27), 0
    async with both_ways(wire, server, timeouts=(60.0, 120)) as both:
        while sent < SAMPLE:
            await both.same(drawn(rng))
            sent += bool(server.seen)
        # A server's cookie goes back, too.
        headers = {"set-cookie": "lane=7; Path=/"}
        await both.same(a_request(), replace(answer_of(wire), headers=headers))
        await both.same(a_request())
        # Google's SDK keeps none of an address that is a number.
        assert (b"lane=7" in server.seen[-1]) == (wire.vendor != "google")


@every_wire
async def test_every_reply_is_the_same_answer_or_the_same_error(
    wire: WireCase, server: RawServer
) -> None:
    whole = answer_of(wire).body
    async with both_ways(wire, server) as both:
        for reply in (*refusals(), *broken(whole)):
            assert isinstance(await both.same(a_request(), reply), tuple), reply
        for reply in packed(whole):
            assert isinstance(await both.same(a_request(), reply), Completion), reply


@pytest.mark.parametrize("wire", [w for w in WIRES if w.api in {"chat", "messages"}])
async def test_without_a_key_none_is_sent(wire: WireCase, server: RawServer) -> None:
    async with both_ways(wire, server, key=None) as both:
        await both.same(a_request(temperature=0.5))
    assert b"authorization" not in server.seen[-1].lower()
    assert b"api-key" not in server.seen[-1].lower()


@pytest.mark.parametrize("wire", [WIRES[1], WIRES[-1]], ids=["httpx2", "aiohttp"])
async def test_a_reply_above_64_mib_is_not_read_to_its_end(
    wire: WireCase, server: RawServer
) -> None:
    flood = gzip.compress(b"x" * (MOST_BYTES + 1), compresslevel=1)
    async with both_ways(wire, server) as both:
        ended = await both.same(
            a_request(), RawReply(body=flood, headers={"content-encoding": "gzip"})
        )
    assert isinstance(ended, tuple)
    assert ended[0] is AnswerTooLargeError


async def test_what_signs_requests_or_names_a_model_in_the_address_stays_with_the_sdk() -> None:
    for endpoint in (
        Endpoint(vendor="anthropic", api="messages", platform="bedrock", region="eu-west-1"),
        Endpoint(vendor="anthropic", api="messages", platform="vertex", region="eu", project="p"),
        Endpoint(vendor="openai", api="chat", platform="azure", base_url="https://x.example.com"),
    ):
        assert not goes_direct(replace(endpoint, transport="direct"))
    hosted = Endpoint(vendor="anthropic", api="messages", transport="direct")
    assert goes_direct(hosted)
    assert not goes_direct(replace(hosted, transport="sdk"))
