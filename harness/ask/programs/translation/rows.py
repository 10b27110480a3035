"""What crosses from one vendor's wire to another's, field by field: one row each, with its source.

The readers take no field without a row, and the writers send no part that has no row in their wire.
`TRANSLATION.md` shows all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from providers.provider import Api

Part: TypeAlias = Literal[
    "messages",
    "system",
    "tools",
    "tool_choice",
    "one_call",
    "limit",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop",
    "schema",
    "json",
    "frequency_penalty",
    "presence_penalty",
    "stream",
]
"""What a request is made of, in no vendor's words."""

CHAT = "https://platform.openai.com/docs/api-reference/chat/create"
RESPONSES = "https://platform.openai.com/docs/api-reference/responses/create"
MESSAGES = "https://docs.claude.com/en/api/messages"
GENERATE = "https://ai.google.dev/api/generate-content"
PAGES: Mapping[Api, str] = {
    "chat": CHAT,
    "responses": RESPONSES,
    "messages": MESSAGES,
    "generate-content": GENERATE,
}
OPENAI_SCHEMAS = "https://platform.openai.com/docs/guides/structured-outputs"
ANTHROPIC_SCHEMAS = "https://docs.claude.com/en/docs/build-with-claude/structured-outputs"
GOOGLE_SCHEMAS = "https://ai.google.dev/gemini-api/docs/structured-output"
OPENAI_TOOLS = "https://platform.openai.com/docs/guides/function-calling"
ANTHROPIC_TOOLS = "https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use"
GOOGLE_TOOLS = "https://ai.google.dev/gemini-api/docs/function-calling"
GOOGLE_SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures"
ANTHROPIC_THINKING = "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedField:
    """A field of a request's body that crosses. The first one of a part is the one written."""

    part: Part
    wire: Api
    field: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutField:
    """A field that no other vendor is sent; that it was there is told."""

    wire: Api
    field: str
    source: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainField:
    """A field that is accepted only with these values, which equal the wire's default."""

    wire: Api
    field: str
    source: str
    values: tuple[object, ...]
    why: str
    """The reason given when another value is refused."""


def _carried(
    part: Part, wire: Api, field: str, note: str = "", source: str | None = None
) -> CarriedField:
    return CarriedField(part=part, wire=wire, field=field, note=note, source=source or PAGES[wire])


_FORM = (
    "`json_schema`; its `description` becomes the schema's own, and is left out, and told, "
    "where that has another"
)
CARRIED: tuple[CarriedField, ...] = (
    _carried("messages", "chat", "messages", "turns of user, assistant and tool"),
    _carried("messages", "responses", "input", "a text is one turn of the user"),
    _carried("messages", "messages", "messages", "the last turn is the user's"),
    _carried("messages", "generate-content", "contents", "`model` is the assistant"),
    _carried("system", "chat", "messages[].role", "`system` and `developer`; anywhere"),
    _carried("system", "responses", "instructions", "and turns of `system` and `developer`"),
    _carried("system", "messages", "system", "before the conversation alone"),
    _carried("system", "generate-content", "systemInstruction", "before the conversation alone"),
    _carried("tools", "chat", "tools", "functions; `strict` is not sent", OPENAI_TOOLS),
    _carried("tools", "responses", "tools", "functions; `strict` is not sent", OPENAI_TOOLS),
    _carried("tools", "messages", "tools", "`input_schema`", ANTHROPIC_TOOLS),
    _carried("tools", "generate-content", "tools", "`functionDeclarations`", GOOGLE_TOOLS),
    _carried("tool_choice", "chat", "tool_choice", "none, auto, required, one", OPENAI_TOOLS),
    _carried("tool_choice", "responses", "tool_choice", "none, auto, required, one", OPENAI_TOOLS),
    _carried("tool_choice", "messages", "tool_choice", "none, auto, any, tool", ANTHROPIC_TOOLS),
    _carried(
        "tool_choice",
        "generate-content",
        "toolConfig.functionCallingConfig",
        "NONE, AUTO, ANY, ANY of one name",
        GOOGLE_TOOLS,
    ),
    _carried("one_call", "chat", "parallel_tool_calls", "false: one call a turn", OPENAI_TOOLS),
    _carried("one_call", "responses", "parallel_tool_calls", "as chat's", OPENAI_TOOLS),
    _carried(
        "one_call",
        "messages",
        "tool_choice.disable_parallel_tool_use",
        "true: one call a turn",
        ANTHROPIC_TOOLS,
    ),
    _carried("limit", "chat", "max_completion_tokens", "`max_tokens` on compatible servers"),
    _carried("limit", "chat", "max_tokens", "deprecated"),
    _carried("limit", "responses", "max_output_tokens"),
    _carried("limit", "messages", "max_tokens", "required: else the model's longest answer"),
    _carried("limit", "generate-content", "generationConfig.maxOutputTokens"),
    _carried("temperature", "chat", "temperature", "0 to 2"),
    _carried("temperature", "responses", "temperature", "0 to 2"),
    _carried("temperature", "messages", "temperature", "0 to 1"),
    _carried("temperature", "generate-content", "generationConfig.temperature", "0 to 2"),
    _carried("top_p", "chat", "top_p", "1 is what is so without it"),
    _carried("top_p", "responses", "top_p", "1 is what is so without it"),
    _carried("top_p", "messages", "top_p"),
    _carried("top_p", "generate-content", "generationConfig.topP"),
    _carried("top_k", "messages", "top_k"),
    _carried("top_k", "generate-content", "generationConfig.topK"),
    _carried("seed", "chat", "seed"),
    _carried("seed", "generate-content", "generationConfig.seed"),
    _carried("stop", "chat", "stop", "a text or a list; at most 4"),
    _carried("stop", "messages", "stop_sequences", "none of white space alone"),
    _carried("stop", "generate-content", "generationConfig.stopSequences", "at most 5"),
    _carried("schema", "chat", "response_format", _FORM, OPENAI_SCHEMAS),
    _carried("schema", "responses", "text.format", _FORM, OPENAI_SCHEMAS),
    _carried(
        "schema",
        "messages",
        "output_config.format",
        "every object gets `additionalProperties: false`, as the page demands",
        ANTHROPIC_SCHEMAS,
    ),
    _carried("schema", "messages", "output_format", "the older name", ANTHROPIC_SCHEMAS),
    _carried(
        "schema",
        "generate-content",
        "generationConfig.responseJsonSchema",
        "with `responseMimeType: application/json`",
        GOOGLE_SCHEMAS,
    ),
    _carried(
        "schema",
        "generate-content",
        "generationConfig.responseSchema",
        "types in small letters, `nullable` as a type, `propertyOrdering` left out",
        GOOGLE_SCHEMAS,
    ),
    _carried("json", "chat", "response_format", "`json_object`", OPENAI_SCHEMAS),
    _carried("json", "responses", "text.format", "`json_object`", OPENAI_SCHEMAS),
    _carried(
        "json",
        "generate-content",
        "generationConfig.responseMimeType",
        "`application/json` without a schema; `text/plain` is what is so without it",
        GOOGLE_SCHEMAS,
    ),
    _carried("frequency_penalty", "chat", "frequency_penalty", "0 is what is so without it"),
    _carried("frequency_penalty", "generate-content", "generationConfig.frequencyPenalty"),
    _carried("presence_penalty", "chat", "presence_penalty", "0 is what is so without it"),
    _carried("presence_penalty", "generate-content", "generationConfig.presencePenalty"),
    _carried("stream", "chat", "stream", "bought as a stream, read to its end, told as one again"),
    _carried("stream", "chat", "stream_options", "`include_usage` is ours to heed"),
    _carried("stream", "responses", "stream", "as chat's"),
    _carried("stream", "responses", "stream_options", "not sent"),
    _carried("stream", "messages", "stream", "as chat's"),
    _carried("stream", "generate-content", ":streamGenerateContent", "as chat's"),
)

UNSENT: Mapping[tuple[Part, Api], str] = {
    ("json", "messages"): "no JSON mode without a schema: left out, and told",
}
"""Parts that are left out for one vendor, and told, where the eval set shows what that costs."""

_NAMES_CALLER = "names the caller, or keys a cache, at its own vendor"
_THINKS = "how long a model thinks is stated model by model: the candidate thinks as it does itself"
_NO_EQUAL = "no other vendor has it, and the program reads or counts on it"
_OFF = (False,)
_ONE = "the program would get several answers, or another kind of answer"


def _left(wire: Api, why: str, *fields: str, source: str | None = None) -> list[LeftOutField]:
    page = source or PAGES[wire]
    return [LeftOutField(wire=wire, field=field, source=page, why=why) for field in fields]


LEFT_OUT: tuple[LeftOutField, ...] = (
    *_left("chat", _NAMES_CALLER, "user", "metadata", "safety_identifier", "prompt_cache_key"),
    *_left("chat", _NAMES_CALLER, "store"),
    *_left("chat", _THINKS, "reasoning_effort"),
    *_left("chat", "wordiness is stated model by model", "verbosity"),
    *_left("responses", _NAMES_CALLER, "user", "metadata", "safety_identifier", "store"),
    *_left("responses", _NAMES_CALLER, "prompt_cache_key"),
    *_left("responses", _THINKS, "reasoning"),
    *_left("responses", "wordiness is stated model by model", "text.verbosity"),
    *_left("messages", _NAMES_CALLER, "metadata"),
    *_left("messages", "each vendor caches by its own rules", "cache_control"),
    *_left("messages", _THINKS, "thinking", source=ANTHROPIC_THINKING),
    *_left("messages", _THINKS, "output_config.effort"),
    *_left("generate-content", "thresholds of its own filter", "safetySettings"),
    *_left("generate-content", _THINKS, "generationConfig.thinkingConfig"),
)


def _plain(wire: Api, field: str, why: str, *values: object) -> PlainField:
    return PlainField(wire=wire, field=field, source=PAGES[wire], values=values, why=why)


PLAIN: tuple[PlainField, ...] = (
    _plain("chat", "n", _ONE, 1),
    _plain("chat", "modalities", _ONE, ["text"]),
    _plain("chat", "logprobs", _NO_EQUAL, *_OFF),
    _plain("chat", "top_logprobs", _NO_EQUAL, 0),
    _plain("chat", "logit_bias", _NO_EQUAL, {}),
    _plain("chat", "top_k", "it is a compatible server's own", -1),
    _plain("chat", "min_p", "it is a compatible server's own", 0, 0.0),
    _plain("chat", "repetition_penalty", "it is a compatible server's own", 1, 1.0),
    _plain("chat", "functions", "it is deprecated: use `tools`", []),
    _plain("chat", "function_call", "it is deprecated: use `tool_choice`"),
    _plain("responses", "include", _NO_EQUAL, [], ["reasoning.encrypted_content"]),
    _plain("responses", "top_logprobs", _NO_EQUAL, 0),
    _plain("responses", "truncation", "no other vendor cuts a conversation", "disabled"),
    _plain("generate-content", "generationConfig.candidateCount", _ONE, 1),
    _plain("generate-content", "generationConfig.responseModalities", _ONE, [], ["TEXT"]),
    _plain("generate-content", "generationConfig.responseLogprobs", _NO_EQUAL, *_OFF),
    _plain("generate-content", "generationConfig.logprobs", _NO_EQUAL),
    _plain("generate-content", "toolConfig.includeServerSideToolInvocations", _NO_EQUAL, *_OFF),
)

NESTED: Mapping[Api, frozenset[str]] = {
    "chat": frozenset(),
    "responses": frozenset({"text"}),
    "messages": frozenset({"output_config"}),
    "generate-content": frozenset({"generationConfig", "toolConfig"}),
}
"""Objects of a body whose fields have rows of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPart:
    """A part of a turn, or of a reply, and what it is in the other wires."""

    wire: Api
    part: str
    keys: frozenset[str]
    """Its keys beside `type`; another one is refused."""
    becomes: str
    source: str


def _turn(wire: Api, part: str, keys: str, becomes: str, source: str | None = None) -> TurnPart:
    return TurnPart(
        wire=wire,
        part=part,
        keys=frozenset(keys.split()),
        becomes=becomes,
        source=source or PAGES[wire],
    )


_TEXT = "text; several parts keep their order"
_IMAGE = "an image with its data; its order among the texts is kept"
_CALL = "a call with its id, name and arguments"
_RESULT = "a result with its call's id"
_DROPPED = "left out: a signature holds at its own vendor alone"
TURN_PARTS: tuple[TurnPart, ...] = (
    _turn("chat", "system", "role content", "a turn of the system's"),
    _turn("chat", "developer", "role content", "a turn of the system's"),
    _turn("chat", "user", "role content", "a turn; `name` is refused"),
    _turn(
        "chat",
        "assistant",
        "role content tool_calls refusal annotations",
        "a turn; a `refusal` is its text, and is refused beside `content`, as are `name`, `audio` "
        "and `function_call`",
    ),
    _turn("chat", "tool", "role content tool_call_id", _RESULT),
    _turn("chat", "text", "text", _TEXT),
    _turn("chat", "refusal", "refusal", "text of the assistant"),
    _turn("chat", "image_url", "image_url", f"{_IMAGE}; `detail` is left out"),
    _turn("chat", "function", "id function index", _CALL, OPENAI_TOOLS),
    _turn("responses", "message", "role content id status phase", "a turn"),
    _turn("responses", "input_text", "text", _TEXT),
    _turn("responses", "output_text", "text annotations logprobs", _TEXT),
    _turn("responses", "refusal", "refusal", "text of the assistant"),
    _turn("responses", "input_image", "image_url detail", f"{_IMAGE}; `detail` is left out"),
    _turn("responses", "function_call", "call_id name arguments id status", _CALL, OPENAI_TOOLS),
    _turn("responses", "function_call_output", "call_id output id status", _RESULT, OPENAI_TOOLS),
    _turn("responses", "reasoning", "*", _DROPPED),
    _turn("messages", "message", "role content", "a turn"),
    _turn("messages", "text", "text cache_control citations", _TEXT),
    _turn("messages", "image", "source cache_control", _IMAGE),
    _turn("messages", "tool_use", "id name input cache_control caller", _CALL, ANTHROPIC_TOOLS),
    _turn(
        "messages",
        "tool_result",
        "tool_use_id content is_error cache_control",
        f"{_RESULT}; texts are joined by line ends; `is_error` is in the text's words alone",
        ANTHROPIC_TOOLS,
    ),
    _turn("messages", "thinking", "*", _DROPPED, ANTHROPIC_THINKING),
    _turn("messages", "redacted_thinking", "*", _DROPPED, ANTHROPIC_THINKING),
    _turn("generate-content", "message", "role parts", "a turn"),
    _turn("generate-content", "text", "text thoughtSignature", _TEXT, GOOGLE_SIGNATURES),
    _turn("generate-content", "inlineData", "inlineData thoughtSignature", _IMAGE),
    _turn(
        "generate-content",
        "functionCall",
        "functionCall thoughtSignature",
        f"{_CALL}; an id is made where there is none; a signature is left out, and Google is "
        "sent the text that its page names for calls from elsewhere",
        GOOGLE_SIGNATURES,
    ),
    _turn(
        "generate-content",
        "functionResponse",
        "functionResponse",
        f"{_RESULT}, matched by id, else by name in order; `{{output: TEXT}}` is the text, "
        "another object its JSON",
        GOOGLE_TOOLS,
    ),
    _turn("generate-content", "thought", "*", _DROPPED, GOOGLE_SIGNATURES),
)

IMAGES: Mapping[Api, frozenset[str]] = {
    "chat": frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}),
    "responses": frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}),
    "messages": frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}),
    "generate-content": frozenset(
        {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
    ),
}
"""Kinds of images that each vendor reads (its page on images)."""

FIELDS_OF: Mapping[tuple[Api, str], CarriedField | LeftOutField | PlainField] = {
    (row.wire, row.field): row for row in (*reversed(CARRIED), *LEFT_OUT, *PLAIN)
}
WRITTEN: Mapping[tuple[Part, Api], CarriedField] = {
    (row.part, row.wire): row for row in reversed(CARRIED)
}
PARTS_OF: Mapping[tuple[Api, str], TurnPart] = {(row.wire, row.part): row for row in TURN_PARTS}
