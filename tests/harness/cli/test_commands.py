"""The commands as a person calls them: what they print, what they write, how they exit."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.base import State
from harness.record.model import DecisionRecord, seal
from harness.record.stored import read_records, write_records
from tests.support.records import downgrade_record
from tests.support.reviews import CYCLE, Shape, run_review, write_review_workspace

RECORDED = "2026-Q4"
MUCH_LATER = date(2999, 1, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_review_workspace(tmp_path / "rightsizing", 9, Shape(cases=120))


def test_check_of_a_sound_workspace(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    assert capsys.readouterr().out == "1 feature, 3 models, 120 cases: no problem found\n"


@pytest.mark.parametrize("command", ["check", "plan", "review"])
def test_typos_are_one_line_each(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feature = root / "features" / "tickets.yaml"
    feature.write_text(feature.read_text().replace("incumbent: big", "incumbent: bigg"))
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text().replace("minimum_saving_usd", "minimum_savings_usd"))
    cases = root / "evalsets" / "tickets" / "cases.jsonl"
    cases.write_text(cases.read_text() + "{broken\n")
    assert run([command, "-w", str(root)]) == ExitCode.USAGE_ERROR
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "evalsets/tickets/cases.jsonl:121",
        "features/tickets.yaml:8",
        "policy.yaml:3",
    ]
    assert "incumbent: " in lines[1]
    assert "`big`" in lines[1]


@pytest.mark.parametrize("command", ["check", "plan", "review", "gate"])
def test_a_table_that_cannot_be_read_is_one_line(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "evalsets" / "tickets"
    settings = folder / "evalset.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("cases: cases.jsonl", "cases: {dataset: cases.parquet}"))
    (folder / "cases.parquet").write_bytes(b"no table")
    assert run([command, "-w", str(root)]) == ExitCode.USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("evalsets/tickets/evalset.yaml:")
    assert ": cases.dataset: cannot be read: " in line


def test_plan_spends_nothing_and_says_what_it_costs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "-w", str(root), "--cycle", CYCLE, "--details"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "1 feature, USD 328 a month" in text
    assert "   1  ready" in text
    assert "tickets: ready" in text
    assert "cap USD 10.00" in text
    assert not (root / ".rightsize").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cycle", "2026Q4"], "--cycle 2026Q4: not of the form 2026-Q4, of at most 60 letters"),
        (["--feature", "tikets"], "--feature tikets: not in the workspace; known: tickets"),
        (["--model", "huge"], "--model huge: not in the workspace; known: big, good, bad"),
    ],
)
def test_plan_refuses_what_it_does_not_know(
    arguments: list[str], message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "-w", str(root), *arguments]) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err.strip() == message


def test_an_amount_that_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "-w", str(root), "--max-spend", "ten"]) == ExitCode.USAGE_ERROR
    assert "'ten' is no amount in USD" in capsys.readouterr().err


def test_no_workspace_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "-w", str(tmp_path / "nowhere")]) == ExitCode.USAGE_ERROR
    assert "no policy.yaml" in capsys.readouterr().err


def test_review_without_a_terminal_needs_yes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["review", "-w", str(root), "--cycle", CYCLE]) == ExitCode.BUDGET_REFUSED
    assert "--yes" in capsys.readouterr().err


def test_review_that_needs_no_call(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feature = root / "features" / "tickets.yaml"
    feature.write_text(feature.read_text().replace("1000000", "10"))
    assert run(["review", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "DOWNGRADE 0   JUSTIFY 1   UNDECIDED 0" in text
    assert (root / "reviews" / CYCLE / "documents" / "tickets.html").is_file()
    assert run(["report", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK


def test_strict_review_of_what_cannot_be_told(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=40))
    arguments = ["review", "-w", str(root), "--cycle", CYCLE]
    assert run(arguments) == ExitCode.OK
    assert run([*arguments, "--strict"]) == ExitCode.CANNOT_TELL


def test_report_without_records(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "-w", str(root), "--cycle", CYCLE]) == ExitCode.USAGE_ERROR
    assert "no records here" in capsys.readouterr().err


@pytest.fixture
def reviewed(root: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A review that needed no call, and its records."""
    feature = root / "features" / "tickets.yaml"
    feature.write_text(feature.read_text().replace("1000000", "10"))
    assert run(["review", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK
    capsys.readouterr()
    return root


def test_report_writes_a_message_tables_and_a_month_s_page(
    reviewed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = [tmp_path / "out" / name for name in ("review.txt", "finance.csv", "finance.xlsx")]
    outs.append(tmp_path / "out" / "meeting.html")
    words = ["report", "-w", str(reviewed), "--cycle", CYCLE]
    for path in outs:
        words += ["--out", str(path)]
    assert run(words) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [str(path) for path in outs]
    assert len(outs[0].read_text(encoding="utf-8")) < 2000
    assert outs[2].read_bytes()[:2] == b"PK"
    assert outs[3].read_text(encoding="utf-8").count('<article class="sheet"') == 1
    month = f"{datetime.now(UTC):%Y-%m}"
    assert run(["report", "-w", str(reviewed), "--month", month]) == ExitCode.OK
    page = reviewed / "reviews" / "monthly" / f"{month}.html"
    assert capsys.readouterr().out.splitlines()[0] == str(page)
    assert page.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--month", "2026-13"], "does not match the format"),
        (["--month", "2999-01"], "--month 2999-01: it has not begun"),
        (["--month", "2001-01"], "--month 2001-01: no record is that old; the oldest is of"),
        (["--month", "2026-11", "--cycle", CYCLE], "leave out --cycle"),
        (["--month", "2026-11", "--out", "x.txt"], "leave out --cycle, --feature and files"),
        (["--cycle", CYCLE, "--out", "a", "--out", "b"], "--out b: a folder is given already, a"),
        (["--cycle", CYCLE, "--out", __file__], "not one of .txt, .csv, .xlsx, .html"),
        (["--cycle", CYCLE, "--out", f"{__file__}/x.txt"], "cannot be written"),
    ],
)
def test_what_report_does_not_take_is_said_in_one_line(
    reviewed: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", "-w", str(reviewed), *words]) == ExitCode.USAGE_ERROR
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]


def standing_today() -> DecisionRecord:
    """A proposal whose evidence has not ended on whatever day the command is run."""
    days = {"decide_by": MUCH_LATER, "expires_at": MUCH_LATER}
    return seal(downgrade_record().model_copy(update=days))


def test_a_named_human_decides(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = standing_today()
    folder = root / "reviews" / RECORDED
    write_records([record], folder)
    name = record.feature.id
    arguments = ["decide", name, "accept", "-w", str(root), "--cycle", RECORDED]
    arguments += ["--by", "dana.ruiz@example.com", "--link", "https://git.example.com/pull/1"]
    assert run(arguments) == ExitCode.OK
    assert "ACCEPTED by dana.ruiz@example.com (--by), etag" in capsys.readouterr().out
    (decided,) = read_records(folder)
    assert decided.state is State.ACCEPTED
    assert decided.history[-1].by_source == "--by"
    assert run(arguments) == ExitCode.USAGE_ERROR


def test_who_decides_comes_from_git(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = standing_today()
    write_records([record], root / "reviews" / RECORDED)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for key, value in (("user.email", "ada@example.com"), ("user.name", "Ada")):
        subprocess.run(["git", "-C", str(root), "config", key, value], check=True)
    arguments = ["decide", record.feature.id, "accept", "-w", str(root), "--cycle", RECORDED]
    assert run([*arguments, "--link", "https://git.example.com/pull/1"]) == ExitCode.OK
    assert "ACCEPTED by ada@example.com (git identity)" in capsys.readouterr().out
    assert tmp_path.is_dir()


def test_a_day_that_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "decide",
        "tickets",
        "defer",
        "-w",
        str(root),
        "--expires",
        "soon",
        "--by",
        "a@b.c",
    ]
    assert run(arguments) == ExitCode.USAGE_ERROR
    assert "--expires soon" in capsys.readouterr().err


def test_demo_refuses_a_folder_of_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    assert run(["demo", "--out", str(tmp_path)]) == ExitCode.USAGE_ERROR
    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_an_internal_error_is_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "reviews" / CYCLE / "documents"
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where a folder must be")
    (root / "reviews" / CYCLE / "records").mkdir()
    write_records([downgrade_record()], root / "reviews" / CYCLE)
    assert run(["report", "-w", str(root), "--cycle", CYCLE]) == ExitCode.INTERNAL_ERROR
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("internal error: ")
    assert run(["--debug", "report", "-w", str(root), "--cycle", CYCLE]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_records_are_json(root: Path) -> None:
    path = root / "features" / "tickets.yaml"
    path.write_text(path.read_text().replace("1000000", "10"))
    (record,) = run_review(root, None)
    write_records([record], root / "reviews" / CYCLE)
    text = (root / "reviews" / CYCLE / "records" / "tickets.json").read_text()
    assert json.loads(text)["schema_version"] == "rightsizing-decision/v2"


def old_price(root: Path) -> None:
    policy, models = root / "policy.yaml", root / "models" / "all.yaml"
    policy.write_text(policy.read_text().replace("expires_days: {prices: 36500}\n", ""))
    models.write_text(models.read_text().replace("2026-09-01, input: 4.00", "1970-01-01, input: 4"))


def later_price(root: Path) -> None:
    models = root / "models" / "all.yaml"
    models.write_text(models.read_text().replace("2026-09-01, input: 4.00", "2999-09-01, input: 4"))


def damaged_journal(root: Path) -> None:
    (root / ".rightsize").mkdir()
    (root / ".rightsize" / "journal.sqlite").write_bytes(b"no journal" * 1000)


def endless(path: str) -> Callable[[Path], None]:
    def fault(root: Path) -> None:
        (root / path).unlink(missing_ok=True)
        os.mkfifo(root / path)

    return fault


def journal_folder(root: Path) -> None:
    (root / ".rightsize" / "journal.sqlite").mkdir(parents=True)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (old_price, r"incumbent: PRICE_MISSING: .*was last confirmed \d+ days ago"),
        (later_price, r"incumbent: PRICE_MISSING: big: no `price:` that began by"),
        (damaged_journal, r"\.rightsize/journal\.sqlite: file is not a database; take a copy back"),
        (journal_folder, r"\.rightsize/journal\.sqlite: is no plain file"),
        (endless("prompts/tickets/default.j2"), r"^prompts/tickets/default\.j2: no plain file$"),
        (
            endless("evalsets/tickets/schema.json"),
            r"^evalsets/tickets/schema\.json: no plain file$",
        ),
    ],
)
def test_check_plan_and_review_agree_before_a_call(
    fault: Callable[[Path], None], said: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault(root)
    for command in (["check"], ["plan", "--cycle", CYCLE], ["review", "--cycle", CYCLE, "--yes"]):
        assert run([*command[:1], "-w", str(root), *command[1:]]) == ExitCode.USAGE_ERROR
        (line,) = capsys.readouterr().err.splitlines()
        assert re.search(said, line), line
