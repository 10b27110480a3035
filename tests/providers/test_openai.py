"""What is OpenAI's own: bodies of the three APIs, codes, headers, compatible servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ContentBlockedError,
    ModelNotFoundError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    UnknownFinishError,
)
from providers.provider import Api, Endpoint, Vendor
from providers.request import ImagePart, Message, Tool, ToolCall
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply, Script
from tests.support.wire.vendors import KEY, a_request, ask


def always(reply: Reply) -> Script:
    """The same reply to whatever is asked."""

    def script(_body: Body) -> Reply:
        return reply

    return script


if TYPE_CHECKING:
    from collections.abc import Iterator

plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
TOOL = Tool(name="weather", description="Weather of a city.", parameters='{"type": "object"}')
CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
CONVERSATION = (
    Message(role="system", text="Be brief."),
    Message(
        role="user", text="What is this?", images=(ImagePart(media_type="image/png", data="iVBO"),)
    ),
    Message(role="assistant", text="", tool_calls=(CALL,)),
    Message(role="tool", text="rain", tool_call_id="call_1"),
    Message(role="assistant", text="Rain."),
    Message(role="user", text="Thanks."),
)


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.log.calls.clear()
    running.script = always(Reply())
    return running


def at(server: OpenAIServer, api: Api = "chat", vendor: Vendor = "openai") -> Endpoint:
    return Endpoint(vendor=vendor, api=api, base_url=server.base_url)


@plain_and_streamed
async def test_the_body_of_a_chat_request(server: OpenAIServer, *, stream: bool) -> None:
    request = a_request(
        stream=stream,
        seed=7,
        stop=("END",),
        schema='{"type": "object"}',
        effort="low",
        service_tier="flex",
        extra_body='{"stream_options": {"chunk": 1}, "user": "review"}',
    )
    await ask(at(server), request)
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


async def test_a_conversation_with_image_and_tools_in_chat(server: OpenAIServer) -> None:
    await ask(at(server), a_request(messages=CONVERSATION, tools=(TOOL,)))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert server.calls[0].body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "Rain."},
        {"role": "user", "content": "Thanks."},
    ]
    described = {
        "name": "weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object"},
    }
    assert server.calls[0].body["tools"] == [{"type": "function", "function": described}]


async def test_the_body_of_a_responses_request(server: OpenAIServer) -> None:
    request = a_request(
        messages=CONVERSATION, tools=(TOOL,), schema='{"type": "object"}', effort="low"
    )
    await ask(at(server, "responses"), request)
    assert server.calls[0].body == {
        "model": "small-1",
        "input": [
            {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "input_image",
                        "image_url": "data:image/png;base64,iVBO",
                        "detail": "auto",
                    },
                    {"type": "input_text", "text": "What is this?"},
                ],
            },
            {
                "type": "function_call",
                "call_id": "call_1",
                "name": "weather",
                "arguments": '{"city": "Oslo"}',
            },
            {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Rain."}]},
            {"role": "user", "content": [{"type": "input_text", "text": "Thanks."}]},
        ],
        "max_output_tokens": 16,
        "store": False,
        "temperature": 0.0,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "answer",
                "schema": {"type": "object"},
                "strict": True,
            }
        },
        "tools": [
            {
                "type": "function",
                "name": "weather",
                "description": "Weather of a city.",
                "parameters": {"type": "object"},
                "strict": False,
            }
        ],
        "reasoning": {"effort": "low"},
    }


async def test_a_compatible_server_without_a_key_gets_no_authorization(
    server: OpenAIServer,
) -> None:
    await ask(at(server, vendor="openai-compatible"), a_request(), key=None)
    names = {name.lower() for name in server.calls[0].headers}
    assert names.isdisjoint({"authorization", "openai-organization", "openai-project", "api-key"})
    assert server.calls[0].body["max_tokens"] == 16


async def test_guided_decoding_by_extra_body(server: OpenAIServer) -> None:
    extra = '{"structured_outputs": {"choice": ["yes", "no"]}, "top_k": 1}'
    await ask(at(server, vendor="openai-compatible"), a_request(extra_body=extra))
    assert server.calls[0].body["structured_outputs"] == {"choice": ["yes", "no"]}
    assert server.calls[0].body["top_k"] == 1


async def test_the_raw_prompt_of_completions(server: OpenAIServer) -> None:
    request = a_request(schema='{"type": "object"}')
    await ask(at(server, "completions", "openai-compatible"), request)
    body = server.calls[0].body
    assert body["prompt"] == "Answer with yes or no.\n\nIs water wet?"
    assert body["json_schema"] == {"type": "object"}
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


REFUSED: list[tuple[Api, dict[str, object], str]] = [
    ("responses", {"seed": 1}, "a seed"),
    ("responses", {"stop": ("x",)}, "stop sequences"),
    ("completions", {"messages": CONVERSATION}, "images"),
    ("completions", {"tools": (TOOL,)}, "tools"),
    ("completions", {"messages": CONVERSATION[3:]}, "tool turns"),
    ("completions", {"effort": "low"}, "an effort"),
    ("completions", {"schema": '{"type": "object"}'}, "a schema"),
    ("chat", {"schema": "[1]"}, "schema is not one JSON object"),
    ("chat", {"extra_body": "{"}, "extra_body is not one JSON object"),
]


@pytest.mark.parametrize(("api", "part", "why"), REFUSED)
async def test_what_a_wire_cannot_carry_is_refused_unsent(
    server: OpenAIServer, api: Api, part: dict[str, object], why: str
) -> None:
    with pytest.raises(BadRequestError, match=why) as raised:
        await ask(at(server, api), a_request(**part))
    assert raised.value.billable is False
    assert server.calls == []


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("finish", ["refusal", "content_filter"])
@plain_and_streamed
async def test_refusal_and_content_filter_are_kept_apart(
    server: OpenAIServer, api: Api, finish: str, *, stream: bool
) -> None:
    server.script = always(Reply(text="I cannot", finish=finish))
    completion = await ask(at(server, api), a_request(stream=stream))
    assert (completion.finish, completion.text) == (finish, "I cannot")


CODES: list[tuple[int, str, str, type[ProviderError]]] = [
    (400, "context_length_exceeded", "", PromptTooLongError),
    (400, "exceed_context_size_error", "", PromptTooLongError),
    (400, "BadRequestError", "This model's maximum context length is 8 tokens", PromptTooLongError),
    (400, "content_filter", "", ContentBlockedError),
    (400, "invalid_prompt", "", ContentBlockedError),
    (400, "model_not_found", "", ModelNotFoundError),
    (401, "invalid_api_key", "", AuthRejectedError),
    (429, "rate_limit_exceeded", "", RateLimitedError),
    (429, "insufficient_quota", "", AuthRejectedError),
    (500, "maximum context length", "maximum context length", OverloadedError),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), CODES)
async def test_a_code_says_more_than_a_status(
    server: OpenAIServer, status: int, code: str, message: str, kind: type[ProviderError]
) -> None:
    server.script = always(Reply(status=status, error_code=code, error_message=message))
    with pytest.raises(ProviderError) as raised:
        await ask(at(server), a_request())
    assert type(raised.value) is kind
    assert raised.value.request_id == "req-1"


RESPONSE_FAILED = (
    'data: {"type": "response.failed", "response": '
    '{"status": "failed", "error": {"code": "server_error"}}}\n\n'
)
STREAMS: list[tuple[Api, str, type[ProviderError]]] = [
    ("chat", 'data: {"error": {"message": "x", "code": "server_error"}}\n\n', OverloadedError),
    ("chat", 'data: {"error": {"message": "x", "code": "what"}}\n\n', BrokenBodyError),
    ("chat", 'data: {"choices"\n\n', BrokenBodyError),
    ("chat", "data: [DONE]\n\n", BrokenBodyError),
    ("chat", 'data: {"choices": [{"delta": {}, "finish_reason": "odd"}]}\n\n', UnknownFinishError),
    (
        "responses",
        'event: error\ndata: {"type": "error", "code": "rate_limit_exceeded", "message": "x"}\n\n',
        RateLimitedError,
    ),
    (
        "responses",
        RESPONSE_FAILED,
        OverloadedError,
    ),
]


@pytest.mark.parametrize(("api", "body", "kind"), STREAMS)
async def test_an_error_inside_a_stream(
    server: OpenAIServer, api: Api, body: str, kind: type[ProviderError]
) -> None:
    server.script = always(Reply(body=body))
    with pytest.raises(ProviderError) as raised:
        await ask(at(server, api), a_request(stream=True))
    assert type(raised.value) is kind


async def test_rate_limit_headers(server: OpenAIServer) -> None:
    headers = {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-tokens": "159976",
        "x-ratelimit-reset-tokens": "1m0.5s",
    }
    server.script = always(Reply(headers=headers))
    limit = (await ask(at(server), a_request())).rate_limit
    assert limit is not None
    assert (limit.requests_limit, limit.requests_remaining) == (5000, 4999)
    assert limit.requests_reset_s == pytest.approx(0.012)
    assert (limit.tokens_limit, limit.tokens_remaining) == (160000, 159976)
    assert limit.tokens_reset_s == pytest.approx(60.5)


async def test_an_api_of_another_vendor() -> None:
    with pytest.raises(ValueError, match="no api 'messages'"):
        await ask(Endpoint(vendor="openai", api="messages"), a_request())
