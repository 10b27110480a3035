"""Google's generateContent: cached tokens inside the prompt's, thoughts beside the candidates'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.answer import (
    Answer,
    JsonObject,
    as_object,
    count_at,
    items_at,
    object_at,
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
    refuse_errors,
    schema_of,
    whole_probability,
)
from providers.errors import (
    BadRequestError,
    BrokenBodyError,
    ContentBlockedError,
    UnknownFinishError,
)
from providers.request import Message, ModelRequest, ToolCall

_UNTOLD = frozenset({"", "OTHER", "FINISH_REASON_UNSPECIFIED"})
FINISHES: Mapping[str, Finish] = {
    "STOP": "stop",
    # The model's own bad call is an answer, and a wrong one.
    "MALFORMED_FUNCTION_CALL": "stop",
    "MALFORMED_RESPONSE": "stop",
    "UNEXPECTED_TOOL_CALL": "stop",
    "TOO_MANY_TOOL_CALLS": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
# A call that was frozen in a case has no signature of the model's thought; Google names this text
# for histories that come from elsewhere (ai.google.dev/gemini-api/docs/thought-signatures).
UNSIGNED = "skip_thought_signature_validator"


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateContentDialect:
    """`models/MODEL:generateContent`. Effort: a number is a thinking budget, `none` is 0."""

    def path_of(self, request: ModelRequest, /) -> str:
        """The model: the SDK makes the path."""
        return request.model

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        schema = schema_of(request)
        generation: JsonObject = {
            "maxOutputTokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stopSequences": list(request.stop) or None,
            "responseMimeType": None if schema is None else "application/json",
            "responseJsonSchema": schema,
            "thinkingConfig": _thinking(request.effort),
            "responseLogprobs": True if request.logprobs else None,
        }
        body: JsonObject = {
            "systemInstruction": _system(request),
            "contents": _contents(request),
            "generationConfig": present(generation),
            "tools": _tools(request),
            "serviceTier": request.service_tier,
        }
        return merged(present(body), extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read a plain answer."""
        refuse_errors(document, vendor="google")
        usage = read_usage(object_at(document, "usageMetadata"))
        candidates = items_at(document, "candidates")
        if not candidates:
            _raise_without_candidate(document, usage)
        word = _word(candidates[0], "finishReason")
        if word in _UNTOLD:
            raise BrokenBodyError("the answer has no reason for its end", usage=usage)
        finish = FINISHES.get(word)
        if finish is None:
            raise UnknownFinishError(word, usage=usage)
        parts = items_at(object_at(candidates[0], "content"), "parts")
        calls = [_tool_call(part) for part in parts if part.get("functionCall")]
        texts = [text_at(part, "text") or "" for part in parts if not part.get("thought")]
        return Answer(
            text="".join(texts),
            finish="tool_calls" if calls and finish == "stop" else finish,
            served_model=text_at(document, "modelVersion"),
            usage=usage,
            tool_calls=tuple(calls),
            service_tier=text_at(object_at(document, "usageMetadata"), "trafficType"),
            reply_id=text_at(document, "responseId"),
            probability=whole_probability(_logprobs(candidates[0])),
        )

    def reader(self) -> GenerateContentReader:
        """Start reading a streamed answer."""
        return GenerateContentReader(self)


@dataclass(slots=True)
class GenerateContentReader:
    """Puts the chunks of an answer together, then reads them as a plain one."""

    dialect: GenerateContentDialect
    head: JsonObject = field(default_factory=dict[str, object])
    parts: list[JsonObject] = field(default_factory=list[JsonObject])
    finish: str | None = None
    began: bool = False
    logprobs: list[JsonObject] = field(default_factory=list[JsonObject])

    def feed(self, event: JsonObject) -> bool:
        """Take one chunk; counts are cumulative, the last one is whole."""
        self.head.update({key: value for key, value in event.items() if key != "candidates"})
        brought = False
        for candidate in items_at(event, "candidates")[:1]:
            self.began = True
            parts = items_at(object_at(candidate, "content"), "parts")
            self.parts += parts
            self.logprobs += items_at(object_at(candidate, "logprobsResult"), "chosenCandidates")
            self.finish = _word(candidate, "finishReason") or self.finish
            brought = any(part.get("text") or part.get("functionCall") for part in parts)
        return brought

    def usage(self) -> TokenUsage | None:
        """Usage, once the answer has ended."""
        return None if self.finish is None else read_usage(object_at(self.head, "usageMetadata"))

    def answer(self) -> Answer:
        """The whole answer."""
        if self.began and self.finish is None:
            raise BrokenBodyError("the stream ended before its last chunk")
        if not self.began:
            return self.dialect.read(self.head)
        candidate: JsonObject = {
            "content": {"parts": self.parts},
            "finishReason": self.finish,
            "logprobsResult": {"chosenCandidates": self.logprobs},
        }
        return self.dialect.read({**self.head, "candidates": [candidate]})


def _logprobs(candidate: JsonObject) -> list[object]:
    """Of each token that was chosen."""
    chosen = items_at(object_at(candidate, "logprobsResult"), "chosenCandidates")
    return [one.get("logProbability") for one in chosen]


def read_usage(usage: JsonObject) -> TokenUsage | None:
    """The usage of generateContent, with thoughts moved inside the output.

    Protocol buffers leave zeros out of JSON, so a missing part is zero where the total is there.
    """
    prompt, total = count_at(usage, "promptTokenCount"), count_at(usage, "totalTokenCount")
    candidates = count_at(usage, "candidatesTokenCount")
    if prompt is None or (candidates is None and total is None):
        return None
    thoughts = count_at(usage, "thoughtsTokenCount") or 0
    input_tokens = prompt + (count_at(usage, "toolUsePromptTokenCount") or 0)
    if total is not None and candidates and input_tokens + candidates + thoughts != total:
        return None
    return counted(
        input_tokens=input_tokens,
        output_tokens=(candidates or 0) + thoughts,
        cache_read_tokens=count_at(usage, "cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
    )


def _raise_without_candidate(document: JsonObject, usage: TokenUsage | None) -> None:
    feedback = object_at(document, "promptFeedback")
    if _word(feedback, "blockReason"):
        raise ContentBlockedError("google: the prompt was blocked", usage=usage)
    raise BrokenBodyError("the answer holds no candidate", usage=usage)


def _word(document: JsonObject, key: str) -> str:
    return text_at(document, key) or ""


def _thinking(effort: str | None) -> JsonObject | None:
    if effort is None:
        return None
    if effort == "none":
        return {"thinkingBudget": 0}
    if effort.isdecimal():
        return {"thinkingBudget": int(effort)}
    return {"thinkingLevel": effort.upper()}


def _system(request: ModelRequest) -> JsonObject | None:
    parts = [{"text": message.text} for message in request.messages if message.role == "system"]
    return {"parts": parts} if parts else None


def _contents(request: ModelRequest) -> list[JsonObject]:
    names = {call.id: call.name for message in request.messages for call in message.tool_calls}
    turns = alternating(request, "model", lambda message: _parts(message, names))
    return [{"role": role, "parts": parts} for role, parts in turns]


def _parts(message: Message, names: Mapping[str, str]) -> list[JsonObject]:
    if message.role == "tool":
        call_id = message.tool_call_id or ""
        result: JsonObject = {
            "id": call_id,
            "name": names.get(call_id, call_id),
            "response": _result(message.text),
        }
        return [{"functionResponse": result}]
    parts: list[JsonObject] = [
        {"inlineData": {"mimeType": part.media_type, "data": part.data}}
        for part in (*message.documents, *message.images)
    ]
    if message.text:
        parts.append({"text": message.text})
    return [*parts, *(_frozen_call(call) for call in message.tool_calls)]


def _result(text: str) -> JsonObject:
    """A tool's result as the object that Google wants."""
    try:
        return given_object(text, "a tool's result")
    except BadRequestError:
        return {"output": text}


def _frozen_call(call: ToolCall) -> JsonObject:
    arguments = given_object(call.arguments, f"arguments of call {call.id}")
    function: JsonObject = {"id": call.id, "name": call.name, "args": arguments}
    return {"functionCall": function, "thoughtSignature": UNSIGNED}


def _tools(request: ModelRequest) -> list[JsonObject] | None:
    declarations: list[JsonObject] = [
        {
            "name": tool.name,
            "description": tool.description,
            "parametersJsonSchema": parameters_of(tool),
        }
        for tool in request.tools
    ]
    return [{"functionDeclarations": declarations}] if declarations else None


def _tool_call(part: JsonObject) -> ToolCall:
    call = object_at(part, "functionCall")
    name = text_at(call, "name")
    if not name:
        raise BrokenBodyError("a function call without a name")
    arguments = to_json(as_object(call.get("args")))
    return ToolCall(id=text_at(call, "id") or "", name=name, arguments=arguments)
