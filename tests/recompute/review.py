"""A published review: every record, every page in both forms."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.recompute.blocks import read_html, read_markdown
from tests.recompute.document import Document
from tests.recompute.figures import Truth
from tests.recompute.index import Index, check_table
from tests.recompute.match import Report

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


_QUARTER = re.compile(r"\d{4}-Q[1-4]")


def recompute(folder: Path, day: date) -> Report:
    """Recompute every figure of a review's folder; `day` is the one that its index was made on."""
    report = Report()
    paths = sorted((folder / "records").glob("*.json"))
    _index(folder, day, [_feature(folder, path, report) for path in paths], report)
    return report


def recompute_feature(folder: Path, name: str) -> Report:
    """The same of one feature's record and both of its pages."""
    report = Report()
    _feature(folder, folder / "records" / f"{name}.json", report)
    return report


def _feature(folder: Path, path: Path, report: Report) -> Truth:
    truth = truth_of(path.read_text(encoding="utf-8"))
    for fault in truth.faults:
        report.add(f"records/{path.name}", "", fault)
    for ending, read in ((".md", read_markdown), (".html", read_html)):
        page = folder / "documents" / f"{path.stem}{ending}"
        found = read(page.read_text(encoding="utf-8"))
        Document(truth, found, report, f"documents/{page.name}").check()
    return truth


def recompute_index(folder: Path, day: date) -> Report:
    """The same of the index and the table alone."""
    report = Report()
    paths = sorted((folder / "records").glob("*.json"))
    _index(folder, day, [truth_of(path.read_text("utf-8")) for path in paths], report)
    return report


@cache
def truth_of(text: str) -> Truth:
    """A record's figures; worked out once, as bounds take a while."""
    return Truth(json.loads(text))


def _index(folder: Path, day: date, truths: list[Truth], report: Report) -> None:
    index = Index(truths, report, day, past_of(folder), bought_in(folder, day))
    for name, read in (("index.md", read_markdown), ("index.html", read_html)):
        index.check(read((folder / name).read_text(encoding="utf-8")), name)
    table = (folder / "portfolio.csv").read_text(encoding="utf-8")
    check_table(table, index, truths, "portfolio.csv")


def bought_in(folder: Path, day: date) -> list[dict[str, Any]]:
    """Capacity that is paid on a day, whatever is decided."""
    path = folder / "bought.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [one for one in found if one["until"] >= f"{day}"]


def past_of(folder: Path) -> list[dict[str, Any]]:
    """The newest records of the quarters before a review's, from the folders beside its own."""
    if not _QUARTER.fullmatch(folder.name):
        return []
    before = [
        beside
        for beside in sorted(folder.parent.iterdir())
        if _QUARTER.fullmatch(beside.name) and beside.name < folder.name
    ]
    return [record for beside in before for record in newest(beside / "records")]


def newest(folder: Path) -> list[dict[str, Any]]:
    """Of each feature the record of the highest version."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        name = record["feature"]["id"]
        version = int(path.stem[len(name) :].removeprefix(".v") or 1)
        if version > found.get(name, (0, {}))[0]:
            found[name] = version, record
    return [record for _, record in found.values()]
