"""`report`: a review's records as documents."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from harness.conduct.concluding.past import PastReview
from harness.conduct.opening import utc_now
from harness.record.stored import read_records
from harness.tell.pages import publish


def report(past: PastReview, *, now: datetime | None = None) -> tuple[Path, ...]:
    """Write a cycle's documents again from its records; returns those wanted, the index last.

    Raises:
        UsageError: there are no records, one that is named is not there, or one cannot be read.
    """
    moment = now or utc_now()
    folder = past.folder(moment.date())
    shown = past.records(moment.date())
    publish(read_records(folder), folder, now=moment)
    pages = [folder / "documents" / f"{record.feature.id}.html" for record in shown]
    return (*pages, folder / "index.html")
