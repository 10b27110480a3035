"""Local times around a change of the clocks, beside what Python's own zones say of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import read_mapping
from harness.bring.logs.formats import FORMATS
from tests.support.call_logs import NOW, jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.bring.logs.log_format import LogFormat

AUTUMN = datetime(2025, 10, 26, 2, 30)  # noqa: DTZ001  # what a wall clock shows
SKIPS = "a time that clocks of Europe/Berlin skip, as they are put forward"


def row(number: int, local: str, **more: object) -> dict[str, object]:
    tokens = {"input_tokens": 10, "output_tokens": 1, "feature": "x"}
    return {"timestamp": local, "request_id": f"r{number}", **tokens, **more}


def began(
    path: Path, zone: str, form: LogFormat | None = None
) -> tuple[dict[int, str], list[str], int]:
    """When the calls of a file began, by line, why rows were refused, and doubled times."""
    with CallLog(LogIntake(now=NOW, zone=zone, threads=1)) as log:
        log.add(path, form or FORMATS["neutral"])
        found = log.base.execute("SELECT line, began FROM calls ORDER BY line").fetchall()
        reasons = [f"{each.line}: {each.reason}" for each in log.refused()]
        return (
            {line: f"{at:%Y-%m-%d %H:%M:%S}" for line, at in found},
            reasons,
            log.noted["doubled"],
        )


def around(zone: ZoneInfo) -> Iterator[datetime]:
    """Wall clocks for a year and a half, closer where the offset changes."""
    at = datetime(2024, 12, 30)  # noqa: DTZ001
    while at < datetime(2026, 10, 30):  # noqa: DTZ001
        shift = at.replace(tzinfo=zone).utcoffset()
        changes = shift != (at + timedelta(hours=18)).replace(tzinfo=zone).utcoffset()
        changes |= shift != (at - timedelta(hours=6)).replace(tzinfo=zone).utcoffset()
        yield at
        at += timedelta(minutes=10 if changes else 6 * 60)


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "America/Havana",
        "Africa/Casablanca",
        "posix/America/New_York",
    ],
)
def test_a_local_time_is_as_python_reads_it_or_skipped(tmp_path: Path, name: str) -> None:
    zone = ZoneInfo(name)
    walls = list(around(zone))
    path = jsonl(tmp_path / "l.jsonl", [row(at, f"{wall}") for at, wall in enumerate(walls)])
    found, refused, doubled = began(path, name)
    wanted: dict[int, str] = {}
    twice = 0
    for line, wall in enumerate(walls, start=1):
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(zone).replace(tzinfo=None) == wall:
            wanted[line] = f"{first:%Y-%m-%d %H:%M:%S}"
            twice += first != second
    assert found == wanted
    assert doubled == twice
    assert len(refused) == len(walls) - len(wanted)
    assert all(each.endswith(f"clocks of {name} skip, as they are put forward") for each in refused)


def test_an_offset_or_a_date_alone_is_plain(tmp_path: Path) -> None:
    """Clocks skip a midnight in Beirut, and show one twice in Havana."""
    texts = ("2025-10-26T02:30:00+01:00", "2025-10-26 02:30:00", "2025-03-30 02:30", "2025-03-30")
    path = jsonl(tmp_path / "l.jsonl", [row(at, text) for at, text in enumerate(texts)])
    found, refused, doubled = began(path, "Europe/Berlin")
    assert found == {
        1: "2025-10-26 01:30:00",
        2: "2025-10-26 00:30:00",
        4: "2025-03-29 23:00:00",
    }
    assert (refused, doubled) == ([f"3: {SKIPS}"], 1)
    for zone, day, begins in (
        ("Asia/Beirut", "2025-03-30", "2025-03-29 22:00:00"),
        ("Asia/Beirut", "2025-10-26", "2025-10-25 22:00:00"),
        ("America/Havana", "2025-11-02", "2025-11-02 04:00:00"),
    ):
        assert began(jsonl(tmp_path / "d.jsonl", [row(0, day)]), zone) == ({1: begins}, [], 0)


SPANS: Mapping[str, tuple[str, str, str | None, int]] = {
    "the end is later than both": ("02:59:58", "03:00:02", "01:59:58", 0),
    "the end before the begin, so the second": ("02:59:58", "02:00:03", "00:59:58", 1),
    "both may be either": ("02:10:00", "02:10:05", "00:10:00", 1),
    "it begins before": ("01:59:58", "02:00:03", "23:59:58", 0),
}


@pytest.mark.parametrize("case", SPANS)
def test_the_end_of_a_call_tells_which_hour_it_began_in(tmp_path: Path, case: str) -> None:
    start, end, utc, doubled = SPANS[case]
    (tmp_path / "m.yaml").write_text(
        "time: timestamp\nend: ended\nrequest: request_id\ninput: input_tokens\n"
        "output: output_tokens\nfeature: feature\ntimezone: Europe/Berlin\n",
        encoding="utf-8",
    )
    rows = [
        row(0, f"{AUTUMN:%Y-%m-%d} {start}", ended=f"{AUTUMN:%Y-%m-%d}T{end}"),
        row(1, "2025-03-30 01:59:59", ended="2025-03-30 02:00:01"),
    ]
    form = read_mapping(tmp_path / "m.yaml")
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        log.add(jsonl(tmp_path / "l.jsonl", rows), form)
        ((at, took),) = log.base.execute("SELECT began, latency FROM calls").fetchall()
        assert [each.reason for each in log.refused()] == [SKIPS]
        assert log.noted["doubled"] == doubled
    assert f"{at:%H:%M:%S}" == utc
    assert took in (4000, 5000)
