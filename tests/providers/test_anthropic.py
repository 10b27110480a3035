"""What is Anthropic's own: the body of Messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.errors import BadRequestError
from providers.provider import Endpoint
from providers.request import ImagePart, Message, Tool, ToolCall
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import KEY, a_request, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
SECOND = ToolCall(id="call_2", name="weather", arguments='{"city": "Rome"}')


@pytest.fixture(scope="module")
def running() -> Iterator[AnthropicServer]:
    with AnthropicServer() as server:
        yield server


@pytest.fixture
def server(running: AnthropicServer) -> AnthropicServer:
    running.log.calls.clear()
    running.script = lambda _body: Reply()
    return running


def at(server: AnthropicServer) -> Endpoint:
    return Endpoint(vendor="anthropic", api="messages", base_url=server.base_url)


async def body_of(server: AnthropicServer, **parts: object) -> dict[str, object]:
    await ask(at(server), a_request(**parts))
    return server.calls[0].body


async def test_the_body_of_a_request(server: AnthropicServer) -> None:
    body = await body_of(
        server,
        messages=(
            Message(role="system", text="Be brief.", cache=True),
            Message(
                role="user",
                text="What is this?",
                images=(ImagePart(media_type="image/png", data="iVBO"),),
                cache=True,
            ),
            Message(role="assistant", text="Let me look.", tool_calls=(FIRST, SECOND)),
            Message(role="tool", text="rain", tool_call_id="call_1"),
            Message(role="tool", text="sun", tool_call_id="call_2", cache=True),
            Message(role="user", text="Well?"),
        ),
        tools=(Tool(name="weather", description="Of a city.", parameters='{"type": "object"}'),),
        schema='{"type": "object"}',
        stop=("END",),
        effort="low",
        service_tier="standard_only",
        extra_body='{"output_config": {"more": 1}}',
    )
    mark = {"cache_control": {"type": "ephemeral"}}
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    use = {"type": "tool_use", "name": "weather"}
    assert body == {
        "model": "small-1",
        "max_tokens": 16,
        "system": [{"type": "text", "text": "Be brief.", **mark}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": source},
                    {"type": "text", "text": "What is this?", **mark},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Let me look."},
                    {**use, "id": "call_1", "input": {"city": "Oslo"}},
                    {**use, "id": "call_2", "input": {"city": "Rome"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "rain"},
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "sun", **mark},
                    {"type": "text", "text": "Well?"},
                ],
            },
        ],
        "temperature": 0.0,
        "stop_sequences": ["END"],
        "tools": [
            {"name": "weather", "description": "Of a city.", "input_schema": {"type": "object"}}
        ],
        "output_config": {
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"type": "object"}},
            "more": 1,
        },
        "service_tier": "standard_only",
    }


async def test_effort_as_a_budget_and_as_none(server: AnthropicServer) -> None:
    body = await body_of(server, effort="4096")
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    assert "output_config" not in body
    server.calls.clear()
    body = await body_of(server, effort="none")
    assert body["thinking"] == {"type": "disabled"}


REFUSED = [
    ({"seed": 1}, "a seed"),
    ({"messages": (Message(role="tool", text="rain"),)}, "a tool turn without the id"),
    (
        {
            "messages": (
                Message(
                    role="assistant",
                    text="",
                    tool_calls=(ToolCall(id="c", name="n", arguments="[]"),),
                ),
            )
        },
        "arguments of call c",
    ),
]


@pytest.mark.parametrize(("part", "why"), REFUSED)
async def test_what_the_wire_cannot_carry_is_refused_unsent(
    server: AnthropicServer, part: dict[str, object], why: str
) -> None:
    with pytest.raises(BadRequestError, match=why):
        await ask(at(server), a_request(**part))
    assert server.calls == []


async def test_without_a_key_no_credential_is_sent(
    server: AnthropicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    await ask(at(server), a_request(), key=None)
    names = {name.lower() for name in server.calls[0].headers}
    assert names.isdisjoint({"authorization", "x-api-key"})
