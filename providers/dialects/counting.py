"""Token counts that a body reported, where they can be true together."""

from __future__ import annotations

from providers.completion import TokenUsage


def counted(**counts: int) -> TokenUsage | None:
    """The usage; None for counts that contradict each other: they tell nothing, never a guess."""
    try:
        return TokenUsage(**counts)
    except ValueError:
        return None
