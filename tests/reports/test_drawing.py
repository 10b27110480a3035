"""Laws of every picture, whatever its numbers and labels: what stands where, and what it tells."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import accumulate, combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reports.charts import lay_out
from reports.document import (
    Chart,
    CostQuality,
    Forest,
    Interval,
    Latency,
    MeasuredSeconds,
    Spot,
    Step,
    Waterfall,
)
from reports.drawing import EDGE, WIDTH, Block, Box, Caption, Drawing, Mark, Stroke, nice_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERS = st.floats(min_value=-1e9, max_value=1e9)
AMOUNTS = st.floats(min_value=0, max_value=1e9)
TEXTS = st.sampled_from(
    ["", " ", "limit -3", "claude-haiku-4-5", "W" * 60, "W-" * 20, "i" * 40, "\u6587" * 40]
) | st.text(max_size=8)
WORDS = {"caption": "c", "description": "d"}


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    def row() -> Interval:
        low, value, high = sorted(draw(NUMBERS) for _ in range(3))
        strong = draw(st.booleans())
        return Interval(label=draw(TEXTS), low=low, value=value, high=high, strong=strong)

    rows = tuple(row() for _ in range(draw(st.integers(1, 12))))
    return Forest(**WORDS, axis="points", limit=draw(NUMBERS), limit_label=draw(TEXTS), rows=rows)


def spots(least: int = 1) -> st.SearchStrategy[list[Spot]]:
    near = st.sampled_from([0.0, 1.0, 1.1, 100.0])
    spot = st.builds(
        Spot,
        label=TEXTS,
        monthly_usd=near | AMOUNTS,
        quality=near | NUMBERS,
        strong=st.booleans(),
    )
    return st.lists(spot, min_size=least, max_size=12)


@st.composite
def planes(draw: st.DrawFn) -> CostQuality:
    return CostQuality(
        **WORDS,
        x_axis=draw(TEXTS),
        y_axis=draw(TEXTS),
        floor=draw(st.none() | NUMBERS),
        floor_label=draw(TEXTS),
        spots=tuple(draw(spots())),
    )


@st.composite
def latencies(draw: st.DrawFn) -> Latency:
    time = st.none() | AMOUNTS
    timing = st.builds(MeasuredSeconds, label=TEXTS, p50=time, p95=time, p95_upper=time)
    return Latency(
        **WORDS,
        axis="seconds",
        limit=draw(time),
        limit_label=draw(TEXTS),
        rows=tuple(draw(st.lists(timing, min_size=1, max_size=12))),
    )


@st.composite
def waterfalls(draw: st.DrawFn) -> Waterfall:
    steps = draw(st.lists(st.builds(Step, label=TEXTS, usd=NUMBERS), max_size=8))
    start, end = draw(AMOUNTS), draw(AMOUNTS)
    low = min(end, *accumulate((step.usd for step in steps), initial=start))
    return Waterfall(
        **WORDS,
        axis="USD",
        start_label=draw(TEXTS),
        start_usd=start,
        steps=tuple(steps),
        end_label="proposed",
        end_usd=end,
        axis_from=draw(st.sampled_from([0.0, max(0.0, 0.9 * low)])),
    )


CHARTS = forests() | planes() | latencies() | waterfalls()
CROWDED = CostQuality(
    **WORDS,
    x_axis="USD",
    y_axis="points",
    floor=-1.0,
    floor_label="limit -1",
    spots=tuple(Spot(label="W" * 40, monthly_usd=1, quality=-1, strong=False) for _ in range(12)),
)


TINY = CostQuality(
    **WORDS,
    x_axis="USD",
    y_axis="points",
    floor=1e-260,
    floor_label="limit",
    spots=(Spot(label="a", monthly_usd=0, quality=0, strong=False),),
)


def within(inner: Box, outer: Box) -> bool:
    slack = 0.06  # places are rounded to a tenth
    return (
        inner.left >= outer.left - slack
        and inner.top >= outer.top - slack
        and inner.right <= outer.right + slack
        and inner.bottom <= outer.bottom + slack
    )


@given(CHARTS)
@example(CROWDED)
@example(TINY)
def test_every_label_stands_within_the_picture(chart: Chart) -> None:
    drawn = lay_out(chart)
    whole = Box(left=EDGE, top=0, right=WIDTH - EDGE, bottom=drawn.height)
    assert [label for label in drawn.labels if not within(label.box, whole)] == []


@given(CHARTS)
@example(CROWDED)
@example(TINY)
def test_no_two_labels_overlap(chart: Chart) -> None:
    labels = [label for label in lay_out(chart).labels if label.text]
    assert [pair for pair in combinations(labels, 2) if pair[0].box.overlaps(pair[1].box)] == []


@given(CHARTS)
@example(CROWDED)
@example(TINY)
def test_every_mark_stands_within_the_axes(chart: Chart) -> None:
    drawn = lay_out(chart)
    outside = [shape for shape in drawn.shapes if not within(extent(shape), drawn.plot)]
    assert all(isinstance(shape, Stroke) and is_tick(shape, drawn) for shape in outside)


def extent(shape: Stroke | Mark | Block) -> Box:
    if not isinstance(shape, Stroke):
        return shape.box
    (left, right), (top, bottom) = sorted((shape.x1, shape.x2)), sorted((shape.y1, shape.y2))
    return Box(left=left, top=top, right=right, bottom=bottom)


def is_tick(line: Stroke, drawn: Drawing) -> bool:
    return line.x1 == line.x2 and (line.y1, line.y2) == (drawn.plot.bottom, drawn.plot.bottom + 3)


def number(label: Caption) -> float:
    return float(label.text.replace(",", ""))


def reads(ticks: Sequence[tuple[float, float]], place: float, value: float) -> bool:
    """Whether who reads a place off the axis finds the number: within half a unit."""
    (at1, value1), (at2, value2) = ticks[0], ticks[-1]
    expected = at1 + (value - value1) * (at2 - at1) / (value2 - value1)
    return abs(expected - place) < 0.5


def ticks_across(drawn: Drawing) -> list[tuple[float, float]]:
    places = [s.x1 for s in drawn.shapes if isinstance(s, Stroke) and is_tick(s, drawn)]
    texts = [label for label in drawn.labels if label.y == drawn.plot.bottom + 15]
    found = list(zip(places, map(number, texts), strict=True))
    assume(len(found) > 1)
    return found


@given(forests())
def test_a_forest_tells_its_numbers(chart: Forest) -> None:
    drawn = lay_out(chart)
    ticks = ticks_across(drawn)
    marks = [shape for shape in drawn.shapes if isinstance(shape, Mark)]
    lines = [s for s in drawn.shapes if isinstance(s, Stroke) and s.tone in {"chosen", "other"}]
    (limit,) = (s for s in drawn.shapes if isinstance(s, Stroke) and s.tone == "limit")
    assert reads(ticks, limit.x1, chart.limit)
    for row, mark, line in zip(chart.rows, marks, lines, strict=True):
        assert reads(ticks, mark.x, row.value)
        assert reads(ticks, line.x1, row.low)
        assert reads(ticks, line.x2, row.high)
        assert mark.y == line.y1 == line.y2
        assert mark.form == ("diamond" if row.strong else "dot")


@given(planes())
def test_a_plane_tells_its_numbers(chart: CostQuality) -> None:
    drawn = lay_out(chart)
    across = ticks_across(drawn)
    up = [
        (label.y - 4, number(label))
        for label in drawn.labels
        if label.anchor == "end" and label.x < drawn.plot.left
    ]
    marks = [shape for shape in drawn.shapes if isinstance(shape, Mark)]
    floors = [s.y1 for s in drawn.shapes if isinstance(s, Stroke) and s.dashed]
    assert len(marks) == len(chart.spots)
    for spot in chart.spots:
        form = "diamond" if spot.strong else "dot"
        assert any(
            mark.form == form
            and reads(across, mark.x, spot.monthly_usd)
            and reads(up, mark.y, spot.quality)
            for mark in marks
        )
    assert len(floors) == (chart.floor is not None)
    assert all(chart.floor is not None and reads(up, y, chart.floor) for y in floors)


@given(latencies())
def test_a_latency_tells_its_numbers(chart: Latency) -> None:
    drawn = lay_out(chart)
    ticks = ticks_across(drawn)
    marks = iter(shape for shape in drawn.shapes if isinstance(shape, Mark))
    bounds = iter(s for s in drawn.shapes if isinstance(s, Stroke) and s.tone == "chosen")
    for row in chart.rows:
        for form, value in (("dot", row.p50), ("diamond", row.p95)):
            if value is not None:
                mark = next(marks)
                assert mark.form == form
                assert reads(ticks, mark.x, value)
        if row.p95 is not None and row.p95_upper is not None:
            assert reads(ticks, next(bounds).x2, row.p95_upper)
    assert (next(marks, None), next(bounds, None)) == (None, None)


@given(waterfalls())
def test_a_waterfall_tells_its_numbers(chart: Waterfall) -> None:
    drawn = lay_out(chart)
    ticks = ticks_across(drawn)
    first, *steps, last = (shape for shape in drawn.shapes if isinstance(shape, Block))
    assert reads(ticks, first.x2, chart.start_usd)
    assert reads(ticks, last.x2, chart.end_usd)
    level = chart.start_usd
    for step, bar in zip(chart.steps, steps, strict=True):
        assert reads(ticks, bar.x1, level)
        level += step.usd
        assert reads(ticks, bar.x2, level)
        assert bar.change
    assert not first.change
    assert not last.change


@given(CHARTS)
def test_every_label_s_text_is_the_document_s_or_a_number(chart: Chart) -> None:
    """Cut, wrapped or cleaned, but never anything else."""
    parts = getattr(chart, "rows", None) or getattr(chart, "spots", None) or chart.steps
    said = " ".join(
        str(value)
        for one in (chart, *parts)
        for key in one.__slots__
        if isinstance(value := getattr(one, key), str)
    )
    letters = {"-", "\u2026", "\ufffd", " "} | set(said)
    for label in lay_out(chart).labels:
        assert re.fullmatch(r"-?[\d,]+(\.\d+)?", label.text) or set(label.text) <= letters


@given(low=NUMBERS, span=st.floats(min_value=1e-6, max_value=1e9), most=st.integers(5, 9))
def test_ticks_are_round_evenly_spaced_and_within(low: float, span: float, most: int) -> None:
    high = low + span
    assume(high > low)
    ticks = nice_ticks(low, high, most)
    assert 2 <= len(ticks) <= most
    assert Decimal(str(low)) <= ticks[0]
    assert ticks[-1] <= Decimal(str(high))
    steps = {right - left for left, right in pairwise(ticks)}
    (step,) = steps
    assert step.normalize().as_tuple().digits in {(1,), (2,), (5,)}
    assert all(tick % step == 0 for tick in ticks)


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        pytest.param(0, 8, 6, "0 2 4 6 8", id="the ends belong to it"),
        pytest.param(-13.5, 1.2, 6, "-10 -5 0", id="across zero"),
        pytest.param(0, 3116, 6, "0 1000 2000 3000", id="thousands"),
        pytest.param(0, 0.05, 6, "0.00 0.01 0.02 0.03 0.04 0.05", id="hundredths"),
        pytest.param(0.1, 0.3, 3, "0.1 0.2 0.3", id="tenths that a float does not hold"),
        pytest.param(0, 0.051, 5, "0.00 0.02 0.04", id="one too many"),
    ],
)
def test_ticks_that_a_reader_can_check(low: float, high: float, most: int, ticks: str) -> None:
    assert " ".join(f"{tick:f}" for tick in nice_ticks(low, high, most)) == ticks


def test_a_chosen_option_s_label_is_next_to_its_mark() -> None:
    spots = tuple(
        Spot(label=f"model-{at}", monthly_usd=at * 100, quality=-at, strong=at == 2)
        for at in range(5)
    )
    chart = CostQuality(
        **WORDS, x_axis="USD", y_axis="points", floor=None, floor_label="", spots=spots
    )
    drawn = lay_out(chart)
    (mark,) = (s for s in drawn.shapes if isinstance(s, Mark) and s.form == "diamond")
    (label,) = (label for label in drawn.labels if label.text == "model-2")
    assert label.box.left - mark.x == 8
    assert label.box.top <= mark.y <= label.box.bottom
    assert not [s for s in drawn.shapes if isinstance(s, Stroke) and s.y1 != s.y2 and s.width < 1]
