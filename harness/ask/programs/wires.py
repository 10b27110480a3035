"""The wires that programs use, as the gateway takes them: paths, fields, and what it refuses.

A request goes to the same vendor's wire as it came, but for model and key. So every field that can
make a call cost more than its own bytes and its longest answer say, or that reaches for something
at the vendor's, must be known here: what stands in no table is refused, in one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from providers.answer import JsonObject, count_at, items_at, object_at, text_at
from providers.provider import Api

VENDOR_WIRES: Mapping[str, frozenset[Api]] = {
    "openai": frozenset({"chat", "responses"}),
    "openai-compatible": frozenset({"chat"}),
    "anthropic": frozenset({"messages"}),
    "google": frozenset({"generate-content"}),
}
"""By provider: the wires that the gateway takes calls to its models in."""

_PATHS: Mapping[str, Api] = {
    "chat/completions": "chat",
    "responses": "responses",
    "messages": "messages",
}
_GOOGLE = re.compile(r"(?:models|publishers/google/models)/(?P<model>[^/:]+):(?P<method>\w+)")
_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
_STREAMS = {"generateContent": False, "streamGenerateContent": True}

FIELDS: Mapping[Api, frozenset[str]] = {
    "chat": frozenset(
        [
            "messages",
            "model",
            "frequency_penalty",
            "function_call",
            "functions",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "metadata",
            "modalities",
            "n",
            "parallel_tool_calls",
            "presence_penalty",
            "prompt_cache_key",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "user",
            "verbosity",
            "top_k",
            "min_p",
            "repetition_penalty",
        ]
    ),
    "responses": frozenset(
        [
            "include",
            "input",
            "instructions",
            "max_output_tokens",
            "metadata",
            "model",
            "parallel_tool_calls",
            "prompt_cache_key",
            "reasoning",
            "safety_identifier",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "text",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "truncation",
            "user",
        ]
    ),
    "messages": frozenset(
        [
            "max_tokens",
            "messages",
            "metadata",
            "model",
            "output_config",
            "output_format",
            "stop_sequences",
            "stream",
            "system",
            "temperature",
            "thinking",
            "tool_choice",
            "tools",
            "top_k",
            "top_p",
            "cache_control",
        ]
    ),
    "generate-content": frozenset(
        [
            "contents",
            "generationConfig",
            "safetySettings",
            "systemInstruction",
            "toolConfig",
            "tools",
        ]
    ),
}
"""Fields of a body that are passed on; sources: the vendors' API references."""

ONLY: Mapping[str, tuple[object, ...]] = {"n": (1, None), "modalities": (["text"], None)}
"""Fields that are passed on with these values alone: others bring several answers, or sound."""

TOOL_TYPES: Mapping[Api, frozenset[str | None]] = {
    "chat": frozenset({"function", "custom"}),
    "responses": frozenset({"function", "custom"}),
    "messages": frozenset({None, "custom"}),
    "generate-content": frozenset({None}),
}
"""A vendor's own tools are billed apart, and no other model has them."""

PART_TYPES = frozenset(
    [
        "text",
        "input_text",
        "output_text",
        "refusal",
        "image_url",
        "input_image",
        "image",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "reasoning",
        "summary_text",
        "reasoning_text",
        "base64",
        "function",
        "custom",
        "ephemeral",
    ]
)
"""What the parts of a turn may be: all of it is in the body. A file or a page elsewhere is not."""

GOOGLE_PARTS = frozenset(
    ["text", "inlineData", "functionCall", "functionResponse", "thought", "thoughtSignature"]
)
GOOGLE_GENERATION = frozenset(
    [
        "candidateCount",
        "frequencyPenalty",
        "logprobs",
        "maxOutputTokens",
        "presencePenalty",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "seed",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    ]
)
"""Keys of `generationConfig` that are passed on, as the reference writes them and no otherwise."""
PASSED_HEADERS = ("anthropic-beta",)


class RefusedCallError(Exception):
    """A call that is not passed on; the message says which field or path, and what to do."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """A program's request, read."""

    wire: Api
    model: str
    streamed: bool
    max_output_tokens: int | None
    path: str | None
    api_version: str | None


def wire_of(path: str) -> Api:
    """The wire of a path; Chat Completions' where it is nobody's, for the form of a refusal."""
    _, rest = _split(path)
    return "generate-content" if _GOOGLE.fullmatch(rest) else _PATHS.get(rest, "chat")


def read_call(path: str, query: str, body: JsonObject) -> ReadCall:
    """What a request asks for.

    Raises:
        RefusedCallError: it is in no wire of ours, or has a field that is in no table.
    """
    version, rest = _split(path)
    google = _GOOGLE.fullmatch(rest)
    if google is not None:
        found = _google(google["model"], google["method"], version, body)
    elif rest in _PATHS:
        found = _posted(_PATHS[rest], query, body)
    else:
        raise RefusedCallError(f"{path}: the gateway passes no such call on; {_KNOWN}", status=404)
    if found.max_output_tokens is not None and found.max_output_tokens < 0:
        raise RefusedCallError("the longest answer is no number of tokens")
    try:
        _check(found.wire, body)
    except RecursionError:
        raise RefusedCallError("the request is nested too deeply") from None
    return found


_KNOWN = (
    "known are chat/completions and responses (OpenAI), messages (Anthropic), "
    "models/...:generateContent and :streamGenerateContent (Google)"
)


def _split(path: str) -> tuple[str | None, str]:
    """The version that a path begins with, and the rest: SDKs write `/v1/`, `/v1beta/` or none."""
    first, _, rest = path.strip("/").partition("/")
    return (first, rest) if _VERSION.fullmatch(first) else (None, path.strip("/"))


def _google(model: str, method: str, version: str | None, body: JsonObject) -> ReadCall:
    if method not in _STREAMS:
        raise RefusedCallError(f"{method}: the gateway passes no such call on; {_KNOWN}")
    return ReadCall(
        wire="generate-content",
        model=model,
        streamed=_STREAMS[method],
        max_output_tokens=count_at(object_at(body, "generationConfig"), "maxOutputTokens"),
        path=None,
        api_version=version,
    )


_LIMITS: Mapping[Api, tuple[str, ...]] = {
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
    "messages": ("max_tokens",),
}


def _posted(wire: Api, query: str, body: JsonObject) -> ReadCall:
    model = text_at(body, "model")
    if not model:
        raise RefusedCallError("the request names no model")
    if query not in {"", "beta=true"}:
        raise RefusedCallError(f"the query ?{query[:40]} is not passed on")
    limits = [count_at(body, key) for key in _LIMITS[wire]]
    return ReadCall(
        wire=wire,
        model=model,
        streamed=body.get("stream") is True,
        max_output_tokens=next((limit for limit in limits if limit is not None), None),
        path="/v1/messages?beta=true" if query else None,
        api_version=None,
    )


def _check(wire: Api, body: JsonObject) -> None:
    for name in body:
        if name not in FIELDS[wire]:
            raise RefusedCallError(
                f"the field {name[:60]!r} is not passed on: what it does or costs is not known here"
            )
    for name, allowed in ONLY.items():
        if name in body and body[name] not in allowed:
            raise RefusedCallError(f"the field {name!r} is passed on as {allowed[0]} alone")
    for tool in items_at(body, "tools"):
        _check_tool(wire, tool)
    problem = next(_problems(wire, body), None)
    if problem is not None:
        raise RefusedCallError(problem)


def _check_tool(wire: Api, tool: JsonObject) -> None:
    kind = text_at(tool, "type")
    own = wire == "generate-content" and set(tool) - {"functionDeclarations"}
    if kind not in TOOL_TYPES[wire] or own:
        name = kind or ", ".join(sorted(own or ()))
        raise RefusedCallError(f"the tool {name[:60]!r} is the vendor's own, and is not passed on")


def _problems(wire: Api, body: JsonObject) -> Iterator[str]:
    if wire == "generate-content":
        yield from _google_problems(body)
        return
    if wire == "responses":
        yield from _input_problems(body)
    for key in ("messages", "input", "system", "instructions"):
        for turn in items_at(body, key):
            yield from _turn_problems(turn)


def _google_problems(body: JsonObject) -> Iterator[str]:
    yield from _generation_problems(body)
    yield from _no_lists(body, "contents", "tools")
    for content in (*items_at(body, "contents"), object_at(body, "systemInstruction")):
        yield from _no_lists(content, "parts")
        for part in items_at(content, "parts"):
            for name in sorted(set(part) - GOOGLE_PARTS):
                yield f"the part {name!r} is not passed on"
            if "inlineData" in part:
                data = object_at(part, "inlineData")
                yield from _no_image(text_at(data, "mimeType") or text_at(data, "mime_type"))


def _generation_problems(body: JsonObject) -> Iterator[str]:
    generation = object_at(body, "generationConfig")
    if body.get("generationConfig") is not None and body["generationConfig"] != generation:
        yield "'generationConfig' must be an object"
    for name in sorted(set(generation) - GOOGLE_GENERATION):
        yield f"the field 'generationConfig.{name[:60]}' is not passed on: it is not known here"
    if generation.get("candidateCount") not in (None, 1):
        yield "the field 'candidateCount' is passed on as 1 alone"
    if generation.get("responseModalities") not in (None, [], ["TEXT"]):
        yield "the field 'responseModalities' is passed on as ['TEXT'] alone"
    if generation.get("maxOutputTokens") is not None:
        longest = count_at(generation, "maxOutputTokens")
        if longest is None or longest <= 0:
            yield "'maxOutputTokens' must be a whole number above 0"


def _input_problems(body: JsonObject) -> Iterator[str]:
    """Items of OpenAI's responses: each says what it is, and a tool's output is text."""
    if not isinstance(body.get("input"), str):
        yield from _no_lists(body, "input")
    for item in items_at(body, "input"):
        if text_at(item, "type") is None and text_at(item, "role") is None:
            yield "an item of 'input' needs a 'type' or a 'role'"
        if item.get("type") == "function_call_output" and not isinstance(item.get("output"), str):
            yield from _no_lists(item, "output")
            parts = items_at(item, "output")
            if not parts or any(part.get("type") != "input_text" for part in parts):
                yield "the 'output' of a function call must be a text, or a list of input_text"


def _no_lists(document: JsonObject, *keys: str) -> Iterator[str]:
    for key in keys:
        value = document.get(key)
        if value is not None and value != items_at(document, key):
            yield f"{key!r} must be a list of objects"


def _no_image(kind: str | None) -> Iterator[str]:
    if kind is None or not kind.startswith("image/"):
        yield f"data of the kind {(kind or 'unknown')[:60]!r} is not passed on: images are"


def _turn_problems(turn: JsonObject) -> Iterator[str]:
    kind = text_at(turn, "type")
    if kind is not None and kind not in PART_TYPES:
        yield f"the part {kind[:60]!r} is not passed on: it is not all in the request"
    url = text_at(turn, "image_url") or text_at(object_at(turn, "image_url"), "url")
    if url is not None and not url.startswith("data:"):
        yield "an image by its address is not passed on: send its data"
    elif url is not None:
        yield from _no_image(url.removeprefix("data:").partition(";")[0])
    if "file_id" in turn or object_at(turn, "source").get("type") not in (None, "base64"):
        yield "a file at the vendor's is not passed on: send its data"
    elif "source" in turn:
        yield from _no_image(text_at(object_at(turn, "source"), "media_type"))
    for inner in items_at(turn, "content"):
        yield from _turn_problems(inner)
