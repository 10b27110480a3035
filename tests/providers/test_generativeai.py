"""The SDK at its end of life, in an environment of its own, against the same wire server.

RIGHTSIZE_GENERATIVEAI_PYTHON names the Python of an environment made with
`pip install -r configs/constraints/google-generativeai.txt`.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import BadRequestError
from providers.google_generativeai import to_older
from providers.request import Message, Tool, ToolCall
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.reply import Reply, WireToolCall, WireUsage
from tests.support.wire.vendors import a_request

if TYPE_CHECKING:
    from providers.request import ModelRequest

PYTHON = os.environ.get("RIGHTSIZE_GENERATIVEAI_PYTHON")
in_its_environment = pytest.mark.skipif(
    PYTHON is None, reason="no google-generativeai (an environment of its own)"
)
SCHEMA = '{"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}'
# The package writes types as the numbers of Google's enumeration: 6 is OBJECT, 4 is BOOLEAN.
NUMBERED = {"type": 6, "properties": {"a": {"type": 4}}, "required": ["a"]}


def probe(server: GoogleServer, *requests: ModelRequest) -> list[dict[str, Any]]:
    assert PYTHON is not None
    lines = "".join(json.dumps(asdict(request)) + "\n" for request in requests)
    done = subprocess.run(
        [PYTHON, "-m", "tests.support.generativeai_probe", server.base_url],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@in_its_environment
def test_answers_plain_and_streamed() -> None:
    usage = WireUsage(input_tokens=30, output_tokens=7, cache_read_tokens=8, reasoning_tokens=3)
    script = lambda _body: Reply(text="yes it is", usage=usage)  # noqa: E731  # a script is a lambda
    with GoogleServer(script) as server:
        found = probe(server, a_request(), a_request(stream=True))
        paths = [call.path for call in server.calls]
    for completion in found:
        assert (completion["text"], completion["finish"]) == ("yes it is", "stop")
        assert completion["usage"]["input_tokens"] == 30
        assert completion["usage"]["output_tokens"] == 7
        assert completion["usage"]["cache_read_tokens"] == 8
        assert completion["usage"]["reasoning_tokens"] == 3
    assert found[0]["timing"]["first_token_s"] is None
    assert found[1]["timing"]["first_token_s"] > 0
    assert paths == [
        "/v1beta/models/small-1:generateContent",
        "/v1beta/models/small-1:streamGenerateContent",
    ]


@in_its_environment
def test_bodies_in_the_older_form() -> None:
    call = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
    request = a_request(
        messages=(
            Message(role="user", text="Weather?"),
            Message(role="assistant", text="", tool_calls=(call,)),
        ),
        schema=SCHEMA,
        tools=(Tool(name="weather", description="Of a city.", parameters=SCHEMA),),
        stop=("END",),
    )
    answer = Reply(tool_calls=(WireToolCall(name="weather", arguments='{"city": "Oslo"}'),))
    with GoogleServer(lambda _body: answer) as server:
        (found,) = probe(server, request)
        body = server.calls[0].body
    assert found["finish"] == "tool_calls"
    assert json.loads(found["tool_calls"][0]["arguments"]) == {"city": "Oslo"}
    assert body["generationConfig"]["responseSchema"] == NUMBERED
    assert body["generationConfig"]["stopSequences"] == ["END"]
    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == NUMBERED
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == "weather"


@in_its_environment
def test_failures_are_asked_once_and_told_apart() -> None:
    replies = [
        Reply(status=401),
        Reply(status=429, headers={"retry-after": "7"}),
        Reply(status=503),
        Reply(status=307, headers={"location": "http://127.0.0.1:9/elsewhere"}),
        Reply(fault="reset"),
        Reply(fault="truncated"),
        Reply(fault="html"),
        Reply(fault="stall"),
    ]
    script = iter([reply for reply in replies for _ in range(2)])
    requests = [
        a_request(stream=stream, timeout_s=1.0) for _ in replies for stream in (False, True)
    ]
    with GoogleServer(lambda _body: next(script)) as server:
        found = probe(server, *requests)
        assert len(server.calls) == len(requests)
    kinds = [error["error"] for error in found]
    names = [
        "AuthRejectedError",
        "RateLimitedError",
        "OverloadedError",
        "BadRequestError",
        "ConnectionFailedError",
        "BrokenBodyError",
        "BrokenBodyError",
        "TimedOutError",
    ]
    assert kinds == [name for name in names for _ in range(2)]
    assert all("sk-secret" not in error["shown"] for error in found)
    assert found[2]["retry_after_s"] == 7


def test_the_older_schema_keeps_what_fits() -> None:
    schema = {
        "$schema": "x",
        "type": "object",
        "additionalProperties": False,
        "properties": {"tags": {"type": "array", "items": {"type": "string", "enum": ["a"]}}},
    }
    tags = {"type": "ARRAY", "items": {"type": "STRING", "enum": ["a"]}}
    assert to_older(schema) == {"type": "OBJECT", "properties": {"tags": tags}}


def test_the_older_schema_refuses_what_it_cannot_say() -> None:
    with pytest.raises(BadRequestError, match="no schema key anyOf"):
        to_older({"anyOf": [{"type": "string"}]})
    with pytest.raises(BadRequestError, match="no schema key type"):
        to_older({"type": ["string", "null"]})
