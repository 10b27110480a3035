"""A log of calls becomes a traffic file, and a feature that states no traffic is planned by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.money.traffic import metered
from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.call_logs import LoggedCall, a_week, jsonl, litellm
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
    assert lines[2] == "  which calls failed is not told: no column of a log says it"
    assert lines[3] == "  what was written to a prompt cache is not told of 100.0 % of the input"
    assert lines[4].startswith("  fax: 4 requests a month, 10 tokens in, 1 out, cached not told")
    assert lines[4].endswith("; no feature of this workspace")
    assert "tickets: 730 requests a month, 5,000 tokens in, 20 out" in lines[5]
    assert "10.1 % retried; features/tickets.yaml states 1,000, which counts" in lines[5]
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
    window = "traffic/2026-10.csv, measured 2026-10-05 to 2026-10-11"
    assert traffic.source.startswith(
        f"{window}; what was read from or written to a prompt cache is not told"
    )
    plan = plan_review(
        load_workspace(root), cycle="2026-Q4", on=date(2026, 11, 20), wanted=Selection()
    )
    (one,) = plan.features
    assert one.status is not Status.BLOCKED
    assert one.monthly_usd is not None


def test_times_that_clocks_skip_or_show_twice_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = ["2026-03-29 02:30:00", *["2026-10-25 02:30:00"] * 2, *["2026-10-25 03:30:00"] * 120]
    rows = [f"{text},fax,f{at},10,1" for at, text in enumerate(times)]
    path = tmp_path / "local.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    command = ["import", "traffic", str(path), "-w", str(root), "--timezone", "Europe/Berlin"]
    assert run(command) == ExitCode.OK
    out = capsys.readouterr().out
    assert "  2 calls in an hour that clocks show twice: read as its first time\n" in out
    skip = "a time that clocks of Europe/Berlin skip, as they are put forward"
    assert f"  refused, 1: {skip}\n" in out


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


def test_a_damaged_measurement_stops_the_plan(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(root / "features" / "tickets.yaml", TRAFFIC, "")
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    (root / "traffic" / "2026-10.measured.json").write_text("{}", encoding="utf-8")
    assert run(["plan", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "traffic/2026-10.measured.json: is damaged; import" in capsys.readouterr().err


def test_too_many_bad_rows_end_with_4_and_the_good_ones_are_written(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write("2026-10-06T00:00:00Z,fax,f2,ten,1\n" * 3)
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.CANNOT_TELL
    out, err = capsys.readouterr()
    assert "refused, 3: input: no whole number from 0 on" in out
    assert "more than 1 % of the rows were refused" in err
    assert (root / "traffic" / "2026-10.csv").is_file()
    refused = (root / "traffic" / "2026-10.refused.jsonl").read_text(encoding="utf-8")
    assert refused.splitlines()[0] == (
        '{"file": "2026-10.csv", "line": 188, "reason": "input: no whole number from 0 on"}'
    )


def test_rules_place_calls_and_the_rest_is_listed_with_the_rule_that_would(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [replace(call, feature="") for call in a_week()]
    path = jsonl(tmp_path / "spend.jsonl", [litellm(call) for call in calls])
    (root / "attribution.yaml").write_text(
        "- {when: {key_alias: svc-tri*, model: gpt-5}, feature: tickets, team: support}\n"
        "- {when: {key_alias: svc-triage}, feature: never}\n",
        encoding="utf-8",
    )
    assert run(["import", "traffic", str(path), "-w", str(root)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("  tickets: ") for line in lines)
    assert "never" not in "".join(lines)
    at = lines.index("  spent: USD 0.50")
    assert lines[at + 1 : at + 4] == [
        "  of no feature: 40 calls, USD 0.10; a line of attribution.yaml would place them:",
        "    - {when: {key_alias: svc-docs}, feature: ...}    # 40 calls, USD 0.10",
        "  by team: support USD 0.40, nobody USD 0.10",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("when: x\n", "attribution.yaml:1: must be a list of rules"),
        ("- {when: {}, feature: a}\n", "[0].when: needs a condition: tag, key_alias"),
        ("- {when: {tag: 'user-agent: *'}, feature: a}\n", "clients set User-Agent by themselves"),
        ("- {when: {tag: x}}\n", "places nothing: state one of feature, team"),
        ("- {when: {tagg: x}, feature: a}\n", "unknown key; did you mean `tag`?"),
    ],
)
def test_a_rule_that_is_none(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str], text: str, shown: str
) -> None:
    (root / "attribution.yaml").write_text(text, encoding="utf-8")
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert shown in capsys.readouterr().err


@pytest.mark.parametrize(
    "case",
    [
        (["--timezone", "Mars"], "--timezone: 'Mars' is no time zone"),
        (["--format", "own"], "--format own: known are otlp, litellm"),
        (["--mapping", "MAP"], "m.yaml: time: is required and missing"),
    ],
)
def test_an_option_that_is_none(
    root: Path,
    log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    case: tuple[list[str], str],
) -> None:
    options, shown = case
    (tmp_path / "m.yaml").write_text("input: tokens\n", encoding="utf-8")
    given = [str(tmp_path / "m.yaml") if each == "MAP" else each for each in options]
    command = ["import", "traffic", str(log), "-w", str(root), *given]
    assert run(command) == ExitCode.USAGE_ERROR
    assert shown in capsys.readouterr().err


def test_an_unknown_table_is_told_what_to_do(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("when,what\n1,2\n", encoding="utf-8")
    assert run(["import", "traffic", str(path), "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "no format that is known (when, what); name it with --format" in capsys.readouterr().err


def test_calls_of_no_feature_make_no_week(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traffic file without rows would stop the next plan."""
    path = jsonl(
        tmp_path / "spend.jsonl", [litellm(replace(call, feature="")) for call in a_week()]
    )
    for said in ("of no feature: 200 calls", "nothing changed"):
        assert run(["import", "traffic", str(path), "-w", str(root)]) == ExitCode.OK
        assert said in capsys.readouterr().out
    names = sorted(each.name for each in (root / "traffic").iterdir())
    assert names == ["spend.hours.parquet", "spend.ids.parquet", "spend.measured.json"]
    assert run(["check", "-w", str(root)]) == ExitCode.OK


def test_days_without_a_call_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = LoggedCall(at=MONDAY - timedelta(days=40), id="early")
    path = jsonl(tmp_path / "spend.jsonl", [litellm(call) for call in [early, *a_week()]])
    assert run(["import", "traffic", str(path), "-w", str(root)]) == ExitCode.OK
    assert "no call at all for 39 days: is a part missing?" in capsys.readouterr().out


def test_a_table_that_breaks_off_ends_with_code_4_and_refused_rows_are_kept(
    root: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f'{MONDAY.isoformat()},fax,f2,10,"1\n')
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.CANNOT_TELL
    assert "from here on" in capsys.readouterr().err
    log.write_text(f"{HEAD}\nyesterday,fax,f2,10,1\n", encoding="utf-8")
    again = ["import", "traffic", str(log), "-w", str(root), "--to", "all.csv"]
    assert run(again) == ExitCode.CANNOT_TELL
    assert (root / "traffic" / "all.refused.jsonl").is_file()
