"""The vendors' SDKs against the gateway, with a candidate of each other vendor behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from google.genai.errors import APIError

from tests.support.crossings import (
    ASKED,
    PAIRS,
    SERVERS,
    Heard,
    endpoint,
    heard,
    must_reach,
    without_stops,
)
from tests.support.program_calls import REAL_KEY, TOKEN, straight
from tests.support.wire.reply import Reply, WireToolCall, WireUsage

if TYPE_CHECKING:
    from tests.support.wire.reply import Body

USAGE = WireUsage(input_tokens=50, output_tokens=9, cache_read_tokens=20, reasoning_tokens=3)
COUNTED = {
    "chat": (50, 20, 9, 3),
    "responses": (50, 20, 9, 3),
    "messages": (30, 20, 9, 3),  # Cached tokens stand beside the input.
    "generate-content": (50, 20, 6, 3),  # Thoughts stand beside the candidates'.
}
ENDS = {
    "stop": {
        "chat": "stop",
        "responses": "completed",
        "messages": "end_turn",
        "generate-content": "STOP",
    },
    "length": {
        "chat": "length",
        "responses": "max_output_tokens",
        "messages": "max_tokens",
        "generate-content": "MAX_TOKENS",
    },
    "tool_calls": {
        "chat": "tool_calls",
        "responses": "completed",
        "messages": "tool_use",
        "generate-content": "STOP",
    },
    "refusal": {
        "chat": "stop",
        "responses": "completed",
        "messages": "refusal",
        "generate-content": "SAFETY",
    },
}
"""How each of our scripts' ends reads in the program's wire."""
REPLIES = {
    "stop": Reply(text="Grüße 🦜", usage=USAGE),
    "length": Reply(text="cut", finish="length", usage=USAGE),
    "tool_calls": Reply(
        finish="tool_calls",
        tool_calls=(
            WireToolCall(id="c1", name="look", arguments='{"city": "Bonn"}'),
            WireToolCall(id="c2", name="look", arguments="{}"),
        ),
        usage=USAGE,
    ),
    "refusal": Reply(text="I will not.", finish="refusal", usage=USAGE),
}
CALLS = (("c1", "look", {"city": "Bonn"}), ("c2", "look", {}))


def plain(body: Any) -> Any:
    """JSON inside a text, without the space that writers differ in."""
    return json.loads(json.dumps(body).replace(r"\": \"", r"\":\""))


def expected_body(asked: str, to: str, *, streamed: bool) -> Body:
    body = must_reach(to)
    stops = asked != "responses" and to != "responses"
    if stops and to == "generate-content":
        body["generationConfig"]["stopSequences"] = ["END"]
    elif stops:
        body["stop" if to == "chat" else "stop_sequences"] = ["END"]
    if streamed and to != "generate-content":
        body["stream"] = True
        if to == "chat":
            body["stream_options"] = {"include_usage": True}
    return body


@pytest.mark.parametrize(("asked", "to"), PAIRS)
async def test_a_conversation_reaches_another_vendor_and_its_replies_come_back(
    asked: str, to: str
) -> None:
    said = {"now": "stop"}
    cls, _, _ = SERVERS[to]
    with cls(lambda _: REPLIES[said["now"]]) as server:
        async with straight("openai", server, endpoint=endpoint(to, server)) as (gateway, trial):
            for finish, ends in ENDS.items():
                if finish == "refusal" and to == "generate-content":
                    continue  # Google blocks instead: see the errors.
                if finish in ("length", "refusal") and PAIRS.index((asked, to)) % 2:
                    continue  # Every wire has its turn on both sides in the other pairs.
                said["now"] = finish
                streamed = finish in ("stop", "tool_calls", "refusal")
                for as_stream in (streamed, not streamed)[: 1 + (finish == "tool_calls")]:
                    body = ASKED[asked]()
                    if to == "responses":
                        body = without_stops(asked, body)
                    got = await heard(asked, gateway.origin, body, streamed=as_stream)
                    assert got == expected_reply(asked, finish, ends[asked])
                    sent = server.calls[-1]
                    assert plain(sent.body) == plain(expected_body(asked, to, streamed=as_stream))
                    assert TOKEN not in str((sent.headers, sent.body, sent.query))
                    assert REAL_KEY in str(dict(sent.headers))
    assert trial.asked[0].wire == to


def expected_reply(asked: str, finish: str, ends: str) -> Heard:
    text = REPLIES[finish].text if finish != "tool_calls" else ""
    told_apart = finish == "refusal" and asked in ("chat", "responses")
    return Heard(
        text="" if told_apart else text,
        calls=CALLS if finish == "tool_calls" else (),
        finish=ends,
        usage=COUNTED[asked],
        refusal=text if told_apart else None,
    )


ERRORS = {
    429: (openai.RateLimitError, anthropic.RateLimitError, 429),
    401: (openai.AuthenticationError, anthropic.AuthenticationError, 401),
    404: (openai.NotFoundError, anthropic.NotFoundError, 404),
    400: (openai.BadRequestError, anthropic.BadRequestError, 400),
    503: (openai.InternalServerError, anthropic.InternalServerError, 503),
}


@pytest.mark.parametrize(
    ("asked", "to"),
    [("chat", "messages"), ("responses", "generate-content"), ("messages", "chat"),
     ("generate-content", "messages")],
)  # fmt: skip
async def test_an_error_is_the_class_that_the_program_s_sdk_raises_for_it(
    asked: str, to: str
) -> None:
    said = {"now": 400}
    cls, _, _ = SERVERS[to]
    with cls(lambda _: Reply(status=said["now"])) as server:
        async with straight("openai", server, endpoint=endpoint(to, server)) as (gateway, _):
            for status, (by_openai, by_anthropic, by_google) in ERRORS.items():
                said["now"] = status
                before = len(server.calls)
                with pytest.raises((openai.APIError, anthropic.APIError, APIError)) as caught:
                    await heard(asked, gateway.origin, ASKED[asked](), streamed=status == 503)
                if asked == "generate-content":
                    assert isinstance(caught.value, APIError)
                    assert caught.value.code == by_google
                else:
                    kind = by_anthropic if asked == "messages" else by_openai
                    assert isinstance(caught.value, kind)
                assert len(server.calls) == before + 1
