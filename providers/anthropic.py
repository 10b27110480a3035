"""Anthropic's Messages, through Anthropic's own SDK on its aiohttp back end."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import anthropic
from anthropic import AsyncAnthropic, AsyncStream, Omit

from providers.calling import WireProvider
from providers.dialects.messages import MessagesDialect
from providers.posting import LIMITS, PostWire, Sdk, SdkClient

if TYPE_CHECKING:
    from providers.provider import Endpoint

DEFAULT_BASE_URL = "https://api.anthropic.com"


def open_anthropic(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` messages."""
    client = AsyncAnthropic(
        # An empty key keeps the SDK from looking for one in the environment and in profiles.
        api_key=key or "",
        webhook_key="",
        base_url=endpoint.base_url or DEFAULT_BASE_URL,
        max_retries=0,
        http_client=anthropic.DefaultAioHttpClient(
            follow_redirects=False, trust_env=False, limits=LIMITS
        ),
        open_telemetry=False,
    )
    sdk = Sdk(
        vendor=endpoint.vendor,
        stream_cls=AsyncStream[object],
        status_error=anthropic.APIStatusError,
        connection_error=anthropic.APIConnectionError,
        stream_error=anthropic.APIError,
        headers={} if key else {"Authorization": Omit(), "X-Api-Key": Omit()},
    )
    return WireProvider(PostWire(cast("SdkClient", client), sdk), MessagesDialect())
