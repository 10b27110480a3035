"""What a program states crosses, is told as left out, or is refused in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.ask.programs.gateway import Asked
from harness.ask.programs.translation.passage import passage
from harness.ask.programs.wires import RefusedCallError, read_call
from tests.support.neutral_calls import model_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
HI: dict[str, Any] = {"role": "user", "content": "hi"}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
CALL: dict[str, Any] = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def crossed(wire: str, body: Mapping[str, Any], to: str) -> tuple[Any, tuple[str, ...]]:
    """The body that another vendor is sent, and what was left out."""
    whole = {"model": "m", **body}
    asks = Asked(path=PATHS[wire], query="", body=whole, headers=())
    made = passage(read_call(PATHS[wire], "", whole), asks, model_of(to)).made
    return json.loads(made.body), made.left_out


def with_form(wire: str, **stated: Any) -> dict[str, Any]:
    if wire == "chat":
        form = {"type": "json_schema", "json_schema": {"name": "n", **stated}}
        return {"messages": [HI], "response_format": form}
    return {"input": "hi", "text": {"format": {"type": "json_schema", "name": "n", **stated}}}


def sent_schema(body: Any, to: str) -> Any:
    if to == "messages":
        return body["output_config"]["format"]["schema"]
    return body["generationConfig"]["responseJsonSchema"]


@pytest.mark.parametrize("to", ["messages", "generate-content"])
@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_a_form_s_description_becomes_the_schema_s_or_is_told(wire: str, to: str) -> None:
    body, left_out = crossed(wire, with_form(wire, schema=SCHEMA, description="A place."), to)
    assert sent_schema(body, to) == {**SCHEMA, "description": "A place."}
    assert left_out == ()
    own = {**SCHEMA, "description": "Its own."}
    body, left_out = crossed(wire, with_form(wire, schema=own, description="A place."), to)
    assert sent_schema(body, to) == own
    field = "response_format.json_schema" if wire == "chat" else "text.format"
    assert left_out == (f"{field}.description",)
    body, left_out = crossed(wire, with_form(wire, schema=own, description=None, strict=None), to)
    assert (sent_schema(body, to), left_out) == (own, ())


@pytest.mark.parametrize("wire", ["chat", "responses"])
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({}, r"schema' must be an object"),
        ({"schema": None}, r"schema' must be an object"),
        ({"schema": "x"}, r"schema' must be an object"),
        ({"schema": SCHEMA, "strict": 1}, r"strict' must be true or false"),
        ({"schema": SCHEMA, "description": 5}, r"description' must be a text"),
        ({"schema": SCHEMA, "name": ["n"]}, r"name' must be a text"),
        ({"schema": SCHEMA, "examples": [1]}, r"'examples' of .* crosses to no other vendor"),
    ],
)
def test_a_form_that_lacks_its_schema_or_says_more_is_refused(
    wire: str, stated: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedCallError, match=said) as caught:
        crossed(wire, with_form(wire, **stated), "messages")
    assert "\n" not in str(caught.value)


TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
FORM = {"name": "n", "schema": SCHEMA}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("chat", {"response_format": {"type": "json_schema"}}, "schema' must be"),
    ("chat", {"response_format": {"type": "json_schema", **FORM}}, "'name' of 'response_format'"),
    (
        "chat",
        {"response_format": {"type": "json_schema", "json_schema": FORM, "strict": True}},
        "'strict' of 'response_format'",
    ),
    ("chat", {"response_format": {"type": "json_object", "schema": SCHEMA}}, "'schema' of"),
    ("chat", {"response_format": {"json_schema": FORM}}, "'json_schema' of"),
    (
        "responses",
        {"text": {"format": {"type": "json_schema", "json_schema": FORM}}},
        "'json_schema' of 'text.format'",
    ),
    (
        "messages",
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA, "name": "n"}}},
        "'name' of 'format'",
    ),
    ("chat", {"tools": [{**TOOL, "cache_control": {"type": "ephemeral"}}]}, "'cache_control' of"),
    ("chat", {"tools": [{**TOOL, "strict": True}]}, "'strict' of 'tool'"),
    ("chat", {"tools": [{"type": "function", "function": "f"}]}, "'tool.name' must be"),
    (
        "chat",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
        "must be an object",
    ),
    (
        "chat",
        {"tools": [{"type": "function", "function": {"name": "f", "description": 5}}]},
        "'tool.description' must be a text",
    ),
    ("chat", {"messages": [{**HI, "tool_calls": [CALL]}]}, "'tool_calls' of the part 'user'"),
    ("chat", {"messages": [{**HI, "refusal": "no"}]}, "'refusal' of the part 'user'"),
    ("chat", {"messages": [{**HI, "tool_call_id": "c"}]}, "'tool_call_id' of the part 'user'"),
    (
        "chat",
        {"messages": [{"role": "system", "content": "a", "tool_calls": [CALL]}, HI]},
        "'tool_calls' of the part 'system'",
    ),
    ("chat", {"messages": [{"role": "function", "content": "a"}]}, "the role 'function'"),
    ("chat", {"messages": [{"content": "a"}]}, "the role 'None'"),
]
SPOKEN: list[tuple[dict[str, Any], str]] = [
    ({"tool_calls": "x"}, "'tool_calls' must be a list of objects"),
    ({"tool_calls": {"id": "c"}}, "'tool_calls' must be a list of objects"),
    ({"tool_calls": ["x"]}, "'tool_calls' must be a list of objects"),
    ({"content": "a", "refusal": "no"}, "a 'refusal' beside 'content'"),
    ({"refusal": ["no"]}, "'message.refusal' must be a text"),
    ({"content": "a", "tool_call_id": "c"}, "'tool_call_id' of the part 'assistant'"),
    ({"tool_calls": [{**CALL, "type": "custom"}]}, "no function"),
    ({"tool_calls": [{**CALL, "id": 5}]}, "'call.id' must be a text"),
    (
        {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}]},
        "'call.arguments' must be a text",
    ),
    ({"tool_calls": [{**CALL, "function": {"name": "f", "extra": 1}}]}, "'extra' of 'function'"),
]
REFUSED += [
    ("chat", {"messages": [HI, {"role": "assistant", **turn}, HI]}, said) for turn, said in SPOKEN
]


@pytest.mark.parametrize(("wire", "body", "said"), REFUSED)
def test_what_would_be_dropped_is_refused(wire: str, body: dict[str, Any], said: str) -> None:
    least: dict[str, Any] = {"input": "hi"} if wire == "responses" else {"messages": [HI]}
    to = "generate-content" if wire == "messages" else "messages"
    with pytest.raises(RefusedCallError, match=said) as caught:
        crossed(wire, {**least, **body}, to)
    assert "\n" not in str(caught.value)


def test_what_says_nothing_crosses() -> None:
    """A reply as OpenAI's SDK gives it back, every field stated."""
    said = {"role": "assistant", "content": "a", "refusal": None, "annotations": []}
    more = {"audio": None, "function_call": None, "tool_calls": None}
    refused = {"role": "assistant", "content": None, "refusal": "I will not."}
    turns = [{**HI, "tool_calls": []}, {**said, **more}, HI, refused, HI]
    tools = [{"type": "function", "function": {"name": "f", "description": None, "strict": None}}]
    body, left_out = crossed("chat", {"messages": turns, "tools": tools}, "messages")
    told = [turn["content"] for turn in body["messages"]]
    assert "I will not." in json.dumps(told)
    assert (len(body["messages"]), left_out) == (5, ())
