"""What several wires share: parts of a request, reasons for an answer's end, and token counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from providers.answer import (
    JsonObject,
    as_object,
    count_at,
    items_at,
    object_at,
    parse_object,
    text_at,
)
from providers.completion import Finish, TokenUsage
from providers.errors import BadRequestError, UnknownFinishError
from providers.request import Message, ModelRequest, Tool
from providers.wire.rejections import CLIENT_ERROR, Rejection, to_error

SCHEMA_NAME = "answer"


def refuse(wire: str, what: str) -> BadRequestError:
    """An error for what a wire cannot carry; nothing was sent."""
    return BadRequestError(f"the {wire} wire cannot carry {what}", billable=False)


def refuse_parts(request: ModelRequest, wire: str, parts: Sequence[str]) -> None:
    """Raise `BadRequestError` when the request has one of the named parts."""
    present = {
        "images": any(message.images for message in request.messages),
        "documents": any(message.documents for message in request.messages),
        "tools": bool(request.tools),
        "tool turns": any(m.role == "tool" or m.tool_calls for m in request.messages),
        "a schema": request.schema is not None,
        "a seed": request.seed is not None,
        "stop sequences": bool(request.stop),
        "an effort": request.effort is not None,
        "a service tier": request.service_tier is not None,
        "token probabilities": request.logprobs,
    }
    for part in parts:
        if present[part]:
            raise refuse(wire, part)


def alternating(
    request: ModelRequest, assistant: str, parts_of: Callable[[Message], Sequence[JsonObject]]
) -> list[tuple[str, list[JsonObject]]]:
    """Turns but the system's, in order, by role; neighbours of one role are one turn.

    `assistant` is the wire's word for the model's own role; every other is `user`.
    """
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in request.messages:
        if message.role == "system":
            continue
        role = assistant if message.role == "assistant" else "user"
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(parts_of(message))
    return turns


def schema_of(request: ModelRequest) -> JsonObject | None:
    """The answer's JSON Schema as a value."""
    return None if request.schema is None else given_object(request.schema, "schema")


def parameters_of(tool: Tool) -> JsonObject:
    """A tool's JSON Schema as a value."""
    return given_object(tool.parameters, f"parameters of tool {tool.name}")


def given_object(text: str, what: str) -> JsonObject:
    """JSON that the workspace gave, which must be one object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadRequestError(f"{what} is not one JSON object", billable=False)
    return parse_object(text)


def extra_body(request: ModelRequest) -> JsonObject:
    """What the model's entry adds to the body."""
    return {} if request.extra_body is None else given_object(request.extra_body, "extra_body")


def present(document: JsonObject) -> JsonObject:
    """The document without its None values."""
    return {key: value for key, value in document.items() if value is not None}


def merged(base: JsonObject, extra: JsonObject) -> JsonObject:
    """`extra` over `base`, objects merged key by key."""
    result = dict(base)
    for key, value in extra.items():
        inner = as_object(result.get(key))
        result[key] = merged(inner, as_object(value)) if inner and as_object(value) else value
    return result


_WORDS: Mapping[Finish, tuple[str, ...]] = {
    "stop": (
        *("stop", "eos", "end_turn", "stop_sequence", "eos_token", "eos_token_id", "stop_token"),
        *("stop_str", "stop_word", "stopped", "end", "ended", "end_of_text", "endoftext"),
        *("complete", "completed", "done", "finish", "finished", "normal", "success", "unload"),
    ),
    "length": (
        *("length", "max_tokens", "model_length", "max_length", "max_new_tokens", "token_limit"),
        *("max_output_tokens", "max_completion_tokens", "length_limit", "context_length", "limit"),
        *("max_model_len", "context_window", "model_context_window_exceeded", "truncated"),
    ),
    "tool_calls": ("tool_calls", "function_call", "tool_call", "tool_use", "function_calls"),
    "content_filter": ("content_filter", "content_filtered", "safety", "blocked", "sensitive"),
    "refusal": ("refusal", "refused"),
}
FINISHES: Mapping[str, Finish] = {
    word: finish for finish, words in _WORDS.items() for word in words
}
_PREFIX = "finish_reason_"
_STATUSES = range(CLIENT_ERROR, 600)


def to_finish(reason: object, *, usage: TokenUsage | None = None) -> Finish:
    """Our word for a finish reason, whoever writes it; servers that write none gave all they had.

    Raises:
        UnknownFinishError: a word whose meaning is not known.
    """
    if reason is None or reason == "":
        return "stop"
    word = str(reason).strip().lower().replace("-", "_").replace(" ", "_").removeprefix(_PREFIX)
    known = FINISHES.get(word)
    if known is None:
        raise UnknownFinishError(str(reason), usage=usage)
    return known


def whole_probability(logprobs: Iterable[object]) -> float | None:
    """The probability of an answer, of its tokens' log probabilities; None where one is unknown."""
    known = list(logprobs)
    told = [one for one in known if isinstance(one, int | float) and not isinstance(one, bool)]
    if not known or len(told) < len(known) or any(math.isnan(one) for one in told):
        return None
    return min(math.exp(min(math.fsum(told), 0.0)), 1.0)


def refuse_errors(document: JsonObject, *, vendor: str = "openai") -> None:
    """Raise the error that a server wrote into a reply of good status."""
    error = document.get("error")
    if not error and document.get("object") == "error":
        error = document
    choice = next(iter(items_at(document, "choices")), as_object(None))
    error = error or choice.get("error")
    if not error:
        return
    inside = as_object(error)
    code = inside.get("code") or inside.get("type") or document.get("code")
    status = count_at({"code": code}, "code")
    raise to_error(
        Rejection(
            vendor=vendor,
            status=status if status is not None and status in _STATUSES else None,
            codes=tuple(str(inside[key]) for key in ("code", "type", "status") if inside.get(key)),
            detail=text_at(inside, "message") or (error if isinstance(error, str) else ""),
            usage=read_usage(object_at(document, "usage")),
        )
    )


def counted(**counts: int) -> TokenUsage | None:
    """The usage; None for counts that contradict each other: they tell nothing, never a guess."""
    try:
        return TokenUsage(**counts)
    except ValueError:
        return None


def read_usage(usage: JsonObject) -> TokenUsage | None:
    """The usage of Chat Completions, Completions and Responses; None where it is not all there.

    Some compatible servers count reasoning beside the output; there the total tells. Tokens that
    were written to be cached for 12 hours have a price that no catalogue states, and are billed
    apart: a usage with some is unknown rather than priced wrongly.
    """
    input_tokens = _first(usage, "prompt_tokens", "input_tokens")
    output_tokens = _first(usage, "completion_tokens", "output_tokens")
    if input_tokens is None or output_tokens is None:
        return None
    inside = _details(usage, "prompt_tokens_details", "input_tokens_details")
    outside = _details(usage, "completion_tokens_details", "output_tokens_details")
    if count_at(object_at(inside, "cache_write_tokens_details"), "ttl_12h_tokens"):
        return None
    reasoning = count_at(outside, "reasoning_tokens") or 0
    cached = count_at(inside, "cached_tokens")
    if cached is None:
        cached = count_at(usage, "prompt_cache_hit_tokens") or 0
    beside = beside_the_sum(usage, (input_tokens + output_tokens), (reasoning, cached))
    if beside is None:
        return None
    output_tokens, input_tokens = output_tokens + beside[0], input_tokens + beside[1]
    return counted(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=count_at(inside, "cache_write_tokens") or 0,
        reasoning_tokens=reasoning,
    )


def beside_the_sum(usage: JsonObject, whole: int, parts: tuple[int, int]) -> tuple[int, int] | None:
    """How many tokens of two parts stand beside the main counts, by the total.

    None where no reading makes the total: such counts tell nothing.
    """
    total = count_at(usage, "total_tokens")
    if total is None:
        return (0, 0)
    first, second = parts
    readings = ((0, 0), (first, 0), (0, second), (first, second))
    return next((each for each in readings if whole + sum(each) == total), None)


def _first(usage: JsonObject, *keys: str) -> int | None:
    counts = (count_at(usage, key) for key in keys)
    return next((count for count in counts if count is not None), None)


def _details(usage: JsonObject, *keys: str) -> JsonObject:
    found = (object_at(usage, key) for key in keys)
    return next((details for details in found if details), as_object(None))
