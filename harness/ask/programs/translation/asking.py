"""A neutral call as the body of a candidate's own wire: by our dialects, and what they lack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from harness.ask.programs.protocol import ModelNames
from harness.ask.programs.translation.neutral import NeutralCall
from harness.ask.programs.translation.reading import items_of
from harness.ask.programs.translation.rows import IMAGES, UNSENT, WRITTEN, Part
from harness.ask.programs.wires import RefusedCallError
from providers.answer import Dialect, JsonObject, as_object, object_at
from providers.dialects.asking import merged, present
from providers.dialects.chat import ChatDialect
from providers.dialects.generate_content import GenerateContentDialect
from providers.dialects.messages import MessagesDialect
from providers.dialects.responses import ResponsesDialect
from providers.provider import Api
from providers.request import Message, ModelRequest

MOST_STOPS: Mapping[Api, int] = {"chat": 4, "generate-content": 5}
TOOL_NAMES: Mapping[Api, re.Pattern[str]] = {
    "chat": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "responses": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "messages": re.compile(r"[A-Za-z0-9_-]{1,128}"),
    "generate-content": re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}"),
}
"""What a tool may be called (the vendors' pages on tools)."""
WARMEST_MESSAGES = 1.0
_FRONT: frozenset[Api] = frozenset({"messages", "generate-content"})
"""Wires whose system text stands before the conversation."""
_OMITTED: Mapping[str, object] = {
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "frequency_penalty": None,
    "presence_penalty": None,
    "seed": None,
    "stop": (),
}
"""Of a model's `omit`: what is not stated then."""
_CHOICES: Mapping[str, str] = {
    "none": "NONE",
    "auto": "AUTO",
    "required": "ANY",
    "named": "ANY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A call in a candidate's wire."""

    wire: Api
    body: JsonObject
    limit: int | None
    left_out: tuple[str, ...] = ()
    """Fields of the program's that this vendor has nothing for, and that it is asked without."""


Value: TypeAlias = Any


def dialect_for(wire: Api, *, compatible: bool) -> Dialect:
    """Who writes and reads a wire."""
    found: Mapping[Api, Dialect] = {
        "chat": ChatDialect(compatible=compatible),
        "responses": ResponsesDialect(),
        "messages": MessagesDialect(),
        "generate-content": GenerateContentDialect(),
    }
    return found[wire]


def written(call: NeutralCall, model: ModelNames, asked_in: Api) -> WrittenCall:
    """A call in a wire of the candidate's: its entry's, or its vendor's other that carries more.

    Raises:
        RefusedCallError: no wire of the candidate's carries all of it.
    """
    stated = _without(call, model.omit)
    wires: list[Api] = [model.api, *(one for one in model.wires if one != model.api)]
    problems: list[str] = []
    for wire in wires:
        unsent: list[Part] = [part for part, to in UNSENT if to == wire and part in stated.parts()]
        kept = replace(stated, json=stated.json and "json" not in unsent)
        problem = next(_problems(kept, wire, asked_in), None)
        if problem is None:
            names = tuple(WRITTEN[part, asked_in].field for part in unsent)
            return replace(_written(kept, wire, model), left_out=names)
        problems.append(problem)
    raise RefusedCallError(f"{problems[0]} ({model.option})")


def _without(call: NeutralCall, omit: frozenset[str]) -> NeutralCall:
    changes: dict[str, Value] = {name: _OMITTED[name] for name in omit if name in _OMITTED}
    if not call.tools:
        changes |= {"rule": None, "one_call": False}
    return replace(call, **changes)


def _problems(call: NeutralCall, wire: Api, asked_in: Api) -> Iterator[str]:
    for part in call.parts():
        if (part, wire) not in WRITTEN:
            yield uncarried(part, wire, asked_in)
    yield from _value_problems(call, wire)
    yield from _turn_problems(call.messages, wire)


def uncarried(part: Part, wire: Api, asked_in: Api) -> str:
    """Says that a wire has no such field."""
    field = WRITTEN[part, asked_in].field
    way = f", or state `omit: [{part}]` in its entry" if part in _OMITTED else ""
    return f"the {wire} wire has nothing for {field!r}: leave it out{way}"


def _value_problems(call: NeutralCall, wire: Api) -> Iterator[str]:
    if wire == "messages":
        if call.temperature is not None and call.temperature > WARMEST_MESSAGES:
            yield (
                f"the messages wire takes a temperature of at most 1, not {call.temperature:g}: "
                "state `omit: [temperature]` in its entry"
            )
        if any(not stop.strip() for stop in call.stop):
            yield (
                "the messages wire takes no stop word of white space alone: "
                "state `omit: [stop]` in its entry"
            )
    if len(call.stop) > MOST_STOPS.get(wire, len(call.stop)):
        yield f"the {wire} wire takes at most {MOST_STOPS[wire]} stop words"
    for tool in call.tools:
        if TOOL_NAMES[wire].fullmatch(tool.name) is None:
            yield f"the {wire} wire takes no tool of the name {tool.name[:64]!r}"


def _turn_problems(messages: Sequence[Message], wire: Api) -> Iterator[str]:
    turns = [message for message in messages if message.role != "system"]
    front = all(message.role != "system" for message in messages[len(messages) - len(turns) :])
    if wire in _FRONT and not front:
        yield f"the {wire} wire has a system's text before the conversation alone"
    if not any(turn.text or turn.images or turn.tool_call_id for turn in turns):
        yield f"the {wire} wire needs a turn that is not empty"
    elif turns[-1].role == "assistant":
        yield "the last turn is the assistant's: another vendor's model does not go on with it"
    for image in (image for turn in turns for image in turn.images):
        if image.media_type not in IMAGES[wire]:
            yield f"the {wire} wire takes no image of the kind {image.media_type[:40]!r}"


def _written(call: NeutralCall, wire: Api, model: ModelNames) -> WrittenCall:
    limit = None if call.limit is None else min(call.limit, model.longest)
    compatible = model.vendor == "openai-compatible"
    dialect = dialect_for(wire, compatible=compatible)
    request = ModelRequest(
        model="",
        messages=tuple(_turns(call, wire)),
        max_output_tokens=limit or model.longest,
        temperature=call.temperature,
        seed=call.seed,
        stop=call.stop,
        schema=_schema(call.schema, wire),
        tools=call.tools,
        stream=call.stream,
    )
    body = dialect.body(request)
    if limit is None and wire != "messages":
        _drop_limit(body)
    return WrittenCall(wire=wire, body=_MORE[wire](call, body), limit=limit)


def _drop_limit(body: JsonObject) -> None:
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        body.pop(name, None)
    object_at(body, "generationConfig").pop("maxOutputTokens", None)


def _turns(call: NeutralCall, wire: Api) -> Iterator[Message]:
    """The messages that are not empty; an empty tool result is kept."""
    for message in call.messages:
        says = message.text or message.images or message.tool_calls
        if says or message.role == "tool" or wire in ("chat", "responses"):
            yield message


def _schema(schema: str | None, wire: Api) -> str | None:
    if schema is None or wire != "messages":
        return schema
    return json.dumps(closed(json.loads(schema)), ensure_ascii=False)


def closed(schema: object) -> object:
    """A schema whose objects have no properties but their own, as Anthropic demands."""
    if isinstance(schema, list):
        return [closed(one) for one in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in as_object(cast("object", schema)).items()}
    kinds = found.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds):
        found.setdefault("additionalProperties", False)
    return found


def is_strict(schema: object) -> bool:
    """Whether OpenAI takes a schema as strict: closed objects, every property required."""
    if isinstance(schema, list):
        return all(is_strict(one) for one in cast("list[object]", schema))
    if not isinstance(schema, dict):
        return True
    stated = as_object(cast("object", schema))
    properties = object_at(stated, "properties")
    if properties or stated.get("type") == "object":
        required = items_of(stated.get("required")) or []
        every = all(name in required for name in properties)
        if stated.get("additionalProperties") is not False or not every:
            return False
    return all(is_strict(value) for value in stated.values())


def _strict(call: NeutralCall) -> bool:
    stated = call.strict
    return is_strict(json.loads(call.schema or "{}")) if stated is None else stated


def _chat(call: NeutralCall, body: JsonObject) -> JsonObject:
    form = object_at(object_at(body, "response_format"), "json_schema")
    if form:
        form["strict"] = _strict(call)
    rule: object = None
    if call.rule is not None:
        named: JsonObject = {"type": "function", "function": {"name": call.rule.name}}
        rule = named if call.rule.mode == "named" else call.rule.mode
    turns = _as_one(cast("list[JsonObject]", body["messages"]))
    more: JsonObject = {
        "messages": turns,
        "tool_choice": rule,
        "parallel_tool_calls": False if call.one_call else None,
        "top_p": call.top_p,
        "frequency_penalty": call.frequency_penalty,
        "presence_penalty": call.presence_penalty,
        "response_format": {"type": "json_object"} if call.json else None,
    }
    return {**body, **present(more)}


def _as_one(turns: list[JsonObject]) -> list[JsonObject]:
    """Merge consecutive messages of one role: the templates of some models demand it."""
    found: list[JsonObject] = []
    for turn in turns:
        last = found[-1] if found else {}
        if last.get("role") == turn["role"] == "system":
            last["content"] = f"{last['content']}\n\n{turn['content']}"
        elif last.get("role") == turn["role"] == "user":
            last["content"] = [*_listed(last), *_listed(turn)]
        else:
            found.append(dict(turn))
    return found


def _listed(turn: JsonObject) -> list[object]:
    content = turn["content"]
    if isinstance(content, list):
        return cast("list[object]", content)
    return [{"type": "text", "text": content}]


def _responses(call: NeutralCall, body: JsonObject) -> JsonObject:
    form = object_at(object_at(body, "text"), "format")
    if form:
        form["strict"] = _strict(call)
    rule: object = None
    if call.rule is not None:
        named: JsonObject = {"type": "function", "name": call.rule.name}
        rule = named if call.rule.mode == "named" else call.rule.mode
    more: JsonObject = {
        "tool_choice": rule,
        "parallel_tool_calls": False if call.one_call else None,
        "top_p": call.top_p,
        "text": {"format": {"type": "json_object"}} if call.json else None,
    }
    return {**body, **present(more)}


def _messages(call: NeutralCall, body: JsonObject) -> JsonObject:
    rule: JsonObject = {}
    if call.rule is not None:
        words = {"required": "any", "named": "tool"}
        rule = {"type": words.get(call.rule.mode, call.rule.mode)}
    if call.rule is not None and call.rule.mode == "named":
        rule["name"] = call.rule.name
    if call.one_call and rule.get("type") != "none":
        rule = {"type": "auto", **rule, "disable_parallel_tool_use": True}
    more: JsonObject = {
        "tool_choice": rule if rule and call.tools else None,
        "top_p": call.top_p,
        "top_k": call.top_k,
    }
    return {**body, **present(more)}


def _generate(call: NeutralCall, body: JsonObject) -> JsonObject:
    generation: JsonObject = {
        "topP": call.top_p,
        "topK": call.top_k,
        "frequencyPenalty": call.frequency_penalty,
        "presencePenalty": call.presence_penalty,
        "responseMimeType": "application/json" if call.json else None,
    }
    config: JsonObject = {}
    if call.rule is not None:
        config["mode"] = _CHOICES[call.rule.mode]
        if call.rule.mode == "named":
            config["allowedFunctionNames"] = [call.rule.name]
    more: JsonObject = {}
    if present(generation):
        more["generationConfig"] = present(generation)
    if config:
        more["toolConfig"] = {"functionCallingConfig": config}
    return merged(body, more)


_MORE = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "generate-content": _generate,
}
