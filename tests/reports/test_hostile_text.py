from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from harness.money.portfolio.overview import overview
from harness.tell.facts import read_facts
from harness.tell.pages import to_document
from harness.tell.portfolio.index import to_portfolio
from harness.tell.portfolio.spreadsheet import to_csv
from reports.render import render, render_index
from tests.support.browser import View, chromium, opened, others
from tests.support.hostile import PAYLOADS, hostile_records
from tests.support.record_parts import a_feature
from tests.support.records import NOW, decided, downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "strong"),
    *("code", "a", "ul", "li", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("span", "wbr", "figure", "figcaption", "section", "nav", "details", "summary"),
    *("svg", "desc", "path", "text"),
}
RECORDS = [
    made
    for record in (
        decided(downgrade_record()),
        decided(justify_record()),
        undecided_record(),
    )
    for made in hostile_records(record, PAYLOADS)
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 200


def assert_harmless(page: str) -> None:
    parser = Tags()
    parser.feed(page)
    for tag, attributes in parser.tags:
        assert tag in ALLOWED
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        link = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert re.match(r"^(#[\w-]+$|#$|documents/|portfolio\.csv$|\.\./index\.html$)", link), link
    assert len(page) < 600_000


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_no_text_becomes_markup_in_html(record: DecisionRecord) -> None:
    assert_harmless(render(to_document(record, NOW), to="html"))


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_no_text_becomes_markup_in_markdown(record: DecisionRecord) -> None:
    text = render(to_document(record, NOW), to="md")
    assert len(text) < 300_000
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not kinds & {"image", "blockquote_code", "s_open", "hr", "code_block"}
    links = [str(child.attrs["href"]) for child in inner if child.type == "link_open"]
    assert [link for link in links if not re.match(r"#[\w%-]+$|\.\./index\.md$", link)] == []
    assert {token.content.strip() for token in inner if token.type == "html_inline"} <= {"<!-- -->"}
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert len(blocks) == 1
    assert blocks[0].startswith("<!-- rightsize-stamp ")
    assert (
        len([token for token in tokens if token.type == "heading_open" and token.tag == "h1"]) == 1
    )
    assert_tables_are_whole(tokens)


def assert_tables_are_whole(tokens: list) -> None:  # type: ignore[type-arg]
    width = cells = 0
    for token in tokens:
        match token.type:
            case "thead_open":
                width = 0
            case "th_open":
                width += 1
            case "tr_open":
                cells = 0
            case "td_open":
                cells += 1
            case "tr_close":
                assert cells in {0, width}


def test_the_index_and_the_table_hold() -> None:
    records = [
        record.model_copy(update={"feature": record.feature.model_copy(update={"id": f"f{at}"})})
        for at, record in enumerate(RECORDS)
    ]
    assert_harmless(render_index(to_portfolio(records, NOW), to="html"))
    figures = overview([read_facts(record, NOW).record for record in records], NOW.date())
    rows = list(csv.reader(StringIO(to_csv(figures))))
    assert {len(row) for row in rows} == {len(rows[0])}
    for row in rows[1:]:
        assert not [c for c in row if c[:1] in {"=", "+", "@"} or re.match(r"-(?![\d.]+$)", c)]
        assert all(len(cell) < 1000 for cell in row)


@pytest.mark.browser
def test_nothing_executes_and_nothing_breaks_the_layout(tmp_path: Path) -> None:
    with chromium() as browser:
        for at, record in enumerate(RECORDS):
            path = tmp_path / f"{at}.html"
            path.write_text(render(to_document(record, NOW), to="html"), encoding="utf-8")
            with opened(browser, path, View(width=390)) as found:
                assert found.said == []
                assert others(found, path) == []
                assert found.overflow <= 0
                assert found.page.title() == " ".join(found.page.title().split())


def test_a_name_from_the_right_stays_within_its_cell() -> None:
    record = downgrade_record(feature=a_feature(name="\u05e9\u05dc\u05d5\u05dd"))
    assert "unicode-bidi: isolate" in render(to_document(record, NOW), to="html")
