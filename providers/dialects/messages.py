"""Anthropic's Messages: cached tokens beside the input, thinking inside the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.answer import (
    Answer,
    JsonObject,
    as_object,
    count_at,
    items_at,
    object_at,
    parse_object,
    text_at,
    to_json,
)
from providers.completion import Finish, TokenUsage
from providers.dialects.asking import (
    alternating,
    counted,
    extra_body,
    given_object,
    merged,
    parameters_of,
    present,
    refuse,
    refuse_errors,
    refuse_parts,
    schema_of,
)
from providers.errors import BrokenBodyError, UnknownFinishError
from providers.request import Message, ModelRequest, ToolCall
from providers.wire.calling import streams

FINISHES: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDialect:
    """`/v1/messages`. Effort: a number is a thinking budget, `none` no thinking."""

    path: str = "/v1/messages"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        refuse_parts(request, "messages", ("a seed", "token probabilities"))
        effort, thinking = _effort(request.effort)
        schema = schema_of(request)
        form = None if schema is None else {"type": "json_schema", "schema": schema}
        output = present({"effort": effort, "format": form})
        body: JsonObject = {
            "model": request.model,
            "max_tokens": request.max_output_tokens,
            "system": _system(request) or None,
            "messages": _turns(request),
            "temperature": request.temperature,
            "stop_sequences": list(request.stop) or None,
            "tools": _tools(request) or None,
            "output_config": output or None,
            "thinking": thinking,
            "service_tier": request.service_tier,
            "stream": True if streams(request) else None,
        }
        return merged(present(body), extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read a plain message."""
        refuse_errors(document, vendor="anthropic")
        usage = object_at(document, "usage")
        reason = text_at(document, "stop_reason")
        if not reason:
            raise BrokenBodyError("the message has no reason for its end")
        finish = FINISHES.get(reason)
        if finish is None:
            raise UnknownFinishError(reason, usage=read_usage(usage))
        blocks = items_at(document, "content")
        texts = [text_at(b, "text") or "" for b in blocks if text_at(b, "type") == "text"]
        calls = [_tool_call(b) for b in blocks if text_at(b, "type") == "tool_use"]
        return Answer(
            text="".join(texts),
            finish=finish,
            served_model=text_at(document, "model"),
            usage=read_usage(usage),
            tool_calls=tuple(calls),
            service_tier=text_at(usage, "service_tier"),
            reply_id=text_at(document, "id"),
        )

    def reader(self) -> MessagesReader:
        """Start reading a streamed message."""
        return MessagesReader(self)


@dataclass(slots=True)
class MessagesReader:
    """Puts the events of a message together, then reads them as a plain one."""

    dialect: MessagesDialect
    message: JsonObject = field(default_factory=dict[str, object])
    tokens: JsonObject = field(default_factory=dict[str, object])
    blocks: dict[int, _BlockParts] = field(default_factory=dict[int, "_BlockParts"])
    stop_reason: str | None = None

    def feed(self, event: JsonObject) -> bool:
        """Take one event."""
        match text_at(event, "type"):
            case "message_start":
                self.message = object_at(event, "message")
                self._count(object_at(self.message, "usage"))
            case "content_block_start":
                self._block(event).start = object_at(event, "content_block")
            case "content_block_delta":
                return self._block(event).take(object_at(event, "delta"))
            case "message_delta":
                self.stop_reason = text_at(object_at(event, "delta"), "stop_reason")
                self._count(object_at(event, "usage"))
            case _:
                pass
        return False

    def usage(self) -> TokenUsage | None:
        """Usage, once the output has been counted to its end."""
        return None if self.stop_reason is None else read_usage(self.tokens)

    def answer(self) -> Answer:
        """The whole answer."""
        if self.stop_reason is None:
            raise BrokenBodyError("the stream ended before its last event")
        content = [self.blocks[index].document() for index in sorted(self.blocks)]
        whole = {"content": content, "stop_reason": self.stop_reason, "usage": self.tokens}
        return self.dialect.read({**self.message, **whole})

    def _block(self, event: JsonObject) -> _BlockParts:
        return self.blocks.setdefault(count_at(event, "index") or 0, _BlockParts())

    def _count(self, usage: JsonObject) -> None:
        # Counts are cumulative, and a later null does not unsay an earlier number.
        self.tokens.update(present(usage))


@dataclass(slots=True)
class _BlockParts:
    """A content block that comes in pieces."""

    start: JsonObject = field(default_factory=dict[str, object])
    pieces: list[str] = field(default_factory=list[str])

    def take(self, delta: JsonObject) -> bool:
        piece = text_at(delta, DELTAS.get(text_at(delta, "type") or "", "")) or ""
        self.pieces.append(piece)
        return bool(piece)

    def document(self) -> JsonObject:
        joined = "".join(self.pieces)
        if text_at(self.start, "type") == "tool_use":
            return {**self.start, "input": parse_object(joined or "{}")}
        return {**self.start, "text": (text_at(self.start, "text") or "") + joined}


def read_usage(usage: JsonObject) -> TokenUsage | None:
    """The usage of Messages, with cached tokens moved inside the input."""
    beside, output_tokens = count_at(usage, "input_tokens"), count_at(usage, "output_tokens")
    if beside is None or output_tokens is None:
        return None
    read = count_at(usage, "cache_read_input_tokens") or 0
    written = count_at(usage, "cache_creation_input_tokens") or 0
    by_age = object_at(usage, "cache_creation")
    details = object_at(usage, "output_tokens_details")
    return counted(
        input_tokens=beside + read + written,
        output_tokens=output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=count_at(by_age, "ephemeral_1h_input_tokens") or 0,
        reasoning_tokens=count_at(details, "thinking_tokens") or 0,
    )


def _effort(effort: str | None) -> tuple[str | None, JsonObject | None]:
    if effort is None:
        return None, None
    if effort == "none":
        return None, {"type": "disabled"}
    if effort.isdecimal():
        return None, {"type": "enabled", "budget_tokens": int(effort)}
    return effort, None


def _mark(message: Message) -> JsonObject:
    return {"cache_control": {"type": "ephemeral"}} if message.cache else {}


def _system(request: ModelRequest) -> list[JsonObject]:
    return [
        {"type": "text", "text": message.text, **_mark(message)}
        for message in request.messages
        if message.role == "system"
    ]


def _turns(request: ModelRequest) -> list[JsonObject]:
    turns = alternating(request, "assistant", _content)
    return [{"role": role, "content": content} for role, content in turns]


def _content(message: Message) -> Sequence[JsonObject]:
    if message.role == "tool":
        if message.tool_call_id is None:
            raise refuse("messages", "a tool turn without the id of its call")
        result: JsonObject = {
            "type": "tool_result",
            "tool_use_id": message.tool_call_id,
            "content": message.text,
        }
        return [{**result, **_mark(message)}]
    blocks: list[JsonObject] = []
    for document in message.documents:
        file: JsonObject = {
            "type": "base64",
            "media_type": document.media_type,
            "data": document.data,
        }
        titled: JsonObject = {"title": document.name} if document.name else {}
        blocks.append({"type": "document", "source": file, **titled})
    for image in message.images:
        source: JsonObject = {"type": "base64", "media_type": image.media_type, "data": image.data}
        blocks.append({"type": "image", "source": source})
    if message.text:
        blocks.append({"type": "text", "text": message.text})
    blocks.extend(_frozen_call(call) for call in message.tool_calls)
    if blocks:
        blocks[-1] |= _mark(message)
    return blocks


def _frozen_call(call: ToolCall) -> JsonObject:
    arguments = given_object(call.arguments, f"arguments of call {call.id}")
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _tools(request: ModelRequest) -> list[JsonObject]:
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": parameters_of(tool),
        }
        for tool in request.tools
    ]


def _tool_call(block: JsonObject) -> ToolCall:
    name = text_at(block, "name")
    if not name or not isinstance(block.get("input"), dict):
        raise BrokenBodyError("a tool call without a name or input")
    arguments = to_json(as_object(block["input"]))
    return ToolCall(id=text_at(block, "id") or "", name=name, arguments=arguments)
