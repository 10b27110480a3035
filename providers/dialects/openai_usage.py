"""Token counts of OpenAI's wires: cached tokens inside the input, reasoning inside the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.dialects.counting import counted
from providers.documents import JsonObject, as_object, count_at, object_at

if TYPE_CHECKING:
    from providers.completion import TokenUsage


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
    if reasoning and count_at(usage, "total_tokens") == input_tokens + output_tokens + reasoning:
        output_tokens += reasoning
    cached = count_at(inside, "cached_tokens")
    if cached is None:
        cached = count_at(usage, "prompt_cache_hit_tokens") or 0
    return counted(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=count_at(inside, "cache_write_tokens") or 0,
        reasoning_tokens=reasoning,
    )


def _first(usage: JsonObject, *keys: str) -> int | None:
    counts = (count_at(usage, key) for key in keys)
    return next((count for count in counts if count is not None), None)


def _details(usage: JsonObject, *keys: str) -> JsonObject:
    found = (object_at(usage, key) for key in keys)
    return next((details for details in found if details), as_object(None))
