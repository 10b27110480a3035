"""The same traffic in every format is one table; each trap is read as it is meant."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format, read_mapping
from harness.bring.logs.formats import FORMATS
from harness.bring.logs.measuring import LogTraffic, measure
from harness.errors import UsageError
from harness.money.traffic import read_weeks, write_weeks
from tests.support.call_logs import (
    MONDAY,
    NOW,
    SHAPES,
    LoggedCall,
    a_week,
    bedrock,
    genai,
    jsonl,
    langfuse,
    litellm,
    neutral,
    openinference,
    parquet,
    span,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.bring.logs.log_format import LogFormat
    from harness.money.measured import FeatureMeasured

WEEK = a_week()
ONE = LoggedCall(at=MONDAY, id="one")


def read(
    *paths: Path, zone: str | None = None, form: LogFormat | None = None
) -> tuple[LogTraffic, list[str]]:
    """What files say, and why rows of them were refused."""
    with CallLog(LogIntake(now=NOW, zone=zone, threads=1)) as log:
        for path in paths:
            log.add(path, form or find_format(path))
        found = measure(log)
        assert found is not None
        return found, [f"{row.line}: {row.reason}" for row in log.refused()]


def feature(found: LogTraffic, name: str = "triage") -> FeatureMeasured:
    return next(each for each in found.features if each.feature == name)


def one(tmp_path: Path, *rows: Mapping[str, object]) -> FeatureMeasured:
    """The one feature that some rows are of."""
    found, refused = read(jsonl(tmp_path / "log.jsonl", rows))
    assert refused == []
    (single,) = found.features
    return single


def test_the_same_traffic_in_every_format_is_one_table(tmp_path: Path) -> None:
    tables: dict[str, str] = {}
    for name, shape in SHAPES.items():
        found, refused = read(jsonl(tmp_path / "log.jsonl", [shape(call) for call in WEEK]))
        assert refused == []
        tables[name] = write_weeks(found.weeks)
    for how in (table, parquet):
        for shape in (langfuse, neutral, litellm):
            path = how(tmp_path / f"log.{how.__name__}", [shape(call) for call in WEEK])
            tables[f"{shape.__name__}, {how.__name__}"] = write_weeks(read(path)[0].weeks)
    assert len(set(tables.values())) == 1, sorted(tables)
    assert "summary,,2,0," in tables["otlp"]


def test_figures_beside_the_week_are_the_same(tmp_path: Path) -> None:
    for name in ("litellm", "langfuse", "neutral"):
        found, _ = read(jsonl(tmp_path / "log.jsonl", [SHAPES[name](call) for call in WEEK]))
        triage = feature(found)
        assert (triage.requests, triage.retries, triage.duplicates, triage.failed) == (160, 0, 0, 0)
        assert triage.cache_hit_rate == 1
        assert str(triage.logged_usd) == "0.400000000000"
        assert triage.latency_ms is not None
        assert (triage.latency_ms.p50, triage.latency_ms.p95) == (1500, 2000)
        assert triage.input_tokens is not None
        assert triage.input_tokens.p50 == 1099
        assert [caller.name for caller in triage.callers] == ["svc-triage"]


def deep(row: Mapping[str, object], **changes: object) -> dict[str, Any]:
    return {**json.loads(json.dumps(row)), **changes}


def test_cached_tokens_in_the_input_or_beside_it_by_the_total(tmp_path: Path) -> None:
    """A total that fits the other way wins over the format's habit."""
    inside = deep(langfuse(ONE))
    inside["usage_details"] |= {"input": 1000, "output": 120}
    found = one(tmp_path, inside)
    assert found.input_tokens is not None
    assert found.output_tokens is not None
    assert (found.input_tokens.mean, found.output_tokens.mean) == (1000, 120)
    beside = deep(litellm(ONE), prompt_tokens=600, total_tokens=1120)
    again = one(tmp_path, beside)
    assert again.input_tokens is not None
    assert again.input_tokens.mean == 1000


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(deep(litellm(ONE), total_tokens=5000), id="a total of no reading"),
        pytest.param(
            deep(litellm(ONE), prompt_tokens=100, total_tokens=None), id="more cached than input"
        ),
        pytest.param(deep(neutral(ONE), reasoning_tokens=500), id="more thoughts than output"),
        pytest.param(
            deep(litellm(ONE), prompt_tokens=None, completion_tokens=None, total_tokens=None),
            id="no tokens at all",
        ),
    ],
)
def test_usage_that_contradicts_itself_is_unknown(tmp_path: Path, row: dict[str, Any]) -> None:
    other = {**row, "request_id": "two"}
    sound = neutral if "timestamp" in row else litellm
    found, _ = read(jsonl(tmp_path / "l.jsonl", [other, sound(ONE)]))
    triage = feature(found)
    assert (triage.requests, triage.unmetered) == (2, 1)
    (week,) = found.weeks
    assert week.to_traffic(source="x").input_tokens == 1000


def test_thoughts_beside_the_output(tmp_path: Path) -> None:
    """Gemini's candidates count no thoughts."""
    row = {
        "logging_time": "2026-10-05 00:00:00 UTC",
        "model": "gemini-3-flash",
        "request_id": "1",
        "full_request": {"labels": {"feature": "triage"}},
        "full_response": {
            "usageMetadata": {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 400,
                "candidatesTokenCount": 100,
                "thoughtsTokenCount": 20,
            }
        },
        "metadata": {"sampling_rate": 0.1, "request_latency": 900},
    }
    found = one(tmp_path, row)
    assert found.output_tokens is not None
    assert found.output_tokens.mean == found.output_tokens.p95 == 120
    assert found.requests == 10


def test_cents_are_a_hundredth(tmp_path: Path) -> None:
    row = {
        "id": "p1",
        "created_at": "2026-10-05T00:00:00Z",
        "ai_model": "gpt-5",
        "req_units": 1000,
        "res_units": 100,
        "cost": 12.5,
        "cost_currency": "USD",
        "metadata": {"feature": "triage"},
        "is_success": True,
    }
    assert str(one(tmp_path, row).logged_usd) == "0.125000000000"


def test_a_gateways_own_answer_costs_nothing_and_asks_no_model(tmp_path: Path) -> None:
    hit = deep(litellm(ONE), request_id="hit", cache_hit="True", spend=0.5)
    found = one(tmp_path, litellm(ONE), hit)
    assert (found.requests, found.from_gateway_cache, str(found.logged_usd)) == (
        1,
        1,
        "0.002500000000",
    )


def test_a_failed_call_without_tokens_is_a_call(tmp_path: Path) -> None:
    lost = {
        **litellm(replace(ONE, id="lost", failed=True)),
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "metadata": {},
    }
    found = one(tmp_path, litellm(ONE), lost)
    assert (found.requests, found.failed, found.unmetered) == (2, 1, 0)


def test_embeddings_stand_apart_and_spans_of_agents_are_passed_over(tmp_path: Path) -> None:
    embedding = deep(litellm(ONE), request_id="e", call_type="aembedding", completion_tokens=0)
    embedding["total_tokens"] = 1000
    found = one(tmp_path, litellm(ONE), embedding)
    assert found.requests == 1
    assert [(each.name, each.calls) for each in found.other_operations] == [("embedding", 1)]
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9999}
    whole = one(tmp_path, genai(ONE), span(replace(ONE, id="agent"), agent, "x"))
    assert whole.requests == 1


def test_lines_of_one_call_are_one_call(tmp_path: Path) -> None:
    """Azure splits long messages; a line told twice counts once; the same file twice, too."""
    first = {
        "TimeGenerated": "2026-10-05T00:00:00Z",
        "CorrelationId": "c1",
        "SequenceNumber": 0,
        "ModelName": "gpt-5",
        "PromptTokens": 1000,
        "CompletionTokens": 100,
    }
    second = {**first, "SequenceNumber": 1, "PromptTokens": 0, "CompletionTokens": 0}
    found, _ = read(jsonl(tmp_path / "a.jsonl", [first, second]))
    assert (found.joined, feature(found, "").requests) == (1, 1)
    assert feature(found, "").input_tokens is not None
    path = jsonl(tmp_path / "b.jsonl", [litellm(call) for call in WEEK])
    copy = jsonl(tmp_path / "c.jsonl", [litellm(call) for call in [*WEEK, WEEK[0]]])
    assert read(path)[0].weeks == read(path, path)[0].weeks == read(path, copy)[0].weeks


def test_days_are_spread_over_their_hours(tmp_path: Path) -> None:
    rows = [
        {
            "date": f"2026-10-{day:02}",
            "api_requests": 100,
            "failed_requests": 3,
            "prompt_tokens": 100_000,
            "completion_tokens": 5_000,
            "cache_read_input_tokens": 10_000,
            "spend": 1.5,
            "model": "gpt-5",
            "tag": "feature:triage",
        }
        for day in range(5, 12)
    ]
    found, _ = read(jsonl(tmp_path / "days.jsonl", rows))
    (week,) = found.weeks
    assert (week.total.requests, week.total.input_tokens) == (700, 700_000)
    assert {hour.requests for hour in week.hours} == {4, 5}
    assert feature(found).failed == 21


def test_times_without_an_offset_are_the_callers_or_the_formats(tmp_path: Path) -> None:
    row = {**neutral(ONE), "timestamp": "2026-10-05 02:00:00"}
    path = jsonl(tmp_path / "l.jsonl", [row, neutral(ONE)])
    found, refused = read(path)
    assert refused == ["1: a time without its offset: say --timezone"]
    found, refused = read(path, zone="Europe/Berlin")
    assert refused == []
    assert found.window.start == MONDAY.replace(tzinfo=None)


BAD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no request id": lambda row: {**row, "request_id": " "},
    "no time": lambda row: {**row, "startTime": None},
    "a time that cannot be read": lambda row: {**row, "startTime": "yesterday"},
    "a time before 2020: another unit?": lambda row: {**row, "startTime": "1970-01-01T00:00:01Z"},
    "a time in the future": lambda row: {**row, "startTime": "2062-01-01T00:00:00Z"},
    "it ends before it begins": lambda row: {**row, "endTime": "2026-10-01T00:00:00Z"},
    "input: no whole number from 0 on": lambda row: {**row, "prompt_tokens": -3},
    "output: no whole number from 0 on": lambda row: {**row, "completion_tokens": 1.5},
    "total: no whole number from 0 on": lambda row: {**row, "total_tokens": "many"},
    "latency: no number from 0 on": lambda row: {**row, "request_duration_ms": "NaN"},
    "an end that cannot be read": lambda row: {**row, "endTime": "10/05/2026 01:00 PM"},
    "cost: no amount from 0 on": lambda row: {**row, "spend": "free"},
}


def packed(how: str, data: bytes) -> bytes:
    match how:
        case "gz":
            return gzip.compress(data)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case "zst":
            return zstandard.compress(data)
        case _:
            return data


@pytest.mark.parametrize("how", ["plain", "gz", "bz2", "xz", "zst"])
def test_bad_rows_are_kept_apart_with_their_line_and_reason(tmp_path: Path, how: str) -> None:
    good = [json.dumps(litellm(call)) for call in WEEK]
    bad = [json.dumps(spoil(deep(litellm(ONE)))) for spoil in BAD.values()]
    lines = [*good, *bad, '{"request_id": "cut', "[]"]
    data = ("\n".join(lines) + "\n").encode() + b'{"request_id": "\xff"}\n'
    path = tmp_path / "log.jsonl"
    path.write_bytes(packed(how, data))
    found, refused = read(path)
    reasons = [*BAD, "no JSON", "no request id", "not UTF-8 text"]
    assert refused == [f"{201 + at}: {reason}" for at, reason in enumerate(reasons)]
    assert feature(found).requests == 160


@pytest.mark.parametrize("how", ["gz", "bz2", "xz", "zst"])
def test_of_a_cut_file_what_was_there_is_read(tmp_path: Path, how: str) -> None:
    data = packed(how, "\n".join(json.dumps(litellm(call)) for call in WEEK).encode())
    path = tmp_path / "log.jsonl"
    path.write_bytes(data[: len(data) - 20])
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        source = log.add(path, FORMATS["litellm"])
        *_, last = log.refused()
    assert last.reason == "the file is cut or damaged from here on"
    assert source.refused == 1
    assert source.rows > (150 if how == "gz" else 0), (
        "gzip gives what is whole, others by the block"
    )


def test_a_table_keeps_its_lines_where_cells_have_several(tmp_path: Path) -> None:
    text = (
        "timestamp,feature,request_id,input_tokens,output_tokens,note\n"
        '2026-10-05T00:00:00Z,triage,r1,10,1,"two\nlines"\n'
        "2026-10-05T00:00:00Z,triage,r2,ten,1,\n"
        "2026-10-05T00:00:00Z,triage,r3,10\n"
        "2026-10-05T00:00:00Z,,r4,10,1,\n"
    )
    path = tmp_path / "l.csv"
    path.write_text(text, encoding="utf-8-sig")
    found, refused = read(path)
    assert refused == [
        "4: input: no whole number from 0 on",
        "5: 4 cells where the header has 6",
    ]
    assert feature(found, "").requests == 1


def test_a_mapping_reads_any_table(tmp_path: Path) -> None:
    rows = [
        {
            "start": round(call.at.timestamp() * 1000),
            "rid": call.id,
            "app": call.feature,
            "usage": {
                "in": call.input - call.cached,
                "hit": call.cached,
                "write": call.written,
                "out": call.output,
            },
            "cents": float(call.cost) * 100,
        }
        for call in WEEK
    ]
    (tmp_path / "m.yaml").write_text(
        "time: start\ntime_unit: ms\nrequest: rid\nfeature: app\ninput: usage.in\n"
        "cached: usage.hit\nwritten: usage.write\ncached_inside: false\noutput: usage.out\n"
        "cost: cents\ncost_unit: cents\n",
        encoding="utf-8",
    )
    form = read_mapping(tmp_path / "m.yaml")
    plain, _ = read(jsonl(tmp_path / "p.jsonl", [neutral(call) for call in WEEK]))
    for path in (jsonl(tmp_path / "l.jsonl", rows), parquet(tmp_path / "l.parquet", rows)):
        found, refused = read(path, form=form)
        assert refused == []
        assert found.weeks == plain.weeks
        assert feature(found).logged_usd == feature(plain).logged_usd


def test_retries_and_silent_duplicates(tmp_path: Path) -> None:
    """Asked again within a minute: after a failure a retry, after an answer a duplicate."""

    def at(seconds: int, name: str, *, failed: bool = False, asked: str = "x") -> dict[str, Any]:
        call = replace(ONE, id=name, at=MONDAY + timedelta(seconds=seconds), failed=failed)
        return {**litellm(call), "messages": [{"role": "user", "content": asked}]}

    rows: Sequence[dict[str, Any]] = [
        at(0, "a", failed=True),
        at(5, "b"),
        at(30, "c"),
        at(200, "d"),
        at(201, "e", asked="y"),
    ]
    found = one(tmp_path, *rows)
    assert (found.requests, found.retries, found.duplicates) == (3, 1, 1)


def test_cloudwatch_and_a_whole_document_are_unwrapped(tmp_path: Path) -> None:
    events = [{"id": "1", "message": json.dumps(bedrock(call))} for call in WEEK[:3]]
    (tmp_path / "cw.json").write_text(json.dumps({"logEvents": events}, indent=1))
    assert feature(read(tmp_path / "cw.json")[0]).requests == 2
    rows = [litellm(call) for call in WEEK[:3]]
    for whole in (rows, {"data": rows, "total": 3}):
        for indent in (1, None):
            (tmp_path / "all.json").write_text(json.dumps(whole, indent=indent))
            assert feature(read(tmp_path / "all.json")[0]).requests == 2


def test_a_time_that_is_none_is_told_apart_from_one_without_its_offset(tmp_path: Path) -> None:
    rows = [
        {**neutral(ONE), "timestamp": "yesterday"},
        {**neutral(ONE), "timestamp": "2026-10-05T00:00:00"},
        neutral(ONE),
    ]
    assert read(jsonl(tmp_path / "l.jsonl", rows))[1] == [
        "1: a time that cannot be read",
        "2: a time without its offset: say --timezone",
    ]


def test_parts_of_the_input_stay_parts_of_it_when_they_are_spread(tmp_path: Path) -> None:
    """Cached and written tokens that are all of the input, split over 24 hours."""
    row = {
        "date": "2026-10-05",
        "api_requests": 7,
        "failed_requests": 0,
        "prompt_tokens": 13,
        "completion_tokens": 5,
        "cache_read_input_tokens": 6,
        "cache_creation_input_tokens": 7,
        "spend": 1.5,
        "model": "gpt-5",
        "tag": "feature:triage",
    }
    weeks = read(jsonl(tmp_path / "d.jsonl", [row]))[0].weeks
    assert read_weeks(write_weeks(weeks), file="t.csv") == weeks


HEAD = "timestamp,feature,request_id,input_tokens,output_tokens"


def at_noon(name: str, **changes: object) -> dict[str, object]:
    return {**neutral(replace(ONE, id=name)), **changes}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'2026-10-05T00:00:00Z,triage,r2,10,"1\n2026-10-05T00:00:00Z,triage,r3,10,1\n', "no CSV"),
        (b"2026-10-05T00:00:00Z,triage,r\xff,10,1\n", "not UTF-8 text"),
    ],
)
def test_a_table_that_breaks_off_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes(f"{HEAD}\n2026-10-05T00:00:00Z,triage,r1,10,1\n".encode() + data)
    (refused,) = read(path)[1]
    assert refused.startswith(f"3: {reason} from here on")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latency_ms": "NaN"}, "latency: no number from 0 on"),
        ({"latency_ms": -1}, "latency: no number from 0 on"),
        ({"first_token_ms": "soon"}, "first token: no number from 0 on"),
        ({"timestamp": "2026-10-05 02:00:00 PM"}, "a time that cannot be read"),
        ({"timestamp": "2026-10-05 02:00:00 PST"}, "a time that cannot be read"),
        ({"timestamp": "2026-10-05T02:00:00+25:00"}, "a time that cannot be read"),
        ({"timestamp": "1" * 29}, "a time that cannot be read"),
        ({"request_id": "None"}, "no request id"),
        ({"request_id": "nan"}, "no request id"),
        ({"feature": "[" * 100_000}, None),
    ],
)
def test_a_row_of_ours_is_refused_with_its_reason(
    tmp_path: Path, changes: dict[str, object], reason: str | None
) -> None:
    path = jsonl(tmp_path / "l.jsonl", [at_noon("a"), at_noon("b", **changes)])
    assert read(path, zone="Europe/Berlin")[1] == ([] if reason is None else [f"2: {reason}"])


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.mark.parametrize("line", [DEEP, json.dumps(at_noon("b\ud800"))], ids=["deep", "surrogate"])
def test_json_that_no_engine_reads_is_one_refused_row(tmp_path: Path, line: str) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text(f"{json.dumps(at_noon('a'))}\n{line}\n", encoding="utf-8")
    assert len(read(path)[1]) == 1


def test_tokens_that_are_not_said_are_not_none_of_them(tmp_path: Path) -> None:
    """Neither they nor a failed call's are in the means; an embedding has no output."""
    found = one(
        tmp_path,
        at_noon("a"),
        at_noon("b", output_tokens=None, reasoning_tokens=None),
        at_noon("c", status="error", input_tokens=0, cached_tokens=0, output_tokens=0)
        | {"reasoning_tokens": 0},
        at_noon("d", operation="embeddings", output_tokens=None, reasoning_tokens=None),
    )
    assert (found.requests, found.unmetered, found.failed) == (3, 1, 1)
    assert found.input_tokens is not None
    assert found.input_tokens.mean == 1000
    assert [each.name for each in found.other_operations] == ["embedding"]


def test_a_models_name_decides_only_where_the_operation_does_not(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        at_noon("a", operation="chat", model="decision-gpt", error=False),
        at_noon("b", model="text-embedding-3"),
    )
    assert (found.requests, found.failed) == (1, 0)
    assert [(each.name, each.calls) for each in found.other_operations] == [("embedding", 1)]


def test_one_id_is_one_request_of_its_feature_and_another_files_copy_is_joined(
    tmp_path: Path,
) -> None:
    rows = [at_noon("a"), at_noon("a", feature="other"), at_noon("b"), at_noon("b")]
    first = jsonl(tmp_path / "a.jsonl", rows)
    second = jsonl(tmp_path / "b.jsonl", [at_noon("a"), at_noon("c")])
    found, _ = read(first, second)
    assert found.joined == 1
    assert (feature(found).requests, feature(found).retries) == (3, 1)
    assert (feature(found, "other").requests, feature(found, "other").retries) == (1, 0)


def test_a_list_of_one_object_a_line_is_a_document(tmp_path: Path) -> None:
    rows = ",\n".join(json.dumps(at_noon(str(each))) for each in range(3))
    for number, text in enumerate((f"[\n{rows}\n]\n", f"[{rows}]")):
        path = tmp_path / f"{number}.json"
        path.write_text(text, encoding="utf-8")
        found, refused = read(path)
        assert (feature(found).requests, refused) == (3, [])


def test_a_call_of_api_management_is_three_rows_of_one_correlation(tmp_path: Path) -> None:
    """One has the tokens, the others the messages: Azure-Samples/AI-Gateway, finops-framework."""
    shared = {"TimeGenerated": "2026-10-05T00:00:00.1234567Z", "CorrelationId": "c-1"}
    empty = {"PromptTokens": 0, "CompletionTokens": 0, "TotalTokens": 0, "ModelName": ""}
    counted = {"PromptTokens": 1000, "CompletionTokens": 120, "TotalTokens": 1120}
    rows = [
        {**shared, **empty, "SequenceNumber": 1, "RequestMessages": "[{}]"},
        {**shared, **empty, "SequenceNumber": 2, "ResponseMessages": "[{}]"},
        {**shared, **counted, "SequenceNumber": 0, "ModelName": "gpt-5", "DeploymentName": "d"},
    ]
    found = one(tmp_path, *rows)
    assert (found.requests, found.unmetered, found.models[0].name) == (1, 0, "gpt-5")
    assert found.input_tokens is not None
    assert found.input_tokens.mean == 1000


def test_the_public_example_of_a_vertex_row(tmp_path: Path) -> None:
    """Names and counts: elastic/integrations, gcp_vertexai prompt_response_logs, sample event."""
    row = {
        "logging_time": "2026-10-05T21:04:22.248Z",
        "model": "publishers/google/models/gemini-2.5-pro",
        "request_id": "5374205265901353984",
        "metadata": {"request_latency": 11225.994},
        "full_request": {"labels": {"feature": "triage"}, "contents": []},
        "full_response": {
            "model_version": "gemini-2.5-pro",
            "usage_metadata": {
                "prompt_token_count": 3,
                "candidates_token_count": 29,
                "thoughts_token_count": 901,
                "total_token_count": 933,
            },
        },
    }
    found = one(tmp_path, row)
    assert found.input_tokens is not None
    assert found.output_tokens is not None
    assert found.latency_ms is not None
    assert (found.input_tokens.mean, found.output_tokens.mean) == (3, 930)
    assert (found.models[0].name, found.latency_ms.p50) == ("gemini-2.5-pro", 11225.994)


def scrape(hour: float, *values: tuple[str, str, float]) -> str:
    """Counters at an hour after Monday, as `/federate` writes them."""
    at = round((MONDAY + timedelta(hours=hour)).timestamp() * 1000)
    return "".join(f"vllm:{name}{{{labels}}} {value} {at}\n" for name, labels, value in values)


def server(hour: float, calls: int, prompt: float, *, out: int, failed: int = 0) -> str:
    """Names and labels: scrapes in public tests of vLLM's consumers, such as `engine="0"`."""
    own = 'engine="0",model_name="qwen3",job="triage-server"'
    return scrape(
        hour,
        ("prompt_tokens_total", own, prompt),
        ("generation_tokens_total", own, out),
        ("prefix_cache_hits_total", own, prompt / 2),
        ("request_success_total", f'finished_reason="stop",{own}', calls),
        ("request_success_total", f'finished_reason="error",{own}', failed),
        ("num_requests_running", own, 3),
    )


def test_a_counter_that_was_not_scraped_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "scrapes.prom"
    lines = (server(0, 10, 1000, out=50) + server(0.5, 20, 3000, out=90)).splitlines(keepends=True)
    for missing, unmetered in (("nothing", 0), ("generation", 10), ("prompt_tokens", 10)):
        path.write_text("".join(line for line in lines if missing not in line))
        (single,) = read(path)[0].features
        assert (single.requests, single.unmetered) == (10, unmetered)


def test_a_server_s_counters_are_what_was_used_between_scrapes(tmp_path: Path) -> None:
    """A restarted server counts from 0 again; what was before the first scrape is not its log."""
    path = tmp_path / "scrapes.prom"
    path.write_text(
        "# HELP vllm:prompt_tokens_total Number of prefill tokens processed.\n"
        + server(0, 1000, 9.8313546e07, out=50_000)
        + server(0.5, 1010, 9.8323546e07, out=50_100)
        + server(1.5, 1030, 9.8353546e07, out=50_300, failed=2)
        + server(2.5, 5, 4000, out=50, failed=0)
    )
    found, refused = read(path)
    assert refused == []
    (single,) = found.features
    assert (single.requests, single.failed, single.models[0].name) == (37, 2, "qwen3")
    assert single.callers[0].name == "triage-server"
    total = found.spending
    assert total.unknown_calls == 37


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('vllm:prompt_tokens_total{model_name="m"} 5.0\n', "a scrape without its time"),
        (scrape(-1, ("prompt_tokens_total", 'model_name="m"', 9)), "a scrape before the one above"),
        (scrape(5, ("prompt_tokens_total", 'model_name="m"', float("nan"))), "no number from 0 on"),
    ],
)
def test_a_scrape_that_cannot_be_read(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "scrapes.prom"
    first = [scrape(at, ("prompt_tokens_total", 'model_name="m"', 9 + at)) for at in (0, 1)]
    path.write_text("".join(first) + line)
    (refused,) = read(path)[1]
    assert refused.startswith("3: ")
    assert reason in refused


def test_portkey_rows_as_its_export_writes_them(tmp_path: Path) -> None:
    """Shape: VasiliyRad/metergraphrelay, rows of its tests; bodies stand in the row itself."""
    row = {
        "id": "pk-1",
        "trace_id": "trace-1",
        "created_at": "2026-10-05T12:00:00Z",
        "ai_org": "openai",
        "ai_model": "gpt-5",
        "cost": 12.5,
        "req_units": 100,
        "res_units": 40,
        "response_time": 850,
        "response_status_code": 200,
        "request": {"model": "gpt-5", "input": "x"},
        "response": {"usage": {"prompt_tokens_details": {"cached_tokens": 60}}},
        "metadata": {"feature": "triage"},
    }
    late = {**row, "id": "pk-2", "created_at": "2026-10-05T14:00:00Z", "response_status_code": 429}
    none = {"req_units": 0, "res_units": 0, "cost": 0, "response": {}}
    found = one(tmp_path, row, {**late, **none})
    assert (found.requests, found.failed, found.unmetered) == (2, 1, 0)
    assert str(found.logged_usd) == "0.125000000000"
    assert found.cache_hit_rate == 0.5


def test_attributes_of_every_kind_of_value(tmp_path: Path) -> None:
    """Lists and objects are tags; a name without a value, and none at all, hide no other one."""
    request = deep(genai(replace(ONE, feature="")))
    (held,) = request["resourceSpans"]
    (only,) = held["scopeSpans"][0]["spans"]
    tags = {"arrayValue": {"values": [{"stringValue": "feature:triage"}, {"intValue": "3"}]}}
    more = {"kvlistValue": {"values": [{"key": "team", "value": {"stringValue": "support"}}]}}
    only["attributes"] = [each for each in only["attributes"] if each["key"] != "feature"] + [
        {"key": "tag.tags", "value": tags},
        {"key": "metadata", "value": more},
    ]
    quoted = {"key": 'a "quoted" name', "value": {"stringValue": 'gen_ai.usage."x"\n'}}
    for odd in ([], [{"key": "none"}], [{"value": {"intValue": 1}}, {"key": "none", "value": {}}]):
        only["attributes"] = [quoted, *odd, *only["attributes"]]
        found = one(tmp_path, request, {"resourceMetrics": []}, {"resourceSpans": [{}]})
        assert (found.feature, found.requests, found.unmetered) == ("triage", 1, 0)
        assert found.callers[0].name == "svc-triage"


def test_what_an_export_holds_besides_calls_is_passed_over_and_counted(tmp_path: Path) -> None:
    rows = [
        genai(ONE),
        {"resourceMetrics": []},
        span(replace(ONE, id="db"), {"db.system": "x"}, "s"),
    ]
    path = jsonl(tmp_path / "log.jsonl", rows)
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        source = log.add(path, FORMATS["otlp"])
    assert (source.rows, source.passed_over, source.refused) == (3, 2, 0)


NOT_TOLD = "; what was read from a prompt cache is not told, and counted as nothing"


@pytest.mark.parametrize(
    ("shape", "drop", "told"),
    [
        (bedrock, "cacheReadInputTokenCount", True),
        (litellm, "cache_read_input_tokens", False),
        (langfuse, "input_cached_tokens", False),
        (genai, "gen_ai.usage.cache_read.input_tokens", False),
        (neutral, "cached_tokens", False),
    ],
)
def test_cached_tokens_that_are_not_told_are_unknown_unless_the_format_says_none(
    tmp_path: Path,
    shape: Callable[[LoggedCall], Mapping[str, object]],
    drop: str,
    told: bool,  # noqa: FBT001
) -> None:
    """What leaves the count out because none was cached is read as none."""
    call = replace(ONE, cached=0)
    rows = [shape(call), shape(replace(ONE, id="two"))]
    silent = json.loads(json.dumps(rows[0]).replace(f'"{drop}"', '"left_out"'))
    found, _ = read(jsonl(tmp_path / "log.jsonl", [silent, rows[1]]))
    (week,) = found.weeks
    (single,) = found.features
    assert single.cache_untold == (0 if told else 1)
    assert single.cache_hit_rate == (0.5 if told else 1)
    assert week.total.cache_untold == (0 if told else 1000)
    assert read_weeks(write_weeks(found.weeks), file="t.csv") == found.weeks
    month = week.to_traffic(source="x")
    assert (month.cached_share, month.source) == (
        (0.2, "x")
        if told
        else (0.4, "x; what was read from a prompt cache is told of 50.0 % of the input")
    )
    alone, _ = read(jsonl(tmp_path / "alone.jsonl", [silent]))
    assert alone.features[0].cache_hit_rate == (0 if told else None)
    assert alone.weeks[0].to_traffic(source="x").source == ("x" if told else f"x{NOT_TOLD}")


@pytest.mark.parametrize(
    ("shape", "drop", "told"),
    [
        (bedrock, "cacheWriteInputTokenCount", True),
        (litellm, "cache_creation_input_tokens", False),
        (langfuse, "cache_creation_input_tokens", False),
        (genai, "gen_ai.usage.cache_creation.input_tokens", False),
        (openinference, "llm.token_count.prompt_details.cache_write", False),
        (neutral, "cache_written_tokens", False),
    ],
)
def test_tokens_written_to_a_cache_that_are_not_told_are_unknown_likewise(
    tmp_path: Path,
    shape: Callable[[LoggedCall], Mapping[str, object]],
    drop: str,
    told: bool,  # noqa: FBT001
) -> None:
    """The share is that of the calls that tell; the cost takes the others' for plain input."""
    rows = [shape(ONE), shape(replace(ONE, id="two", cached=0, written=200))]
    silent = json.loads(json.dumps(rows[0]).replace(f'"{drop}"', '"left_out"'))
    found, _ = read(jsonl(tmp_path / "log.jsonl", [silent, rows[1]]))
    (week,) = found.weeks
    (single,) = found.features
    assert (single.write_untold, single.cache_untold) == (0 if told else 1, 0)
    assert (week.total.write_untold, week.total.cache_written_tokens) == (0 if told else 1000, 200)
    assert read_weeks(write_weeks(found.weeks), file="t.csv") == found.weeks
    month = week.to_traffic(source="x")
    assert (month.cache_written_share, month.cached_share) == (0.1 if told else 0.2, 0.2)
    said = "; what was written to a prompt cache is told of 50.0 % of the input"
    assert month.source == ("x" if told else f"x{said}")
    alone, _ = read(jsonl(tmp_path / "alone.jsonl", [silent]))
    source = alone.weeks[0].to_traffic(source="x").source
    none = "; what was written to a prompt cache is not told, and counted as nothing"
    assert source == ("x" if told else f"x{none}")


def test_what_is_not_told_of_a_cache_breaks_none(tmp_path: Path) -> None:
    """A log that tells cached tokens for its first days alone shows no broken cache."""
    calls = [replace(ONE, id=f"c{at}", at=MONDAY + timedelta(hours=2 * at)) for at in range(144)]
    rows = [dict(neutral(call)) for call in calls]
    for row in rows[72:]:
        del row["cached_tokens"]
    assert read(jsonl(tmp_path / "l.jsonl", rows))[0].findings == ()


def test_a_cost_that_no_call_tells_is_unknown(tmp_path: Path) -> None:
    rows = [at_noon("a", cost_usd=None, model="m1"), at_noon("b", model="m2")]
    found = one(tmp_path, *rows)
    assert [(each.name, each.logged_usd) for each in found.models] == [
        ("m2", Decimal("0.0025")),
        ("m1", None),
    ]


CSV = b"timestamp,request_id,input_tokens,output_tokens,feature\n2026-10-05T00:00:00Z,a,10,1,x\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\n \n" + CSV.replace(b"\n", b"\n\n"), id="blank lines"),
        pytest.param(CSV.replace(b",", b" , "), id="blanks around names and cells"),
        pytest.param(b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n").replace(b",", b";"), id="CRLF"),
        pytest.param(gzip.compress(CSV) + b"\0" * 512, id="padded gzip"),
    ],
)
def test_a_table_as_other_programs_write_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(data)
    found, refused = read(path)
    assert refused == []
    assert feature(found, "x").requests == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "cannot be read"),
        (b"", "no rows that can be read; leave an empty file out"),
        (CSV.partition(b"\n")[0], "no rows that can be read; leave an empty file out"),
        (CSV.decode().encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (CSV.replace(b"feature", b"input_tokens"), "two columns are called input_tokens"),
    ],
    ids=["a folder", "empty", "a header alone", "UTF-16", "a name twice"],
)
def test_a_file_that_is_no_log_is_one_line(tmp_path: Path, data: bytes | None, said: str) -> None:
    path = tmp_path / "log.csv"
    path.mkdir() if data is None else path.write_bytes(data)
    with pytest.raises(UsageError, match=said):
        read(path)


def test_times_of_every_offset_and_a_count_where_a_date_is_meant(tmp_path: Path) -> None:
    times = ["2026-10-05T02:00:00 +0200", "2026-10-05t00:00:00z", "2026-10-05T00:00Z"]
    times += ["2026-10-04 19:00:00.000000123-05", "2026-10-05 00:00:00 UTC"]
    rows = [at_noon(str(at), timestamp=text.replace("t", "T")) for at, text in enumerate(times)]
    found, refused = read(jsonl(tmp_path / "l.jsonl", [*rows, at_noon("n", timestamp=1791158400)]))
    assert (found.window.start, feature(found).requests) == (MONDAY.replace(tzinfo=None), 5)
    assert refused == ["6: a count since 1970 where a date is meant: say time_unit in a --mapping"]


def test_a_streamed_answer_of_bedrock_and_text_within_text(tmp_path: Path) -> None:
    """Chunks stand in a list, and CloudWatch carries the row as text inside its event."""
    row = deep(bedrock(ONE))
    row["output"]["outputBodyJson"] = [{"messageStart": {}}, {"metadata": {"usage": {}}}]
    row["input"]["inputBodyJson"] = json.dumps({"messages": [{"content": "x"}]})
    event = {"@message": json.dumps({"logEvents": [{"message": json.dumps(row)}]})}
    for wrapped in (row, {"message": json.dumps(row)}, json.loads(event["@message"])):
        found = one(tmp_path, wrapped)
        assert (found.requests, found.unmetered) == (1, 0)
        assert found.output_tokens is not None
        assert found.output_tokens.mean == 120


def test_rerankers_and_decisions_stand_apart_and_a_gateways_own_answers_cost_nothing(
    tmp_path: Path,
) -> None:
    kinds = ("LLM", "RERANKER", "DECISION", "EMBEDDING", "TOOL", "AGENT")
    spans = [
        span(replace(ONE, id=f"{kind}"), {"openinference.span.kind": kind, **usage}, "svc")
        for kind in kinds
        for usage in ({"llm.token_count.prompt": 10, "llm.token_count.completion": 1},)
    ]
    found = one(tmp_path, *spans)
    assert found.requests == 1
    others = {each.name for each in found.other_operations}
    assert others == {"rerank", "decision", "embedding"}
    portkey = {"id": "p", "created_at": "2026-10-05T00:00:00Z", "ai_model": "m", "cost": 5}
    hit = {**portkey, "req_units": 10, "res_units": 5, "cache_status": "HIT"}
    cached = one(tmp_path, hit, {**hit, "id": "q", "cache_status": "MISS"})
    assert (cached.requests, cached.from_gateway_cache) == (1, 1)
    assert str(cached.logged_usd) == "0.050000000000"
