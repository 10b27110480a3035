"""OpenAI's Responses for a program: its request read, a reply told, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.ask.programs.translation.neutral import (
    NeutralCall,
    ReplyToTell,
    Spoken,
    openai_usage,
    turns_of,
    with_ids,
)
from harness.ask.programs.translation.reading import (
    StatedFields,
    arguments_of,
    check_keys,
    content_pieces,
    inline_image,
    openai_form,
    openai_rule,
    openai_tools,
    stated_fields,
    text_in,
    wrong,
)
from harness.ask.programs.wires import RefusedCallError
from providers.answer import JsonObject, text_at
from providers.completion import Finish
from providers.request import Message, ToolCall

INCOMPLETE: dict[Finish, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


def read_request(body: JsonObject, *, streamed: bool) -> NeutralCall:
    """What a program asks.

    Raises:
        RefusedCallError: it cannot cross to another vendor.
    """
    stated = stated_fields("responses", body)
    form = openai_form(stated.object("text.format"), "text.format", nested=False)
    return NeutralCall(
        messages=with_ids(_joined(list(_conversation(stated)))),
        tools=openai_tools(stated.objects("tools"), nested=False),
        rule=openai_rule(stated.values.get("tool_choice")),
        one_call=stated.values.get("parallel_tool_calls") is False,
        limit=stated.whole("max_output_tokens"),
        temperature=stated.number("temperature"),
        top_p=stated.number("top_p", plain=1),
        schema=form.schema,
        strict=form.strict,
        json=form.json,
        stream=streamed,
        left_out=(*stated.left_out, *form.left_out),
    )


def _conversation(stated: StatedFields) -> Iterator[Message]:
    instructions = stated.values.get("instructions")
    if instructions is not None:
        if not isinstance(instructions, str):
            raise wrong("instructions", "a text")
        yield Message(role="system", text=instructions)
    asked = stated.values.get("input")
    if isinstance(asked, str):
        yield Message(role="user", text=asked)
        return
    for item in stated.objects("input"):
        yield from _messages(item)


def _messages(item: JsonObject) -> Sequence[Message]:
    kind = text_at(item, "type") or "message"
    check_keys("responses", kind, item)
    if kind == "reasoning":
        return ()
    return _spoken(item) if kind == "message" else _called(item, kind)


def _called(item: JsonObject, kind: str) -> Sequence[Message]:
    if kind == "function_call":
        call = ToolCall(
            id=text_in(item, "call_id", kind),
            name=text_in(item, "name", kind),
            arguments=arguments_of(text_in(item, "arguments", kind)),
        )
        return [Message(role="assistant", text="", tool_calls=(call,))]
    text = "\n".join(piece.text for piece in _pieces(item, "output", images=False))
    return [Message(role="tool", text=text, tool_call_id=text_in(item, "call_id", kind))]


def _spoken(item: JsonObject) -> Sequence[Message]:
    role = text_at(item, "role")
    if role in ("system", "developer"):
        return turns_of("system", _pieces(item, "content", images=False))
    if role == "user":
        return turns_of("user", _pieces(item, "content", images=True))
    if role != "assistant":
        raise RefusedCallError(f"a turn of the role {str(role)[:40]!r} crosses to no other vendor")
    said = "".join(piece.text for piece in _pieces(item, "content", images=False))
    return [Message(role="assistant", text=said)]


def _pieces(item: JsonObject, key: str, *, images: bool) -> Iterator[Spoken]:
    content = content_pieces(item, key)
    if isinstance(content, str):
        yield Spoken(text=content)
        return
    for part in content or []:
        kind = text_at(part, "type") or ""
        check_keys("responses", kind, part)
        if kind == "input_image" and images:
            yield Spoken(image=inline_image(text_in(part, "image_url", kind)))
        elif kind in ("input_text", "output_text", "refusal"):
            yield Spoken(text=text_in(part, "refusal" if kind == "refusal" else "text", kind))
        else:
            raise wrong(key, "text, but for the user's")


def _joined(messages: list[Message]) -> list[Message]:
    """The assistant's text and calls, which are items here, as the one turn that they are."""
    found: list[Message] = []
    for message in messages:
        last = found[-1] if found else None
        if last and last.role == message.role == "assistant" and message.tool_calls:
            calls = (*last.tool_calls, *message.tool_calls)
            found[-1] = Message(role="assistant", text=last.text + message.text, tool_calls=calls)
        else:
            found.append(message)
    return found


def whole(reply: ReplyToTell) -> JsonObject:
    """A reply as one response."""
    reason = INCOMPLETE.get(reply.finish)
    return {
        **_head(reply, "incomplete" if reason else "completed"),
        "incomplete_details": {"reason": reason} if reason else None,
        "output": _output(reply),
        "usage": _usage(reply),
    }


def events(reply: ReplyToTell) -> list[JsonObject]:
    """A reply as the events of a stream."""
    opening: JsonObject = {**_head(reply, "in_progress"), "output": [], "usage": None}
    told: list[JsonObject] = [
        {"type": "response.created", "response": opening},
        {"type": "response.in_progress", "response": opening},
    ]
    for at, item in enumerate(_output(reply)):
        told += _message(reply, at, item) if item["type"] == "message" else _call(at, item)
    document = whole(reply)
    told.append({"type": f"response.{document['status']}", "response": document})
    return [{**event, "sequence_number": number} for number, event in enumerate(told)]


def _head(reply: ReplyToTell, status: str) -> JsonObject:
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": 0,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": reply.model,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": None,
        "top_p": None,
    }


def _output(reply: ReplyToTell) -> list[JsonObject]:
    items: list[JsonObject] = []
    if reply.text or reply.refusal or not reply.tool_calls:
        text: JsonObject = {"type": "output_text", "text": reply.text, "annotations": []}
        refusal: JsonObject = {"type": "refusal", "refusal": reply.refusal}
        items.append(
            {
                "type": "message",
                "id": f"msg_{reply.id}",
                "status": "incomplete" if reply.finish in INCOMPLETE else "completed",
                "role": "assistant",
                "content": [text if reply.refusal is None else refusal],
            }
        )
    for at, call in enumerate(reply.tool_calls):
        items.append(
            {
                "type": "function_call",
                "id": f"fc_{reply.id}_{at}",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    return items


def _message(reply: ReplyToTell, at: int, item: JsonObject) -> list[JsonObject]:
    refused = reply.refusal is not None
    kind = "refusal" if refused else "output_text"
    key = "refusal" if refused else "text"
    said = reply.refusal if reply.refusal is not None else reply.text
    place: JsonObject = {"output_index": at, "item_id": item["id"], "content_index": 0}
    empty: JsonObject = {"type": kind, key: ""}
    full: JsonObject = {"type": kind, key: said}
    more: JsonObject = {} if refused else {"annotations": []}
    logs: JsonObject = {} if refused else {"logprobs": []}
    delta: JsonObject = {"type": f"response.{kind}.delta", **place, "delta": said, **logs}
    start: JsonObject = {**item, "status": "in_progress", "content": []}
    added: JsonObject = {"type": "response.output_item.added", "output_index": at, "item": start}
    return [
        added,
        {"type": "response.content_part.added", **place, "part": {**empty, **more}},
        *([delta] if said else []),
        {"type": f"response.{kind}.done", **place, key: said, **logs},
        {"type": "response.content_part.done", **place, "part": {**full, **more}},
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]


def _call(at: int, item: JsonObject) -> list[JsonObject]:
    place: JsonObject = {"output_index": at, "item_id": item["id"]}
    kind = "response.function_call_arguments"
    return [
        {
            "type": "response.output_item.added",
            "output_index": at,
            "item": {**item, "arguments": "", "status": "in_progress"},
        },
        {"type": f"{kind}.delta", **place, "delta": item["arguments"]},
        {"type": f"{kind}.done", **place, "name": item["name"], "arguments": item["arguments"]},
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]


def _usage(reply: ReplyToTell) -> JsonObject | None:
    return openai_usage(reply.usage, ("input_tokens", "output_tokens")) or None
