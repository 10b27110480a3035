"""Records and a lock as they were signed before later keys came: files, not made by this code.

They were written at commit 9216a7e, by `dump` and `write_lock`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.conduct.concluding.verifying import compare_findings
from harness.record.lock import LOCK_FILE, entry_of, read_lock, write_lock
from harness.record.model import dump, seal
from harness.record.money import CascadeMonth
from harness.record.stored import read_record
from harness.tell.repricing import not_repriced, recorded_rates, reprice

SIGNED = Path(__file__).parent / "signed_before"
RECORDS = sorted(SIGNED.glob("*.json"))
ENDS = date(2027, 3, 3)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_signed_record_keeps_its_bytes_and_its_hashes(path: Path) -> None:
    record = read_record(path)
    assert dump(record) == path.read_text(encoding="utf-8")
    assert seal(record) == record
    assert reprice(record, recorded_rates(record), as_of=ENDS).etag == record.etag


def test_a_signed_lock_keeps_its_bytes() -> None:
    text = (SIGNED / LOCK_FILE).read_text(encoding="utf-8")
    assert write_lock(read_lock(text)) == text


def test_entries_without_a_cascade_are_written_as_they_were() -> None:
    before = read_lock((SIGNED / LOCK_FILE).read_text(encoding="utf-8")).features
    for path in RECORDS:
        record = read_record(path)
        if not any(option.cascade for option in record.options):
            assert entry_of(record, ends_on=ENDS) == before[record.feature.id]


def test_a_cascade_that_was_signed_before_keeps_its_month_and_is_named() -> None:
    record = read_record(SIGNED / "tickets.json")
    after = reprice(record, {"big": recorded_rates(record)["good"]}, as_of=ENDS)
    assert not_repriced(record) == ("good+not-unsure",)
    assert after.options[1].cost == record.options[1].cost
    assert after.current_cost.monthly != record.current_cost.monthly


def test_where_production_reads_a_model_is_no_other_finding() -> None:
    record = read_record(SIGNED / "tickets.json")
    for name, value in (("used_in", "shop:b.toml#llm"), ("owner", "eve@example.com")):
        feature = record.feature.model_copy(update={name: value})
        assert compare_findings(record, record.model_copy(update={"feature": feature})).same
    riskier = record.feature.model_copy(update={"risk": "high"})
    assert not compare_findings(record, record.model_copy(update={"feature": riskier})).same


def test_what_a_record_could_not_say_yet_is_no_difference() -> None:
    record = read_record(SIGNED / "tickets.json")
    alone, cascade = record.options
    month = CascadeMonth(
        first=alone.cost.portions,
        again=record.current_cost.portions,
        cases=300,
        gone_on=60,
        first_rates=alone.cost.rates,
    )
    facts = cascade.cascade.model_copy(update={"month": month})
    options = (alone, cascade.model_copy(update={"cascade": facts}))
    again = record.model_copy(update={"options": options})
    assert compare_findings(record, again).same
    assert not compare_findings(seal(again), record).same
