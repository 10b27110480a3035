"""OpenAI, its models on clouds, compatible servers, and batches, through OpenAI's own SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import httpx2
import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, AsyncStream, Omit
from openai.providers.bedrock import bedrock

from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    one_model,
    told,
)
from providers.batch_lines import BatchLines, dialect_of
from providers.dialects.decider import DecisionProvider
from providers.errors import BadRequestError
from providers.provider import (
    DECISION_APIS,
    Endpoint,
    Provider,
    goes_direct,
    needs,
    resource_of,
)
from providers.wire.calling import WireProvider
from providers.wire.direct import DirectWire
from providers.wire.posting import BOUNDED, LIMITS, PostWire, Sdk, SdkClient, unmoved

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


MOST_ITEMS = 50_000
FAILED = frozenset({"failed"})
# Expired and cancelled batches have results of what was done in time.
ENDED = frozenset({"completed", "expired", "cancelled"})


class OpenAIBatch:
    """Batches of one endpoint."""

    def __init__(self, endpoint: Endpoint, *, key: str | None) -> None:
        self._wire = openai_wire(endpoint, key=key)
        self._client: Any = self._wire.client
        self._lines = BatchLines(endpoint)

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Upload the requests and start the batch."""
        one_model(items, most=MOST_ITEMS)
        lines = self._lines.requests(items)
        upload = self._client.files.create(file=("batch.jsonl", lines), purpose="batch")
        file = await told(self._wire.failure, upload)
        creation = self._client.batches.create(
            input_file_id=file.id,
            endpoint=self._lines.path_of(items[0]),
            completion_window="24h",
        )
        batch = await told(self._wire.failure, creation)
        return cast("str", batch.id)

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands."""
        batch = await told(self._wire.failure, self._client.batches.retrieve(batch_id))
        if batch.status in FAILED:
            # Failed is a batch whose file was refused: nothing of it was run.
            return BatchStatus(stage="failed", reason=_reason(batch), billed=False)
        return BatchStatus(stage="ended" if batch.status in ENDED else "running")

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read both files of results."""
        batch = await told(self._wire.failure, self._client.batches.retrieve(batch_id))
        outcomes: list[BatchOutcome] = []
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id is not None:
                outcomes += self._lines.outcomes(await self._content(file_id))
        return tuple(outcomes)

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()

    async def _content(self, file_id: str) -> bytes:
        call = self._client.get(f"/files/{file_id}/content", cast_to=httpx2.Response)
        response: httpx2.Response = await told(self._wire.failure, call)
        return response.content


def open_openai_batch(endpoint: Endpoint, *, key: str | None) -> OpenAIBatch:
    """Open the batches of an endpoint.

    Raises:
        BadRequestError: the endpoint is on a cloud, whose batches are of another kind.
    """
    if endpoint.platform is not None:
        raise BadRequestError(f"no batches on {endpoint.platform}; ask live", billable=False)
    return OpenAIBatch(endpoint, key=key)


def _reason(batch: Any) -> str | None:  # noqa: ANN401  # the SDK's Batch
    errors: list[Any] = (batch.errors.data if batch.errors else None) or []
    codes = [cast("str | None", error.code) for error in errors]
    return next((code for code in codes if code), None)
