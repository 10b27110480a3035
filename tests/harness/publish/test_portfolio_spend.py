from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.publish.portfolio_spend import spend_section
from harness.record.model import DecisionRecord
from reports.document import Paragraph, Section, Table
from tests.support.record_parts import a_cost, a_feature
from tests.support.records import a_record


def spending(name: str, usd: str | None, **facts: Any) -> DecisionRecord:
    monthly = None if usd is None else Decimal(usd)
    return a_record(
        feature=a_feature(id=name, name=name, **facts), current_cost=a_cost(monthly=monthly)
    )


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def test_untagged_spend_is_called_out() -> None:
    section = spend_section(
        [spending("a", "10", cost_center=None), spending("b", "30", cost_center="c")]
    )
    (called,) = [block for block in section.blocks if isinstance(block, Paragraph)]
    assert called.lead == "Without a cost centre."
    assert called.runs == ("USD 10.00 a month on 1 feature.",)
    last = tables(section)[-1]
    assert [row.cells[0] for row in last.rows] == ["c", "(none)"]


def test_nothing_is_called_out_when_everything_is_tagged() -> None:
    section = spend_section([spending("a", "10", cost_center="c")])
    assert all(isinstance(block, Table) for block in section.blocks)


def test_the_ten_dearest_with_their_owners() -> None:
    records = [spending(f"f{index:02}", str(index)) for index in range(12)]
    first = tables(spend_section([*records, spending("unknown", None)]))[0]
    assert len(first.rows) == 10
    assert first.rows[0].cells[3] == "USD 11.00"
    assert first.rows[0].cells[4] == "17 %"


def test_no_known_spend_is_said() -> None:
    section = spend_section([spending("a", None)])
    assert section.blocks == (Paragraph(lead=None, runs=("None is known.",)),)
