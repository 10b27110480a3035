from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from reports.charts import lay_out
from reports.document import (
    Bars,
    Chart,
    CostQuality,
    Forest,
    Interval,
    Latency,
    MeasuredSeconds,
    NamedAmount,
    Point,
    Scatter,
    Spot,
    Step,
    Waterfall,
)
from reports.drawing import WIDTH, Block, Mark, Stroke
from reports.render import draw


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  # drawn a moment ago


HOSTILE = "</svg><script>alert(1)</script>$x^2$ \u202e"


def forest(label: str = "haiku") -> Forest:
    return Forest(
        caption="Differences",
        description="What they are",
        axis="points",
        limit=-3,
        limit_label="limit -3",
        rows=(
            Interval(label=label, value=-0.4, low=-2.1, high=1.2, strong=True),
            Interval(label="nano", value=-9, low=-13, high=-5, strong=False),
        ),
    )


def cost_quality() -> CostQuality:
    return CostQuality(
        caption="c",
        description="d",
        x_axis="USD",
        y_axis="points",
        floor=91.8,
        floor_label="floor",
        spots=(
            Spot(label="a", monthly_usd=10, quality=90, strong=True),
            Spot(label="b", monthly_usd=99, quality=94, strong=False),
        ),
    )


def latency() -> Latency:
    return Latency(
        caption="c",
        description="d",
        axis="seconds",
        limit=8,
        limit_label="limit 8 s",
        rows=(
            MeasuredSeconds(label="a", p50=1.0, p95=2.0, p95_upper=3.0),
            MeasuredSeconds(label="b", p50=None, p95=None, p95_upper=None),
            MeasuredSeconds(label="c", p50=1.0, p95=2.0, p95_upper=None),
        ),
    )


def waterfall() -> Waterfall:
    return Waterfall(
        caption="c",
        description="d",
        axis="USD",
        start_label="today",
        start_usd=100,
        steps=(Step(label="price", usd=-60), Step(label="tokens", usd=5)),
        end_label="proposed",
        end_usd=45,
    )


def bars(label: str = "red") -> Bars:
    return Bars(
        caption="c",
        description="d",
        axis="USD",
        rows=(
            NamedAmount(label=label, value=90, text="USD 90", against=120, strong=True),
            NamedAmount(label="blue", value=-20, text="-20, dearer than it was"),
        ),
    )


def scatter() -> Scatter:
    return Scatter(
        caption="c",
        description="d",
        x_axis="% of today's month",
        y_axis="points",
        x_line=100,
        y_line=0,
        points=(
            Point(x=20, y=-1, form="diamond", label="chosen"),
            Point(x=20, y=-30, form="cross"),
            Point(x=60, y=2, form="ring"),
            Point(x=140, y=0, form="dot"),
        ),
    )


CHARTS = [
    pytest.param(bars(), id="bars"),
    pytest.param(scatter(), id="scatter"),
    pytest.param(forest(), id="forest"),
    pytest.param(cost_quality(), id="cost and quality"),
    pytest.param(latency(), id="latency"),
    pytest.param(waterfall(), id="waterfall"),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_the_same_chart_gives_the_same_bytes(chart: Chart) -> None:
    assert draw(chart, "a") == draw(chart, "a")


@pytest.mark.parametrize("chart", CHARTS)
def test_nothing_that_a_page_forbids_is_left(chart: Chart) -> None:
    text = draw(chart, "a")
    root = parse(text)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "desc", "path", "text"}
    for forbidden in ("style=", "href", "url(", "font-family"):
        assert forbidden not in text
    assert not re.search(r"\d{4}-\d\d-\d\d", text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("chart", CHARTS)
def test_every_id_stands_once_and_carries_the_chart_s_name(chart: Chart) -> None:
    root = parse(draw(chart, "chart7"))
    ids = [value for element in root.iter() if (value := element.get("id"))]
    assert ids == ["chart7-title", "chart7-desc"]
    assert root.get("aria-labelledby") == " ".join(ids)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_without_the_page_s_sheet_is_drawn_in_the_colour_of_its_text(chart: Chart) -> None:
    root = parse(draw(chart, "a"))
    paths = [element for element in root.iter() if element.tag.endswith("path")]
    assert root.get("fill") == "currentColor"
    assert {element.get("stroke") for element in paths} <= {"currentColor", None}


def test_a_chart_says_what_it_shows() -> None:
    root = parse(draw(forest(), "a"))
    names = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "a-title a-desc"
    assert names["a-title"] == "Differences"
    assert names["a-desc"] == "What they are"


def test_its_texts_are_texts() -> None:
    texts = [element.text for element in parse(draw(forest(), "a")).iter()]
    assert "haiku" in texts
    assert "limit -3" in texts


def test_hostile_labels_stay_text() -> None:
    text = draw(forest(HOSTILE), "a")
    assert "<script" not in text
    assert "\u202e" not in text
    parse(text)


def test_a_picture_without_a_limit_is_drawn() -> None:
    bare = Latency(
        caption="c",
        description="d",
        axis="s",
        limit=None,
        limit_label="",
        rows=(MeasuredSeconds(label="", p50=1.0, p95=None, p95_upper=None),),
    )
    assert "limit" not in draw(bare, "a")
    plain = CostQuality(
        caption="c",
        description="d",
        x_axis="x",
        y_axis="y",
        floor=None,
        floor_label="",
        spots=cost_quality().spots,
    )
    assert "floor" not in draw(plain, "a")


def test_every_form_of_a_point_is_another_outline() -> None:
    paths = [Mark(x=9, y=9, form=point.form, tone="ink").path for point in scatter().points]
    assert len({*paths}) == len(paths)


def test_name_and_amount_of_a_bar_do_not_meet_and_stand_within_the_picture() -> None:
    chart = bars("W" * 60)
    drawing = lay_out(chart)
    names = [label for label in drawing.labels if label.anchor == "start"]
    amounts = [label for label in drawing.labels if label.anchor == "end"]
    assert [label.text for label in amounts] == [row.text for row in chart.rows]
    for name, amount in zip(names, amounts, strict=True):
        assert not name.box.overlaps(amount.box)
        assert name.box.left >= 0
        assert amount.box.right <= WIDTH


def test_a_bar_s_line_stands_at_the_amount_that_it_is_held_against() -> None:
    drawing = lay_out(bars())
    first = next(shape for shape in drawing.shapes if isinstance(shape, Block))
    line = [shape for shape in drawing.shapes if isinstance(shape, Stroke)][1]
    assert line.x1 == line.x2 > first.x2 > first.x1
