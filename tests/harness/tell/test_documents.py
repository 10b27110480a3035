from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from harness.record.base import Reason, State
from harness.record.model import DecisionRecord
from harness.tell.pages import to_document
from reports.render import render
from tests.support.records import (
    NOW,
    a_feature,
    a_margin,
    a_record,
    an_evidence,
    decided,
    downgrade_record,
    justify_record,
    record_for,
    undecided_record,
)

GOLDEN = Path(__file__).parent / "golden"
VERDICTS = {
    "downgrade": downgrade_record(),
    "justify": justify_record(),
    "undecided": undecided_record(),
    "justify-signed": decided(justify_record()),
    "downgrade-rejected": decided(downgrade_record(), State.REJECTED),
}


def markdown(record: DecisionRecord) -> str:
    """The document without its hashes, which follow every new field of the record."""
    text = render(to_document(record, NOW), to="md")
    for digest, name in ((record.etag, "etag"), (record.finding_sha256, "finding")):
        text = text.replace(digest, name.upper()).replace(f" {digest[:6]}\n", f" {name.upper()}\n")
    return re.sub(r"<!-- rightsize-stamp .* -->", "<!-- rightsize-stamp -->", text)


def check(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.md"
    if os.environ.get("RIGHTSIZE_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VERDICTS)
def test_whole_documents(name: str) -> None:
    check(name, markdown(VERDICTS[name]))


@pytest.mark.parametrize("reason", list(Reason))
def test_page_one_for_every_reason(reason: Reason) -> None:
    page_one = markdown(record_for(reason)).partition("\n## Appendix")[0] + "\n"
    check(f"reason-{reason.value.lower().replace('_', '-')}", page_one)


def test_nothing_but_the_day_changes_a_document() -> None:
    record = downgrade_record()
    early, late = to_document(record, NOW), to_document(record, NOW + timedelta(hours=5))
    assert early == late


def test_late_and_expired_documents_say_so() -> None:
    record = downgrade_record()
    late = to_document(record, NOW + timedelta(days=30))
    assert "A decision was due by 2026-12-15" in render(late, to="md")
    gone = to_document(record, NOW + timedelta(days=200))
    assert gone.status.startswith("EXPIRED")
    assert len({late.stamp, gone.stamp, to_document(record, NOW).stamp}) == 3


def test_an_exploratory_record_cannot_be_signed() -> None:
    record = a_record(evidence=an_evidence(exploratory=("a scorer was changed after answers",)))
    text = markdown(record)
    assert "EXPLORATORY" in text
    assert "[ ] accept" not in text


def test_imported_answers_are_named() -> None:
    assert "imported from another tool" in markdown(a_record(evidence=an_evidence(imported=True)))


def test_page_one_names_no_method() -> None:
    for record in VERDICTS.values():
        page_one = markdown(record).partition("\n## Appendix")[0].lower()
        for method in ("tango", "p-value", "holm", "bootstrap", "confidence", "interval", "alpha"):
            assert method not in page_one


def test_the_worst_case_comes_before_the_saving() -> None:
    body = markdown(downgrade_record()).partition("\n\n")[2]
    assert body.index("at worst 21") < body.index("2,483")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"agreed_on": None, "agreed_by": None}, "nobody agreed to it by name"),
        ({"agreed_by": "kim.lee"}, "Kim Lee agreed on a limit of 3 points"),
        ({"agreed_by": None}, "you agreed on a limit of 3 points"),
    ],
)
def test_who_agreed_to_the_limit(over: dict[str, object], words: str) -> None:
    assert words in markdown(downgrade_record(margin=a_margin(**over)))


def test_the_owners_words_are_used() -> None:
    text = markdown(downgrade_record(feature=a_feature(unit="queries")))
    assert "560 held-back queries" in text
    assert "one more wrong query may cost" in text
