from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.money.portfolio.overview import overview
from harness.record.model import DecisionRecord
from harness.tell.portfolio.spend import spend_section, team_section
from reports.document import Paragraph, Section, Table
from tests.support.record_parts import a_cost, a_feature
from tests.support.records import NOW, a_record


def spending(name: str, usd: str | None, **facts: Any) -> DecisionRecord:
    monthly = None if usd is None else Decimal(usd)
    return a_record(
        feature=a_feature(id=name, name=name, **facts),
        current_cost=a_cost(monthly=monthly, monthly_after_discounts=monthly),
    )


def section_of(*records: DecisionRecord) -> Section:
    return spend_section(overview(records, NOW.date()))


def tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def test_untagged_spend_is_called_out() -> None:
    section = section_of(
        spending("a", "10", cost_center=None), spending("b", "30", cost_center="c")
    )
    (called,) = [block for block in section.blocks if isinstance(block, Paragraph)]
    assert called.lead == "Without a cost centre."
    assert called.runs == ("USD 10.00 a month on 1 feature.",)
    (centres,) = [one for one in tables(section) if one.columns[0].text == "cost centre"]
    assert [row.cells[0] for row in centres.rows] == ["c", "(none)", "all"]


def test_nothing_is_called_out_when_everything_is_tagged() -> None:
    section = section_of(spending("a", "10", cost_center="c"))
    assert all(isinstance(block, Table) for block in section.blocks)


def test_the_ten_dearest_the_rest_and_the_unknown_have_their_rows() -> None:
    records = [spending(f"f{index:02}", str(index)) for index in range(12)]
    first = tables(section_of(*records, spending("unknown", None)))[0]
    assert len(first.rows) == 10 + 3
    assert first.rows[0].cells[3] == "USD 11.00"
    assert first.rows[0].cells[4] == "17 %"
    ends = [(row.cells[0], row.cells[3]) for row in first.rows[-3:]]
    assert ends[:2] == [("2 others", "USD 1.00"), ("all that is known", "USD 66.00")]
    assert ends[2][1] == "not known"


def test_no_known_spend_is_said() -> None:
    section = section_of(spending("a", None))
    assert section.blocks[0] == Paragraph(lead=None, runs=("None is known.",))


def test_each_group_says_how_many_of_its_features_are_known() -> None:
    records = [spending("a", "10", team="x"), spending("b", None, team="x")]
    teams = tables(team_section(overview(records, NOW.date())))[0]
    assert [row.cells[:3] for row in teams.rows] == [
        ("x", "1 of 2", "10.00"),
        ("all", "1 of 2", "10.00"),
    ]
