"""Anthropic's Messages and Message Batches, on its own cloud or another, through its own SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncAnthropicFoundry, AsyncStream, Omit
from anthropic.lib.bedrock import AsyncAnthropicBedrock
from anthropic.lib.vertex import AsyncAnthropicVertex

from providers.answer import Answer, JsonObject, object_at, text_at
from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    expired,
    from_lines,
    one_model,
    outcome,
    told,
)
from providers.dialects.messages import MessagesDialect
from providers.errors import BadRequestError, BrokenBodyError, ProviderError
from providers.provider import Endpoint, goes_direct, needs
from providers.request import unstreamed
from providers.wire.calling import HttpRequest, WireProvider
from providers.wire.direct import DirectWire
from providers.wire.posting import BOUNDED, LIMITS, PostWire, Sdk, SdkClient, unmoved
from providers.wire.rejections import Rejection, codes_of, to_error

DEFAULT_BASE_URL = "https://api.anthropic.com"


def open_anthropic(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` messages, on Anthropic's cloud or another."""
    wire = anthropic_wire(endpoint, key=key)
    return WireProvider(DirectWire(wire) if goes_direct(endpoint) else wire, MessagesDialect())


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
            follow_redirects=False, trust_env=False, limits=LIMITS, **BOUNDED
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


MOST_ITEMS = 100_000
PATH = "/v1/messages/batches"
TIMEOUT_S = 600.0


class AnthropicBatch:
    """Batches of one endpoint."""

    def __init__(self, endpoint: Endpoint, *, key: str | None) -> None:
        self._wire = anthropic_wire(endpoint, key=key)
        self._client: Any = self._wire.client
        self._dialect = MessagesDialect()

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Send the requests."""
        one_model(items, most=MOST_ITEMS)
        requests: list[JsonObject] = [
            {"custom_id": item.id, "params": self._dialect.body(unstreamed(item.request))}
            for item in items
        ]
        asked = HttpRequest(path=PATH, body={"requests": requests}, timeout_s=TIMEOUT_S)
        whole = await told(self._wire.failure, self._wire.whole(asked))
        found = text_at(whole.document, "id")
        if found is None:
            raise BrokenBodyError("anthropic: a batch without an id")
        return found

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands; a cancelled one ends, its items say so."""
        retrieval = self._client.messages.batches.retrieve(batch_id)
        batch = await told(self._wire.failure, retrieval)
        ended = batch.processing_status == "ended"
        return BatchStatus(stage="ended" if ended else "running")

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read the results, from the batch's own path: an address in a reply is not followed."""
        call = self._client.get(f"{PATH}/{batch_id}/results", cast_to=httpx2.Response)
        response = cast("httpx2.Response", await told(self._wire.failure, call))
        return tuple(self._outcome(line) for line in from_lines(response.content))

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()

    def _outcome(self, line: JsonObject) -> BatchOutcome:
        return outcome(text_at(line, "custom_id") or "", lambda: self._read(line))

    def _read(self, line: JsonObject) -> Answer:
        result = object_at(line, "result")
        match text_at(result, "type"):
            case "succeeded":
                return self._dialect.read(object_at(result, "message"))
            case "errored":
                document = object_at(result, "error")
                error = object_at(document, "error") or document
                raise _failed(error)
            case "expired" | "canceled" as word:
                raise expired("anthropic", word)
            case _:
                raise BrokenBodyError("anthropic: a batch item with no result")


def open_anthropic_batch(endpoint: Endpoint, *, key: str | None) -> AnthropicBatch:
    """Open the batches of an endpoint.

    Raises:
        BadRequestError: the endpoint is on a cloud, where the SDK has no batches.
    """
    if endpoint.platform is not None:
        raise BadRequestError(f"no batches on {endpoint.platform}; ask live", billable=False)
    return AnthropicBatch(endpoint, key=key)


def _failed(error: JsonObject) -> ProviderError:
    """An item's error: it has a type and no status; failed items are not billed."""
    invalid = text_at(error, "type") == "invalid_request_error"
    failure = to_error(
        Rejection(
            vendor="anthropic",
            status=400 if invalid else None,
            codes=codes_of(error),
            detail=text_at(error, "message") or "",
        )
    )
    failure.billable = False
    return failure


def vertex_address(region: str) -> str:
    """Where Anthropic's models on Vertex are, by region (Google's reference of its endpoints)."""
    host = {
        "global": "aiplatform.googleapis.com",
        "us": "aiplatform.us.rep.googleapis.com",
        "eu": "aiplatform.eu.rep.googleapis.com",
    }.get(region, f"{region}-aiplatform.googleapis.com")
    return f"https://{host}/v1"


def bedrock_address(region: str) -> str:
    """Where models on Bedrock are, by region (AWS's reference of its endpoints)."""
    return f"https://bedrock-runtime.{region}.amazonaws.com"
