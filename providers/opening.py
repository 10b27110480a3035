"""From an endpoint to a provider: the vendor's module is loaded when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from providers.addresses import check_base_url
from providers.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from providers.provider import Endpoint, Provider

OPENERS: Mapping[str, str] = {
    "anthropic": "providers.anthropic:open_anthropic",
    "google": "providers.google:open_google",
    "openai": "providers.openai:open_openai",
    "openai-compatible": "providers.openai:open_openai",
}


def open_provider(endpoint: Endpoint, *, key: str | None) -> Provider:
    """Open the endpoint with the key that was read where the call is made.

    Raises:
        BadRequestError: the address is refused, or the endpoint's API is not the vendor's.
    """
    problem = None if endpoint.base_url is None else check_base_url(endpoint.base_url)
    if problem is not None:
        raise BadRequestError(f"base_url: {problem}", billable=False)
    module, _, function = OPENERS[endpoint.vendor].partition(":")
    opener = cast("Callable[..., Provider]", getattr(import_module(module), function))
    return opener(endpoint, key=key)
