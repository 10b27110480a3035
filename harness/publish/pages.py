"""Records to the files of a review: a page a feature, the index, the CSV."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.publish.documents import to_document
from harness.publish.portfolio import to_portfolio
from harness.publish.spreadsheet import to_csv
from harness.publish.store import file_name, replace_text
from reports.render import render, render_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.record.model import DecisionRecord

_STAMP = re.compile(r"rightsize-stamp(?:\" content=\"| )([0-9a-zA-Z ]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """What was written, and what did not have to be."""

    written: tuple[Path, ...]
    unchanged: int
    index: Path


def publish(records: Sequence[DecisionRecord], out: Path, *, now: datetime) -> PublishReport:
    """Write `documents/`, the index and `portfolio.csv` under `out`, a review's folder."""
    folder = out / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(records, key=lambda record: record.feature.id)
    written: list[Path] = []
    for record in ordered:
        written += publish_one(record, folder, now=now)
    written += _publish_index(ordered, out, now=now)
    return PublishReport(
        written=tuple(written),
        unchanged=2 * len(ordered) + 3 - len(written),
        index=out / "index.html",
    )


def publish_one(record: DecisionRecord, folder: Path, *, now: datetime) -> list[Path]:
    """Write one feature's pages into `folder`; returns those that changed."""
    document = to_document(record, now)
    name = file_name(record.feature.id)
    paths = {"md": folder / f"{name}.md", "html": folder / f"{name}.html"}
    if all(stamp_of(path) == document.stamp for path in paths.values()):
        return []
    replace_text(paths["md"], render(document, to="md"))
    replace_text(paths["html"], render(document, to="html"))
    return list(paths.values())


def _publish_index(records: Sequence[DecisionRecord], out: Path, *, now: datetime) -> list[Path]:
    portfolio = to_portfolio(records, now)
    texts = {
        out / "index.html": render_index(portfolio, to="html"),
        out / "index.md": render_index(portfolio, to="md"),
        out / "portfolio.csv": to_csv(records),
    }
    changed = [path for path, text in texts.items() if not _holds(path, text)]
    for path in changed:
        replace_text(path, texts[path])
    return changed


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def stamp_of(path: Path) -> str | None:
    """What a page says that it was made of; None when it is not there or not ours."""
    if not path.is_file():
        return None
    match = _STAMP.search(path.read_text(encoding="utf-8", errors="replace"))
    return match[1].strip() if match is not None else None
