"""The real SDK against a scripted server that speaks OpenAI's wire."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from providers.completion import TokenUsage
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    ContentBlockedError,
    DeadlineExceededError,
    ModelNotFoundError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
)
from providers.opening import open_provider
from providers.provider import Api, Endpoint, Vendor
from providers.request import Message, ModelRequest, Tool
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Fault, Reply, WireToolCall, WireUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.completion import Completion

KEY = "sk-secret-key"
APIS: tuple[Api, ...] = ("chat", "completions", "responses")
every_api = pytest.mark.parametrize("api", APIS)
plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def a_request(**overrides: object) -> ModelRequest:
    base = ModelRequest(
        model="small-1",
        messages=(
            Message(role="system", text="Answer with yes or no."),
            Message(role="user", text="Is water wet?"),
        ),
        max_output_tokens=16,
        temperature=0.0,
        timeout_s=5.0,
    )
    return replace(base, **overrides)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.log.calls.clear()
    running.log.by_hash.clear()
    return running


async def ask(
    server: OpenAIServer,
    request: ModelRequest,
    *,
    api: Api = "chat",
    vendor: Vendor = "openai",
    key: str | None = KEY,
) -> Completion:
    provider = open_provider(Endpoint(vendor=vendor, api=api, base_url=server.base_url), key=key)
    try:
        return await provider.complete(request)
    finally:
        await provider.aclose()


@every_api
@plain_and_streamed
async def test_an_answer_with_usage_and_time(
    server: OpenAIServer, api: Api, *, stream: bool
) -> None:
    usage = WireUsage(input_tokens=30, output_tokens=4, cache_read_tokens=8, reasoning_tokens=1)
    server.script = lambda _body: Reply(
        text="yes it is", usage=usage, model="small-1-0714", service_tier="flex"
    )
    completion = await ask(server, a_request(stream=stream), api=api)
    assert completion.text == "yes it is"
    assert completion.finish == "stop"
    assert completion.served_model == "small-1-0714"
    assert completion.service_tier == "flex"
    assert completion.request_id == "req-1"
    assert completion.usage == TokenUsage(
        input_tokens=30, output_tokens=4, cache_read_tokens=8, reasoning_tokens=1
    )
    assert completion.timing.total_s > 0
    assert (completion.timing.first_token_s is not None) == stream


@plain_and_streamed
async def test_the_body_of_a_chat_request(server: OpenAIServer, *, stream: bool) -> None:
    server.script = lambda _body: Reply()
    request = a_request(
        stream=stream,
        seed=7,
        stop=("END",),
        schema='{"type": "object"}',
        effort="low",
        service_tier="flex",
        extra_body='{"stream_options": {"chunk": 1}, "user": "review"}',
    )
    await ask(server, request)
    options = {"include_usage": True, "chunk": 1} if stream else {"chunk": 1}
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    expected: dict[str, object] = {
        "model": "small-1",
        "messages": [
            {"role": "system", "content": "Answer with yes or no."},
            {"role": "user", "content": "Is water wet?"},
        ],
        "max_completion_tokens": 16,
        "temperature": 0.0,
        "seed": 7,
        "stop": ["END"],
        "response_format": {"type": "json_schema", "json_schema": schema},
        "reasoning_effort": "low",
        "service_tier": "flex",
        "stream_options": options,
        "user": "review",
    }
    if stream:
        expected["stream"] = True
    assert server.calls[0].body == expected
    assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_a_compatible_server_without_a_key_gets_no_authorization(
    server: OpenAIServer,
) -> None:
    server.script = lambda _body: Reply()
    await ask(server, a_request(), vendor="openai-compatible", key=None)
    names = {name.lower() for name in server.calls[0].headers}
    assert names.isdisjoint({"authorization", "openai-organization", "openai-project", "api-key"})
    assert server.calls[0].body["max_tokens"] == 16


async def test_the_raw_prompt_of_completions(server: OpenAIServer) -> None:
    server.script = lambda _body: Reply()
    await ask(server, a_request(), api="completions", vendor="openai-compatible")
    assert server.calls[0].body["prompt"] == "Answer with yes or no.\n\nIs water wet?"


@pytest.mark.parametrize("api", ["chat", "responses"])
@plain_and_streamed
async def test_a_tool_call(server: OpenAIServer, api: Api, *, stream: bool) -> None:
    call = WireToolCall(name="weather", arguments='{"city": "Oslo"}')
    server.script = lambda _body: Reply(finish="tool_calls", tool_calls=(call,))
    tool = Tool(name="weather", description="Weather of a city.", parameters='{"type": "object"}')
    completion = await ask(server, a_request(stream=stream, tools=(tool,)), api=api)
    assert completion.finish == "tool_calls"
    assert [(c.id, c.name, json.loads(c.arguments)) for c in completion.tool_calls] == [
        ("call_1", "weather", {"city": "Oslo"})
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("finish", ["refusal", "length", "content_filter"])
@plain_and_streamed
async def test_finish_reasons_are_kept_apart(
    server: OpenAIServer, api: Api, finish: str, *, stream: bool
) -> None:
    server.script = lambda _body: Reply(text="I cannot", finish=finish)
    completion = await ask(server, a_request(stream=stream), api=api)
    assert completion.finish == finish
    assert completion.text == "I cannot"


@every_api
@plain_and_streamed
async def test_usage_that_is_not_reported_is_unknown(
    server: OpenAIServer, api: Api, *, stream: bool
) -> None:
    server.script = lambda _body: Reply(usage=None)
    assert (await ask(server, a_request(stream=stream), api=api)).usage is None


STATUSES = [
    (400, None, BadRequestError),
    (400, "context_length_exceeded", PromptTooLongError),
    (400, "content_filter", ContentBlockedError),
    (401, "invalid_api_key", AuthRejectedError),
    (403, None, AuthRejectedError),
    (404, "model_not_found", ModelNotFoundError),
    (408, None, TimedOutError),
    (409, None, BadRequestError),
    (413, None, BadRequestError),
    (422, None, BadRequestError),
    (429, "rate_limit_exceeded", RateLimitedError),
    (429, "insufficient_quota", AuthRejectedError),
    (500, None, OverloadedError),
    (503, None, OverloadedError),
    (529, None, OverloadedError),
]


@pytest.mark.parametrize(("status", "code", "kind"), STATUSES)
@plain_and_streamed
async def test_a_status_becomes_one_error_after_one_request(
    server: OpenAIServer, status: int, code: str | None, kind: type[ProviderError], *, stream: bool
) -> None:
    server.script = lambda _body: Reply(status=status, error_code=code)
    with pytest.raises(ProviderError) as raised:
        await ask(server, a_request(stream=stream))
    assert type(raised.value) is kind
    assert raised.value.status == status
    assert raised.value.request_id == "req-1"
    assert raised.value.billable == (status in {408, 409} or status >= 500)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert len(server.calls) == 1


FAULTS: list[tuple[Fault, type[ProviderError]]] = [
    ("reset", ConnectionFailedError),
    ("stall", TimedOutError),
    ("cut", BrokenBodyError),
    ("truncated", BrokenBodyError),
    ("html", BrokenBodyError),
]


@every_api
@pytest.mark.parametrize(("fault", "kind"), FAULTS)
@plain_and_streamed
async def test_a_fault_becomes_one_error_after_one_request(
    server: OpenAIServer, api: Api, fault: Fault, kind: type[ProviderError], *, stream: bool
) -> None:
    server.script = lambda _body: Reply(text="a b c d e f", fault=fault)
    with pytest.raises(ProviderError) as raised:
        await ask(server, a_request(stream=stream, timeout_s=0.3), api=api)
    assert type(raised.value) is kind
    assert raised.value.total_s is not None
    assert len(server.calls) == 1


async def test_nobody_listens() -> None:
    endpoint = Endpoint(vendor="openai", api="chat", base_url="http://127.0.0.1:9/v1")
    provider = open_provider(endpoint, key=KEY)
    with pytest.raises(ConnectionFailedError) as raised:
        await provider.complete(a_request())
    await provider.aclose()
    assert raised.value.billable is False


async def test_still_streaming_at_the_deadline_is_the_models_failure(
    server: OpenAIServer,
) -> None:
    server.script = lambda _body: Reply(text="a b c d e f g h", piece_delay_s=0.1)
    with pytest.raises(DeadlineExceededError):
        await ask(server, a_request(deadline_s=0.35))


async def test_a_stall_before_the_deadline_is_the_worlds_failure(server: OpenAIServer) -> None:
    server.script = lambda _body: Reply(text="a b c d", fault="stall")
    with pytest.raises(TimedOutError):
        await ask(server, a_request(deadline_s=5.0, timeout_s=0.3))


async def test_nothing_at_all_by_the_deadline_is_the_worlds_failure(server: OpenAIServer) -> None:
    server.script = lambda _body: Reply(delay_s=3.0)
    with pytest.raises(TimedOutError):
        await ask(server, a_request(deadline_s=0.3))


async def test_a_redirect_is_not_followed(server: OpenAIServer) -> None:
    headers = {"location": "http://127.0.0.1:9/elsewhere"}
    server.script = lambda _body: Reply(status=307, headers=headers)
    with pytest.raises(BadRequestError) as raised:
        await ask(server, a_request())
    assert raised.value.status == 307
    assert len(server.calls) == 1


async def test_time_of_the_first_token_and_between_tokens(server: OpenAIServer) -> None:
    usage = WireUsage(input_tokens=3, output_tokens=4)
    server.script = lambda _body: Reply(text="a b c d", usage=usage, delay_s=0.2, piece_delay_s=0.1)
    timing = (await ask(server, a_request(stream=True))).timing
    assert timing.first_token_s is not None
    assert timing.inter_token_s is not None
    assert 0.2 <= timing.first_token_s < timing.total_s
    assert timing.inter_token_s == pytest.approx(0.1, abs=0.03)


async def test_rate_limit_headers(server: OpenAIServer) -> None:
    headers = {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-tokens": "159976",
        "x-ratelimit-reset-tokens": "1m0.5s",
    }
    server.script = lambda _body: Reply(headers=headers)
    limit = (await ask(server, a_request())).rate_limit
    assert limit is not None
    assert (limit.requests_limit, limit.requests_remaining) == (5000, 4999)
    assert limit.requests_reset_s == pytest.approx(0.012)
    assert (limit.tokens_limit, limit.tokens_remaining) == (160000, 159976)
    assert limit.tokens_reset_s == pytest.approx(60.5)


async def test_retry_after(server: OpenAIServer) -> None:
    server.script = lambda _body: Reply(status=429, headers={"retry-after": "7"})
    with pytest.raises(RateLimitedError) as raised:
        await ask(server, a_request())
    assert raised.value.retry_after_s == 7
