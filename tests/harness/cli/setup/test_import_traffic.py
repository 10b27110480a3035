"""A log of calls becomes a traffic file, and a feature that states no traffic is planned by it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.money.traffic import metered
from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
HEAD = "timestamp,feature,request_id,input_tokens,output_tokens"
TRAFFIC = "traffic: {requests_per_month: 1000, input_tokens: 80, output_tokens: 2, source: logs}\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One call an hour for a week on `tickets`, each tenth retried, and one on `fax`."""
    rows = [HEAD]
    for hour in range(168):
        at = (MONDAY + timedelta(hours=hour, minutes=30)).isoformat()
        calls = 2 if hour % 10 == 0 else 1
        rows += [f"{at},tickets,r{hour},5000,20"] * calls
    rows.append(f"{MONDAY.isoformat()},fax,f1,10,1")
    path = tmp_path / "2026-10.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Its prices do not age: the commands under test run on the day of the test."""
    root = write_workspace(tmp_path / "w")
    policy = root / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(f"{text}expires_days: {{prices: 36500}}\n", encoding="utf-8")
    return root


def test_what_the_log_says_is_shown_and_what_a_file_states_counts(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("2026-10.csv: 2026-10-05 to 2026-10-11")
    assert lines[1] == "  2026-10.csv: neutral, 186 rows"
    assert lines[2].startswith("  fax: 4 requests a month, 10 tokens in, 1 out, 0.0 % cached")
    assert lines[2].endswith("; no feature of this workspace")
    assert "tickets: 730 requests a month, 5,000 tokens in, 20 out" in lines[3]
    assert "10.1 % retried; features/tickets.yaml states 1,000, which counts" in lines[3]
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    assert "nothing changed, it says so already" in capsys.readouterr().out
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{MONDAY.isoformat()},fax,f2,10,1\n")
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "is there already; name another file with --to" in capsys.readouterr().err


def test_a_silent_feature_is_planned_by_its_newest_file(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(root / "features" / "tickets.yaml", TRAFFIC, "")
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    assert "TRAFFIC_MISSING" in capsys.readouterr().out
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    assert "used, as its file states no traffic" in capsys.readouterr().out
    older = ["import", "traffic", str(log), "-w", str(root), "--to", "2026-09.csv"]
    assert run(older) == ExitCode.OK
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    assert "TRAFFIC_MISSING" not in capsys.readouterr().out
    traffic = metered(load_workspace(root)).features["tickets"].traffic
    assert traffic is not None
    assert (traffic.requests_per_month, traffic.curve) == (730, "2026-10.csv")
    assert traffic.source == "traffic/2026-10.csv"
    plan = plan_review(
        load_workspace(root), cycle="2026-Q4", on=date(2026, 11, 20), wanted=Selection()
    )
    (one,) = plan.features
    assert one.status is not Status.BLOCKED
    assert one.monthly_usd is not None


def test_a_damaged_traffic_file_stops_the_plan(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(root / "features" / "tickets.yaml", TRAFFIC, "")
    (root / "traffic").mkdir()
    (root / "traffic" / "w.csv").write_text("feature,cohort\ntickets,\n", encoding="utf-8")
    assert run(["plan", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "traffic/w.csv:1: missing columns: weeks, hour" in capsys.readouterr().err


def test_a_name_that_leaves_the_folder_is_refused(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["import", "traffic", str(log), "-w", str(root), "--to", "../x.csv"]
    assert run(command) == ExitCode.USAGE_ERROR
    assert "not a file name such as 2026-10.csv" in capsys.readouterr().err
