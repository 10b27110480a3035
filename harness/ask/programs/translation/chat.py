"""OpenAI's Chat Completions for a program: its request read, a reply told, whole or as chunks."""

from __future__ import annotations

from collections.abc import Iterator

from harness.ask.programs.translation.neutral import (
    NeutralCall,
    ReplyToTell,
    Spoken,
    openai_usage,
    turns_of,
    with_ids,
)
from harness.ask.programs.translation.reading import (
    arguments_of,
    check_keys,
    check_only,
    content_pieces,
    inline_image,
    objects_of,
    openai_form,
    openai_rule,
    openai_tools,
    stated_fields,
    stated_text,
    text_in,
    wrong,
)
from harness.ask.programs.wires import RefusedCallError
from providers.answer import JsonObject, object_at, text_at
from providers.completion import Finish
from providers.request import Message, ToolCall

FINISHES: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refusal": "stop",
    "content_filter": "content_filter",
}

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_IMAGE_KEYS = frozenset({"url", "detail"})
_CALL_KEYS = frozenset({"name", "arguments"})


def read_request(body: JsonObject, *, streamed: bool) -> NeutralCall:
    """What a program asks.

    Raises:
        RefusedCallError: it cannot cross to another vendor.
    """
    stated = stated_fields("chat", body)
    form = openai_form(stated.object("response_format"), "response_format", nested=True)
    return NeutralCall(
        messages=with_ids(
            message for turn in stated.objects("messages") for message in _messages(turn)
        ),
        tools=openai_tools(stated.objects("tools"), nested=True),
        rule=openai_rule(stated.values.get("tool_choice")),
        one_call=stated.values.get("parallel_tool_calls") is False,
        limit=stated.whole("max_completion_tokens", "max_tokens"),
        temperature=stated.number("temperature"),
        top_p=stated.number("top_p", plain=1),
        frequency_penalty=stated.number("frequency_penalty", plain=0),
        presence_penalty=stated.number("presence_penalty", plain=0),
        seed=stated.whole("seed"),
        stop=stated.words("stop"),
        schema=form.schema,
        strict=form.strict,
        json=form.json,
        stream=streamed,
        left_out=(*stated.left_out, *form.left_out),
    )


def _messages(turn: JsonObject) -> list[Message]:
    role = text_at(turn, "role")
    if role not in ROLES:
        raise RefusedCallError(f"a turn of the role {str(role)[:40]!r} crosses to no other vendor")
    check_keys("chat", role, turn)
    if role in ("system", "developer"):
        return turns_of("system", _pieces(turn, images=False))
    if role == "user":
        return turns_of("user", _pieces(turn, images=True))
    if role == "assistant":
        said = "".join(piece.text for piece in _pieces(turn, images=False))
        calls = tuple(_call(call) for call in objects_of(turn.get("tool_calls"), "tool_calls"))
        refusal = stated_text(turn, "refusal", "message")
        if said and refusal:
            raise RefusedCallError("a 'refusal' beside 'content' crosses to no other vendor")
        return [Message(role="assistant", text=said or refusal, tool_calls=calls)]
    text = "\n".join(piece.text for piece in _pieces(turn, images=False))
    return [Message(role="tool", text=text, tool_call_id=text_in(turn, "tool_call_id", "tool"))]


def _pieces(turn: JsonObject, *, images: bool) -> Iterator[Spoken]:
    content = content_pieces(turn, "content")
    if isinstance(content, str):
        yield Spoken(text=content)
        return
    for part in content or []:
        kind = text_at(part, "type") or ""
        check_keys("chat", kind, part)
        if kind != "image_url":
            yield Spoken(text=text_in(part, kind, kind))
        elif images:
            image = object_at(part, "image_url")
            check_only(image, _IMAGE_KEYS, kind)
            yield Spoken(image=inline_image(text_in(image, "url", kind)))
        else:
            raise wrong("content", "text, but for the user's")


def _call(call: JsonObject) -> ToolCall:
    if call.get("type") not in (None, "function"):
        raise RefusedCallError("a call of a tool that is no function crosses to no other vendor")
    check_keys("chat", "function", call)
    function = object_at(call, "function")
    check_only(function, _CALL_KEYS, "function")
    return ToolCall(
        id=stated_text(call, "id", "call"),
        name=text_in(function, "name", "call"),
        arguments=arguments_of(stated_text(function, "arguments", "call")),
    )


def whole(reply: ReplyToTell) -> JsonObject:
    """A reply as one chat completion."""
    refused = reply.finish == "refusal"
    message: JsonObject = {
        "role": "assistant",
        "content": None if refused or (reply.tool_calls and not reply.text) else reply.text,
        "refusal": reply.refusal,
    }
    if reply.tool_calls:
        message["tool_calls"] = [_told_call(call) for call in reply.tool_calls]
    choice: JsonObject = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": FINISHES[reply.finish],
    }
    document = {**_head(reply, "chat.completion"), "choices": [choice]}
    return document if reply.usage is None else {**document, "usage": _usage(reply)}


def events(reply: ReplyToTell) -> list[JsonObject]:
    """A reply as the chunks of a stream."""
    empty = None if reply.tool_calls else ""
    deltas: list[JsonObject] = [{"role": "assistant", "content": empty, "refusal": None}]
    if reply.refusal is not None:
        deltas.append({"refusal": reply.refusal})
    elif reply.text:
        deltas.append({"content": reply.text})
    for at, call in enumerate(reply.tool_calls):
        deltas.append({"tool_calls": [{"index": at, **_told_call(call)}]})
    chunks = [_chunk(reply, delta, None) for delta in deltas]
    chunks.append(_chunk(reply, {}, FINISHES[reply.finish]))
    if reply.usage is not None:
        head = _head(reply, "chat.completion.chunk")
        chunks.append({**head, "choices": [], "usage": _usage(reply)})
    return chunks


def _head(reply: ReplyToTell, kind: str) -> JsonObject:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": 0,
        "model": reply.model,
    }


def _chunk(reply: ReplyToTell, delta: JsonObject, finish: str | None) -> JsonObject:
    choice: JsonObject = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**_head(reply, "chat.completion.chunk"), "choices": [choice]}


def _told_call(call: ToolCall) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _usage(reply: ReplyToTell) -> JsonObject:
    return openai_usage(reply.usage, ("prompt_tokens", "completion_tokens"))
