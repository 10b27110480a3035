"""OpenAI's Batch API: a file with one line of JSON a request, and one with a line a result.

Engines that answer a file of requests offline use the same lines (vLLM's `run-batch`), except for
errors: OpenAI puts an error into the response's body, they put it next to the response.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import httpx2

from providers.answer import Answer, JsonObject, count_at, object_at, text_at
from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    expired,
    from_lines,
    one_model,
    outcome,
    to_lines,
    told,
)
from providers.errors import BadRequestError
from providers.openai import dialect_of, openai_wire
from providers.provider import Endpoint
from providers.request import unstreamed
from providers.wire.posting import codes_of
from providers.wire.rejections import Rejection, to_error

SUCCESS = 200


class BatchLines:
    """The lines of one endpoint's wire."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._dialect = dialect_of(endpoint)
        self._vendor = endpoint.vendor

    def path_of(self, item: BatchItem) -> str:
        """Where the request would be posted, live."""
        return f"/v1{self._dialect.path_of(item.request)}"

    def requests(self, items: Iterable[BatchItem]) -> bytes:
        """One line an item."""
        return to_lines(self._line(item) for item in items)

    def outcomes(self, raw: bytes) -> tuple[BatchOutcome, ...]:
        """One outcome a line.

        Raises:
            BrokenBodyError: a line is no JSON object.
        """
        return tuple(self._outcome(line) for line in from_lines(raw))

    def _line(self, item: BatchItem) -> JsonObject:
        return {
            "custom_id": item.id,
            "method": "POST",
            "url": self.path_of(item),
            "body": self._dialect.body(unstreamed(item.request)),
        }

    def _outcome(self, line: JsonObject) -> BatchOutcome:
        return outcome(text_at(line, "custom_id") or "", lambda: self._read(line))

    def _read(self, line: JsonObject) -> Answer:
        beside = object_at(line, "error")
        code = text_at(beside, "code")
        if code is not None:
            raise expired(self._vendor, code)
        response = object_at(line, "response")
        body = object_at(response, "body")
        status = count_at(response, "status_code")
        if status == SUCCESS:
            return self._dialect.read(body)
        error = object_at(body, "error") or object_at(beside, "error") or beside
        raise to_error(
            Rejection(
                vendor=self._vendor,
                status=status,
                codes=codes_of(error),
                detail=text_at(error, "message") or "",
                request_id=text_at(response, "request_id"),
            )
        )


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
