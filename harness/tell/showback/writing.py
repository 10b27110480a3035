"""A showback's files: pages in HTML and Markdown, the lines as CSV, and in the shape of FOCUS."""

from __future__ import annotations

from pathlib import Path

from harness.money.spend.showback import ShownBack
from harness.record.stored import replace_text
from harness.tell.showback.page import to_showback
from harness.tell.showback.phrases import page_name
from harness.tell.showback.tables import focus_csv, lines_csv
from reports.render import render_index


def write_showback(shown: ShownBack, folder: Path, *, made_up: bool = False) -> tuple[Path, ...]:
    """Write the page of all spend, one a team, and the tables; returns them, the index first."""
    pages = {"index": "", **{f"teams/{page_name(one.team)}": one.team for one in shown.teams}}
    (folder / "teams").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, team in pages.items():
        page = to_showback(shown, team, made_up=made_up)
        for ending in ("html", "md"):
            path = folder / f"{name}.{ending}"
            replace_text(path, render_index(page, to=ending))
            written.append(path)
    tables = {"showback.csv": lines_csv(shown.whole.now), "focus.csv": focus_csv(shown)}
    for name, text in tables.items():
        replace_text(folder / name, text)
        written.append(folder / name)
    return tuple(written)
