"""The same calls in the shapes of several tools, each written after the public page that it names.

Rows are ours; only names and places of fields are the tools'.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class LoggedCall:
    """One call; `input` counts cached tokens, `output` counts thoughts."""

    at: datetime
    id: str
    feature: str = "triage"
    model: str = "gpt-5"
    input: int = 1000
    cached: int = 400
    written: int = 0
    output: int = 120
    thoughts: int = 20
    cost: str = "0.0025"
    took: float = 2.5
    first: float = 0.5
    caller: str = "svc-triage"
    failed: bool = False

    @property
    def end(self) -> datetime:
        return self.at + timedelta(seconds=self.took)


def a_week() -> list[LoggedCall]:
    """Calls of two features in a week and a bit, some of them dear."""
    calls: list[LoggedCall] = []
    for number in range(200):
        at = MONDAY + timedelta(minutes=53 * number + number % 7)
        one = LoggedCall(at=at, id=f"c{number:04}", input=1000 + number, took=1 + number % 5 / 4)
        if number % 5 == 0:
            one = replace(one, feature="summary", caller="svc-docs", thoughts=0, cached=0)
        calls.append(one)
    return calls


def litellm(call: LoggedCall) -> Mapping[str, object]:
    """LiteLLM_SpendLogs: BerriAI/litellm, schema.prisma and litellm-js/spend-logs/src/_types.ts."""
    return {
        "request_id": call.id,
        "call_type": "acompletion",
        "api_key": "hash",
        "spend": float(call.cost),
        "prompt_tokens": call.input,
        "completion_tokens": call.output,
        "total_tokens": call.input + call.output,
        "startTime": _iso(call.at),
        "endTime": _iso(call.end),
        "completionStartTime": _iso(call.at + timedelta(seconds=call.first)),
        "model": call.model,
        "cache_hit": "False",
        "status": "failure" if call.failed else "success",
        "request_tags": [f"feature:{call.feature}", "User-Agent: client/1.0"],
        "metadata": {
            "user_api_key_alias": call.caller,
            "additional_usage_values": {
                "cache_read_input_tokens": call.cached,
                "cache_creation_input_tokens": call.written,
                "completion_tokens_details": {"reasoning_tokens": call.thoughts},
            },
        },
    }


def langfuse(call: LoggedCall) -> Mapping[str, object]:
    """observations_v2: langfuse.com, blob-storage-export-fields."""
    return {
        "id": call.id,
        "trace_id": f"t-{call.id}",
        "parent_observation_id": "",
        "type": "GENERATION",
        "start_time": call.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "end_time": call.end.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "level": "ERROR" if call.failed else "DEFAULT",
        "provided_model_name": call.model,
        "usage_details": {
            "input": call.input - call.cached - call.written,
            "input_cached_tokens": call.cached,
            "cache_creation_input_tokens": call.written,
            "output": call.output - call.thoughts,
            "output_reasoning_tokens": call.thoughts,
            "total": call.input + call.output,
        },
        "total_cost": call.cost,
        "time_to_first_token": call.first,
        "user_id": call.caller,
        "tags": [],
        "metadata": {"feature": call.feature},
        "environment": "",
    }


def span(call: LoggedCall, attributes: Mapping[str, object], service: str) -> Mapping[str, object]:
    """An export request with one span: opentelemetry-proto, trace.proto, as its JSON is written."""
    nanos = [f"{round(at.timestamp() * 1_000_000)}000" for at in (call.at, call.end)]
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": service})},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": f"{call.id:0>32}",
                                "spanId": f"{call.id:0>16}",
                                "startTimeUnixNano": nanos[0],
                                "endTimeUnixNano": nanos[1],
                                "status": {"code": 2} if call.failed else {},
                                "attributes": _attributes(attributes),
                            }
                        ]
                    }
                ],
            }
        ]
    }


def genai(call: LoggedCall) -> Mapping[str, object]:
    """Current names: open-telemetry/semantic-conventions-genai, model/gen-ai/registry.yaml."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call.model,
        "gen_ai.usage.input_tokens": call.input,
        "gen_ai.usage.cache_read.input_tokens": call.cached,
        "gen_ai.usage.cache_creation.input_tokens": call.written,
        "gen_ai.usage.output_tokens": call.output,
        "gen_ai.usage.reasoning.output_tokens": call.thoughts,
        "gen_ai.response.time_to_first_chunk": call.first,
        "feature": call.feature,
    }
    return span(call, attributes, call.caller)


def genai_older(call: LoggedCall) -> Mapping[str, object]:
    """Names up to 1.36: opentelemetry-semantic-conventions 0.66b2, incubating attributes."""
    attributes = {
        "gen_ai.system": "openai",
        "gen_ai.response.model": call.model,
        "gen_ai.usage.prompt_tokens": call.input,
        "gen_ai.usage.cache_read_input_tokens": call.cached,
        "gen_ai.usage.cache_write_input_tokens": call.written,
        "gen_ai.usage.completion_tokens": call.output,
        "gen_ai.usage.reasoning_tokens": call.thoughts,
        "feature": call.feature,
    }
    return span(call, attributes, call.caller)


def openinference(call: LoggedCall) -> Mapping[str, object]:
    """OpenInference: openinference-semantic-conventions 0.1, SpanAttributes."""
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.model_name": call.model,
        "llm.token_count.prompt": call.input,
        "llm.token_count.prompt_details.cache_read": call.cached,
        "llm.token_count.prompt_details.cache_write": call.written,
        "llm.token_count.completion": call.output,
        "llm.token_count.completion_details.reasoning": call.thoughts,
        "llm.token_count.total": call.input + call.output,
        "llm.cost.total": float(call.cost),
        "feature": call.feature,
    }
    return span(call, attributes, call.caller)


def bedrock(call: LoggedCall) -> Mapping[str, object]:
    """ModelInvocationLog 1.0: dheerajoruganty/aws-bedrock-logs-mcp-server, setup.md."""
    fresh = call.input - call.cached - call.written
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": _iso(call.at),
        "accountId": "000000000000",
        "identity": {"arn": call.caller},
        "region": "us-east-1",
        "requestId": call.id,
        "operation": "Converse",
        "modelId": call.model,
        "requestMetadata": {"feature": call.feature},
        "input": {
            "inputContentType": "application/json",
            "inputTokenCount": fresh,
            "cacheReadInputTokenCount": call.cached,
            "cacheWriteInputTokenCount": call.written,
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": {
                "stopReason": "end_turn",
                "metrics": {"latencyMs": round(call.took * 1000)},
                "usage": {
                    "inputTokens": fresh,
                    "outputTokens": call.output,
                    "totalTokens": call.input + call.output,
                },
            },
            "outputTokenCount": call.output,
        },
    }


def neutral(call: LoggedCall) -> Mapping[str, object]:
    """Our own table."""
    return {
        "timestamp": _iso(call.at),
        "feature": call.feature,
        "request_id": call.id,
        "input_tokens": call.input,
        "output_tokens": call.output,
        "cached_tokens": call.cached,
        "cache_written_tokens": call.written,
        "reasoning_tokens": call.thoughts,
        "model": call.model,
        "cost_usd": call.cost,
        "latency_ms": call.took * 1000,
        "caller": call.caller,
        "status": "error" if call.failed else "ok",
    }


SHAPES: Mapping[str, Callable[[LoggedCall], Mapping[str, object]]] = {
    "litellm": litellm,
    "langfuse": langfuse,
    "otlp": genai,
    "otlp, older names": genai_older,
    "otlp, OpenInference": openinference,
    "bedrock": bedrock,
    "neutral": neutral,
}


def jsonl(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A CSV; what is no plain value is JSON in its cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(
                json.dumps(cell) if isinstance(cell, (dict, list)) else cell
                for cell in row.values()
            )
    return path


def parquet(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _attributes(values: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: object) -> Mapping[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}
