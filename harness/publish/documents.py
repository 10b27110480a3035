"""A record to its document: needs nothing but the record and the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.appendix import appendix
from harness.publish.facts import read_facts
from harness.publish.maker import maker_stamp
from harness.publish.page_one import page_one
from harness.publish.titles import status, title
from reports.document import Document

if TYPE_CHECKING:
    from datetime import datetime

    from harness.publish.facts import Facts
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
        appendix=appendix(facts.record),
        stamp=stamp(facts),
    )


def stamp(facts: Facts) -> str:
    """What the document is made of: the record, what the day does to it, and its makers."""
    day = "expired" if facts.expired else "overdue" if facts.overdue else "current"
    return f"{facts.record.etag} {day} {maker_stamp()}"
