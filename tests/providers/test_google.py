"""What is Google's own: the body of generateContent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.errors import AuthRejectedError
from providers.provider import Endpoint
from providers.request import ImagePart, Message, Tool, ToolCall
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import a_request, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


@pytest.fixture(scope="module")
def running() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


@pytest.fixture
def server(running: GoogleServer) -> GoogleServer:
    running.log.calls.clear()
    running.script = lambda _body: Reply()
    return running


def at(server: GoogleServer) -> Endpoint:
    return Endpoint(vendor="google", api="generate-content", base_url=server.base_url)


@plain_and_streamed
async def test_the_body_of_a_request(server: GoogleServer, *, stream: bool) -> None:
    request = a_request(
        stream=stream,
        messages=(
            Message(role="system", text="Be brief."),
            Message(
                role="user",
                text="What is this?",
                images=(ImagePart(media_type="image/png", data="iVBO"),),
            ),
            Message(role="assistant", text="Let me look.", tool_calls=(CALL,)),
            Message(role="tool", text="rain", tool_call_id="call_1"),
            Message(role="tool", text='{"sky": "grey"}', tool_call_id="call_1"),
            Message(role="user", text="Well?"),
        ),
        tools=(Tool(name="weather", description="Of a city.", parameters='{"type": "object"}'),),
        schema='{"type": "object"}',
        seed=7,
        stop=("END",),
        effort="low",
        service_tier="flex",
        extra_body='{"safetySettings": [], "generationConfig": {"topK": 1}}',
    )
    await ask(at(server), request)
    method = "streamGenerateContent" if stream else "generateContent"
    assert server.calls[0].path == f"/v1/models/small-1:{method}"
    answer = {"id": "call_1", "name": "weather"}
    assert server.calls[0].body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "iVBO"}},
                    {"text": "What is this?"},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "Let me look."},
                    {
                        "functionCall": {**answer, "args": {"city": "Oslo"}},
                        "thoughtSignature": "skip_thought_signature_validator",
                    },
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {**answer, "response": {"output": "rain"}}},
                    {"functionResponse": {**answer, "response": {"sky": "grey"}}},
                    {"text": "Well?"},
                ],
            },
        ],
        "generationConfig": {
            "maxOutputTokens": 16,
            "temperature": 0.0,
            "seed": 7,
            "stopSequences": ["END"],
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"thinkingLevel": "LOW"},
            "topK": 1,
        },
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "weather",
                        "description": "Of a city.",
                        "parametersJsonSchema": {"type": "object"},
                    }
                ]
            }
        ],
        "serviceTier": "flex",
        "safetySettings": [],
    }


@pytest.mark.parametrize(("effort", "budget"), [("4096", 4096), ("none", 0)])
async def test_effort_as_a_budget(server: GoogleServer, effort: str, budget: int) -> None:
    await ask(at(server), a_request(effort=effort))
    config = server.calls[0].body["generationConfig"]
    assert config["thinkingConfig"] == {"thinkingBudget": budget}


async def test_without_a_key_nothing_is_opened(
    server: GoogleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "from-the-environment")
    with pytest.raises(AuthRejectedError, match="no key"):
        await ask(at(server), a_request(), key=None)
    assert server.calls == []


async def test_no_second_request_for_a_continuation(server: GoogleServer) -> None:
    body = (
        '{"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "CONTINUATION",'
        ' "continuationToken": "dG9rZW4="}], "modelVersion": "m"}'
    )
    server.script = lambda _body: Reply(body=body)
    completion = await ask(at(server), a_request())
    assert completion.finish == "length"
    assert len(server.calls) == 1
    server.script = lambda _body: Reply(body=f"data: {body}\n\n")
    assert (await ask(at(server), a_request(stream=True))).finish == "length"
    assert len(server.calls) == 2
