from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from harness.conduct.concluding.verifying import compare_findings
from tests.support.record_numbers import change
from tests.support.records import decided, downgrade_record, justify_record


def test_the_same_finding_is_the_same_whatever_was_decided() -> None:
    record = downgrade_record()
    later = record.model_copy(update={"generated_at": datetime(2027, 1, 1, tzinfo=UTC)})
    assert compare_findings(decided(record), later).same


def test_a_realised_saving_is_no_finding() -> None:
    record = downgrade_record()
    assert record.savings is not None
    billed = record.savings.model_copy(update={"realised": Decimal(1)})
    assert compare_findings(record.model_copy(update={"savings": billed}), record).same


def test_a_changed_number_is_named() -> None:
    record = downgrade_record()
    found = compare_findings(change(record, ("options", 2, "quality", "worst")), record)
    assert not found.same
    assert found.differences[1:] == (
        "options.2.quality.worst: -4.4 in the record, -2.1 recomputed",
    )
    assert found.differences[0].startswith("finding_sha256: ")


def test_another_verdict_gives_few_lines() -> None:
    found = compare_findings(downgrade_record(), justify_record())
    assert not found.same
    assert len(found.differences) == 20
    assert any("4 entries in the record, 3 recomputed" in line for line in found.differences)


def test_a_prompt_tried_later_is_no_other_finding() -> None:
    record = downgrade_record()
    tried = [one.model_copy(update={"prompts_tried": 7}) for one in record.options]
    again = record.model_copy(update={"options": tuple(tried)})
    assert compare_findings(record, again).same
