"""What an evaluation shows of a feature's requests, for the levers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import rounded
from harness.economics.levers import SHARE_PLACES, Observed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.completion import TokenUsage

_FEWEST = 2


def observe(prompts: Sequence[str], usages: Sequence[TokenUsage]) -> Observed:
    """Measure the shared prefix and the reasoning of the incumbent's requests.

    The prefix is what all `prompts` begin with, in tokens at the requests' own bytes per token.

    Args:
        prompts: the text of each request, everything that is sent in its order.
        usages: their usage, in the same order.
    """
    return Observed(prefix_tokens=_prefix(prompts, usages), reasoning_share=_reasoning(usages))


def _prefix(prompts: Sequence[str], usages: Sequence[TokenUsage]) -> int | None:
    size = sum(len(prompt.encode()) for prompt in prompts)
    tokens = sum(usage.input_tokens for usage in usages)
    if len(prompts) < _FEWEST or not size or not tokens:
        return None
    return _shared_bytes(prompts) * tokens // size


def _shared_bytes(texts: Sequence[str]) -> int:
    """Bytes that all texts begin with: what the first and the last in order have in common."""
    first, last = min(texts).encode(), max(texts).encode()
    pairs = zip(first, last, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _reasoning(usages: Sequence[TokenUsage]) -> Decimal | None:
    output = sum(usage.output_tokens for usage in usages)
    if not output:
        return None
    return rounded(Decimal(sum(usage.reasoning_tokens for usage in usages)) / output, SHARE_PLACES)
