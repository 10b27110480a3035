"""Numbers as people and programs write them, and rows of a table that are no calls."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format
from harness.bring.logs.formats import FORMATS
from harness.errors import UsageError
from tests.support.call_logs import NOW, jsonl, parquet, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CSV = b"timestamp,request_id,input_tokens,output_tokens,feature\n2026-10-05T00:00:00Z,a,10,1,x\n"
PLAIN = {"timestamp": "2026-10-05T00:00:00Z", "input_tokens": 9, "output_tokens": 9}


def told(path: Path) -> tuple[list[float], list[str], int]:
    """Input tokens of each call, why rows were refused, and how many were passed over."""
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        source = log.add(path, find_format(path))
        found = log.base.execute("SELECT input FROM calls ORDER BY line").fetchall()
        refused = [f"{each.line}: {each.reason}" for each in log.refused()]
        return [value for (value,) in found], refused, source.passed_over


NUMBERS: Mapping[str, tuple[str, str | None]] = {
    "input_tokens=12.0": ("12", None),
    "input_tokens=+12": ("12", None),
    "input_tokens=1e3": ("1000", None),
    "input_tokens=NULL": ("0", None),
    "latency_ms=N/A": ("", None),
    "cost_usd=\\N": ("", None),
    "input_tokens=1_000": ("", "input: no whole number from 0 on"),
    "input_tokens=1,000": ("", "input: no whole number from 0 on"),
    "input_tokens=1.000": ("", "input: points that may part thousands"),
    "output_tokens=2.000.000": ("", "output: points that may part thousands"),
    "input_tokens=1 000": ("", "input: no whole number from 0 on"),
    "latency_ms=1_500": ("", "latency: no number from 0 on"),
    "latency_ms=1,5": ("", "latency: no number from 0 on"),
    "latency_ms=250 ms": ("", "latency: no number from 0 on"),
    "cost_usd=$0.12": ("0.12", None),
    "cost_usd=US$ 0.12": ("0.12", None),
    "cost_usd=USD 0.12": ("0.12", None),
    "cost_usd=0.12 usd": ("0.12", None),
    "cost_usd=$0.12 USD": ("0.12", None),
    "cost_usd=0,12": ("0.12", None),
    "cost_usd=12,3456": ("12.3456", None),
    "cost_usd=0,123": ("0.123", None),
    "cost_usd=$1,234.50": ("1234.5", None),
    "cost_usd=1.234,50": ("1234.5", None),
    "cost_usd=1,234,567": ("1234567", None),
    "cost_usd=2.5e-05": ("0.000025", None),
    "cost_usd=1,234": ("", "cost: a comma that may part thousands, or begin a fraction"),
    "cost_usd=$1,234": ("", "cost: a comma that may part thousands, or begin a fraction"),
    "cost_usd=0,12 EUR": ("", "cost: in a currency that is not USD"),
    "cost_usd=\u20ac0.12": ("", "cost: in a currency that is not USD"),
    "cost_usd=CHF 1'000": ("", "cost: in a currency that is not USD"),
    "cost_usd=0_1": ("", "cost: no amount from 0 on"),
    "cost_usd=-$0.12": ("", "cost: no amount from 0 on"),
    "cost_usd=(0.12)": ("", "cost: no amount from 0 on"),
    "cost_usd=1.2.3": ("", "cost: no amount from 0 on"),
    "cost_usd=0.12,": ("", "cost: no amount from 0 on"),
    "cost_usd=free": ("", "cost: no amount from 0 on"),
}


def _plain(value: object) -> str:
    return "" if value is None else str(Decimal(str(value)).normalize())


def test_a_number_is_read_as_it_is_meant_or_refused(tmp_path: Path) -> None:
    """Of each row what its column came to, or why it is none."""
    columns = ("input_tokens", "output_tokens", "latency_ms", "cost_usd")
    named = [case.split("=") for case in NUMBERS]
    rows = [
        {**PLAIN, "request_id": f"r{at}", "latency_ms": "9", "cost_usd": "9", name: text}
        for at, (name, text) in enumerate(named)
    ]
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        log.add(table(tmp_path / "n.csv", rows), FORMATS["neutral"])
        query = "SELECT line - 2, input, output, latency, cost FROM calls"
        found = {line: values for line, *values in log.base.execute(query).fetchall()}
        refused = {each.line - 2: each.reason for each in log.refused()}
        spelled = log.noted["spelled"]
    read = {
        case: (_plain(values[columns.index(name)]) if values else "", why)
        for at, (case, (name, _)) in enumerate(zip(NUMBERS, named, strict=True))
        for values, why in ((found.get(at), refused.get(at)),)
    }
    wanted = {case: (_plain(value or None), why) for case, (value, why) in NUMBERS.items()}
    assert read == wanted
    assert spelled == 11


def test_a_parquet_number_of_three_places_parts_no_thousands(tmp_path: Path) -> None:
    rows = [{**PLAIN, "request_id": "a", "input_tokens": Decimal("5.000")}]
    assert told(parquet(tmp_path / "p.parquet", rows)) == ([5], [], 0)


def test_a_currency_of_its_own_column(tmp_path: Path) -> None:
    row = {"id": "p", "created_at": "2026-10-05T00:00:00Z", "ai_model": "m", "cost": 5}
    rows = [
        {**row, "req_units": 10, "res_units": 5, "id": code or "x", "cost_currency": code}
        for code in ("USD", "usd", "", "EUR")
    ]
    found, refused, _ = told(jsonl(tmp_path / "l.jsonl", rows))
    assert (len(found), refused) == (3, ["4: cost: in a currency that is not USD"])


MARK = b"\xef\xbb\xbf"
HEAD_LINE, CALL_LINE, _ = CSV.split(b"\n")


@pytest.mark.parametrize(
    ("data", "calls", "refused"),
    [
        pytest.param(CSV + MARK + CSV.replace(b",a,", b",b,"), 2, [], id="two files in one"),
        pytest.param(CSV + CSV[:11] + b"x" + CSV[11:], 1, ["3: another header"], id="other header"),
        pytest.param(
            CSV + b",".join(sorted(HEAD_LINE.split(b","))) + b"\nx,1,2,a,2026-10-05T00:00:00Z\n",
            1,
            ["3: another header"],
            id="the columns in another order",
        ),
        pytest.param(CSV + b"Total,,10,1,\n", 1, [], id="a row of sums"),
        pytest.param(CSV + b",,10,1,Grand total:\n", 1, [], id="sums by another column"),
        pytest.param(CSV + b"Totals,10\n", 1, ["3: 2 cells where"], id="sums of fewer cells"),
        pytest.param(
            CSV + CALL_LINE.replace(b",a,", b",total,") + b"\n", 2, [], id="a call of that name"
        ),
        pytest.param(CSV + b"Tuesday,b,10,1,x\n", 1, ["3: a time that"], id="no time, no sum"),
    ],
)
def test_rows_of_a_table_that_are_no_calls(
    tmp_path: Path, data: bytes, calls: int, refused: list[str]
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    found, said, _ = told(path)
    assert (len(found), len(said)) == (calls, len(refused))
    assert all(each.startswith(start) for each, start in zip(said, refused, strict=True))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"sep=;\n" + CSV.replace(b",", b";"), id="what Excel writes first"),
        pytest.param(MARK + b"# exported\n#\n" + CSV, id="comments before the header"),
        pytest.param(CSV.replace(b",", b"|"), id="bars"),
    ],
)
def test_what_stands_before_a_header_and_parts_its_cells(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(data + b"broken\n")
    found, refused, _ = told(path)
    line = data.count(b"\n") + 1
    assert (found, refused) == ([10], [f"{line}: 1 cells where the header has 5"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04" + bytes(80), "an archive; unpack it"),
        (CSV.replace(b",x", b",Pr\xfcfung"), r"no row that can be read \(line 2: not UTF-8 text"),
    ],
    ids=["zip", "latin-1"],
)
def test_a_file_without_a_row_says_why(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=said):
        told(path)


def test_what_a_database_or_python_writes_for_json_and_for_nothing(tmp_path: Path) -> None:
    """A failed call without tokens has none in a cache, either; a database says NULL."""
    row = {
        "id": "o1",
        "trace_id": "NULL",
        "type": "GENERATION",
        "start_time": "2026-10-05 00:00:00.000000",
        "end_time": "NULL",
        "provided_model_name": "NULL",
        "usage_details": "{'input': 100, 'output': 10, 'total': None}",
        "level": "DEFAULT",
    }
    lost = {**row, "id": "o2", "level": "ERROR", "usage_details": '{"input_cached_tokens": 7}'}
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        log.add(table(tmp_path / "l.csv", [row, lost]), FORMATS["langfuse"])
        query = "SELECT model, parent, input, cached, output, failed FROM calls ORDER BY line"
        found = log.base.execute(query).fetchall()
    assert found == [("", None, 100, None, 10, 0), ("", None, 0, 0, 0, 1)]


def test_json_lines_of_two_files_that_begin_with_a_mark(tmp_path: Path) -> None:
    rows = [json.dumps({**PLAIN, "request_id": str(at)}).encode() for at in range(4)]
    path = tmp_path / "l.jsonl"
    path.write_bytes(b"\n".join([MARK + rows[0], rows[1], MARK + rows[2], rows[3]]))
    assert told(path) == ([9] * 4, [], 0)
