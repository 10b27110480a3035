"""Google's generateContent for a program: its request read, a reply written, whole or as chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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
    items_of,
    stated_fields,
    text_in,
    tool_of,
    wrong,
)
from harness.ask.programs.wires import RefusedCallError
from providers.answer import (
    JsonObject,
    as_object,
    count_at,
    items_at,
    object_at,
    text_at,
    to_json,
)
from providers.completion import Finish
from providers.request import ImagePart, Message, Tool, ToolCall

FINISHES: dict[Finish, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
}
MODES = {"NONE": "none", "AUTO": "auto", "ANY": "required"}
PLAIN_TEXT = "text/plain"
JSON_TYPE = "application/json"
_DECLARED = frozenset(
    {
        *("name", "description", "parameters", "parametersJsonSchema"),
        *("response", "responseJsonSchema"),  # What the function itself returns: not sent.
    }
)
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties"})
_NO_KEYWORDS = frozenset({"nullable", "propertyOrdering"})
_WORD = re.compile(r"_([a-z])")
_CALLED = frozenset({"id", "name", "args"})
_ANSWERED = frozenset({"id", "name", "response"})


def read_request(body: JsonObject, *, streamed: bool) -> NeutralCall:
    """What a program asks.

    Raises:
        RefusedCallError: it cannot cross to another vendor.
    """
    stated = stated_fields("generate-content", body)
    schema, json_wanted = _form(stated)
    return NeutralCall(
        messages=with_ids(_conversation(stated)),
        tools=tuple(_tools(stated)),
        rule=_rule(stated.object("toolConfig.functionCallingConfig")),
        limit=stated.whole("generationConfig.maxOutputTokens"),
        temperature=stated.number("generationConfig.temperature"),
        top_p=stated.number("generationConfig.topP"),
        top_k=stated.whole("generationConfig.topK"),
        frequency_penalty=stated.number("generationConfig.frequencyPenalty", plain=0),
        presence_penalty=stated.number("generationConfig.presencePenalty", plain=0),
        seed=stated.whole("generationConfig.seed"),
        stop=stated.words("generationConfig.stopSequences"),
        schema=schema,
        json=json_wanted,
        stream=streamed,
        left_out=stated.left_out,
    )


def camel(document: JsonObject) -> JsonObject:
    """The document with its own keys in one spelling: the API takes two, and the SDK mixes them."""
    return {_WORD.sub(lambda at: at[1].upper(), key): value for key, value in document.items()}


def _form(stated: StatedFields) -> tuple[str | None, bool]:
    kind = stated.values.get("generationConfig.responseMimeType")
    if kind not in (None, PLAIN_TEXT, JSON_TYPE):
        raise RefusedCallError(f"the answer's kind {str(kind)[:40]!r} crosses to no other vendor")
    schema = stated.object("generationConfig.responseJsonSchema")
    schema = schema or json_schema_of(stated.object("generationConfig.responseSchema"))
    return (to_json(schema) if schema else None), kind == JSON_TYPE and not schema


def json_schema_of(schema: JsonObject) -> JsonObject:
    """A schema in Google's own words (an OpenAPI subset) as JSON Schema."""
    stated = camel(schema)
    found = {key: _keyword(stated, key) for key in stated if key not in _NO_KEYWORDS}
    if stated.get("nullable") is True and "type" in found:
        found["type"] = [found["type"], "null"]
    return found


def _keyword(schema: JsonObject, key: str) -> object:
    value = schema[key]
    match key:
        case "type":
            return str(value).lower()
        case "properties" | "defs" | "$defs":
            inside = as_object(value)
            return {name: json_schema_of(as_object(inside[name])) for name in inside}
        case "items" | "additionalProperties" if isinstance(value, dict):
            return json_schema_of(object_at(schema, key))
        case "anyOf" | "prefixItems":
            return [json_schema_of(one) for one in items_at(schema, key)]
        case _:
            return count_at(schema, key) if key in _COUNTS else value


def _rule(config: JsonObject) -> ChoosingRule | None:
    if not config:
        return None
    config = camel(config)
    mode = MODES.get((text_at(config, "mode") or "AUTO").upper())
    names = config.get("allowedFunctionNames")
    if mode is None or set(config) - {"mode", "allowedFunctionNames"}:
        raise RefusedCallError("this 'functionCallingConfig' crosses to no other vendor")
    named = items_of(names)
    if not named:
        return ChoosingRule(mode=mode)  # pyright: ignore[reportArgumentType]
    if mode != "required" or len(named) != 1:
        raise RefusedCallError("'allowedFunctionNames' crosses as ANY with one name alone")
    return ChoosingRule(mode="named", name=str(named[0]))


def _tools(stated: StatedFields) -> Iterator[Tool]:
    for tool in stated.objects("tools"):
        for declared in map(camel, items_at(tool, "functionDeclarations")):
            for key in sorted(set(declared) - _DECLARED):
                if declared[key] is not None:
                    raise RefusedCallError(f"{key[:60]!r} of a tool crosses to no other vendor")
            schema = object_at(declared, "parametersJsonSchema")
            yield tool_of(declared, schema or json_schema_of(object_at(declared, "parameters")))


def _conversation(stated: StatedFields) -> list[Message]:
    open_calls: list[ToolCall] = []
    system = stated.object("systemInstruction")
    messages = turns_of("system", _system(system))
    for content in stated.objects("contents"):
        messages += _messages(content, open_calls)
    return messages


def _system(content: JsonObject) -> Iterator[Spoken]:
    for part in items_at(content, "parts"):
        check_keys("generate-content", _kind(part), part)
        yield Spoken(text=text_in(part, "text", "systemInstruction"))


def _kind(part: JsonObject) -> str:
    if part.get("thought") is True:
        return "thought"
    kinds = ("functionCall", "functionResponse", "inlineData", "text")
    return next((kind for kind in kinds if part.get(kind) is not None), "")


def _messages(content: JsonObject, open_calls: list[ToolCall]) -> list[Message]:
    check_keys("generate-content", "message", content)
    parts = [
        part
        for part in map(camel, items_at(content, "parts"))
        if _kind(part) != "thought" and set(part) != {"thoughtSignature"}
    ]
    for part in parts:
        given = {key: value for key, value in part.items() if value is not False}
        check_keys("generate-content", _kind(part), given)
    role = text_at(content, "role") or "user"
    if role == "model":
        return [_assistant(parts, open_calls)]
    if role not in ("user", "function"):
        raise RefusedCallError(f"a turn of the role {role[:40]!r} crosses to no other vendor")
    found: list[Message] = []
    waiting: list[Spoken] = []
    for part in parts:
        if _kind(part) == "functionResponse":
            found += [*turns_of("user", waiting), _result(part, open_calls)]
            waiting = []
        else:
            waiting.append(_spoken(part))
    return [*found, *turns_of("user", waiting)]


def _spoken(part: JsonObject) -> Spoken:
    if _kind(part) == "text":
        return Spoken(text=text_in(part, "text", "text"))
    if _kind(part) != "inlineData":
        raise wrong("parts", "text or an image here")
    data = camel(object_at(part, "inlineData"))
    kind = text_in(data, "mimeType", "inlineData")
    return Spoken(image=ImagePart(media_type=kind, data=text_in(data, "data", "inlineData")))


def _assistant(parts: list[JsonObject], open_calls: list[ToolCall]) -> Message:
    calls: list[ToolCall] = []
    texts: list[str] = []
    for part in parts:
        if _kind(part) != "functionCall":
            texts.append(text_in(part, "text", "text"))
            continue
        call = object_at(part, "functionCall")
        check_only(call, _CALLED, "functionCall")
        name = text_in(call, "name", "functionCall")
        found = ToolCall(
            id=text_at(call, "id") or f"{name}/{len(open_calls)}",
            name=name,
            arguments=to_json(object_at(call, "args")),
        )
        open_calls.append(found)
        calls.append(found)
    return Message(role="assistant", text="".join(texts), tool_calls=tuple(calls))


def _result(part: JsonObject, open_calls: list[ToolCall]) -> Message:
    """Match a result to its call: by id, else the first call of that name without a result."""
    answer = object_at(part, "functionResponse")
    check_only(answer, _ANSWERED, "functionResponse")
    name, id_ = text_in(answer, "name", "functionResponse"), text_at(answer, "id")
    fits = (call for call in open_calls if (call.id == id_ if id_ else call.name == name))
    found = next(fits, None)
    if found is None:
        raise RefusedCallError(f"a result of {name[:60]!r} answers no call of the conversation")
    # Calls that are closed keep their place: ids that are made count them.
    open_calls[open_calls.index(found)] = ToolCall(id="", name="", arguments="")
    given = object_at(answer, "response")
    only_text = given.get("output") if set(given) == {"output"} else None
    text = only_text if isinstance(only_text, str) else to_json(given)
    return Message(role="tool", text=text, tool_call_id=found.id)


def whole(reply: ReplyToTell) -> JsonObject:
    """A reply as one answer."""
    content: JsonObject = {"role": "model", "parts": _parts(reply)}
    candidate: JsonObject = {
        "content": content,
        "finishReason": FINISHES[reply.finish],
        "index": 0,
    }
    usage = _usage(reply)
    return {
        "candidates": [candidate],
        **({"usageMetadata": usage} if usage else {}),
        "modelVersion": reply.model,
        "responseId": reply.id,
    }


def events(reply: ReplyToTell) -> list[JsonObject]:
    """Write a reply as a stream of one chunk that holds all of it."""
    return [whole(reply)]


def _parts(reply: ReplyToTell) -> Sequence[JsonObject]:
    calls: list[JsonObject] = [
        {
            "functionCall": {
                "id": call.id,
                "name": call.name,
                "args": arguments_object(call),
            }
        }
        for call in reply.tool_calls
    ]
    text: list[JsonObject] = [{"text": reply.text}] if reply.text or not calls else []
    return [*text, *calls]


def _usage(reply: ReplyToTell) -> JsonObject:
    usage = reply.usage
    if usage is None:
        return {}
    told: JsonObject = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.cache_read_tokens:
        told["cachedContentTokenCount"] = usage.cache_read_tokens
    if usage.reasoning_tokens:
        told["thoughtsTokenCount"] = usage.reasoning_tokens
    return told
