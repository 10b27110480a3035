"""OpenAI, its models on clouds, and servers with a compatible API, through OpenAI's own SDK."""

from __future__ import annotations

from typing import Any, cast

import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, AsyncStream, Omit
from openai.providers.bedrock import bedrock

from providers.batch_lines import dialect_of
from providers.dialects.decider import DecisionProvider
from providers.provider import (
    DECISION_APIS,
    Endpoint,
    Provider,
    goes_direct,
    needs,
    resource_of,
)
from providers.wire.ambient import unmoved
from providers.wire.calling import WireProvider
from providers.wire.direct import DirectWire
from providers.wire.posting import BOUNDED, LIMITS, PostWire, Sdk, SdkClient

DEFAULT_BASE_URL = "https://api.openai.com/v1"
AZURE_V1 = "/openai/v1"
# Organisation and project of the SDK's environment variables are for the user's own programs;
# here everything is stated by the endpoint.
SILENT = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}


def open_openai(endpoint: Endpoint, *, key: str | None) -> Provider:
    """Open a provider for an `api` of OpenAI's wire, on its cloud or another."""
    sdk = openai_wire(endpoint, key=key)
    wire = DirectWire(sdk) if goes_direct(endpoint) else sdk
    if endpoint.api in DECISION_APIS:
        return DecisionProvider(wire, endpoint)
    return WireProvider(wire, dialect_of(endpoint))


def openai_wire(endpoint: Endpoint, *, key: str | None) -> PostWire:
    """OpenAI's SDK, set up for an endpoint."""
    without_key = not key and endpoint.platform != "bedrock"
    sdk = Sdk(
        vendor=endpoint.vendor,
        stream_cls=AsyncStream[object],
        status_error=openai.APIStatusError,
        connection_error=openai.APIConnectionError,
        stream_error=openai.APIError,
        credential_errors=(openai.OpenAIError,),
        # Without a key the SDK insists on being told that the header shall be absent.
        headers={"Authorization": Omit()} if without_key else {},
        bills_rejections=endpoint.platform == "azure",
    )
    headers = {} if endpoint.platform == "bedrock" else SILENT
    return PostWire(cast("SdkClient", unmoved(client_of(endpoint, key), headers)), sdk)


def client_of(endpoint: Endpoint, key: str | None) -> AsyncOpenAI:
    """The SDK's client: retries, redirects and proxies of the environment off.

    Its own headers are `unmoved`'s to set.
    """
    http_client = openai.DefaultAioHttpClient(
        follow_redirects=False, trust_env=False, limits=LIMITS, **BOUNDED
    )
    common: dict[str, Any] = {"max_retries": 0, "http_client": http_client, "webhook_secret": ""}
    if endpoint.platform == "bedrock":
        region = endpoint.region or needs("bedrock", "`region:`")
        cloud = bedrock(region=region, base_url=endpoint.base_url, api_key=key, endpoint="runtime")
        return AsyncOpenAI(provider=cloud, **common)
    common["admin_api_key"] = ""
    base_url = endpoint.base_url or DEFAULT_BASE_URL
    if endpoint.platform == "azure" and not base_url.rstrip("/").endswith(AZURE_V1):
        return AsyncAzureOpenAI(
            azure_endpoint=resource_of(endpoint),
            api_version=endpoint.api_version
            or needs("azure", "`api_version:`, or a base_url that ends with /openai/v1"),
            api_key=key or needs("azure", "`key:`"),
            **common,
        )
    return AsyncOpenAI(api_key=key or "", base_url=base_url, **common)
