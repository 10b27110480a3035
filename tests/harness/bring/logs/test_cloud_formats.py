"""Rows of clouds and gateways in the shape of their public examples; values are ours."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format
from tests.support.call_logs import NOW, jsonl, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_READ = """
SELECT model, kind, n, failed, hit, known, input, cached, written, output, cost, latency
FROM calls ORDER BY line
"""


def calls(path: Path, form: str) -> list[dict[str, Any]]:
    """The calls of a file of a format that is found."""
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        found = find_format(path)
        assert found.name == form
        log.add(path, found)
        assert [*log.refused()] == []
        told = log.base.execute(_READ)
        names = [name for name, *_ in told.description or ()]
        return [dict(zip(names, row, strict=True)) for row in told.fetchall()]


def azure(name: str, *, status: int = 200, usage: Mapping[str, object] | None = None) -> Any:
    """elastic/integrations, azure_openai; with bodies as Azure's diagnostic logs carry them."""
    body = {"choices": [], "usage": usage} if usage else {"error": {"code": "content_filter"}}
    properties = {
        "apiName": "Azure OpenAI API version 2024-02-15-preview",
        "requestLength": 128,
        "streamType": "Non-Streaming",
        "modelDeploymentName": "chat-pilot",
        "modelName": "gpt-35-turbo",
        "modelVersion": "0301",
        "requestBody": json.dumps({"messages": [{"role": "user", "content": name}]}),
        "responseBody": json.dumps(body),
    }
    return {
        "Tenant": "eastus",
        "category": "RequestResponse",
        "correlationId": name,
        "durationMs": 1021,
        "operationName": "ChatCompletions_Create",
        "properties": properties,
        "resultSignature": f"{status}",
        "time": "2026-10-05T12:23:02.4350000Z",
    }


USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 120,
    "total_tokens": 1120,
    "prompt_tokens_details": {"cached_tokens": 400},
}


def analytics(row: Mapping[str, Any]) -> Mapping[str, object]:
    """The same row as Log Analytics has it: table AzureDiagnostics."""
    return {
        "TimeGenerated": row["time"],
        "OperationName": row["operationName"],
        "DurationMs": row["durationMs"],
        "ResultSignature": row["resultSignature"],
        "CorrelationId": row["correlationId"],
        "Category": row["category"],
        "properties_s": json.dumps(row["properties"]),
    }


@pytest.mark.parametrize("how", ["storage", "document", "analytics", "table"])
def test_azure_openai_has_tokens_in_the_answer_inside_the_properties(
    tmp_path: Path, how: str
) -> None:
    rows: Sequence[Any] = [
        azure("a", usage=USAGE),
        azure("b", status=400),
        {**azure("c"), "operationName": "Create_Thread"},
        {**azure("d"), "properties": {"modelName": "gpt-35-turbo"}},
    ]
    if how in {"analytics", "table"}:
        rows = [analytics(row) for row in rows]
    if how == "document":
        (tmp_path / "PT1H.json").write_text(json.dumps({"records": rows}), encoding="utf-8")
    made = {"storage": jsonl, "analytics": jsonl, "table": table}
    path = made[how](tmp_path / "log", rows) if how in made else tmp_path / "PT1H.json"
    whole, failed, silent = calls(path, "azure-openai")
    assert (whole["model"], whole["input"], whole["cached"], whole["output"]) == (
        *("gpt-35-turbo", 1000),
        *(400, 120),
    )
    assert (whole["latency"], whole["written"], whole["failed"]) == (1021, None, 0)
    assert (failed["failed"], failed["known"], failed["input"]) == (1, True, 0)
    assert (silent["known"], silent["failed"]) == (False, 0)


def test_cloudflare_s_gateway_lists_its_logs(tmp_path: Path) -> None:
    """Names: Cloudflare API, List Gateway Logs; metadata is text there, an object elsewhere."""
    row = {
        "id": "01",
        "created_at": "2026-10-05T12:00:00Z",
        "provider": "openai",
        "model": "gpt-5",
        "model_type": "chat",
        "path": "v1/chat/completions",
        "duration": 850,
        "cached": False,
        "success": True,
        "status_code": 200,
        "tokens_in": 1000,
        "tokens_out": 120,
        "cost": 0.0025,
        "metadata": json.dumps({"feature": "triage"}),
    }
    rows = [
        row,
        {**row, "id": "02", "cached": True},
        {**row, "id": "03", "success": False, "status_code": 429, "tokens_in": 0, "tokens_out": 0},
        {**row, "id": "04", "metadata": {"team": "a"}, "model_type": "text-embeddings"},
    ]
    path = tmp_path / "logs.json"
    path.write_text(json.dumps({"result": rows, "success": True}), encoding="utf-8")
    whole, hit, failed, embedded = calls(path, "cloudflare")
    assert (whole["input"], whole["output"], whole["cached"], whole["cost"]) == (
        *(1000, 120),
        *(None, Decimal("0.0025")),
    )
    assert (hit["hit"], hit["cost"]) == (True, 0)
    assert (failed["failed"], failed["known"]) == (1, True)
    assert embedded["kind"] == "embedding"


def test_helicone_s_export_tool_writes_a_table_of_its_own(tmp_path: Path) -> None:
    """Columns: Helicone/helicone, examples/export; `latency` has no unit there and is not read."""
    row = {
        "response_id": "r1",
        "response_created_at": "2026-10-05T12:00:02.500Z",
        "response_status": "200",
        "request_created_at": "2026-10-05T12:00:00.000Z",
        "request_body": json.dumps({"messages": []}),
        "request_properties": json.dumps({"feature": "triage"}),
        "request_user_id": "u",
        "model": "gpt-5",
        "prompt_tokens": "1000",
        "completion_tokens": "120",
        "latency": "",
        "cost": "0.0025",
    }
    path = table(tmp_path / "output.csv", [row, {**row, "response_id": "r2", "cost": ""}])
    first, second = calls(path, "helicone")
    assert (first["model"], first["input"], first["output"], first["latency"]) == (
        *("gpt-5", 1000),
        *(120, 2500),
    )
    assert (first["cost"], second["cost"]) == (Decimal("0.0025"), None)
