"""What holds for every vendor: the real SDKs against scripted servers that speak their wires."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
from typing import TYPE_CHECKING

import pytest

from providers.completion import TokenUsage
from providers.errors import (
    AnswerTooLargeError,
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    DeadlineExceededError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
)
from providers.opening import open_provider
from providers.provider import Endpoint
from providers.request import Tool
from providers.wire.bounded import MOST_BYTES
from providers.wire.calling import REQUEST_IDS
from providers.wire.secret import MASK
from tests.support.own_clock import OwnClockLoop, run_standing
from tests.support.wire.ambient import AMBIENT, await_nothing_from
from tests.support.wire.reply import Fault, Reply, WireToolCall, WireUsage
from tests.support.wire.stepped import Stepped, passing
from tests.support.wire.vendors import KEY, SERVERS, WIRES, WireCase, a_request, ask, start_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from providers.completion import Completion
    from providers.request import ModelRequest
    from tests.support.wire.server import WireServer

every_wire = pytest.mark.parametrize("wire", WIRES, ids=[wire.name for wire in WIRES])
LONG_KEY = "a-long-key-of-a-service"
with_tools = pytest.mark.parametrize(
    "wire",
    [wire for wire in WIRES if wire.api != "completions"],
    ids=[wire.name for wire in WIRES if wire.api != "completions"],
)
plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, WireServer]]:
    with start_all() as servers:
        yield dict(servers)


@pytest.fixture
def server(running: dict[str, WireServer], wire: WireCase) -> WireServer:
    found = running[wire.vendor]
    found.log.calls.clear()
    return found


async def fail_often(
    wire: WireCase, server: WireServer, requests: Sequence[ModelRequest]
) -> list[ProviderError]:
    provider = open_provider(wire.endpoint(server), key=KEY)
    errors: list[ProviderError] = []
    for request in requests:
        server.calls.clear()
        with pytest.raises(ProviderError) as raised:
            await provider.complete(request)
        errors.append(raised.value)
        assert len(server.calls) == 1
    await provider.aclose()
    return errors


async def fail(wire: WireCase, server: WireServer, **request: object) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await ask(wire.endpoint(server), a_request(**request))
    assert len(server.calls) == 1
    return raised.value


@every_wire
@plain_and_streamed
async def test_text_usage_version_tier_and_time(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    usage = WireUsage(input_tokens=30, output_tokens=7, cache_read_tokens=8, reasoning_tokens=3)
    server.script = lambda _body: Reply(
        text="yes it is", usage=usage, model="small-1-0714", service_tier="flex"
    )
    completion = await ask(wire.endpoint(server), a_request(stream=stream))
    assert completion.text == "yes it is"
    assert completion.finish == "stop"
    assert completion.served_model == "small-1-0714"
    assert completion.service_tier == "flex"
    assert completion.request_id in {"req-1", "r-1"}
    assert completion.usage == TokenUsage(
        input_tokens=30, output_tokens=7, cache_read_tokens=8, reasoning_tokens=3
    )
    assert completion.timing.total_s > 0
    assert (completion.timing.first_token_s is not None) == stream


@every_wire
async def test_a_key_that_the_server_sends_back_is_kept_nowhere(
    wire: WireCase, server: WireServer
) -> None:
    headers = dict.fromkeys(REQUEST_IDS, f"req-{LONG_KEY[3:20]}")
    server.script = lambda _body: Reply(
        text=f"I am {LONG_KEY}", model=f"small {LONG_KEY}", service_tier=LONG_KEY, headers=headers
    )
    provider = open_provider(wire.endpoint(server), key=LONG_KEY)
    completion = await provider.complete(a_request())
    await provider.aclose()
    assert LONG_KEY[3:20] not in repr(completion)
    assert completion.served_model == MASK
    assert completion.text == f"I am {MASK}"
    server.script = lambda _body: Reply(
        status=400,
        error_code=LONG_KEY,
        error_message=f"no {LONG_KEY.upper()}",
        headers=headers,
    )
    provider = open_provider(wire.endpoint(server), key=LONG_KEY)
    with pytest.raises(ProviderError) as raised:
        await provider.complete(a_request())
    await provider.aclose()
    assert LONG_KEY[3:20] not in f"{raised.value} {vars(raised.value)}".lower()


@pytest.fixture(scope="module")
def flood() -> bytes:
    """One word more than an answer may have, in an event that does not end; packed it is small."""
    return gzip.compress(b'data: {"text": "' + b"x" * MOST_BYTES, compresslevel=1)


one_of_each_transport = pytest.mark.parametrize(
    "wire", [wire for wire in WIRES if wire.api in {"generate-content", "responses"}]
)


@one_of_each_transport
async def test_a_reply_without_an_end_is_not_read_to_its_end(
    wire: WireCase, server: WireServer, flood: bytes
) -> None:
    server.script = lambda _body: Reply(raw=flood, headers={"Content-Encoding": "gzip"})
    error = await fail(wire, server)
    assert isinstance(error, AnswerTooLargeError)
    assert "more than 64 MiB" in str(error)
    assert error.billable


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire.api == "chat"][:1])
@pytest.mark.parametrize(("status", "stream"), [(200, True), (400, False)])
async def test_no_stream_and_no_error_is_read_without_an_end(
    wire: WireCase, server: WireServer, flood: bytes, *, status: int, stream: bool
) -> None:
    packed = {"Content-Encoding": "gzip"}
    server.script = lambda _body: Reply(status=status, raw=flood, headers=packed)
    assert isinstance(await fail(wire, server, stream=stream), AnswerTooLargeError)


@every_wire
@plain_and_streamed
async def test_usage_that_is_not_reported_is_unknown(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    server.script = lambda _body: Reply(usage=None)
    assert (await ask(wire.endpoint(server), a_request(stream=stream))).usage is None


@with_tools
@plain_and_streamed
async def test_tool_calls(wire: WireCase, server: WireServer, *, stream: bool) -> None:
    calls = (
        WireToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}'),
        WireToolCall(id="call_2", name="weather", arguments='{"city": "Paris"}'),
    )
    server.script = lambda _body: Reply(finish="tool_calls", tool_calls=calls)
    tool = Tool(name="weather", description="Weather of a city.", parameters='{"type": "object"}')
    completion = await ask(wire.endpoint(server), a_request(stream=stream, tools=(tool,)))
    assert completion.finish == "tool_calls"
    assert [(c.id, c.name, json.loads(c.arguments)) for c in completion.tool_calls] == [
        ("call_1", "weather", {"city": "Oslo"}),
        ("call_2", "weather", {"city": "Paris"}),
    ]


@every_wire
@plain_and_streamed
async def test_an_answer_cut_at_its_limit(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    server.script = lambda _body: Reply(text="water is", finish="length")
    completion = await ask(wire.endpoint(server), a_request(stream=stream))
    assert (completion.finish, completion.text) == ("length", "water is")


STATUSES: list[tuple[int, type[ProviderError]]] = [
    (400, BadRequestError),
    (401, AuthRejectedError),
    (403, AuthRejectedError),
    (404, ModelNotFoundError),
    (408, TimedOutError),
    (409, BadRequestError),
    (413, BadRequestError),
    (429, RateLimitedError),
    (500, OverloadedError),
    (503, OverloadedError),
    (529, OverloadedError),
]


@every_wire
@plain_and_streamed
async def test_a_status_is_one_error_after_one_request(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    script = iter([Reply(status=status) for status, _ in STATUSES])
    server.script = lambda _body: next(script)
    errors = await fail_often(wire, server, [a_request(stream=stream)] * len(STATUSES))
    assert [(error.status, type(error)) for error in errors] == STATUSES
    for error in errors:
        assert error.status is not None
        assert error.billable == (error.status in {408, 409} or error.status >= 500)
        assert error.total_s is not None


FAULTS: list[tuple[Fault, type[ProviderError]]] = [
    ("reset", ConnectionFailedError),
    ("cut", BrokenBodyError),
    ("truncated", BrokenBodyError),
    ("html", BrokenBodyError),
]


@every_wire
@plain_and_streamed
async def test_a_fault_is_one_error_after_one_request(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    script = iter([Reply(text="a b c d e f", fault=fault) for fault, _ in FAULTS])
    server.script = lambda _body: next(script)
    errors = await fail_often(wire, server, [a_request(stream=stream)] * len(FAULTS))
    assert [type(error) for error in errors] == [kind for _, kind in FAULTS]
    assert all(error.billable and error.usage is None for error in errors)


@every_wire
@plain_and_streamed
async def test_retry_after_in_seconds_and_as_a_date(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    headers = {"retry-after": "7"}
    server.script = lambda _body: Reply(status=429, headers=headers)
    assert (await fail(wire, server, stream=stream)).retry_after_s == 7
    server.calls.clear()
    headers = {
        "retry-after": "Tue, 24 Nov 2026 10:00:30 GMT",
        "date": "Tue, 24 Nov 2026 10:00:00 GMT",
    }
    assert (await fail(wire, server, stream=stream)).retry_after_s == 30


@every_wire
async def test_a_redirect_is_not_followed(wire: WireCase, server: WireServer) -> None:
    headers = {"location": f"{server.origin}/elsewhere"}
    server.script = lambda _body: Reply(status=307, headers=headers)
    error = await fail(wire, server)
    assert type(error) is BadRequestError
    assert error.status == 307


@every_wire
async def test_nobody_listens(wire: WireCase) -> None:
    endpoint = Endpoint(vendor=wire.vendor, api=wire.api, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConnectionFailedError) as raised:
        await ask(endpoint, a_request())
    assert raised.value.billable is False


@every_wire
def test_still_streaming_at_the_deadline_is_the_models_failure(
    wire: WireCase, server: WireServer
) -> None:
    async def test(loop: OwnClockLoop) -> None:
        with pytest.raises(DeadlineExceededError) as raised:
            await Stepped(loop, 0.8).ask(wire, server, deadline_s=2.0)
        assert raised.value.total_s is not None
        assert raised.value.total_s >= 2.0

    run_standing(test)


@every_wire
@plain_and_streamed
def test_a_stall_is_a_time_out_after_one_request(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    async def test(loop: OwnClockLoop) -> None:
        server.script = lambda _body: Reply(
            text="a b c d e f", fault="stall", may_send=passing(loop, 61, at=b"")
        )
        error = await fail(wire, server, stream=stream)
        assert type(error) is TimedOutError
        assert (error.billable, error.usage) == (True, None)

    run_standing(test)


@every_wire
def test_a_stall_before_the_deadline_is_the_worlds_failure(
    wire: WireCase, server: WireServer
) -> None:
    async def test(loop: OwnClockLoop) -> None:
        server.script = lambda _body: Reply(
            text="a b c d", fault="stall", may_send=passing(loop, 1.1, at=b"")
        )
        assert type(await fail(wire, server, deadline_s=20.0, timeout_s=1.0)) is TimedOutError

    run_standing(test)


@every_wire
def test_nothing_at_all_by_the_deadline_is_the_worlds_failure(
    wire: WireCase, server: WireServer
) -> None:
    async def test(loop: OwnClockLoop) -> None:
        server.script = lambda _body: Reply(may_send=passing(loop, 1.1))
        assert type(await fail(wire, server, deadline_s=1.0)) is TimedOutError

    run_standing(test)


@every_wire
def test_time_to_the_first_token_and_between_tokens(wire: WireCase, server: WireServer) -> None:
    async def test(loop: OwnClockLoop) -> None:
        usage = WireUsage(input_tokens=3, output_tokens=4)
        timing = (await Stepped(loop, 0.2, usage).ask(wire, server, stream=True)).timing
        assert timing.first_token_s == pytest.approx(0.2)
        assert timing.inter_token_s == pytest.approx(0.2)
        assert timing.total_s == pytest.approx(0.8)

    run_standing(test)


@every_wire
@plain_and_streamed
async def test_the_key_travels_in_a_header_and_nowhere_else(
    wire: WireCase, server: WireServer, *, stream: bool
) -> None:
    server.script = lambda _body: Reply()
    await ask(wire.endpoint(server), a_request(stream=stream))
    call = server.calls[0]
    assert any(KEY in value for value in call.headers.values())
    assert KEY not in call.path + call.query + json.dumps(call.body)


@every_wire
@pytest.mark.parametrize("reply", [Reply(status=401), Reply(status=500), Reply(fault="truncated")])
@plain_and_streamed
async def test_an_error_holds_no_key_no_prompt_and_no_body(
    wire: WireCase, server: WireServer, *, reply: Reply, stream: bool
) -> None:
    echo = f"{KEY} Is water wet?"
    server.script = lambda _body: Reply(
        status=reply.status, fault=reply.fault, error_message=echo, text=echo
    )
    error = await fail(wire, server, stream=stream)
    shown = f"{error!r} {error} {vars(error)}"
    assert KEY not in shown
    assert "water" not in shown
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY.encode() not in pickle.dumps(error)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (str(copy), copy.status, copy.total_s) == (str(error), error.status, error.total_s)


@every_wire
async def test_the_environment_is_not_read(
    wire: WireCase, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await_nothing_from(monkeypatch)
    server.script = lambda _body: Reply()
    for stream in (False, True):
        await ask(wire.endpoint(server), a_request(stream=stream))
    for call in server.calls:
        assert KEY in json.dumps(dict(call.headers))
        assert AMBIENT not in json.dumps([dict(call.headers), call.body, call.path, call.query])


MANY = 120
"""More than the default limit of aiohttp, which is 100."""


@pytest.mark.parametrize("wire", [WIRES[0], WIRES[4], WIRES[5]], ids=lambda wire: wire.vendor)
async def test_many_at_once_share_one_client(wire: WireCase, server: WireServer) -> None:
    server.log.most_in_flight = 0
    # Nobody is answered before all have come.
    server.script = lambda _body: Reply(may_send=lambda _: server.log.most_in_flight >= MANY)
    provider = open_provider(wire.endpoint(server), key=KEY)

    async def one() -> Completion:
        return await provider.complete(a_request())

    answers = await asyncio.gather(*(one() for _ in range(MANY)))
    await provider.aclose()
    assert {answer.text for answer in answers} == {"ok"}
    assert server.log.most_in_flight == MANY


def test_every_vendor_has_a_server() -> None:
    assert {wire.vendor for wire in WIRES} == set(SERVERS)
