"""OpenAI's Responses API: a list of items in, a list of items out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.answer import Answer, JsonObject, as_object, items_at, object_at, text_at
from providers.completion import Finish, TokenUsage
from providers.dialects.asking import (
    SCHEMA_NAME,
    extra_body,
    merged,
    parameters_of,
    present,
    read_usage,
    refuse_parts,
    schema_of,
    whole_probability,
)
from providers.dialects.chat import data_url
from providers.errors import BrokenBodyError
from providers.request import Message, ModelRequest, ToolCall
from providers.wire.calling import streams
from providers.wire.rejections import Rejection, to_error

INCOMPLETE: Mapping[str, Finish] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}
DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.refusal.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
    }
)
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesDialect:
    """`/responses`. Nothing is stored at the vendor: `store` is false."""

    path: str = "/responses"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        refuse_parts(request, "responses", ("a seed", "stop sequences"))
        body: JsonObject = {
            "model": request.model,
            "input": [item for message in request.messages for item in _items(message)],
            "max_output_tokens": request.max_output_tokens,
            "store": False,
            "temperature": request.temperature,
            "text": _text(request),
            "tools": _tools(request),
            "reasoning": None if request.effort is None else {"effort": request.effort},
            "service_tier": request.service_tier,
            "include": ["message.output_text.logprobs"] if request.logprobs else None,
            "stream": True if streams(request) else None,
        }
        return merged(present(body), extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read a response."""
        usage = read_usage(object_at(document, "usage"))
        finish = _finish(document, usage)
        output = items_at(document, "output")
        parts = [part for item in output for part in items_at(item, "content")]
        refusals = [text_at(part, "refusal") or "" for part in parts if _is(part, "refusal")]
        texts = [text_at(part, "text") or "" for part in parts if _is(part, "output_text")]
        spoken = [part for part in parts if _is(part, "output_text") and text_at(part, "text")]
        told = [one for part in spoken for one in items_at(part, "logprobs") or [as_object(None)]]
        tool_calls = tuple(_tool_call(item) for item in output if _is(item, "function_call"))
        if finish == "stop":
            finish = "refusal" if refusals else "tool_calls" if tool_calls else "stop"
        return Answer(
            text="".join(texts) or "".join(refusals),
            finish=finish,
            served_model=text_at(document, "model"),
            usage=usage,
            tool_calls=tool_calls,
            service_tier=text_at(document, "service_tier"),
            reply_id=text_at(document, "id"),
            probability=whole_probability(one.get("logprob") for one in told),
        )

    def reader(self) -> ResponsesReader:
        """Start reading a streamed response."""
        return ResponsesReader(self)


@dataclass(slots=True)
class ResponsesReader:
    """Waits for the event that holds the whole response."""

    dialect: ResponsesDialect
    whole: JsonObject | None = None

    def feed(self, event: JsonObject) -> bool:
        """Take one event."""
        kind = text_at(event, "type") or ""
        if kind == "error":
            raise to_error(_rejection(event, None))
        if kind in ENDS:
            self.whole = object_at(event, "response")
        return kind in DELTAS and bool(text_at(event, "delta"))

    def usage(self) -> TokenUsage | None:
        """Usage, once the last event has come."""
        return None if self.whole is None else read_usage(object_at(self.whole, "usage"))

    def answer(self) -> Answer:
        """The whole answer."""
        if self.whole is None:
            raise BrokenBodyError("the stream ended before its last event")
        return self.dialect.read(self.whole)


def _finish(document: JsonObject, usage: TokenUsage | None) -> Finish:
    status = text_at(document, "status")
    if status == "completed":
        return "stop"
    if status == "incomplete":
        reason = text_at(object_at(document, "incomplete_details"), "reason") or ""
        known = INCOMPLETE.get(reason)
        if known is not None:
            return known
    if status == "failed":
        raise to_error(_rejection(object_at(document, "error"), usage))
    raise BrokenBodyError("the response is not finished", usage=usage)


def _rejection(error: JsonObject, usage: TokenUsage | None) -> Rejection:
    code = text_at(error, "code")
    return Rejection(
        vendor="openai",
        status=None,
        codes=(code,) if code else (),
        detail=text_at(error, "message") or "",
        usage=usage,
    )


def _is(item: JsonObject, kind: str) -> bool:
    return text_at(item, "type") == kind


def _text(request: ModelRequest) -> JsonObject | None:
    schema = schema_of(request)
    if schema is None:
        return None
    form: JsonObject = {
        "type": "json_schema",
        "name": SCHEMA_NAME,
        "schema": schema,
        "strict": True,
    }
    return {"format": form}


def _tools(request: ModelRequest) -> list[JsonObject] | None:
    tools: list[JsonObject] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": parameters_of(tool),
            "strict": False,
        }
        for tool in request.tools
    ]
    return tools or None


def _items(message: Message) -> list[JsonObject]:
    if message.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.tool_call_id or "",
                "output": message.text,
            }
        ]
    kind = "output_text" if message.role == "assistant" else "input_text"
    files: list[JsonObject] = [
        {"type": "input_file", "filename": document.named(at), "file_data": data_url(document)}
        for at, document in enumerate(message.documents, start=1)
    ]
    images: list[JsonObject] = [
        {"type": "input_image", "image_url": data_url(image), "detail": "auto"}
        for image in message.images
    ]
    content = [*files, *images]
    if message.text:
        content.append({"type": kind, "text": message.text})
    turn: list[JsonObject] = [{"role": message.role, "content": content}] if content else []
    return [*turn, *(_frozen_call(call) for call in message.tool_calls)]


def _frozen_call(call: ToolCall) -> JsonObject:
    return {
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _tool_call(item: JsonObject) -> ToolCall:
    name, arguments = text_at(item, "name"), text_at(item, "arguments")
    if not name or arguments is None:
        raise BrokenBodyError("a function call without a name or arguments")
    return ToolCall(id=text_at(item, "call_id") or "", name=name, arguments=arguments)
