"""Cases are added to an eval set that is there: none is changed, and none counts twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

SET = ["import", "csv", "--feature", "tickets"]
FIRST = "id,text,label\nT1,My order is late,delivery\nT2,I want my money back,refund\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text("currency: USD\n", encoding="utf-8")
    assert imported(tmp_path, FIRST) == 0
    return tmp_path


def imported(root: Path, table: str, *more: str) -> int:
    """The exit code of an import of a table; its input is the column `text`."""
    path = root / "table.csv"
    path.write_text(table, encoding="utf-8")
    return run([*SET, str(path), "--workspace", str(root), "--input", "text", *more])


def lines(root: Path) -> list[str]:
    return (root / "evalsets/tickets/cases.jsonl").read_text(encoding="utf-8").splitlines()


def ids(root: Path) -> list[str]:
    return [json.loads(line).get("id") for line in lines(root)]


def test_new_cases_stand_behind_the_old_ones_whose_lines_stay(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines(root)
    table = "id,text,label\nT2,I want my money back,refund\nT3,Where is my parcel,delivery\n"
    assert imported(root, table, "--add") == 0
    told = capsys.readouterr().out
    assert "added 1 case to evalsets/tickets, 1 with a target; 1 there already" in told
    assert lines(root)[:2] == before
    assert ids(root) == ["T1", "T2", "T3"]
    assert imported(root, table, "--add") == 0
    assert "added 0 cases" in capsys.readouterr().out
    assert ids(root) == ["T1", "T2", "T3"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("T9,My order is late,refund", "asks the same as 'T1', which has another target"),
        ("T2,Something else,refund", "has the id of a case that asks something else"),
    ],
)
def test_what_contradicts_a_case_adds_nothing(
    root: Path, row: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines(root)
    assert imported(root, f"id,text,label\nT8,A new one,refund\n{row}\n", "--add") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "table.csv" in error
    assert lines(root) == before


def test_a_target_that_a_case_lacks_is_not_taken_in_silence(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(root, "id,text\nT3,No label yet\n", "--add") == 0
    assert imported(root, "id,text,label\nT3,No label yet,refund\n", "--add") == 2
    assert "asks the same as 'T3', which has no target yet" in capsys.readouterr().err


def test_a_table_that_is_read_by_other_columns_doubles_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines(root)
    table = "id,text,label,team\nT1,My order is late,delivery,north\nT5,New,refund,south\n"
    assert imported(root, table, "--add") == 2
    error = capsys.readouterr().err
    assert "asks the input of 'T1' with other metadata (team; there none)" in error
    assert "--metadata" in error
    assert lines(root) == before


def test_rows_without_ids_get_numbers_that_are_free(root: Path) -> None:
    assert imported(root, "text,label\nOne,refund\nTwo,refund\n", "--add") == 0
    assert imported(root, "text,label\nTwo,refund\nThree,refund\n", "--add") == 0
    assert ids(root) == ["T1", "T2", "1", "2", "3"]


def test_a_file_that_counts_its_rows_goes_on_counting(root: Path) -> None:
    path = root / "evalsets/tickets/cases.jsonl"
    path.write_text('{"input": "a", "target": "x"}\n{"input": "b", "target": "y"}', "utf-8")
    assert imported(root, "id,text,label\nT3,c,x\n", "--add") == 0
    assert ids(root) == [None, None, None]
    assert json.loads(lines(root)[-1]) == {"input": "c", "target": "x"}


def test_without_a_set_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text("currency: USD\n", encoding="utf-8")
    assert imported(tmp_path, FIRST, "--add") == 2
    assert "evalsets/tickets/ is not there: without --add the table makes it" in (
        capsys.readouterr().err
    )
