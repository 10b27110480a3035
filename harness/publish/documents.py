"""A record to its document: needs nothing but the record and the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.appendix import appendix
from harness.publish.facts import Facts, read_facts
from harness.publish.maker import maker_stamp
from harness.publish.page_one import page_one
from harness.publish.titles import status, title
from reports.document import Document

if TYPE_CHECKING:
    from datetime import datetime

    from harness.record.model import DecisionRecord


def to_document(record: DecisionRecord, now: datetime) -> Document:
    """Word everything that people read about one feature.

    `now` only decides whether the evidence is expired or the decision overdue.
    """
    facts = read_facts(record, now)
    return Document(
        title=title(facts.record),
        status=status(facts),
        page=page_one(facts),
        appendix=appendix(facts.record.model_copy(update={"state": facts.state})),
        stamp=stamp_for(record, now),
    )


def stamp_for(record: DecisionRecord, now: datetime) -> str:
    """What a document is made of: the record, what the day does to it, and its makers."""
    facts = Facts(record=record, today=now.date())
    day = "overdue" if facts.overdue else facts.state.value.lower()
    return f"{record.etag} {day} {maker_stamp()}"
