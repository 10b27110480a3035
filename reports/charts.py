# The library leaves its keyword arguments untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The pictures of a document, as inline SVG that looks right on paper, in light and in dark.

The same chart gives the same bytes: hashes are salted with a constant, no date is written.
A page's policy allows styles by hash only, so `style` attributes become presentation attributes,
and colours become classes that the page's sheet paints.
"""

from __future__ import annotations

import re
import textwrap
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from reports.document import CostQuality, Forest, Latency, Waterfall
from reports.untrusted import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.document import Chart

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
INK, SOFT, LIMIT, CHOSEN, OTHER = "#1a1a1a", "#5c6370", "#b3261e", "#0b5cad", "#6b7280"
_CLASSES = {INK: "ink", SOFT: "soft", LIMIT: "limit", CHOSEN: "chosen", OTHER: "other"}
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "rightsize",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.unicode_minus": False,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "path.simplify": False,
}
_WIDTH_IN = 5.0
_ROW_IN = 0.3
_POINTS = 72
_GLYPH = 5.4
"""Points that a letter takes at most, on average, at this size."""


def draw(chart: Chart, name: str) -> str:
    """Draw a chart as an `<svg>` element; `name` keeps its ids apart from its neighbours'."""
    from matplotlib import rc_context  # noqa: PLC0415  # heavy; needed when a chart is drawn

    with rc_context(_SETTINGS):
        figure = _figure(chart)
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _inline(text.getvalue(), name=name, title=chart.caption, description=chart.description)


def _figure(chart: Chart) -> Figure:
    match chart:
        case Forest():
            return _plot(_forest, chart, len(chart.rows) * _ROW_IN + 0.75)
        case CostQuality():
            return _plot(_cost_quality, chart, 2.8)
        case Latency():
            return _plot(_latency, chart, len(chart.rows) * _ROW_IN + 0.75)
        case Waterfall():
            return _plot(_waterfall, chart, (len(chart.steps) + 2) * _ROW_IN + 0.6)


def _plot(paint: Callable[..., None], chart: Chart, height_in: float) -> Figure:
    from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415  # heavy

    figure = NewFigure(figsize=(_WIDTH_IN, height_in))
    axes: Axes = figure.subplots()
    paint(axes, chart)
    # Margins from the labels' lengths: a layout engine would draw every picture twice.
    width, height = _WIDTH_IN * _POINTS, height_in * _POINTS
    longest = max((len(label.get_text()) for label in axes.get_yticklabels()), default=0)
    left = _GLYPH * longest + 8 if _in_rows(chart) else _GLYPH * 9
    figure.subplots_adjust(
        left=left / width, right=1 - 8 / width, bottom=34 / height, top=1 - 16 / height
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _in_rows(chart: Chart) -> bool:
    return not isinstance(chart, CostQuality)


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)


def _short(label: str) -> str:
    return textwrap.shorten(clean(label), 34, placeholder="\u2026") or "-"


def _limit_line(axes: Axes, at: float, label: str) -> None:
    axes.axvline(at, color=LIMIT, linewidth=1.6, linestyle=(0, (5, 2)))
    axes.annotate(
        clean(label),
        (at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        color=LIMIT,
        ha="center",
        va="bottom",
        annotation_clip=False,
    )


def _forest(axes: Axes, chart: Forest) -> None:
    for at, row in enumerate(chart.rows):
        colour = CHOSEN if row.strong else OTHER
        axes.plot([row.low, row.high], [at, at], color=colour, linewidth=3.0 if row.strong else 2.0)
        axes.plot(
            [row.value], [at], marker="D" if row.strong else "o", color=colour, markersize=7.0
        )
    axes.axvline(0, color=SOFT, linewidth=0.8)
    _limit_line(axes, chart.limit, chart.limit_label)
    _rows(axes, [row.label for row in chart.rows])
    axes.set_xlabel(clean(chart.axis))
    axes.margins(x=0.08)


def _cost_quality(axes: Axes, chart: CostQuality) -> None:
    for spot in chart.spots:
        colour = CHOSEN if spot.strong else OTHER
        axes.plot(
            [spot.monthly_usd],
            [spot.quality],
            marker="D" if spot.strong else "o",
            color=colour,
            markersize=7.0,
            linestyle="none",
        )
    middle = (max(s.monthly_usd for s in chart.spots) + min(s.monthly_usd for s in chart.spots)) / 2
    for spot in chart.spots:
        left = spot.monthly_usd > middle
        axes.annotate(
            _short(spot.label),
            (spot.monthly_usd, spot.quality),
            xytext=(-7 if left else 7, 6),
            textcoords="offset points",
            ha="right" if left else "left",
        )
    if chart.floor is not None:
        axes.axhline(chart.floor, color=LIMIT, linewidth=1.6, linestyle=(0, (5, 2)))
        axes.annotate(
            clean(chart.floor_label),
            (1.0, chart.floor),
            xycoords=("axes fraction", "data"),
            xytext=(0, -3),
            textcoords="offset points",
            color=LIMIT,
            ha="right",
            va="top",
        )
    axes.set_xlabel(clean(chart.x_axis))
    axes.set_ylabel(clean(chart.y_axis))
    axes.margins(0.12)


def _latency(axes: Axes, chart: Latency) -> None:
    for at, row in enumerate(chart.rows):
        if row.p50 is not None:
            axes.plot([row.p50], [at], marker="o", color=OTHER, markersize=6.0)
        if row.p95 is not None:
            axes.plot([row.p95], [at], marker="D", color=CHOSEN, markersize=6.5)
        if row.p95 is not None and row.p95_upper is not None:
            axes.plot([row.p95, row.p95_upper], [at, at], color=CHOSEN, linewidth=2.5)
    if chart.limit is not None:
        _limit_line(axes, chart.limit, chart.limit_label)
    _rows(axes, [row.label for row in chart.rows])
    axes.set_xlabel(clean(chart.axis))
    axes.margins(x=0.08)
    axes.set_xlim(left=0)


def _waterfall(axes: Axes, chart: Waterfall) -> None:
    labels = [chart.start_label, *(step.label for step in chart.steps), chart.end_label]
    axes.barh([0], [chart.start_usd], color=OTHER, height=0.55)
    level = chart.start_usd
    for at, step in enumerate(chart.steps, start=1):
        colour = CHOSEN if step.usd < 0 else LIMIT
        axes.barh([at], [step.usd], left=[level], color=colour, height=0.55)
        level += step.usd
    axes.barh([len(labels) - 1], [chart.end_usd], color=OTHER, height=0.55)
    _rows(axes, labels)
    axes.set_xlabel(clean(chart.axis))
    axes.set_xlim(left=0)


_USED = re.compile(r"^#(.+)$|url\(#([^)]+)\)")


def _inline(text: str, *, name: str, title: str, description: str) -> str:
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(text)  # noqa: S314  # made a moment ago, by our own plotting library
    for unwanted in ("metadata", "style"):
        for parent in list(root.iter()):
            for child in parent.findall(f"{{{SVG}}}{unwanted}"):
                parent.remove(child)
    used = _used_ids(root)
    for element in root.iter():
        _flatten_style(element)
        _rename_ids(element, used, name)
    _label(root, name, title, description)
    return ET.tostring(root, encoding="unicode")


def _used_ids(root: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for value in element.attrib.values():
            match = _USED.search(value)
            if match is not None:
                found.add(match[1] or match[2])
    return found


def _flatten_style(element: ET.Element) -> None:
    for part in element.attrib.pop("style", "").split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            element.set("font-size", size[1] if size else "10")
        elif key and key != "font-family":
            element.set(key, value)
    for key in ("fill", "stroke"):
        word = _CLASSES.get(element.get(key, "").lower())
        if word is not None:
            mark = f"{key}-{word}"
            element.set("class", f"{element.get('class', '')} {mark}".strip())
    if element.tag == f"{{{SVG}}}text" and "fill" not in element.attrib:
        element.set("fill", INK)
        element.set("class", "fill-ink")


def _rename_ids(element: ET.Element, used: set[str], name: str) -> None:
    for key, value in list(element.attrib.items()):
        if key == "id":
            if value in used:
                element.set(key, f"{name}-{value}")
            else:
                del element.attrib[key]
        elif value.startswith("#") and value[1:] in used:
            element.set(key, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{name}-"))


def _label(root: ET.Element, name: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    root.set("class", "chart")
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    for at, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = clean(text)
        root.insert(at, element)
