"""The pictures of a document, laid out for inline SVG that looks right on paper, light and dark.

We draw them ourselves: they are a few lines, marks and labels, and a plotting library (with the
arrays, fonts and images that it needs) would take most of the base install and of a page's time.
The same chart gives the same bytes. What a mark means is told by its form and its place; its colour
repeats it. The first page's picture is drawn in plain text, too, for Markdown.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import dist
from typing import Literal

from reports.document import (
    Bars,
    Chart,
    CostQuality,
    Forest,
    Interval,
    Latency,
    NamedAmount,
    Scatter,
    Waterfall,
)
from reports.drawing import (
    EDGE,
    WIDTH,
    Axis,
    Block,
    Box,
    Caption,
    Drawing,
    Mark,
    Shape,
    Stroke,
    Tone,
    axis_over,
    centred,
    text_width,
)
from reports.untrusted import clean, clip

# In the drawing's units, and in letters.
_LINE = 14.0
_TOP = 18.0
_RIGHT = WIDTH - 8
_GUTTER = 164.0
_ROW_LETTERS = 22
_SPOT_LETTERS = 34
_GAP = 8.0
_PAD = 16.0
_MOST_BESIDE = 220.0
_BAR_ROW = 34.0
_BAR_LETTERS = 34
# Of a picture in plain text, in letters.
_COLUMNS = 49
_LABEL = 26


def lay_out(chart: Chart) -> Drawing:
    """Lay a chart out as a drawing."""
    match chart:
        case Forest():
            return _forest(chart)
        case CostQuality():
            return _cost_quality(chart)
        case Latency():
            return _latency(chart)
        case Waterfall():
            return _waterfall(chart)
        case Bars() | Scatter():
            return _bars(chart) if isinstance(chart, Bars) else _scatter(chart)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Named rows over one axis; `ys` are their middles."""

    axis: Axis
    plot: Box
    ys: tuple[float, ...]
    labels: tuple[Caption, ...]


def _rows(names: Sequence[str], numbers: Iterable[float], unit: str) -> _Rows:
    texts = [_wrapped(name) for name in names]
    ends = list(accumulate((_LINE * len(lines) + 9 for lines in texts), initial=_TOP))
    left = min(_GUTTER, max(text_width(line) for lines in texts for line in lines)) + 8
    plot = Box(left=left, top=_TOP, right=_RIGHT, bottom=ends[-1])
    axis = axis_over(numbers, left + 6, _RIGHT - 6)
    named = (
        Caption(text=line, x=left - 6, y=end + 15.5 + at * _LINE, anchor="end", room=_GUTTER)
        for end, lines in zip(ends, texts, strict=False)
        for at, line in enumerate(lines)
    )
    ys = tuple((top + bottom) / 2 for top, bottom in pairwise(ends))
    return _Rows(axis=axis, plot=plot, ys=ys, labels=(*named, *_under(plot, axis, unit)))


def _wrapped(name: str) -> list[str]:
    return textwrap.wrap(clean(name), _ROW_LETTERS, max_lines=2, placeholder="\u2026") or ["-"]


def _under(plot: Box, axis: Axis, unit: str) -> Iterator[Caption]:
    for text, x in axis.spaced_ticks().items():
        yield centred(text, x, plot.bottom + 15)
    yield centred(clean(unit), (plot.left + plot.right) / 2, plot.bottom + 30)


def _framed(plot: Box, axis: Axis, shapes: Iterable[Shape], labels: Iterable[Caption]) -> Drawing:
    foot = plot.bottom
    frame = (
        Stroke(x1=plot.left, y1=foot, x2=plot.right, y2=foot, tone="soft"),
        *(
            Stroke(x1=x, y1=foot, x2=x, y2=foot + 3, tone="soft")
            for x in axis.spaced_ticks().values()
        ),
    )
    return Drawing(height=foot + 34, plot=plot, shapes=(*frame, *shapes), labels=tuple(labels))


def _with_limit(rows: _Rows, shapes: Sequence[Shape], limit: float | None, text: str) -> Drawing:
    if limit is None:
        return _framed(rows.plot, rows.axis, shapes, rows.labels)
    x = rows.axis.at(limit)
    line = _limit(x1=x, y1=rows.plot.top, x2=x, y2=rows.plot.bottom)
    label = centred(clean(text), x, rows.plot.top - 5, "limit")
    return _framed(rows.plot, rows.axis, (line, *shapes), (*rows.labels, label))


def _limit(*, x1: float, y1: float, x2: float, y2: float) -> Stroke:
    return Stroke(x1=x1, y1=y1, x2=x2, y2=y2, tone="limit", width=1.6, dashed=True)


def _mark(x: float, y: float, *, strong: bool) -> Mark:
    return Mark(x=x, y=y, form="diamond" if strong else "dot", tone=_tone(strong=strong))


def _tone(*, strong: bool) -> Tone:
    return "chosen" if strong else "other"


def _forest(chart: Forest) -> Drawing:
    ends = (end for row in chart.rows for end in (row.low, row.value, row.high))
    rows = _rows([row.label for row in chart.rows], (0.0, chart.limit, *ends), chart.axis)
    at, plot = rows.axis.at, rows.plot
    shapes: list[Shape] = [
        Stroke(x1=at(0), y1=plot.top, x2=at(0), y2=plot.bottom, tone="soft", width=0.8)
    ]
    for row, y in zip(chart.rows, rows.ys, strict=True):
        tone, width = _tone(strong=row.strong), 3.0 if row.strong else 2.0
        shapes.append(Stroke(x1=at(row.low), y1=y, x2=at(row.high), y2=y, tone=tone, width=width))
        shapes.append(_mark(at(row.value), y, strong=row.strong))
    return _with_limit(rows, shapes, chart.limit, chart.limit_label)


def _latency(chart: Latency) -> Drawing:
    times = (time for row in chart.rows for time in (row.p50, row.p95, row.p95_upper))
    known = (time for time in (*times, chart.limit) if time is not None)
    rows = _rows([row.label for row in chart.rows], (0.0, *known), chart.axis)
    at = rows.axis.at
    shapes: list[Shape] = []
    for row, y in zip(chart.rows, rows.ys, strict=True):
        if row.p95 is not None and row.p95_upper is not None:
            x1, x2 = at(row.p95), at(row.p95_upper)
            shapes.append(Stroke(x1=x1, y1=y, x2=x2, y2=y, tone="chosen", width=2.5))
        if row.p50 is not None:
            shapes.append(_mark(at(row.p50), y, strong=False))
        if row.p95 is not None:
            shapes.append(_mark(at(row.p95), y, strong=True))
    return _with_limit(rows, shapes, chart.limit, chart.limit_label)


def _waterfall(chart: Waterfall) -> Drawing:
    levels = list(accumulate((step.usd for step in chart.steps), initial=chart.start_usd))
    names = (chart.start_label, *(step.label for step in chart.steps), chart.end_label)
    start = chart.axis_from
    rows = _rows(names, (start, *levels, chart.end_usd), chart.axis)
    at, (first, *middle, last) = rows.axis.at, rows.ys
    shapes: list[Shape] = [Block(x1=at(start), x2=at(chart.start_usd), y=first, tone="other")]
    for (before, after), y in zip(pairwise(levels), middle, strict=True):
        tone: Tone = "chosen" if after < before else "limit"
        shapes.append(Block(x1=at(before), x2=at(after), y=y, tone=tone, change=True))
    shapes.append(Block(x1=at(start), x2=at(chart.end_usd), y=last, tone="other"))
    if not chart.start_usd:
        x = at(0)
        shapes.append(Stroke(x1=x, y1=first - 8, x2=x, y2=first + 8, tone="ink", width=2.0))
    if start:
        shapes += [stroke for y in (first, last) for stroke in _break(at(start), y)]
    return _with_limit(rows, shapes, None, "")


def _break(x: float, y: float) -> Iterator[Stroke]:
    """Two slanted lines across a bar that begins before the axis does."""
    for more in (3.0, 7.0):
        left = x + more
        yield Stroke(x1=left, y1=y + 9, x2=left + 4, y2=y - 9, tone="ink", width=1.5)


def _bars(chart: Bars) -> Drawing:
    """Name and amount stand above each bar, so a long name takes no room from the bars."""
    ends = (end for row in chart.rows for end in (row.value, row.against) if end is not None)
    axis = axis_over((0.0, *ends), EDGE + 2, _RIGHT)
    shapes: list[Shape] = []
    labels: list[Caption] = []
    for at, row in enumerate(chart.rows):
        top = _TOP + at * _BAR_ROW
        shapes.extend(_bar(row, axis, top + 12))
        text = clean(row.text)
        room = _RIGHT - EDGE - text_width(text) - _GAP
        name = Caption(
            text=clip(row.label, _BAR_LETTERS) or "-", x=EDGE + 2, y=top, anchor="start", room=room
        )
        labels += [name, Caption(text=text, x=_RIGHT, y=top, anchor="end", room=_MOST_BESIDE)]
    plot = Box(left=EDGE, top=0, right=_RIGHT, bottom=_TOP + len(chart.rows) * _BAR_ROW - 10)
    unit = centred(clean(chart.axis), (plot.left + plot.right) / 2, plot.bottom + 14)
    labels.append(unit)
    return Drawing(height=plot.bottom + 20, plot=plot, shapes=tuple(shapes), labels=tuple(labels))


def _bar(row: NamedAmount, axis: Axis, y: float) -> Iterator[Shape]:
    """The bar, the zero that it starts from, and the line of the amount it is held against."""
    zero = axis.at(0)
    yield Stroke(x1=zero, y1=y - 8, x2=zero, y2=y + 8, tone="soft", width=0.8)
    yield Block(x1=zero, x2=axis.at(row.value), y=y, tone=_tone(strong=row.strong))
    if row.against is not None:
        x = axis.at(row.against)
        yield Stroke(x1=x, y1=y - 8, x2=x, y2=y + 8, tone="ink", width=2.0)


_TONES: dict[str, Tone] = {"diamond": "chosen", "dot": "ink", "ring": "soft", "cross": "limit"}


def _scatter(chart: Scatter) -> Drawing:
    """Later points lie over earlier ones; those with a label are named where there is room."""
    bottom = _TOP + 15 * _LINE
    upward = axis_over(
        (chart.y_line, *(point.y for point in chart.points)), bottom - _PAD, _TOP + _PAD
    )
    left = max(text_width(text) for text in upward.ticks()) + 8
    plot = Box(left=left, top=_TOP, right=_RIGHT, bottom=bottom)
    across = axis_over(
        (chart.x_line, *(point.x for point in chart.points)), left + _GAP, _RIGHT - _GAP
    )
    x, y = across.at(chart.x_line), upward.at(chart.y_line)
    lines = (
        Stroke(x1=left, y1=y, x2=_RIGHT, y2=y, tone="soft", width=0.8),
        Stroke(x1=x, y1=_TOP, x2=x, y2=bottom, tone="soft", width=0.8),
    )
    marks = [
        Mark(x=across.at(one.x), y=upward.at(one.y), form=one.form, tone=_TONES[one.form])
        for one in chart.points
    ]
    busy, placed = [mark.box for mark in marks], list[Caption]()
    for point, mark in zip(chart.points, marks, strict=True):
        if point.label:
            places = _places(clip(point.label, _SPOT_LETTERS), mark, plot)
            placed.append(_clearest(places, mark, busy, placed))
    named = [mark for point, mark in zip(chart.points, marks, strict=True) if point.label]
    pairs = zip(named, placed, strict=True)
    leaders = [line for mark, label in pairs for line in _leader(mark, label.box)]
    labels = (
        Caption(text=clean(chart.y_axis), x=EDGE, y=12, anchor="start"),
        *(_beside(text, left, at) for text, at in upward.ticks().items()),
        *_under(plot, across, chart.x_axis),
        *placed,
    )
    return _framed(plot, across, (*lines, *leaders, *marks), labels)


def _cost_quality(chart: CostQuality) -> Drawing:
    spots = sorted(chart.spots, key=lambda spot: not spot.strong)
    floor = () if chart.floor is None else (chart.floor,)
    # A line of text for each label, and two for the floor's: every label finds one of its own.
    bottom = _TOP + max(11, len(spots) + 2) * _LINE
    levels = (*(spot.quality for spot in spots), *floor)
    upward = axis_over(levels, bottom - _PAD, _TOP + _PAD)
    left = max(text_width(text) for text in upward.ticks()) + 8
    plot = Box(left=left, top=_TOP, right=_RIGHT, bottom=bottom)
    across = axis_over((spot.monthly_usd for spot in spots), left + _GAP, _RIGHT - _GAP)
    limits = [_limit(x1=left, y1=y, x2=_RIGHT, y2=y) for y in map(upward.at, floor)]
    marks = [
        _mark(across.at(spot.monthly_usd), upward.at(spot.quality), strong=spot.strong)
        for spot in spots
    ]
    busy = [mark.box for mark in marks]
    placed = [_floor_label(clean(chart.floor_label), line, busy) for line in limits]
    busy += [Box(left=left, top=line.y1 - 1, right=_RIGHT, bottom=line.y1 + 1) for line in limits]
    for spot, mark in zip(spots, marks, strict=True):
        places = _places(clip(spot.label, _SPOT_LETTERS) or "-", mark, plot)
        placed.append(_clearest(places, mark, busy, placed))
    named = zip(marks, placed[len(limits) :], strict=True)
    leaders = [line for mark, label in named for line in _leader(mark, label.box)]
    labels = (
        Caption(text=clean(chart.y_axis), x=EDGE, y=12, anchor="start"),
        *(_beside(text, left, y) for text, y in upward.ticks().items()),
        *_under(plot, across, chart.x_axis),
        *placed,
    )
    return _framed(plot, across, (*limits, *leaders, *reversed(marks)), labels)


def _beside(text: str, left: float, y: float) -> Caption:
    return Caption(text=text, x=left - 6, y=y + 4, anchor="end")


def _floor_label(text: str, line: Stroke, busy: Sequence[Box]) -> Caption:
    """The label of a level line: under or over its right end."""
    room = line.x2 - line.x1
    ends = [
        Caption(text=text, x=line.x2, y=y, anchor="end", tone="limit", room=room)
        for y in (line.y1 + 12, line.y1 - 4)
    ]
    return min(ends, key=lambda label: sum(label.box.overlaps(other) for other in busy))


def _places(text: str, mark: Mark, plot: Box) -> list[Caption]:
    """Where a mark's label may stand: right or left of it, on any line of text within the axes."""
    room = plot.right - plot.left
    width = min(text_width(text), room)
    right, left = mark.x + _GAP, mark.x - _GAP
    sides: list[tuple[float, Literal["start", "end"]]] = []
    if right + width <= plot.right:
        sides.append((right, "start"))
    if left - width >= plot.left:
        sides.append((left, "end"))
    return [
        Caption(text=text, x=x, y=plot.top + 11 + line * _LINE, anchor=anchor, room=room)
        for line in range(round((plot.bottom - plot.top) / _LINE))
        for x, anchor in sides or [(plot.right, "end")]
    ]


def _clearest(
    labels: Iterable[Caption], mark: Mark, busy: Sequence[Box], placed: Sequence[Caption]
) -> Caption:
    """The label that covers no other one, then the fewest marks, then is closest to its own."""

    def cost(label: Caption) -> tuple[int, int, float]:
        box = label.box
        over = sum(box.overlaps(other.box) for other in placed)
        covers = sum(box.overlaps(other) for other in busy)
        return over, covers, dist((mark.x, mark.y), box.nearest(mark.x, mark.y))

    return min(labels, key=cost)


def _leader(mark: Mark, box: Box) -> list[Stroke]:
    """A thin line to a label that stands apart from its mark."""
    x, y = box.nearest(mark.x, mark.y)
    if dist((mark.x, mark.y), (x, y)) <= 1.5 * _GAP:
        return []
    return [Stroke(x1=mark.x, y1=mark.y, x2=round(x, 1), y2=round(y, 1), tone="soft", width=0.8)]


def forest_text(chart: Forest) -> str:
    """Draw differences against the limit with characters; contains no backtick.

    `o` (chosen: `#`) is the estimate, the line its bounds, `!` the limit, `:` no difference.
    """
    low = min([chart.limit, 0.0, *(row.low for row in chart.rows)])
    high = max([chart.limit, 0.0, *(row.high for row in chart.rows)])
    span = (high - low) or 1.0

    def column(value: float) -> int:
        return round((value - low) / span * (_COLUMNS - 1))

    marks = {column(0.0): ":", column(chart.limit): "!"}
    lines = [_line(row, marks, column) for row in chart.rows]
    scale = _scale(chart, column(chart.limit), column(0.0))
    return "\n".join([*lines, scale, f"{'':{_LABEL}}  {_safe(chart.axis)}"])


def _line(row: Interval, marks: dict[int, str], column: Callable[[float], int]) -> str:
    cells = [marks.get(at, " ") for at in range(_COLUMNS)]
    for at in range(column(row.low), column(row.high) + 1):
        cells[at] = marks.get(at, "=" if row.strong else "-")
    cells[column(row.value)] = "#" if row.strong else "o"
    label = _safe(row.label)
    label = label if len(label) <= _LABEL else label[: _LABEL - 1] + "~"
    return f"{label:{_LABEL}}  {''.join(cells)}".rstrip()


def _scale(chart: Forest, limit_at: int, zero_at: int) -> str:
    cells = list(" " * (_COLUMNS + 24))
    label = _safe(chart.limit_label)
    start = max(0, limit_at - len(label) // 2)
    cells[start : start + len(label)] = label
    if zero_at > start + len(label):
        cells[zero_at] = "0"
    return f"{'':{_LABEL}}  {''.join(cells)}".rstrip()


def _safe(text: str) -> str:
    return clean(text).replace("`", "'")
