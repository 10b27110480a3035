"""What a cloud needs to be told before a vendor's models on it can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from providers.errors import BadRequestError

if TYPE_CHECKING:
    from providers.provider import Endpoint


def needs(platform: str, what: str) -> NoReturn:
    """Refuse an endpoint that does not say enough."""
    raise BadRequestError(f"platform {platform} needs {what}", billable=False)


def resource_of(endpoint: Endpoint) -> str:
    """The address of an Azure resource: its base_url without /openai."""
    address = endpoint.base_url or needs("azure", "`base_url:`, the resource's address")
    return address.rstrip("/").removesuffix("/openai")
