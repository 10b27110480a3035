"""Anthropic's Messages for a program: its request read, a reply written, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from harness.ask.programs.translation.neutral import (
    ChoosingRule,
    NeutralCall,
    ReplyToTell,
    Spoken,
    arguments_object,
    turns_of,
    with_ids,
)
from harness.ask.programs.translation.reading import (
    StatedFields,
    check_keys,
    check_only,
    content_pieces,
    stated_fields,
    text_in,
    tool_of,
    wrong,
)
from harness.ask.programs.wires import RefusedCallError
from providers.answer import JsonObject, as_object, object_at, text_at, to_json
from providers.completion import Finish
from providers.request import ImagePart, Message, Tool, ToolCall

STOPS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
}
MODES = {"none": "none", "auto": "auto", "any": "required", "tool": "named"}
_RULE_KEYS = frozenset({"type", "name", "disable_parallel_tool_use"})
_TOOL_KEYS = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_DROPPED = frozenset({"thinking", "redacted_thinking"})


def read_request(body: JsonObject, *, streamed: bool) -> NeutralCall:
    """What a program asks.

    Raises:
        RefusedCallError: it cannot cross to another vendor.
    """
    stated = stated_fields("messages", body)
    choice = stated.object("tool_choice")
    form = stated.object("output_config.format") or stated.object("output_format")
    system: JsonObject = {"content": stated.values.get("system")}
    turns = turns_of("system", _system(system))
    for turn in stated.objects("messages"):
        turns += _messages(turn)
    return NeutralCall(
        messages=with_ids(turns),
        tools=tuple(_tool(tool) for tool in stated.objects("tools")),
        rule=_rule(choice),
        one_call=choice.get("disable_parallel_tool_use") is True,
        limit=stated.whole("max_tokens"),
        temperature=stated.number("temperature"),
        top_p=stated.number("top_p"),
        top_k=stated.whole("top_k"),
        stop=stated.words("stop_sequences"),
        schema=to_json(_schema(form)) if form else None,
        stream=streamed,
        left_out=_left_out(stated, body),
    )


def _left_out(stated: StatedFields, body: JsonObject) -> tuple[str, ...]:
    """Cache marks may stand on any part."""
    marked = '"cache_control":{' in to_json({**body, "cache_control": None})
    inside = ("cache_control",) if marked and "cache_control" not in stated.left_out else ()
    return (*stated.left_out, *inside)


def _schema(form: JsonObject) -> JsonObject:
    if form.get("type") != "json_schema" or not object_at(form, "schema"):
        raise RefusedCallError("this output format crosses to no other vendor")
    check_only(form, frozenset({"type", "schema"}), "format")
    return object_at(form, "schema")


def _rule(choice: JsonObject) -> ChoosingRule | None:
    if not choice:
        return None
    mode = MODES.get(text_at(choice, "type") or "")
    if mode is None or set(choice) - _RULE_KEYS:
        raise RefusedCallError("this 'tool_choice' crosses to no other vendor")
    if mode == "named":
        return ChoosingRule(mode="named", name=text_in(choice, "name", "tool_choice"))
    return ChoosingRule(mode=mode)  # pyright: ignore[reportArgumentType]


def _tool(tool: JsonObject) -> Tool:
    for key in sorted(set(tool) - _TOOL_KEYS):
        if tool[key] is not None:
            raise RefusedCallError(f"{key[:60]!r} of a tool crosses to no other vendor")
    return tool_of(tool, tool.get("input_schema"))


def _system(document: JsonObject) -> Iterator[Spoken]:
    for part in _parts(document):
        check_keys("messages", text_at(part, "type") or "", part)
        yield _spoken(part)


def _parts(document: JsonObject) -> list[JsonObject]:
    content = content_pieces(document, "content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _spoken(part: JsonObject) -> Spoken:
    if text_at(part, "type") != "text":
        raise wrong("content", "text here")
    return Spoken(text=text_in(part, "text", "text"), cache=bool(part.get("cache_control")))


def _messages(turn: JsonObject) -> list[Message]:
    check_keys("messages", "message", turn)
    role = text_at(turn, "role")
    parts = [part for part in _parts(turn) if text_at(part, "type") not in _DROPPED]
    for part in parts:
        check_keys("messages", text_at(part, "type") or "", part)
    if role == "assistant":
        return [_assistant(parts)]
    if role != "user":
        raise RefusedCallError(f"a turn of the role {str(role)[:40]!r} crosses to no other vendor")
    found: list[Message] = []
    waiting: list[Spoken] = []
    for part in parts:
        if text_at(part, "type") == "tool_result":
            found += [*turns_of("user", waiting), _result(part)]
            waiting = []
        elif text_at(part, "type") == "image":
            waiting.append(_image(part))
        else:
            waiting.append(_spoken(part))
    return [*found, *turns_of("user", waiting)]


def _assistant(parts: list[JsonObject]) -> Message:
    calls = tuple(_call(part) for part in parts if text_at(part, "type") == "tool_use")
    said = [_spoken(part) for part in parts if text_at(part, "type") != "tool_use"]
    marked = any(part.get("cache_control") for part in parts)
    text = "".join(piece.text for piece in said)
    return Message(role="assistant", text=text, tool_calls=calls, cache=marked)


def _call(part: JsonObject) -> ToolCall:
    if not isinstance(part.get("input"), dict):
        raise wrong("tool_use.input", "an object")
    return ToolCall(
        id=text_in(part, "id", "tool_use"),
        name=text_in(part, "name", "tool_use"),
        arguments=to_json(as_object(part["input"])),
    )


def _image(part: JsonObject) -> Spoken:
    source = object_at(part, "source")
    kind, data = text_in(source, "media_type", "source"), text_in(source, "data", "source")
    image = ImagePart(media_type=kind, data=data)
    return Spoken(image=image, cache=bool(part.get("cache_control")))


def _result(part: JsonObject) -> Message:
    texts: list[str] = []
    for inner in _parts(part):
        if text_at(inner, "type") != "text":
            raise RefusedCallError("a tool's result that is no text crosses to no other vendor")
        texts.append(text_in(inner, "text", "tool_result"))
    return Message(
        role="tool",
        text="\n".join(texts),
        tool_call_id=text_in(part, "tool_use_id", "tool_result"),
        cache=bool(part.get("cache_control")),
    )


def whole(reply: ReplyToTell) -> JsonObject:
    """A reply as one message."""
    return {
        **_head(reply),
        "content": _blocks(reply),
        "stop_reason": STOPS[reply.finish],
        "stop_sequence": None,
        "usage": _usage(reply),
    }


def events(reply: ReplyToTell) -> list[JsonObject]:
    """A reply as the events of a stream."""
    usage = _usage(reply)
    opening: JsonObject = {
        **_head(reply),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 0 if reply.usage else None},
    }
    told: list[JsonObject] = [{"type": "message_start", "message": opening}]
    for at, block in enumerate(_blocks(reply)):
        text = block["type"] == "text"
        empty: JsonObject = {"text": ""} if text else {"input": cast("JsonObject", {})}
        start: JsonObject = {**block, **empty}
        delta: JsonObject = (
            {"type": "text_delta", "text": block["text"]}
            if text
            else {"type": "input_json_delta", "partial_json": to_json(as_object(block["input"]))}
        )
        told.append({"type": "content_block_start", "index": at, "content_block": start})
        told.append({"type": "content_block_delta", "index": at, "delta": delta})
        told.append({"type": "content_block_stop", "index": at})
    end: JsonObject = {"stop_reason": STOPS[reply.finish], "stop_sequence": None}
    told.append({"type": "message_delta", "delta": end, "usage": usage})
    return [*told, {"type": "message_stop"}]


def _head(reply: ReplyToTell) -> JsonObject:
    return {
        "id": f"msg_{reply.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
    }


def _blocks(reply: ReplyToTell) -> list[JsonObject]:
    text: list[JsonObject] = [{"type": "text", "text": reply.text}] if reply.text else []
    calls: list[JsonObject] = [
        {
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": arguments_object(call),
        }
        for call in reply.tool_calls
    ]
    return [*text, *calls]


def _usage(reply: ReplyToTell) -> JsonObject:
    """The usage: `input_tokens` excludes cached tokens here, and an unknown count is null."""
    usage = reply.usage
    if usage is None:
        return {"input_tokens": None, "output_tokens": None}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    told: JsonObject = {
        "input_tokens": usage.input_tokens - read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return told
