"""Records to the files of a review: one page per feature, the index, the CSV.

A page depends on its record, the day, and the code and templates that make it. Its stamp names all
three, so a page whose stamp would not change is not rendered again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from multiprocessing import get_context
from pathlib import Path

from harness.errors import Faults
from harness.money.owned.bought import bought_of
from harness.money.portfolio.overview import overview
from harness.money.portfolio.to_do import to_do
from harness.record.model import DecisionRecord
from harness.record.stored import file_name, read_past, replace_text
from harness.tell.appendix.appendix import appendix
from harness.tell.facts import Facts, read_facts
from harness.tell.page.action import badge
from harness.tell.page.page_one import page_one
from harness.tell.page.titles import status, title
from harness.tell.portfolio.index import to_portfolio
from harness.tell.portfolio.monthly import Period, monthly_page
from harness.tell.portfolio.spreadsheet import to_csv
from harness.tell.words import day, series
from harness.wording import plural
from reports.document import Document, Link, Sheets
from reports.render import render, render_index, render_sheets


@cache
def maker_stamp() -> str:
    """A short hash of the code and templates that word and render pages."""
    digest = hashlib.sha256()
    for package in ("harness.tell", "reports"):
        for content in _contents(files(package)):
            digest.update(content)
    return digest.hexdigest()[:12]


def _contents(folder: Traversable) -> Iterator[bytes]:
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if item.is_file():
            yield item.read_bytes()
        elif item.name != "__pycache__":
            yield from _contents(item)


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
        badge=badge(facts),
        home=Link(text=f"All features of {record.cycle}", page="../index"),
    )


def stamp_for(record: DecisionRecord, now: datetime) -> str:
    """The stamp of a document: its record, its state on the day, and `maker_stamp`."""
    facts = Facts(record=record, today=now.date())
    day = "overdue" if facts.overdue else facts.state.value.lower()
    return f"{record.etag} {day} {maker_stamp()}"


PAGES = "its pages could not be made"
_WORTH_PROCESSES = 16
"""Fewer pages than this are rendered faster than a process pool starts."""
_CHUNK = 8
_STAMP = re.compile(r"rightsize-stamp(?:\" content=\"| )([0-9a-zA-Z ]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """Which files were written, and which were up to date."""

    written: tuple[Path, ...]
    unchanged: int
    index: Path


def publish(
    records: Sequence[DecisionRecord],
    out: Path,
    *,
    now: datetime,
    workers: int | None = None,
    faults: Faults | None = None,
) -> PublishReport:
    """Write `documents/`, the index and `portfolio.csv` under `out`, a review's folder.

    The index also looks back on the cycles beside `out`. A page whose record and makers have not
    changed is left alone. Many pages are rendered in processes, `workers` of them (default: one
    per processor). Every page that can be made is, whatever is wrong with another's record: that
    is raised at the end, or kept in `faults` where they are given.
    """
    kept = Faults() if faults is None else faults
    folder = out / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(records, key=lambda record: record.feature.id)
    stale = [record for record in ordered if not _is_current(record, folder, now)]
    written: list[Path] = []
    for record, pages in _render_all(stale, folder, now, workers or os.cpu_count() or 1):
        written += kept.attempt(record.feature.id, PAGES, pages) or []
    index = partial(_publish_index, ordered, out, now=now)
    written += kept.attempt("the index", PAGES, index) or []
    if faults is None and kept.found:
        raise kept.found[0].error
    return PublishReport(
        written=tuple(written),
        unchanged=2 * len(ordered) + 3 - len(written),
        index=out / "index.html",
    )


def publish_one(record: DecisionRecord, folder: Path, *, now: datetime) -> list[Path]:
    """Write one feature's pages into `folder`."""
    document = to_document(record, now)
    folder.mkdir(parents=True, exist_ok=True)
    paths = _paths(record, folder)
    replace_text(paths[0], render(document, to="md"))
    replace_text(paths[1], render(document, to="html"))
    return list(paths)


def _render_all(
    records: Sequence[DecisionRecord], folder: Path, now: datetime, workers: int
) -> Iterator[tuple[DecisionRecord, Callable[[], list[Path]]]]:
    """Render each record; the callable returns its pages or raises why there are none."""
    one = partial(publish_one, folder=folder, now=now)
    if len(records) < _WORTH_PROCESSES or workers == 1:
        for record in records:
            yield record, partial(one, record)
        return
    # Spawned, not forked: a review's process has threads, and a fork of those may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        pages = pool.map(partial(_one_or_why, one), records, chunksize=_CHUNK)
        for record, made in zip(records, pages, strict=True):
            yield record, partial(_given, made)


def _one_or_why(
    one: Callable[[DecisionRecord], list[Path]], record: DecisionRecord
) -> list[Path] | Exception:
    """Render in a worker process; errors are returned, as raising would lose the whole chunk."""
    try:
        return one(record)
    except Exception as error:  # noqa: BLE001  # raised again where it is kept from the others
        return error


def _given(made: list[Path] | Exception) -> list[Path]:
    if isinstance(made, Exception):
        raise made
    return made


def _paths(record: DecisionRecord, folder: Path) -> tuple[Path, Path]:
    name = file_name(record.feature.id)
    return folder / f"{name}.md", folder / f"{name}.html"


def _is_current(record: DecisionRecord, folder: Path, now: datetime) -> bool:
    wanted = stamp_for(record, now)
    return all(stamp_of(path) == wanted for path in _paths(record, folder))


def _publish_index(records: Sequence[DecisionRecord], out: Path, *, now: datetime) -> list[Path]:
    portfolio = to_portfolio(records, now, read_past(out), bought_of(out))
    plain = [read_facts(record, now).record for record in records]
    texts = {
        out / "index.html": render_index(portfolio, to="html"),
        out / "index.md": render_index(portfolio, to="md"),
        out / "portfolio.csv": to_csv(overview(plain, now.date())),
    }
    changed = [path for path, text in texts.items() if not _holds(path, text)]
    for path in changed:
        replace_text(path, texts[path])
    return changed


def publish_month(
    records: Sequence[DecisionRecord], month: Period, reviews: Path, *, now: datetime
) -> tuple[Path, ...]:
    """Write a month's page into `monthly/` of a folder of reviews: HTML and Markdown."""
    page = monthly_page(records, month, now)
    folder = reviews / "monthly"
    folder.mkdir(parents=True, exist_ok=True)
    html, text = (folder / f"{month.first:%Y-%m}.{ending}" for ending in ("html", "md"))
    replace_text(html, render_index(page, to="html"))
    replace_text(text, render_index(page, to="md"))
    return html, text


def to_sheets(records: Sequence[DecisionRecord], now: datetime) -> str:
    """Page one of each feature in one HTML file for a meeting: what is to be done first, by money.

    Printed, it is one sheet a feature.
    """
    plain = [read_facts(record, now).record for record in records]
    tasks = to_do(overview(plain, now.date()))
    asked = list(dict.fromkeys(task.feature.record.feature.id for task in tasks))
    ordered = sorted(
        records,
        key=lambda record: (
            asked.index(record.feature.id) if record.feature.id in asked else len(asked),
            record.feature.id,
        ),
    )
    cycles = series(sorted({record.cycle for record in records}))
    return render_sheets(
        Sheets(
            title=f"Right-sizing {cycles}: {plural(len(ordered), 'feature')}, one sheet each",
            status=f"In the order of what is to be done, most money first \u00b7 as it stands on "
            f"{day(now)} \u00b7 printed, each feature is one sheet",
            documents=tuple(to_document(record, now) for record in ordered),
            stamp=" ".join(stamp_for(record, now) for record in ordered),
        )
    )


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def stamp_of(path: Path) -> str | None:
    """The stamp in a page; None where the page is absent or has none."""
    if not path.is_file():
        return None
    match = _STAMP.search(path.read_text(encoding="utf-8", errors="replace"))
    return match[1].strip() if match is not None else None
