"""Calls of a review as OpenTelemetry spans: OTLP as JSON, with the current `gen_ai.*` names.

Names: open-telemetry/semantic-conventions-genai, model/gen-ai/registry.yaml; shape:
opentelemetry-proto, trace.proto as JSON. No prompt, answer or case stands in a span. A cost has no
name there: `llm.cost.total` is OpenInference's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeAlias

from harness.journal.run_calls import RunAttempt

Json: TypeAlias = "dict[str, object]"
REQUEST = 500
"""Spans in one export request."""
_CLIENT = 3
_ERROR = 2
_PROVIDERS: Mapping[str, str] = {"google": "gcp.gemini"}
"""Vendors whose name there is another."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def export_requests(calls: Iterable[RunAttempt], *, run: str, version: str) -> Iterator[str]:
    """Export requests as JSON, each on one line; equal calls make equal text."""
    rest = iter(calls)
    while some := list(islice(rest, REQUEST)):
        resource = {"service.name": "rightsize", "service.version": version}
        spans = [_span(call, run) for call in some]
        scope = {"scope": {"name": "rightsize.review"}, "spans": spans}
        group = {"resource": {"attributes": _pairs(resource)}, "scopeSpans": [scope]}
        yield json.dumps({"resourceSpans": [group]}, separators=(",", ":"))


def _span(call: RunAttempt, run: str) -> Json:
    attempt = call.attempt
    start = datetime.fromisoformat(attempt.started_at).astimezone(UTC)
    # The protocol's own word for an end that is not known is to leave it out.
    took = attempt.total_s
    end = {} if took is None else {"endTimeUnixNano": _nanos(start + timedelta(seconds=took))}
    return {
        "traceId": _id(f"{run}/{call.feature}", 32),
        "spanId": _id(f"{run}/{call.row}", 16),
        "name": f"chat {call.model}",
        "kind": _CLIENT,
        "startTimeUnixNano": _nanos(start),
        **end,
        "status": {} if attempt.error is None else {"code": _ERROR},
        "attributes": _pairs(_attributes(call, run)),
    }


def _attributes(call: RunAttempt, run: str) -> Mapping[str, object]:
    attempt = call.attempt
    known: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(call.provider, call.provider),
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": attempt.served_model,
        "gen_ai.response.id": attempt.request_id,
        "gen_ai.response.time_to_first_chunk": attempt.first_token_s,
        "error.type": attempt.error,
        "http.request.resend_count": attempt.number - 1 or None,
        "llm.cost.total": None if attempt.cost_usd is None else float(attempt.cost_usd),
        "feature": call.feature,
        "rightsize.run": run,
        "rightsize.option": call.option,
        "rightsize.purpose": call.purpose,
        "rightsize.role": attempt.role,
        "rightsize.batch": attempt.batch,
    }
    usage = attempt.usage
    if usage is not None:
        known |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
    return {name: value for name, value in known.items() if value is not None}


def _pairs(attributes: Mapping[str, object]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> Json:
    """An `AnyValue`: 64-bit integers are text in the protocol's JSON."""
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}


def _nanos(at: datetime) -> str:
    return f"{(at - _EPOCH) // _MICROSECOND * 1000}"


def _id(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
