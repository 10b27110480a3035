"""A second import that says something else: told, refused, and carried out with --replace alone."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.cli.main import run
from tests.support.imports import FACTS, brought, outcome_workspace, reviewed
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

CASES = 90
Rows = list[dict[str, str]]


def table() -> Rows:
    return list(csv.DictReader(io.StringIO(outcomes_table(CASES))))


def written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    outcome_workspace(tmp_path, written(tmp_path / "answers.csv", table()))
    return tmp_path


def stored(root: Path) -> list[tuple[object, ...]]:
    """Every row of the journal that says something."""
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as connection:
        names = ("runs", "trials", "attempts", "outcomes", "superseded")
        return [row for name in names for row in connection.execute(f"SELECT * FROM {name}")]  # noqa: S608


def corrected(rows: Rows, wrong: int = 12) -> Rows:
    """The small model's answers to some cases turn out to be wrong."""
    changed = [dict(row) for row in rows]
    for row in [row for row in changed if row["model"] == "gpt-5.4-mini"][:wrong]:
        row["answer"] = "nonsense"
    return changed


def test_corrected_answers_are_told_and_change_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(root)
    capsys.readouterr()
    assert brought(root, written(root / "second.csv", corrected(table()))) == 2
    told = capsys.readouterr().err
    assert (
        "second.csv: 12 answers differ from those that are there already "
        "(first: case 't-001', gpt-5.4-mini)"
    ) in told
    assert "nothing was changed; with --replace the file's take their place" in told
    assert stored(root) == before


def test_with_replace_a_review_rests_on_the_corrected_answers(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = reviewed(root)
    source = written(root / "second.csv", corrected(table()))
    capsys.readouterr()
    assert brought(root, source, "--replace") == 0
    shown = capsys.readouterr().out
    assert "answers: 12 replaced; 168 there already" in shown
    assert "made from what was there before: reviews/" in shown
    assert "records/routing.json" in shown
    assert run(["journal", "-w", str(root), "check"]) == 0
    assert "in order" in capsys.readouterr().out
    assert run(["verify", "-w", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "routing: the same finding" in shown
    assert re.search(r"\d+ answers that it rests on were replaced since: review again", shown)
    second = reviewed(root)
    assert second.verdict != first.verdict or second.options != first.options
    assert second.options[0].cost.per_request == first.options[0].cost.per_request
    capsys.readouterr()
    assert run(["verify", "-w", str(root)]) == 0
    assert "replaced since" not in capsys.readouterr().out
    assert brought(root, source) == 0
    assert "answers: 180 there already" in capsys.readouterr().out


def test_answers_can_be_replaced_back_and_forth(root: Path) -> None:
    again = written(root / "second.csv", corrected(table()))
    first = reviewed(root)
    for source in (again, root / "answers.csv", again, root / "answers.csv"):
        assert brought(root, source, "--replace") == 0
        assert run(["journal", "-w", str(root), "check"]) == 0
    last = reviewed(root)
    assert last.options == first.options


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("input_tokens", "9", 2), ("output_tokens", "77", 2), ("input_tokens", "", 0)],
    ids=["other input", "other output", "not told"],
)
def test_another_usage_is_a_conflict_and_an_untold_one_is_none(
    root: Path, column: str, value: str, code: int
) -> None:
    rows = table()
    rows[0][column] = value
    source = written(root / "second.csv", rows)
    assert brought(root, source) == code


def test_corrected_targets_are_told_and_replaced_where_asked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "evalsets" / "routing" / "cases.jsonl"
    before, rows = path.read_text("utf-8"), table()
    for row in rows[:2]:
        row["target"] = "shipping" if row["target"] != "shipping" else "account"
    source = written(root / "second.csv", rows)
    capsys.readouterr()
    assert brought(root, source) == 2
    told = capsys.readouterr().err
    assert "evalsets/routing/cases.jsonl: 1 target not the import's" in told
    assert "(first: case 't-001')" in told
    assert path.read_text("utf-8") == before
    assert brought(root, source, "--replace") == 0
    assert "evalsets/routing/cases.jsonl: 1 target replaced, 0 added" in capsys.readouterr().out
    after = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert after[0]["target"] == rows[0]["target"]
    assert path.read_text("utf-8").splitlines()[1:] == before.splitlines()[1:]
    assert brought(root, source) == 0


def test_targets_that_the_eval_set_lacks_are_told_and_added_where_asked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "evalsets" / "routing" / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    del rows[3]["target"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    capsys.readouterr()
    assert brought(root, root / "answers.csv") == 0
    assert "1 target of the file that the eval set lacks" in capsys.readouterr().out
    assert brought(root, root / "answers.csv", "--replace") == 0
    assert json.loads(path.read_text("utf-8").splitlines()[3])["target"]


def test_the_targets_of_a_table_are_held_against_the_import_and_never_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "evalsets" / "routing"
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    table_file = folder / "cases.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), table_file)
    (folder / "cases.jsonl").unlink()
    settings = folder / "evalset.yaml"
    text = settings.read_text("utf-8")
    named = text.replace("cases: cases.jsonl", "cases: {dataset: cases.parquet}")
    assert named != text
    settings.write_text(named, encoding="utf-8")
    assert brought(root, root / "answers.csv") == 0
    before, journal = table_file.read_bytes(), stored(root)
    other = table()
    other[0]["target"] = "shipping" if other[0]["target"] != "shipping" else "account"
    source = written(root / "second.csv", other)
    capsys.readouterr()
    assert brought(root, source) == 2
    assert "evalsets/routing/cases.parquet: 1 target not the import's" in capsys.readouterr().err
    assert brought(root, source, "--replace") == 2
    assert capsys.readouterr().err == (
        "evalsets/routing/cases.parquet: an import writes no target into a data set; correct it "
        "where it is made and import again\n"
    )
    assert (table_file.read_bytes(), stored(root)) == (before, journal)
    assert not (folder / "cases.jsonl").exists()


def test_another_feature_with_the_same_inputs_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(root / "second.csv", corrected(table()))
    assert brought(root, other, "--incumbent", "gpt-5.4", feature="twin") == 2
    path = root / "features" / "twin.yaml"
    path.write_text(path.read_text("utf-8") + FACTS, encoding="utf-8")
    before = stored(root)
    capsys.readouterr()
    assert brought(root, other, feature="twin") == 2
    told = capsys.readouterr().err
    assert (
        "second.csv: 12 answers differ from those of feature 'routing', which asks the same" in told
    )
    assert "--replace changes them there too" in told
    assert stored(root) == before
    assert brought(root, root / "answers.csv", feature="twin") == 0
    assert "answers: 180 there already" in capsys.readouterr().out


def test_a_further_run_is_brought_in_with_the_first_as_repeats(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = written(root / "second.csv", corrected(table()))
    assert brought(root, second) == 2
    assert "set `repeats:` in evalsets/routing/evalset.yaml" in capsys.readouterr().err
    path = root / "evalsets" / "routing" / "evalset.yaml"
    path.write_text(path.read_text("utf-8") + "repeats: 2\n", encoding="utf-8")
    words = ["import", "outcomes", str(second), str(root / "answers.csv"), "-f", "routing"]
    assert run([*words, "-w", str(root)]) == 0
    assert "answers: 180 written; 180 there already" in capsys.readouterr().out
    record = reviewed(root)
    assert record.options[0].quality is not None
    assert record.options[0].quality.repeats == 2
    assert record.evidence.eval_set.n == CASES


def test_a_colleague_s_correction_comes_with_the_journal(
    root: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path_factory.mktemp("theirs")
    outcome_workspace(theirs, written(theirs / "answers.csv", table()))
    assert brought(theirs, written(theirs / "second.csv", corrected(table())), "--replace") == 0
    capsys.readouterr()
    journal = theirs / ".rightsize" / "journal.sqlite"
    assert run(["journal", "-w", str(root), "merge", str(journal)]) == 0
    assert "0 were answered differently here" in capsys.readouterr().out
    assert run(["journal", "-w", str(root), "check"]) == 0
    assert reviewed(root).options == reviewed(theirs).options
    capsys.readouterr()
    assert run(["journal", "-w", str(root), "show"]) == 0
    assert "12 replaced since" in capsys.readouterr().out
