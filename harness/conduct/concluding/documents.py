"""`report`: a review's records as documents, as files for others to take away, a month's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from harness.conduct.concluding.past import PastReview
from harness.conduct.opening import utc_now
from harness.errors import UsageError
from harness.money.portfolio.overview import Overview, overview
from harness.record.model import DecisionRecord
from harness.record.stored import read_every, read_records
from harness.tell.facts import read_facts
from harness.tell.pages import publish, publish_month, to_sheets
from harness.tell.portfolio.message import to_message
from harness.tell.portfolio.monthly import month_of
from harness.tell.portfolio.spreadsheet import to_csv
from harness.tell.portfolio.workbook import to_xlsx


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a file is made of: records on a day, and where the whole page lies."""

    records: tuple[DecisionRecord, ...]
    on: datetime
    page: str

    @property
    def figures(self) -> Overview:
        plain = [read_facts(one, self.on).record for one in self.records]
        return overview(plain, self.on.date())


FILES: Mapping[str, Callable[[_Wanted], bytes]] = {
    ".txt": lambda wanted: to_message(wanted.figures, wanted.page).encode(),
    ".csv": lambda wanted: to_csv(wanted.figures).encode(),
    ".xlsx": lambda wanted: to_xlsx(wanted.figures),
    ".html": lambda wanted: to_sheets(wanted.records, wanted.on).encode(),
}
"""What a file's ending asks for: a message for a chat, tables for finance, sheets for a meeting."""


def report_files(
    past: PastReview, files: tuple[Path, ...], *, now: datetime | None = None
) -> tuple[Path, ...]:
    """Write the wanted features of a cycle, as they stand, to files by their ending.

    Raises:
        UsageError: there are no records, one cannot be read, an ending is not known, or a file
            cannot be written.
    """
    moment = now or utc_now()
    unknown = [path for path in files if path.suffix not in FILES]
    if unknown:
        raise UsageError(f"--out {unknown[0]}: not one of {', '.join(FILES)}")
    records = past.records(moment.date())
    page = _shown(past.folder(moment.date()) / "index.html", past.root)
    wanted = _Wanted(records=records, on=moment, page=page)
    for path in files:
        made = FILES[path.suffix](wanted)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
        except OSError as error:
            raise UsageError(f"--out {path}: cannot be written ({error.strerror})") from None
    return files


def _shown(page: Path, root: Path) -> str:
    """Where a colleague finds the page: within the workspace where it lies there."""
    inside = page.is_relative_to(root)
    return (page.relative_to(root) if inside else page).as_posix()


def report_month(past: PastReview, first: date, *, now: datetime | None = None) -> tuple[Path, ...]:
    """Write the page of the month that begins on a day, over every cycle's records.

    Raises:
        UsageError: the month has not begun, no record is that old, or one cannot be read.
    """
    moment = now or utc_now()
    reviews = past.out or past.root / "reviews"
    return publish_month(read_every(reviews), month_of(first, moment.date()), reviews, now=moment)
