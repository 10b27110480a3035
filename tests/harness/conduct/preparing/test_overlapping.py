"""Two logs under traffic/ that have the same calls are refused before they count twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.conduct.preparing.importing_traffic import LogsToRead, import_traffic
from harness.conduct.spending.showing_back import show_back
from harness.errors import ExitCode, UsageError
from harness.money.spend.unit_costs import unit_costs
from tests.support.call_logs import MONDAY, NOW, LoggedCall, jsonl, neutral
from tests.support.workspaces import write_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALLS = [LoggedCall(at=MONDAY + timedelta(minutes=3 * at), id=f"c{at}") for at in range(900)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_workspace(tmp_path / "w")


def brought(
    root: Path, name: str, calls: Sequence[LoggedCall], how: LogsToRead | None = None
) -> Path:
    log = jsonl(root.parent / f"{name}.jsonl", [neutral(call) for call in calls])
    import_traffic(root, log, how=how, now=NOW)
    return log


@pytest.mark.parametrize(
    ("second", "hours"),
    [
        pytest.param(CALLS[600:], 15, id="a part"),
        pytest.param(CALLS[::7], 45, id="every seventh"),
        pytest.param([*CALLS, LoggedCall(at=MONDAY + timedelta(days=5), id="x")], 45, id="more"),
        pytest.param(CALLS[-1:], 1, id="one"),
    ],
)
def test_calls_that_another_log_has_are_refused(
    root: Path, second: Sequence[LoggedCall], hours: int
) -> None:
    first = brought(root, "log", CALLS)
    with pytest.raises(UsageError) as told:
        brought(root, "half", second)
    said = f"traffic/log.csv has the same calls in {hours} hour"
    assert said in str(told.value)
    assert "in one command, which joins calls by request id" in str(told.value)
    assert not (root / "traffic" / "half.csv").exists()
    both = (first, root.parent / "half.jsonl")
    whole = import_traffic(root, both, name="both.csv", now=NOW)
    assert whole.weeks[0].total.requests == len({call.id for call in [*CALLS, *second]})


def test_calls_of_the_same_hours_that_are_others_count(root: Path) -> None:
    """Two pods that count their requests from 1 on, and one log under two names."""
    brought(root, "pod-a", CALLS)
    others = [LoggedCall(at=one.at + timedelta(seconds=1), id=one.id) for one in CALLS]
    brought(root, "pod-b", others)
    copy = jsonl(root.parent / "again.jsonl", [neutral(call) for call in CALLS])
    import_traffic(root, copy, now=NOW)
    kept = {path.name for path in (root / "traffic").glob("*.csv")}
    assert kept == {"pod-a.csv", "pod-b.csv", "again.csv"}


def test_sums_without_ids_that_are_equal_in_most_hours_are_the_same_calls(
    root: Path, tmp_path: Path
) -> None:
    columns = tmp_path / "m.yaml"
    columns.write_text("time: timestamp\ninput: input_tokens\noutput: output_tokens\n")
    how = LogsToRead(mapping=columns)
    calls = [LoggedCall(at=one.at, id="", input=1000 + at) for at, one in enumerate(CALLS)]
    brought(root, "log", calls[:600], how)
    with pytest.raises(UsageError, match=r"in 10 hours: leave one of the logs out"):
        brought(root, "later", calls[400:], how)
    brought(root, "rest", calls[600:], how)


def test_what_an_earlier_try_refused_does_not_stay(root: Path, tmp_path: Path) -> None:
    rows = [dict(neutral(call)) for call in CALLS[:20]]
    log = jsonl(tmp_path / "log.jsonl", [*rows, {**rows[0], "request_id": ""}])
    import_traffic(root, log, now=NOW)
    kept = root / "traffic" / "log.refused.jsonl"
    assert kept.exists()
    (root / "traffic" / "log.csv").unlink()
    (root / "traffic" / "log.measured.json").unlink()
    import_traffic(root, jsonl(log, rows), now=NOW)
    assert not kept.exists()


def test_each_column_of_a_table_is_read_or_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "timestamp,request_id,feature,team,product,environment,tenant,caller,input_tokens"
    log = root.parent / "own.csv"
    cells = "triage,support,desk,staging,acme,svc-a,10,1"
    rows = [f"2026-10-05T00:00:0{at}Z,r{at},{cells}" for at in range(3)]
    log.write_text("\n".join([f"{head},output_tokens,region", *(f"{row},eu" for row in rows)]))
    found = import_traffic(root, log, now=NOW)
    (week,), (single,) = found.weeks, found.measured.features
    spending = found.measured.spending
    assert spending is not None
    assert [week.cohort, single.callers[0].name, spending.teams[0].name] == [
        *("acme", "svc-a", "support"),
    ]
    assert [spending.products[0].name, spending.environments[0].name] == ["desk", "staging"]
    assert (found.not_read, single.failed) == (("region",), None)
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "not read: region" in said
    assert "which calls failed is not told" in said
    shown = show_back(root, None, now=NOW).whole.now
    costs = {one.name: one.value for one in unit_costs(shown.lines)}
    assert costs["calls that failed"] is None
    assert costs["USD per call that succeeded"] is None


@pytest.mark.parametrize("column", ["status", "error"])
def test_failed_calls_are_counted_where_a_column_tells_them(root: Path, column: str) -> None:
    log = root.parent / "own.csv"
    lines = [f"timestamp,request_id,feature,input_tokens,output_tokens,{column}"]
    lines += ["2026-10-05T00:00:00Z,a,triage,10,1,", "2026-10-05T00:00:01Z,b,triage,0,0,429"]
    log.write_text("\n".join(lines))
    (single,) = import_traffic(root, log, now=NOW).measured.features
    assert (single.failed, single.unmetered) == (1, 0)
