from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from harness.record.base import State
from harness.tell.pages import publish, stamp_of
from tests.support.records import (
    NOW,
    a_feature,
    decided,
    downgrade_record,
    justify_record,
    undecided_record,
)

if TYPE_CHECKING:
    from pathlib import Path


def portfolio() -> list:  # type: ignore[type-arg]
    return [
        downgrade_record(),
        justify_record(feature=a_feature(id="clauses", name="=HYPERLINK(1)", team="legal")),
        undecided_record(feature=a_feature(id="routing", name="Routing")),
        decided(downgrade_record(feature=a_feature(id="tags", name="Tags"))),
    ]


def test_every_file_is_written(tmp_path: Path) -> None:
    report = publish(portfolio(), tmp_path, now=NOW)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in report.written) == sorted(
        [
            *(
                f"documents/{name}.{end}"
                for name in ("clauses", "invoice-extraction", "routing", "tags")
                for end in ("md", "html")
            ),
            "index.html",
            "index.md",
            "portfolio.csv",
        ]
    )
    assert report.unchanged == 0
    assert not list(tmp_path.rglob("*.tmp"))


def test_unchanged_records_are_skipped(tmp_path: Path) -> None:
    publish(portfolio(), tmp_path, now=NOW)
    report = publish(portfolio(), tmp_path, now=NOW)
    assert report.written == ()
    assert report.unchanged == 11


def test_a_changed_record_is_written_again_with_the_index(tmp_path: Path) -> None:
    records = portfolio()
    publish(records, tmp_path, now=NOW)
    records[0] = decided(records[0], State.REJECTED)
    report = publish(records, tmp_path, now=NOW)
    assert {path.name for path in report.written} == {
        "invoice-extraction.md",
        "invoice-extraction.html",
        "index.html",
        "index.md",
        "portfolio.csv",
    }


def test_a_page_that_is_not_ours_has_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("hello")
    assert stamp_of(tmp_path / "x.html") is None
    assert stamp_of(tmp_path / "y.html") is None


def test_the_index_tells_the_review(tmp_path: Path) -> None:
    publish(portfolio(), tmp_path, now=NOW)
    text = (tmp_path / "index.md").read_text()
    head = "4 features, USD 12,463 a month as reviewed, after discounts"
    assert f"# Right-sizing 2026-Q4: {head}" in text
    assert "DOWNGRADE 2 \u00b7 JUSTIFY 1 \u00b7 UNDECIDED 1" in text
    assert "| proposed | 1 | USD 2,483.10 | \u2013 |" in text
    assert "| accepted | 1 | USD 2,483.10 | \u2013 |" in text
    assert "| **proposed saving** | **2** | **USD 4,966.20** | **\u2013** |" in text
    assert "on average at most 0.20 propose a model" in text


def test_the_table_is_the_same_as_csv(tmp_path: Path) -> None:
    publish(portfolio(), tmp_path, now=NOW)
    rows = list(csv.DictReader(StringIO((tmp_path / "portfolio.csv").read_text())))
    assert [row["feature"] for row in rows] == ["clauses", "invoice-extraction", "routing", "tags"]
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["saving_monthly_usd"] == ""
    assert rows[1]["saving_monthly_usd"] == "2759.00"
    assert rows[1]["quality_limit_points"] == "-3.0000"
    assert rows[2]["still_needed_cases"] == "340"


def test_an_empty_review_is_a_page_too(tmp_path: Path) -> None:
    report = publish([], tmp_path, now=NOW)
    assert "0 features" in report.index.read_text()


def test_many_pages_are_rendered_in_processes_alike(tmp_path: Path) -> None:
    records = [undecided_record(feature=a_feature(id=f"f{at}")) for at in range(16)]
    alone = publish(records, tmp_path / "alone", now=NOW, workers=1)
    shared = publish(records, tmp_path / "shared", now=NOW, workers=2)
    assert [path.name for path in alone.written] == [path.name for path in shared.written]
    for path in alone.written:
        twin = tmp_path / "shared" / path.relative_to(tmp_path / "alone")
        assert twin.read_bytes() == path.read_bytes()
