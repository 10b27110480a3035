"""Google's batch mode: a file of keyed requests in, a file of keyed results out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    from_lines,
    one_model,
    outcome,
    to_lines,
    told,
)
from providers.dialects.generate_content import GenerateContentDialect
from providers.documents import JsonObject, count_at, object_at, text_at
from providers.errors import BadRequestError, BrokenBodyError
from providers.google import GoogleWire, check_google
from providers.google_status import to_rejection
from providers.rejections import to_error
from providers.unstreamed import unstreamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.answer import Answer
    from providers.provider import Endpoint

MOST_ITEMS = 50_000
STAGES = {
    "JOB_STATE_SUCCEEDED": BatchStatus(stage="ended"),
    "JOB_STATE_PARTIALLY_SUCCEEDED": BatchStatus(stage="ended"),
    "JOB_STATE_FAILED": BatchStatus(stage="failed", reason="JOB_STATE_FAILED"),
    "JOB_STATE_CANCELLED": BatchStatus(stage="failed", reason="JOB_STATE_CANCELLED"),
    "JOB_STATE_EXPIRED": BatchStatus(stage="failed", reason="JOB_STATE_EXPIRED"),
}
# google.rpc.Code: the word, and the status of HTTP that it goes with.
RPC_CODES = {
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    16: ("UNAUTHENTICATED", 401),
}


class GoogleBatch:
    """Batches of one endpoint."""

    def __init__(self, endpoint: Endpoint, *, key: str | None) -> None:
        self._wire = GoogleWire(endpoint, key)
        self._dialect = GenerateContentDialect()

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Upload the requests and start the batch."""
        model = one_model(items, most=MOST_ITEMS)
        lines = io.BytesIO(to_lines(self._line(item) for item in items))
        client: Any = self._wire.client().aio
        upload = client.files.upload(file=lines, config={"mime_type": "application/jsonl"})
        file = await told(self._wire.failure, upload)
        creation = client.batches.create(model=model, src=file.name)
        batch = await told(self._wire.failure, creation)
        if not batch.name:
            raise BrokenBodyError("google: a batch without a name")
        return cast("str", batch.name)

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands."""
        batch = await self._get(batch_id)
        state = batch.state.value if batch.state is not None else ""
        return STAGES.get(state, BatchStatus(stage="running"))

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read the file of results."""
        batch = await self._get(batch_id)
        name = batch.dest.file_name if batch.dest is not None else None
        if name is None:
            raise BrokenBodyError("google: an ended batch without a file of results")
        client: Any = self._wire.client().aio
        raw = await told(self._wire.failure, client.files.download(file=name))
        return tuple(self._outcome(line) for line in from_lines(raw))

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()

    async def _get(self, batch_id: str) -> Any:  # noqa: ANN401  # the SDK's BatchJob
        client: Any = self._wire.client().aio
        return await told(self._wire.failure, client.batches.get(name=batch_id))

    def _line(self, item: BatchItem) -> JsonObject:
        return {"key": item.id, "request": self._dialect.body(unstreamed(item.request))}

    def _outcome(self, line: JsonObject) -> BatchOutcome:
        return outcome(text_at(line, "key") or "", lambda: self._read(line))

    def _read(self, line: JsonObject) -> Answer:
        error = object_at(line, "error") or object_at(line, "status")
        if error:
            code = count_at(error, "code") or 0
            word, status = RPC_CODES.get(code, ("", code))
            raise to_error(to_rejection(status, {"status": word, **error}, {}))
        return self._dialect.read(object_at(line, "response"))


def open_google_batch(endpoint: Endpoint, *, key: str | None) -> GoogleBatch:
    """Open the batches of an endpoint.

    Raises:
        AuthRejectedError: there is no key.
        BadRequestError: the endpoint is on Vertex, whose batches go through its own storage.
    """
    if endpoint.platform is not None:
        raise BadRequestError(f"no batches on {endpoint.platform}; ask live", billable=False)
    check_google(endpoint, key=key)
    return GoogleBatch(endpoint, key=key)
