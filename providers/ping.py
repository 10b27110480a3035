"""Whether a key and an endpoint answer: one tiny call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import ProviderError
from providers.request import Message, ModelRequest

if TYPE_CHECKING:
    from providers.provider import Provider

TIMEOUT_S = 30.0
# Some vendors take no less.
MAX_OUTPUT_TOKENS = 16


async def ping(
    provider: Provider, model: str, *, effort: str | None = None
) -> ProviderError | None:
    """Ask a model for a word, once; None when it answered, else why not. Closes the provider."""
    request = ModelRequest(
        model=model,
        messages=(Message(role="user", text="Say ok."),),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        effort=effort,
        timeout_s=TIMEOUT_S,
    )
    try:
        await provider.complete(request)
    except ProviderError as error:
        return error
    finally:
        await provider.aclose()
    return None
