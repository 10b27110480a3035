"""How fast logs are read, in how much memory, and whether every bad row is found.

    python -m tests.benchmarks.logs.reading 1000000                     # the table is printed
    python -m tests.benchmarks.logs.reading 10000000 "this project"     # by one way alone
    python -m tests.benchmarks.logs.reading 300000 tables     # a CSV without and with a quoted cell

Rows of LiteLLM's shape in four files (plain, gzip, zstandard, and a gzip that is cut), of 40
features, one in 200 bad in eight ways, one in 500 told twice, one in 1,000 with a clock that is
years ahead. Read by this project, by pandas and by a loop over `json.loads`, each in a process of
its own on two cores; the last two know nothing of bad rows but to skip what is no JSON.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import zstandard

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.formats import FORMATS
from harness.bring.logs.measuring import measure
from tests.support.call_logs import MONDAY, NOW, LoggedCall, litellm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BAD: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("no JSON", lambda row: json.dumps(row)[:-40]),
    ("no request id", lambda row: json.dumps({**row, "request_id": ""})),
    ("no time", lambda row: json.dumps({**row, "startTime": None})),
    ("a time that cannot be read", lambda row: json.dumps({**row, "startTime": "soon"})),
    ("input: no whole number from 0 on", lambda row: json.dumps({**row, "prompt_tokens": -1})),
    ("cost: no amount from 0 on", lambda row: json.dumps({**row, "spend": "twelve cents"})),
    ("it ends before it begins", lambda row: json.dumps({**row, "endTime": "2026-01-01T00:00Z"})),
    (
        "output: no whole number from 0 on",
        lambda row: json.dumps({**row, "completion_tokens": 0.5}),
    ),
)
AHEAD = "a time in the future"


def lines(rows: int) -> Iterator[tuple[str, str | None]]:
    """Lines, and why each is bad."""
    shape, late = _template(), {"startTime": "2036-01-01T00:00:00Z", "endTime": None}
    for number in range(rows):
        at = number * 1_800_000 // rows
        tokens = 1000 + number % 700
        line = shape % (
            *(f"{number:032x}", tokens, tokens + 120, _stamp(at), _stamp(at + 2), _stamp(at)),
            number % 40,
        )
        if number % 200 == 0:
            reason, spoil = BAD[number // 200 % len(BAD)]
            yield spoil(json.loads(line)), reason
        elif number % 1000 == 1:
            yield json.dumps({**json.loads(line), **late}), AHEAD
        else:
            yield line, None
            if number % 500 == 2:
                yield line, None


def _template() -> str:
    """A row as text, with places for what differs; writing each as JSON would take minutes."""
    call = LoggedCall(at=MONDAY, id="chatcmpl-%s", feature="feature-%d", took=2, first=0)
    row = {**litellm(call), "api_base": "x" * 200, "prompt_tokens": 1, "total_tokens": 2}
    text = json.dumps(row)
    for name, value in (("prompt_tokens", 1), ("total_tokens", 2)):
        text = text.replace(f'"{name}": {value}', f'"{name}": %d')
    for name in ("startTime", "endTime", "completionStartTime"):
        text = re.sub(f'"{name}": "[^"]*"', f'"{name}": "%s"', text)
    return text


def _stamp(second: int) -> str:
    day, rest = divmod(second, 86_400)
    return f"{_DAYS[day]}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


_DAYS = [f"{MONDAY + timedelta(days=day):%Y-%m-%d}" for day in range(30)]


def write(folder: Path, rows: int) -> Counter[str]:
    """The files; returns how many rows are bad, by reason."""
    found: Counter[str] = Counter()
    outs: list[Any] = [
        (folder / "a.jsonl").open("wb"),
        gzip.open(folder / "b.jsonl.gz", "wb", compresslevel=1),  # noqa: SIM115  # closed below
        zstandard.open(folder / "c.jsonl.zst", "wb"),
    ]
    for number, (line, reason) in enumerate(lines(rows)):
        outs[number * 3 // rows % 3].write(line.encode() + b"\n")
        if reason is not None:
            found[reason] += 1
    for out in outs:
        out.close()
    cut = io.BytesIO()
    with gzip.GzipFile(fileobj=cut, mode="wb") as out:
        last = [
            litellm(LoggedCall(at=MONDAY, id=f"last-{at}-{os.urandom(40).hex()}"))
            for at in range(5000)
        ]
        out.write("\n".join(json.dumps(row) for row in last).encode())
    (folder / "d.jsonl.gz").write_bytes(cut.getvalue()[:-1000])
    found["the file is cut or damaged from here on"] += 1
    return found


def ours(folder: Path) -> dict[str, object]:
    with CallLog(LogIntake(now=NOW)) as log:
        for path in sorted(folder.glob("*.jsonl*")):
            log.add(path, FORMATS["litellm"])
        found = measure(log)
        assert found is not None
        return {
            "rows": sum(each.rows for each in log.files),
            "joined": found.joined,
            "reasons": log.reasons(),
            "features": len(found.features),
        }


def tables(folder: Path) -> dict[str, object]:
    """One CSV of our own columns: reading alone, without adding up."""
    with CallLog(LogIntake(now=NOW)) as log:
        (path,) = folder.glob("*.csv")
        return {"rows": log.add(path, FORMATS["neutral"]).rows}


def write_table(path: Path, rows: int, *, quoted: bool) -> None:
    """A quoted name of a column has the whole file read row by row."""
    first = '"timestamp"' if quoted else "timestamp"
    names = "feature,request_id,input_tokens,output_tokens,cached_tokens,model,cost_usd,latency_ms"
    with path.open("w", encoding="utf-8") as out:
        out.write(f"{first},{names},caller,status\n")
        for number in range(rows):
            at, tokens = _stamp(number * 1_800_000 // rows), 1000 + number % 700
            whose = f"{at},feature-{number % 40},{number:032x},{tokens},120,400,gpt-5,0.0025"
            out.write(f"{whose},{900 + number % 100},svc-{number % 9},ok\n")


def main_tables(rows: int) -> None:
    """By the present way and by that of a quoted cell, in one run."""
    _say("| a CSV | rows a second | rows a CPU second | most memory, MB |")
    _say("|---|---:|---:|---:|")
    for quoted in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            write_table(Path(folder) / "log.csv", rows, quoted=quoted)
            each = measured("tables", Path(folder))
        name = "with a quoted cell: row by row" if quoted else "without a quote: many lines at once"
        _say(
            f"| {name} | {rows / each['wall']:,.0f} | {rows / each['cpu']:,.0f} | "
            f"{each['mb']:,.0f} |"
        )


def _open(path: Path) -> Any:
    if path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().stream_reader(path.open("rb"))
        return io.TextIOWrapper(raw, encoding="utf-8")
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8")


def json_loop(folder: Path) -> dict[str, object]:
    """Tokens by feature and hour, of lines that are JSON."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = 0
    for path in sorted(folder.glob("*.jsonl*")):
        with suppress(EOFError), _open(path) as handle:
            for line in handle:
                rows += 1
                with suppress(ValueError, KeyError, TypeError):
                    row = json.loads(line)
                    place = sums[row["request_tags"][0], row["startTime"][:13]]
                    place[0] += 1
                    place[1] += row["prompt_tokens"]
                    place[2] += row["completion_tokens"]
    return {"rows": rows, "features": len({name for name, _ in sums})}


def by_pandas(folder: Path) -> dict[str, object]:
    """The same, 100,000 lines at a time; those that are no JSON fail a part whole: left out."""
    rows, parts = 0, []
    for path in sorted(folder.glob("*.jsonl*")):
        with suppress(EOFError), _open(path) as handle:
            while block := list(islice(handle, 100_000)):
                rows += len(block)
                parts.append(_summed([line for line in block if line.rstrip().endswith("}")]))
    whole = pd.concat(parts).groupby(level=[0, 1]).sum()
    return {"rows": rows, "features": whole.index.get_level_values(0).nunique()}


def _summed(kept: list[str]) -> pd.DataFrame:
    frame = pd.read_json(io.StringIO("".join(kept)), lines=True, dtype=False, convert_dates=False)
    frame["feature"] = frame["request_tags"].str[0]
    frame["hour"] = frame["startTime"].str[:13]
    tokens = ["prompt_tokens", "completion_tokens"]
    frame[tokens] = frame[tokens].apply(pd.to_numeric, errors="coerce")
    return frame.groupby(["feature", "hour"])[tokens].sum()


WAYS: dict[str, Callable[[Path], dict[str, object]]] = {
    "this project": ours,
    "json.loads": json_loop,
    "pandas": by_pandas,
}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measured(way: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", __spec__.name, "one", way, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(way: str, folder: Path) -> None:
    wall = time.monotonic()
    found = {**WAYS, "tables": tables}[way](folder)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found["wall"] = time.monotonic() - wall
    found["cpu"] = usage.ru_utime + usage.ru_stime
    found["mb"] = usage.ru_maxrss / 1024
    _say(json.dumps(found))


def main(rows: int, ways: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bad = write(Path(folder), rows)
        _say("| read by | rows | rows a second | rows a CPU second | most memory, MB |")
        _say("|---|---:|---:|---:|---:|")
        for way in ways or WAYS:
            each = measured(way, Path(folder))
            _say(
                f"| {way} | {each['rows']:,} | {each['rows'] / each['wall']:,.0f} | "
                f"{each['rows'] / each['cpu']:,.0f} | {each['mb']:,.0f} |"
            )
            if way == "this project":
                wrong = {key: (bad[key], each["reasons"].get(key, 0)) for key in bad}
                missed = {key: both for key, both in wrong.items() if both[0] != both[1]}
                extra = set(each["reasons"]) - set(bad)
                told = sum(each["reasons"].values())
        _say(f"\nRefused: {told:,} rows, {len(bad)} reasons; missed {missed}, beyond {extra}")


if __name__ == "__main__":
    if sys.argv[1] == "one":
        one(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[2:] == ["tables"]:
        main_tables(int(sys.argv[1]))
    else:
        main(int(sys.argv[1]), sys.argv[2:])
