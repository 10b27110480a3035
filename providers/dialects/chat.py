"""OpenAI's Chat Completions, as OpenAI and the many compatible servers speak it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from providers.answer import (
    Answer,
    JsonObject,
    content_at,
    count_at,
    items_at,
    object_at,
    text_at,
    to_json,
)
from providers.completion import TokenUsage
from providers.dialects.asking import (
    SCHEMA_NAME,
    extra_body,
    merged,
    parameters_of,
    present,
    read_usage,
    refuse_errors,
    schema_of,
    to_finish,
    whole_probability,
)
from providers.errors import BrokenBodyError
from providers.request import DocumentPart, ImagePart, Message, ModelRequest, ToolCall
from providers.wire.calling import streams


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDialect:
    """`/chat/completions`. `compatible`: a server that is not OpenAI's."""

    compatible: bool = False
    path: str = "/chat/completions"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        limit = "max_tokens" if self.compatible else "max_completion_tokens"
        streamed = streams(request)
        body: JsonObject = {
            "model": request.model,
            "messages": [_turn(message) for message in request.messages],
            limit: request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop) or None,
            "response_format": response_format(request),
            "tools": _tools(request),
            "reasoning_effort": request.effort,
            "service_tier": request.service_tier,
            "logprobs": True if request.logprobs else None,
            "stream": True if streamed else None,
            "stream_options": {"include_usage": True} if streamed else None,
        }
        return merged(present(body), extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read a plain chat completion."""
        refuse_errors(document)
        choices = items_at(document, "choices")
        if not choices:
            raise BrokenBodyError("the chat completion holds no choice")
        message = object_at(choices[0], "message")
        if not message:
            raise BrokenBodyError("the chat completion's choice holds no message")
        refusal = text_at(message, "refusal") or _refused(message)
        tool_calls = tuple(_tool_call(call) for call in items_at(message, "tool_calls"))
        usage = read_usage(object_at(document, "usage"))
        content = content_at(message, "content")
        reason = choices[0].get("finish_reason")
        if not reason and not content and not refusal and not tool_calls:
            raise BrokenBodyError("the chat completion holds no answer and no reason", usage=usage)
        finish = to_finish(reason, usage=usage)
        return Answer(
            text=content or refusal or "",
            finish="refusal" if refusal else finish,
            served_model=text_at(document, "model"),
            usage=usage,
            tool_calls=tool_calls,
            service_tier=text_at(document, "service_tier"),
            reply_id=text_at(document, "id"),
            probability=whole_probability(_logprobs(choices[0])),
        )

    def reader(self) -> ChatReader:
        """Start reading a streamed chat completion."""
        return ChatReader(self)


@dataclass(slots=True)
class ChatReader:
    """Puts the chunks of a chat completion together, then reads them as a plain one."""

    dialect: ChatDialect
    head: JsonObject = field(default_factory=dict[str, object])
    usage_document: JsonObject = field(default_factory=dict[str, object])
    content: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    calls: dict[int, _CallParts] = field(default_factory=dict[int, "_CallParts"])
    finish: str | None = None
    logprobs: list[object] = field(default_factory=list[object])

    def feed(self, event: JsonObject) -> bool:
        """Take one chunk."""
        refuse_errors(event)
        for key in ("id", "model", "service_tier"):
            if event.get(key) is not None:
                self.head[key] = event[key]
        self.usage_document = object_at(event, "usage") or self.usage_document
        brought = False
        for choice in items_at(event, "choices")[:1]:
            self.logprobs += _logprobs(choice)
            self.finish = text_at(choice, "finish_reason") or self.finish
            brought = self._take(object_at(choice, "delta"))
        return brought

    def usage(self) -> TokenUsage | None:
        """Usage, once its chunk has come."""
        return read_usage(self.usage_document)

    def answer(self) -> Answer:
        """The whole answer."""
        # A server without finish reasons sends its counts last.
        if self.finish is None and not self.usage_document:
            raise BrokenBodyError("the stream ended before its last chunk")
        message: JsonObject = {
            "content": "".join(self.content),
            "refusal": "".join(self.refusal),
            "tool_calls": [self.calls[index].document() for index in sorted(self.calls)],
        }
        choice: JsonObject = {"message": message, "finish_reason": self.finish}
        whole: JsonObject = {**self.head, "choices": [choice], "usage": self.usage_document}
        return replace(self.dialect.read(whole), probability=whole_probability(self.logprobs))

    def _take(self, delta: JsonObject) -> bool:
        content, refusal = content_at(delta, "content"), text_at(delta, "refusal")
        # Servers name a model's visible reasoning either way; it is not part of the answer.
        reasoning = text_at(delta, "reasoning_content") or text_at(delta, "reasoning")
        self.content.append(content or "")
        self.refusal.append(refusal or "")
        calls = items_at(delta, "tool_calls")
        for place, call in enumerate(calls):
            index = count_at(call, "index")
            parts = self.calls.setdefault(place if index is None else index, _CallParts())
            parts.take(call)
        return bool(content or refusal or reasoning or calls)


@dataclass(slots=True)
class _CallParts:
    """A tool call that comes in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def take(self, call: JsonObject) -> None:
        function = object_at(call, "function")
        self.id = self.id or text_at(call, "id") or ""
        self.name += text_at(function, "name") or ""
        self.arguments += text_at(function, "arguments") or ""

    def document(self) -> JsonObject:
        return {"id": self.id, "function": {"name": self.name, "arguments": self.arguments}}


def _logprobs(choice: JsonObject) -> list[object]:
    """Of each token of the text; None for a piece of text that tells none."""
    told = [one.get("logprob") for one in items_at(object_at(choice, "logprobs"), "content")]
    piece = object_at(choice, "delta") or object_at(choice, "message")
    return told or ([None] if text_at(piece, "content") else [])


def response_format(request: ModelRequest) -> JsonObject | None:
    """The schema of the answer in Chat Completions' form."""
    schema = schema_of(request)
    if schema is None:
        return None
    json_schema: JsonObject = {"name": SCHEMA_NAME, "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": json_schema}


def data_url(part: ImagePart | DocumentPart) -> str:
    """An inline image or document as a data URL."""
    return f"data:{part.media_type};base64,{part.data}"


def _tools(request: ModelRequest) -> list[JsonObject] | None:
    tools: list[JsonObject] = []
    for tool in request.tools:
        function: JsonObject = {
            "name": tool.name,
            "description": tool.description,
            "parameters": parameters_of(tool),
        }
        tools.append({"type": "function", "function": function})
    return tools or None


def _turn(message: Message) -> JsonObject:
    turn: JsonObject = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        turn["tool_calls"] = [_frozen_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _content(message: Message) -> object:
    if message.tool_calls and not message.text:
        return None
    if not message.images and not message.documents:
        return message.text
    files = [
        {"type": "file", "file": {"filename": each.named(at), "file_data": data_url(each)}}
        for at, each in enumerate(message.documents, start=1)
    ]
    images = [
        {"type": "image_url", "image_url": {"url": data_url(image)}} for image in message.images
    ]
    text = [{"type": "text", "text": message.text}] if message.text else []
    return [*files, *images, *text]


def _frozen_call(call: ToolCall) -> JsonObject:
    function: JsonObject = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _refused(message: JsonObject) -> str:
    parts = items_at(message, "content")
    return "".join(text_at(part, "refusal") or "" for part in parts)


def _tool_call(call: JsonObject) -> ToolCall:
    function = object_at(call, "function")
    name, arguments = text_at(function, "name"), text_at(function, "arguments")
    if isinstance(function.get("arguments"), dict):
        arguments = to_json(object_at(function, "arguments"))
    if not name or arguments is None:
        raise BrokenBodyError("a tool call without a name or arguments")
    return ToolCall(id=text_at(call, "id") or "", name=name, arguments=arguments)
