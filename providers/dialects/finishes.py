"""Why an answer ended, in the words of OpenAI's wires and of those who speak them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import BrokenBodyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.completion import Finish

FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
}


def to_finish(reason: str | None) -> Finish:
    """Our word for a finish reason; an unknown one means that the answer is not whole."""
    known = FINISHES.get(reason or "")
    if known is None:
        raise BrokenBodyError("the answer ended for no reason that is known")
    return known
