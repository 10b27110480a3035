"""A table of answers carries which cases belong together, and the parts that they are of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.bring.intake.outcomes_csv import read_outcomes
from harness.tell.pages import to_document
from reports.render import render
from tests.support.imports import outcome_workspace, reviewed
from tests.support.reviews import NOW

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "case,model,input,target,answer,input_tokens,output_tokens,cluster,slice.layout\n"


def table(cases: int) -> str:
    rows = [
        f"t-{n},{model},Ticket {n},{'ab'[n % 2]},{'ab'[(n + (wrong and n % 25 == 0)) % 2]},80,2,"
        f"supplier {n // 4},{'printed' if n % 3 else 'handwritten'}\n"
        for n in range(cases)
        for model, wrong in (("gpt-5.4", False), ("gpt-5.4-mini", True))
    ]
    return HEAD + "".join(rows)


@pytest.mark.slow
@pytest.mark.no_cover
def test_clusters_and_parts_of_a_table_reach_the_test_and_the_page(tmp_path: Path) -> None:
    source = tmp_path / "answers.csv"
    source.write_text(table(200), encoding="utf-8")
    root = tmp_path / "rightsizing"
    outcome_workspace(root, source)
    drafted = (root / "evalsets" / "routing" / "evalset.yaml").read_text("utf-8")
    assert "\ncluster: cluster " in drafted
    assert '"layout":{"handwritten":{"margin":10},"printed":{"margin":10}}' in drafted
    first = json.loads((root / "evalsets/routing/cases.jsonl").read_text("utf-8").splitlines()[0])
    assert first["metadata"] == {"cluster": "supplier 0", "layout": "handwritten"}
    record = reviewed(root)
    assert record.evidence.eval_set.clusters == 50  # of four cases each
    quality = record.options[0].quality
    assert quality is not None
    assert quality.method == "cluster-t"
    page = render(to_document(record, NOW), to="md")
    assert (
        "The answers were brought in, and this review asked nothing; making them had cost USD"
        in (page)
    )
    assert "Evaluation cost" not in page
    assert "the answers had been seen before" in page
    assert "before anything was run" not in page


def test_a_case_of_two_clusters_is_told() -> None:
    text = HEAD + "a,m,x,y,y,1,1,one,p\na,n,x,y,y,1,1,two,p\n"
    found = read_outcomes(text.encode(), file="t.csv")
    assert [one.message for one in found.problems] == [
        "case 'a' has another cluster or slice than before"
    ]
    assert found.cases[0].metadata == (("cluster", "one"), ("layout", "p"))
