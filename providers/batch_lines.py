"""OpenAI's wire format, and its batches: a line of JSON a request, and a line a result.

Engines that answer a file of requests offline use the same lines (vLLM's `run-batch`), except for
errors: OpenAI puts an error into the response's body, they put it next to the response. No SDK is
needed for either.
"""

from __future__ import annotations

from collections.abc import Iterable

from providers.answer import Answer, Dialect, JsonObject, count_at, object_at, text_at
from providers.batch import BatchItem, BatchOutcome, expired, from_lines, outcome, to_lines
from providers.dialects.chat import ChatDialect
from providers.dialects.completions import CompletionsDialect
from providers.dialects.responses import ResponsesDialect
from providers.provider import Endpoint
from providers.request import unstreamed
from providers.wire.rejections import Rejection, codes_of, to_error

SUCCESS = 200


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
