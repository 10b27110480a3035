"""Anthropic's Messages, on Anthropic's cloud or another, through Anthropic's own SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import anthropic
from anthropic import AsyncAnthropic, AsyncAnthropicFoundry, AsyncStream, Omit
from anthropic.lib.bedrock import AsyncAnthropicBedrock
from anthropic.lib.vertex import AsyncAnthropicVertex

from providers.ambient import bedrock_address, unmoved, vertex_address
from providers.calling import WireProvider
from providers.clouds import needs
from providers.dialects.messages import MessagesDialect
from providers.posting import LIMITS, PostWire, Sdk, SdkClient

if TYPE_CHECKING:
    from providers.provider import Endpoint

DEFAULT_BASE_URL = "https://api.anthropic.com"


def open_anthropic(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` messages, on Anthropic's cloud or another."""
    return WireProvider(anthropic_wire(endpoint, key=key), MessagesDialect())


def anthropic_wire(endpoint: Endpoint, *, key: str | None) -> PostWire:
    """Anthropic's SDK, set up for an endpoint."""
    without_key = not key and endpoint.platform is None
    sdk = Sdk(
        vendor=endpoint.vendor,
        stream_cls=AsyncStream[object],
        status_error=anthropic.APIStatusError,
        connection_error=anthropic.APIConnectionError,
        stream_error=anthropic.APIError,
        # Without AWS credentials the SDK raises a bare RuntimeError.
        credential_errors=(anthropic.AnthropicError, RuntimeError)
        if endpoint.platform
        else (anthropic.AnthropicError,),
        headers={"Authorization": Omit(), "X-Api-Key": Omit()} if without_key else {},
    )
    return PostWire(cast("SdkClient", unmoved(client_of(endpoint, key))), sdk)


def client_of(endpoint: Endpoint, key: str | None) -> object:
    """The SDK's client: retries, redirects, proxies and telemetry of the environment off.

    Its own headers are `unmoved`'s to set.
    """
    common: dict[str, Any] = {
        "max_retries": 0,
        "http_client": anthropic.DefaultAioHttpClient(
            follow_redirects=False, trust_env=False, limits=LIMITS
        ),
        "open_telemetry": False,
        "base_url": endpoint.base_url,
    }
    match endpoint.platform:
        case "bedrock":
            region = endpoint.region or needs("bedrock", "`region:`")
            common["base_url"] = endpoint.base_url or bedrock_address(region)
            return AsyncAnthropicBedrock(aws_region=region, api_key=key, **common)
        case "vertex":
            region = endpoint.region or needs("vertex", "`region:`")
            common["base_url"] = endpoint.base_url or vertex_address(region)
            return AsyncAnthropicVertex(
                region=region,
                project_id=endpoint.project or needs("vertex", "`project:`"),
                access_token=key,
                **common,
            )
        case "azure":
            common["base_url"] = endpoint.base_url or needs("azure", "`base_url:`")
            return AsyncAnthropicFoundry(api_key=key or needs("azure", "`key:`"), **common)
        case _:
            common["base_url"] = endpoint.base_url or DEFAULT_BASE_URL
            # An empty key keeps the SDK from looking for one in the environment and in profiles.
            return AsyncAnthropic(api_key=key or "", webhook_key="", **common)
