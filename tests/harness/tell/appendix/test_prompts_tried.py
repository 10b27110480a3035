"""How many prompts were tried for an option, where its search is known and where it is not."""

from __future__ import annotations

import pytest

from harness.tell.appendix.quality import quality_blocks
from reports.document import Table
from tests.support.records import downgrade_record


@pytest.mark.parametrize(
    ("ending", "tried", "shown"),
    [("", 0, "0"), ("", 7, "7"), ("~tuned", 9, "9"), ("~tuned", 0, "not known")],
)
def test_a_tuned_prompt_that_came_without_its_search_is_not_said_to_be_the_only_one(
    ending: str, tried: int, shown: str
) -> None:
    record = downgrade_record()
    first = record.options[0]
    target = first.target.model_copy(update={"option": f"{first.target.option}{ending}"})
    own = first.model_copy(update={"target": target, "prompts_tried": tried})
    record = record.model_copy(update={"options": (own, *record.options[1:])})
    tables = [block for block in quality_blocks(record) if isinstance(block, Table)]
    (told,) = [table for table in tables if table.caption == "What became of each option"]
    column = [each.text for each in told.columns].index("prompts tried")
    assert told.rows[0].cells[column] == shown
