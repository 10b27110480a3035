from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from harness.record.base import Reason
from harness.tell.pages import publish, to_document
from reports.document import Chart, CostQuality, Forest, Interval, Spot
from reports.drawing import WIDTH, Box
from reports.render import draw
from tests.support.browser import Opened, View, chromium, opened, others
from tests.support.document_text import texts
from tests.support.record_numbers import change
from tests.support.records import (
    NOW,
    a_feature,
    decided,
    downgrade_record,
    justify_record,
    record_for,
    undecided_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

VIEWS = [
    pytest.param(View(width=1280, scheme="light", media="screen"), id="wide light"),
    pytest.param(View(width=1280, scheme="dark", media="screen"), id="wide dark"),
    pytest.param(View(width=390, scheme="light", media="screen"), id="phone light"),
    pytest.param(View(width=390, scheme="dark", media="screen"), id="phone dark"),
    pytest.param(View(width=688, scheme="light", media="print"), id="print"),
]
MAIN = ("downgrade", "justify", "undecided", "signed")


def named(name: str) -> dict[str, object]:
    return {"feature": a_feature(id=name, name=f"Feature {name}")}


def portfolio() -> list[DecisionRecord]:
    return [
        downgrade_record(**named("downgrade")),
        justify_record(**named("justify")),
        undecided_record(**named("undecided")),
        decided(justify_record(**named("signed"))),
        *(record_for(reason, **named(reason.value.lower())) for reason in Reason),
    ]


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    publish(portfolio(), folder, now=NOW)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def assert_quiet(found: Opened, path: Path) -> None:
    assert found.said == []
    assert others(found, path) == []
    assert found.overflow <= 0


@pytest.mark.parametrize("view", VIEWS)
def test_pages_are_quiet_and_fit(review: Path, browser: Browser, view: View) -> None:
    for name in ("index", *(f"documents/{name}" for name in MAIN)):
        path = review / f"{name}.html"
        with opened(browser, path, view) as found:
            assert_quiet(found, path)


@pytest.mark.parametrize("view", [VIEWS[0], VIEWS[3]])
def test_everybody_can_read_the_pages(review: Path, browser: Browser, view: View) -> None:
    for name in ("index", "documents/downgrade", "documents/signed"):
        with opened(browser, review / f"{name}.html", view) as found:
            assert found.violations() == []


def test_every_reason_has_a_quiet_page(review: Path, browser: Browser) -> None:
    for reason in Reason:
        path = review / "documents" / f"{reason.value.lower()}.html"
        with opened(browser, path, View(width=390)) as found:
            assert_quiet(found, path)


@pytest.mark.parametrize("name", MAIN)
def test_every_text_of_a_document_is_visible(review: Path, browser: Browser, name: str) -> None:
    record = next(one for one in portfolio() if one.feature.id == name)
    with opened(browser, review / "documents" / f"{name}.html") as found:
        seen = found.text
    for text in texts(to_document(record, NOW)):
        assert " ".join(text.split()).replace("`", "") in seen


@pytest.mark.parametrize(
    "path",
    [
        ("savings", "one_off_cost"),
        ("margin", "value"),
        ("options", 2, "quality", "worst"),
        ("options", 2, "quality", "difference"),
        ("options", 2, "latency", "p95_upper_s"),
        ("options", 2, "error_break_even", "at_worst"),
        ("traffic", "requests_per_month"),
        ("evidence", "eval_set", "deciding"),
        ("decide_by",),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_changed_number_changes_what_is_seen_on_page_one(
    tmp_path: Path, browser: Browser, path: tuple[str | int, ...]
) -> None:
    seen = []
    for name, record in (("a", downgrade_record()), ("b", change(downgrade_record(), path))):
        publish([record], tmp_path / name, now=NOW)
        page = tmp_path / name / "documents" / "invoice-extraction.html"
        with opened(browser, page) as found:
            seen.append(found.text.partition("Appendix")[0])
    assert seen[0] != seen[1]


@pytest.mark.parametrize("name", MAIN)
def test_printed_as_it_opens_a_document_is_one_sheet_of_a4(
    review: Path, browser: Browser, name: str
) -> None:
    """The appendix is folded, and what is folded is not printed."""
    page = browser.new_page()
    page.goto((review / "documents" / f"{name}.html").as_uri())
    sheets = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    page.evaluate("document.querySelector('details').open = true")
    more = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    page.close()
    assert (sheets, more > 1) == (1, True)


def test_the_index_leads_to_every_document(review: Path, browser: Browser) -> None:
    with opened(browser, review / "index.html") as found:
        links = found.page.eval_on_selector_all(
            "#features a", "links => links.map(link => decodeURI(link.href))"
        )
        anchors = found.page.eval_on_selector_all(
            "nav a", "links => links.map(link => link.hash.slice(1))"
        )
        assert all(found.page.query_selector(f"#{anchor}") for anchor in anchors)
    assert sorted(links) == sorted(
        (review / "documents" / f"{one.feature.id}.html").as_uri() for one in portfolio()
    )


@pytest.mark.parametrize("width", [390, 688])
def test_no_line_breaks_within_a_day(review: Path, browser: Browser, width: int) -> None:
    for name in ("index", "documents/downgrade"):
        with opened(browser, review / f"{name}.html", View(width=width)) as found:
            heights = found.page.eval_on_selector_all(
                "td .kept", "days => days.map(day => day.getClientRects().length)"
            )
        assert heights
        assert set(heights) == {1}


CROWD = CostQuality(
    caption="c",
    description="d",
    x_axis="USD a month",
    y_axis="points, candidate minus today",
    floor=-3.0,
    floor_label="limit -3",
    spots=tuple(
        Spot(label=label, monthly_usd=100 * (at % 2), quality=-(at % 5) / 2, strong=at == 2)
        for at, label in enumerate(
            ("claude-haiku-4-5", "W" * 40, "i" * 40, "\u6587\u5b57" * 9, "qwen then opus, batch")
            * 2
        )
    ),
)
NAMED = Forest(
    caption="c",
    description="d",
    axis="points",
    limit=-3.0,
    limit_label="limit -3",
    rows=tuple(
        Interval(label=spot.label, value=-1, low=-4, high=12_000, strong=spot.strong)
        for spot in CROWD.spots
    ),
)


@pytest.mark.parametrize("chart", [CROWD, NAMED], ids=["crowded", "long names"])
def test_the_browser_s_own_boxes_of_labels_are_apart_and_within(
    tmp_path: Path, browser: Browser, chart: Chart
) -> None:
    path = tmp_path / "chart.html"
    style = '<body style="font-family: sans-serif">'
    path.write_text(f"<!doctype html>{style}{draw(chart, 'a')}</body>", encoding="utf-8")
    with opened(browser, path, View(width=390)) as found:
        boxes = found.page.eval_on_selector_all(
            "text",
            "all => all.map(text => text.getBBox()).map(b => [b.x, b.y, b.width, b.height])",
        )
        height = found.page.eval_on_selector("svg", "svg => svg.viewBox.baseVal.height")
    # Lines of text are set closer than the font's own height: half a unit of it may meet.
    seen = [
        Box(left=x, top=y + 0.5, right=x + width, bottom=y + tall - 0.5)
        for x, y, width, tall in boxes
    ]
    assert len(seen) > len(CROWD.spots)
    assert all(box.left >= 0 and box.right <= WIDTH for box in seen)
    assert all(box.top >= 0 and box.bottom <= height for box in seen)
    assert [pair for pair in combinations(seen, 2) if pair[0].overlaps(pair[1])] == []
