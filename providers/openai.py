"""OpenAI, and whoever speaks its wire, through OpenAI's own SDK on its aiohttp back end."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import openai
from openai import AsyncOpenAI, AsyncStream, Omit

from providers.calling import WireProvider
from providers.dialects.chat import ChatDialect
from providers.dialects.completions import CompletionsDialect
from providers.dialects.responses import ResponsesDialect
from providers.posting import LIMITS, PostWire, Sdk, SdkClient

if TYPE_CHECKING:
    from providers.answer import Dialect
    from providers.provider import Endpoint

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def open_openai(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` chat, completions or responses."""
    # Organisation, project and keys of the SDK's environment variables are for the user's own
    # programs; here everything is stated by the endpoint.
    silent = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    client = AsyncOpenAI(
        api_key=key or "",
        admin_api_key="",
        webhook_secret="",
        base_url=endpoint.base_url or DEFAULT_BASE_URL,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(
            follow_redirects=False, trust_env=False, limits=LIMITS
        ),
        default_headers=cast("dict[str, str]", silent),
    )
    # Without a key the SDK insists on being told that the header shall be absent.
    headers = {} if key else {"Authorization": Omit()}
    sdk = Sdk(
        vendor=endpoint.vendor,
        stream_cls=AsyncStream[object],
        status_error=openai.APIStatusError,
        connection_error=openai.APIConnectionError,
        stream_error=openai.APIError,
        headers=headers,
    )
    return WireProvider(PostWire(cast("SdkClient", client), sdk), dialect_of(endpoint))


def dialect_of(endpoint: Endpoint) -> Dialect:
    """The wire format of an endpoint."""
    compatible = endpoint.vendor == "openai-compatible"
    match endpoint.api:
        case "chat":
            return ChatDialect(compatible=compatible)
        case "completions":
            return CompletionsDialect(compatible=compatible)
        case "responses":
            return ResponsesDialect()
        case _:
            raise ValueError(f"OpenAI's wire has no api {endpoint.api!r}")
