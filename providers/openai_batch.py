"""OpenAI's Batch API: files of requests and of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import httpx2

from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    one_model,
    told,
)
from providers.batch_lines import BatchLines
from providers.errors import BadRequestError
from providers.openai import openai_wire
from providers.provider import Endpoint

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
