"""A table becomes the eval set that its rows would be as lines."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from evalsets.loading import load_evalset, with_own_target
from evalsets.source import SourceError
from tests.support.wire import hub_server

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
REST = "source: {kind: written}\nprimary: {scorer: exact}\n"
ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "input": "2026-08-31",
        "target": ["1", "1.0"],
        "metadata": {"layout": "typed", "pages": 3},
    },
    {"id": "b", "input": "é\u2028x", "choices": ["A", "B"], "metadata": {"layout": "hand"}},
    {"id": "007", "input": "half\r\nline", "target": ["x"]},
]
CHAT: list[dict[str, Any]] = [
    {
        "id": "c",
        "input": [{"role": "system", "content": "short"}, {"role": "user", "content": "hi"}],
        "target": "yes",
        "metadata": {"ok": True, "share": 0.5},
    }
]


def folder_with(tmp_path: Path, cases: str) -> Path:
    folder = tmp_path / "tickets"
    folder.mkdir(exist_ok=True)
    (folder / "evalset.yaml").write_text(f"cases: {cases}\n{REST}")
    return folder


def as_lines(tmp_path: Path, rows: list[dict[str, Any]]) -> Any:
    """The eval set of the same rows as JSON Lines, by the table's name."""
    folder = tmp_path / "lines"
    folder.mkdir(exist_ok=True)
    (folder / "evalset.yaml").write_text(REST)
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_evalset(folder, "f")


def faults(folder: Path) -> list[str]:
    with pytest.raises(SourceError) as caught:
        load_evalset(folder, "f")
    return [str(fault) for fault in caught.value.faults]


def save(rows: list[dict[str, Any]], folder: Path, form: str) -> str:
    """Save the rows in a form; returns what stands behind `cases:`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    rows = [{name: row.get(name) for name in names} for row in rows]
    if form == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), folder / "cases.parquet")
        return "{dataset: cases.parquet}"
    found = datasets.Dataset.from_list(rows)
    if form == "disk":
        found.save_to_disk(str(folder / "saved" / "once"))
        return "{dataset: saved/once}"
    both = datasets.DatasetDict({"train": found.select([0]), "test": found})
    both.save_to_disk(str(folder / "saved"))
    return "{dataset: saved, split: test}"


@pytest.mark.parametrize("rows", [ROWS, CHAT], ids=["texts", "chat"])
@pytest.mark.parametrize("form", ["parquet", "disk", "split"])
def test_a_table_is_read_as_its_rows_would_be_as_lines(
    tmp_path: Path, form: str, rows: list[dict[str, Any]]
) -> None:
    folder = folder_with(tmp_path, "")
    folder_with(tmp_path, save(rows, folder, form))
    found, lines = load_evalset(folder, "f"), as_lines(tmp_path, rows)
    assert found.is_table
    assert replace(found, cases_file=lines.cases_file, is_table=False) == lines


text = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(text, text | st.none()), min_size=1, max_size=5))
def test_every_text_of_a_table_is_kept(tmp_path: Path, rows: list[tuple[str, str | None]]) -> None:
    folder = folder_with(tmp_path, "{dataset: cases.parquet}")
    save(
        [{"input": f"{at} {asked}", "target": right} for at, (asked, right) in enumerate(rows)],
        folder,
        "parquet",
    )
    assert [(case.id, case.input, case.target) for case in load_evalset(folder, "f").cases] == [
        (str(at + 1), f"{at} {asked}", right) for at, (asked, right) in enumerate(rows)
    ]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(text, text), min_size=1, max_size=5))
def test_every_text_of_a_csv_file_is_kept(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """But for the line endings, as in every text that is read; and nothing is no text."""
    folder = folder_with(tmp_path, "{dataset: cases.csv}")
    with (folder / "cases.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("id", "input", "target")])
        writer.writerows(
            (f"00{at}", f"{at} {asked}", right) for at, (asked, right) in enumerate(rows)
        )
    assert [(case.id, case.input, case.target) for case in load_evalset(folder, "f").cases] == [
        (f"00{at}", ends(f"{at} {asked}"), ends(right) or None)
        for at, (asked, right) in enumerate(rows)
    ]


def ends(words: str) -> str:
    return words.replace("\r\n", "\n").replace("\r", "\n")


def test_columns_are_named(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(
        [{"question": "q", "gold": "x", "topic": "tax", "pages": 2, "secret": "s", "no": "1"}]
    )
    folder = folder_with(
        tmp_path,
        "{dataset: a.parquet, columns: {input: question, target: gold, metadata: [topic, pages]}}",
    )
    parquet.write_table(table, folder / "a.parquet")
    (case,) = load_evalset(folder, "f").cases
    assert (case.id, case.input, case.target) == ("1", "q", "x")
    assert case.metadata == (("pages", "2"), ("topic", "tax"))


def test_named_labels_are_read_by_name(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{dataset: saved}")
    found = datasets.Dataset.from_dict({"input": ["q", "r", "s"], "target": [1, 0, None]})
    found = found.cast_column("target", datasets.ClassLabel(names=["no", "yes"]))
    found.select([2, 0]).save_to_disk(str(folder / "saved"))
    assert [(case.input, case.target) for case in load_evalset(folder, "f").cases] == [
        ("s", None),
        ("q", "yes"),
    ]


def test_a_csv_row_is_told_by_its_last_line(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{dataset: a.csv, columns: {id: id, input: question}}")
    (folder / "a.csv").write_text('id,question\na,"one\ntwo"\n\nb," "\na,x\n')
    assert faults(folder) == [
        "tickets/a.csv:5: input: is empty",
        "tickets/a.csv:6: id: the id 'a' is already on line 3",
    ]


def test_rows_have_the_faults_that_lines_have(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "input": "x", "target": 1.5},
        {"id": "a", "input": "y", "target": float("nan")},
        {"id": None, "input": "z"},
    ]
    folder = folder_with(tmp_path, "{dataset: cases.parquet}")
    save(rows, folder, "parquet")
    assert faults(folder) == [
        "tickets/cases.parquet:1: target: must be a text or a list of texts, got 1.5",
        "tickets/cases.parquet:2: NaN is no JSON value; write null or a number",
        "tickets/cases.parquet:3: id: is required and missing",
    ]


def test_which_rows_bring_their_target(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "")
    folder_with(tmp_path, save(ROWS, folder, "parquet"))
    assert with_own_target(folder) == {"a", "007"}


def broken(folder: Path) -> None:
    save([{"id": "a", "input": "q", "extra": 1, "day": date(2026, 11, 30)}], folder, "parquet")
    save([{"input": "q"}], folder, "split")
    (folder / "broken.parquet").write_bytes(b"PAR1 nonsense")
    (folder / "ragged.csv").write_text("id,input\na,b,c\n")
    (folder / "twice.csv").write_text("id,input,id\na,b,c\n")
    (folder / "quote.csv").write_text('id,input\na,"b" c\n')
    (folder / "latin.csv").write_bytes(b"id,input\na,\xe9\n")
    (folder / "header.csv").write_text("id,input\n")
    (folder / "plain").mkdir()


DAY = "columns: {input: input, metadata: [day]}"
REFUSED = {
    "{dataset: gone.parquet}": "cases.dataset: the file tickets/gone.parquet is missing",
    "{dataset: gone}": "cases.dataset: tickets/gone is missing; a data set on the hub is named "
    "owner/name",
    "{dataset: ../a.parquet}": "cases.dataset: must name a table in the eval set's own folder, or",
    '{dataset: ""}': "cases.dataset: must name a table in the eval set's own folder, or",
    "{dataset: plain}": "cases.dataset: cannot be read: Directory ",
    "{dataset: broken.parquet}": "cases.dataset: cannot be read: Parquet magic bytes not found",
    "{dataset: ragged.csv}": "cases.dataset: line 2 has 3 cells, the header 2",
    "{dataset: twice.csv}": "cases.dataset: the column `id` is stated twice",
    "{dataset: quote.csv}": "cases.dataset: is no CSV: line 2: ",
    "{dataset: cases.parquet}": "cases.dataset: unknown column `extra`; known: choices, ",
    f"{{dataset: cases.parquet, {DAY}}}": "cases.dataset: row 1: the column `metadata` holds a "
    "date; make it a text",
    "{dataset: cases.parquet, columns: {input: inptu}}": "cases.columns.input: the data set has "
    "no column 'inptu'; did you mean `input`?",
    "{dataset: cases.parquet, columns: {input: input, metadata: [no]}}": "cases.columns.metadata: "
    "the data set has no column 'no'",
    "{dataset: cases.parquet, columns: {id: id}}": "cases.columns.input: is required and missing",
    "{dataset: cases.parquet, split: a}": "cases.split: is only for a data set on disk or on",
    "{dataset: cases.parquet, revision: a}": "cases.revision: is only for a data set on disk or",
    "{dataset: saved}": "cases.split: is required: the data set has test, train",
    "{dataset: saved, split: tset}": "cases.split: the data set has no split 'tset'; did you mean "
    "`test`?",
    "{dataset: saved/test, split: test}": "cases.split: the data set has no splits; leave it out",
    "{dataset: saved, revision: a}": "cases.revision: is only for a data set on the hub",
    "{data: cases.parquet, dataset: a.csv}": "cases.data: unknown key; did you mean `dataset`?",
    "{split: test}": "cases.dataset: is required and missing",
    "5": "cases: must be keys with values, got 5",
    "cases.parquet": "cases: a table is named as `cases: {dataset: cases.parquet}`",
}


@pytest.mark.parametrize("cases", REFUSED)
def test_what_is_refused(tmp_path: Path, cases: str) -> None:
    folder = folder_with(tmp_path, cases)
    broken(folder)
    (fault,) = faults(folder)
    assert fault.startswith(f"tickets/evalset.yaml:1: {REFUSED[cases]}")


def test_a_table_is_a_text_and_has_cases(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{dataset: latin.csv}")
    broken(folder)
    assert faults(folder) == ["tickets/latin.csv:2: not UTF-8; save it as UTF-8"]
    folder_with(tmp_path, "{dataset: header.csv}")
    assert faults(folder) == ["tickets/header.csv: the eval set has no cases"]


def said(folder: Path, cases: Sequence[str], before: str = "", **environment: str) -> list[str]:
    """What loading the folder says for each `cases`, in a process of its own, and nothing else."""
    code = f"""
import sys
from pathlib import Path
{before}
from evalsets.loading import load_evalset
from evalsets.source import SourceError
folder = Path(sys.argv[1])
for cases in sys.argv[2:]:
    (folder / "evalset.yaml").write_text("cases: " + cases + {REST!r})
    try:
        print(len(load_evalset(folder, "f").cases))
    except SourceError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *(f"{each}\n" for each in cases)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_without_the_extra(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "")
    (folder / "a.csv").write_text("input\nq\nr\n")
    tables = [save(ROWS, folder, "parquet"), "{dataset: a.csv}"]
    of_parquet, of_csv = said(folder, tables, "sys.modules['datasets'] = None")
    assert of_parquet == (
        "tickets/evalset.yaml:1: cases.dataset: needs datasets, which is not installed: "
        "pip install 'model-rightsizing[review]'"
    )
    assert of_csv == "2"


@pytest.mark.slow
def test_the_cases_of_a_file_stay_in_it(tmp_path: Path) -> None:
    """No copy is left in the library's cache or among temporary files."""
    folder, home, scratch = folder_with(tmp_path, ""), tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    tables = [save(ROWS, folder, form) for form in ("parquet", "disk")]
    told = said(folder, tables, HF_HOME=str(home), TMPDIR=str(scratch))
    assert told == ["3", "3"]
    assert [path for path in (*home.rglob("*"), *scratch.rglob("*")) if path.is_file()] == []


REVISIONS = {
    "main": {"train": [{"input": "q"}], "test": [{"input": "q"}, {"input": "r"}]},
    "v1": {"test": [{"input": "q"}]},
}
OF_THE_HUB = {
    "{dataset: owner/name, split: test}": "2",
    "{dataset: owner/name, split: train}": "1",
    "{dataset: owner/name, revision: v1}": "1",
    "{dataset: owner/name}": "cases.split: is required: the data set has test, train",
    "{dataset: owner/name, revision: v2}": "cases.dataset: cannot be read: Revision 'v2' doesn't",
    "{dataset: owner/other}": "cases.dataset: cannot be read: Dataset 'owner/other' doesn't exist",
}


@pytest.mark.slow
def test_data_sets_of_the_hub(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "")
    with hub_server.serving(REVISIONS) as hub:
        home = str(tmp_path / "home")
        told = said(folder, list(OF_THE_HUB), HF_ENDPOINT=hub.address, HF_HOME=home)
    assert len(told) == len(OF_THE_HUB)
    for found, expected in zip(told, OF_THE_HUB.values(), strict=True):
        assert found.removeprefix("tickets/evalset.yaml:1: ").startswith(expected)


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    cases = ["{dataset: owner/name, split: test}"]
    (told,) = said(folder_with(tmp_path, ""), cases, HF_HUB_OFFLINE="1", HF_HOME=home)
    assert told.startswith(
        "tickets/evalset.yaml:1: cases.dataset: cannot be read: Couldn't reach 'owner/name' on "
        "the Hub"
    )
    assert told.endswith("; nor is there a folder tickets/owner/name")
