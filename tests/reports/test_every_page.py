"""The pages of a review that was really run, over local servers; the demo's own are opened by

python -m tests.support.every_page rightsizing-demo/reviews/2026-Q4
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.record.stored import read_records, write_records
from harness.tell.pages import publish, to_sheets
from harness.tell.portfolio.index import to_portfolio
from reports.render import render_index
from tests.recompute.review import recompute, recompute_feature
from tests.support.browser import View, chromium, opened
from tests.support.every_page import VIEWS, pages, problems
from tests.support.kinds import LATER, forty_of, run_every_kind, run_spent
from tests.support.reviews import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.no_cover, pytest.mark.xdist_group("every-page")]

READ = "phone-dark"
"""The view that axe-core reads here, as it takes seconds a page; the command reads all."""
WITH_ALL = {"index", "meeting", "2026-11", "tickets"}
"""`meeting` holds page one of every kind: what colours and paper change is looked at on these."""
EVERY = {"wide-light", "phone-light"}
"""Views in which each page is opened."""
DOCUMENTS = {"tickets", "mails", "faxes", "calls", "chats", "own", "waits"}
A4_PX = {"wide": 703, "high": 1032}
"""What is left of a sheet within margins of 12 mm, at 96 pixels an inch."""


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of page, from workspace to pages."""
    return run_every_kind(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_spent(tmp_path_factory.mktemp("spent"))


@pytest.fixture(scope="module")
def forty(review: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index and the sheets of forty features alone."""
    folder = tmp_path_factory.mktemp("forty")
    records = forty_of(read_records(review))
    page = render_index(to_portfolio(records, NOW), to="html")
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "meeting.html").write_text(to_sheets(records, NOW), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("view", list(VIEWS))
def test_nothing_is_wrong_with_any_page(
    review: Path, spent: Path, forty: Path, browser: Browser, view: str
) -> None:
    opened_here = {
        path.stem: path
        for path in (*pages(review), review / "meeting.html")
        if view in EVERY or path.stem in WITH_ALL
    }
    found = {
        name: [*problems(browser, path, view, read=view == READ)]
        for name, path in opened_here.items()
    }
    assert set(found) == WITH_ALL | (DOCUMENTS if view in EVERY else set())
    for path in (spent / "documents" / "tickets.html", forty / "index.html"):
        found[str(path)] = [*problems(browser, path, view, read=False)]
    assert not any(found.values()), found


def test_every_figure_of_the_rarer_kinds_follows(review: Path, spent: Path, tmp_path: Path) -> None:
    """Own hardware, missing labels, a spent set; `tests/recompute` has a company of the others."""
    rare = [one for one in read_records(review) if one.feature.id in {"own", "waits"}]
    write_records(rare, tmp_path)
    publish(read_records(tmp_path), tmp_path, now=NOW)
    for folder, day in ((tmp_path, NOW), (spent, LATER)):
        report = recompute(folder, day.date())
        assert [f"{one.where}: {one.why}: {one.text}" for one in report.findings] == []
        assert report.figures > 400
    for place in (r"([\d.]+) % of the capacity stands idle", r"no more than big from ([\d,]+) ",
                  r"\| committed hours \| USD ([\d.]+)"):  # fmt: skip
        page = tmp_path / "documents" / "own.md"
        text = page.read_text(encoding="utf-8")
        found = re.search(place, text)
        assert found is not None, place
        page.write_text(f"{text[: found.start(1)]}7{text[found.end(1) :]}", encoding="utf-8")
        assert recompute_feature(tmp_path, "own").findings != [], place
        page.write_text(text, encoding="utf-8")


def test_the_sheets_of_a_meeting_are_one_a_feature(forty: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto((forty / "meeting.html").as_uri())
    sheets = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    titles = page.eval_on_selector_all("article h2.title", "all => all.map(one => one.innerText)")
    page.close()
    assert sheets == len(titles) == len(set(titles)) == 40
    assert titles[0].startswith("Switch topic of")


def test_a_sheet_says_what_the_document_says(review: Path, browser: Browser) -> None:
    with opened(browser, review / "meeting.html") as found:
        sheets = found.page.eval_on_selector_all("article", "all => all.map(one => one.innerText)")
    told = {" ".join(sheet.split()) for sheet in sheets}
    for name in ("tickets", "own", "waits"):
        with opened(browser, review / "documents" / f"{name}.html") as found:
            text = " ".join(found.page.inner_text("main").split())
        body = text.partition("Appendix")[0].partition("All features of 2026-Q4 ")[2].strip()
        assert body in told, name


def test_printed_the_portfolio_has_its_first_part_on_one_sheet(
    review: Path, forty: Path, browser: Browser
) -> None:
    for folder in (review, forty):
        view = View(width=A4_PX["wide"], media="print")
        with opened(browser, folder / "index.html", view) as found:
            end = found.page.eval_on_selector(
                "main > section", "section => section.previousElementSibling"
                ".getBoundingClientRect().bottom"
            )  # fmt: skip
            bare = found.page.eval_on_selector_all(
                "main > section", "all => all.map(one => one.innerText.trim().split('\\n'))"
                ".filter(lines => lines.length < 2)"
            )  # fmt: skip
        assert 0 < end <= A4_PX["high"]
        assert bare == []


@pytest.mark.parametrize("name", ["index", "meeting", "documents/own", "documents/chats"])
def test_printed_nothing_is_cut_and_no_badge_breaks(
    review: Path, browser: Browser, name: str
) -> None:
    view = View(width=A4_PX["wide"], media="print")
    with opened(browser, review / f"{name}.html", view) as found:
        cut = found.page.eval_on_selector_all(
            "main *", "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 1)"
            ".map(one => one.outerHTML.slice(0, 80))"
        )  # fmt: skip
        lines = found.page.eval_on_selector_all(
            "td .badge", "all => all.map(one => one.getClientRects().length)"
        )
    assert cut == []
    assert set(lines) <= {1}
