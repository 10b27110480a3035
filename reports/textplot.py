"""The one picture of page one in plain text, for Markdown."""

from __future__ import annotations

from collections.abc import Callable

from reports.document import Forest, Interval
from reports.untrusted import clean

WIDTH = 49
_LABEL = 26


def forest_text(chart: Forest) -> str:
    """Draw differences against the limit with characters; contains no backtick.

    `o` (chosen: `#`) is the estimate, the line its bounds, `!` the limit, `:` no difference.
    """
    low = min([chart.limit, 0.0, *(row.low for row in chart.rows)])
    high = max([chart.limit, 0.0, *(row.high for row in chart.rows)])
    span = (high - low) or 1.0

    def column(value: float) -> int:
        return round((value - low) / span * (WIDTH - 1))

    marks = {column(0.0): ":", column(chart.limit): "!"}
    lines = [_line(row, marks, column) for row in chart.rows]
    scale = _scale(chart, column(chart.limit), column(0.0))
    return "\n".join([*lines, scale, f"{'':{_LABEL}}  {_safe(chart.axis)}"])


def _line(row: Interval, marks: dict[int, str], column: Callable[[float], int]) -> str:
    cells = [marks.get(at, " ") for at in range(WIDTH)]
    for at in range(column(row.low), column(row.high) + 1):
        cells[at] = marks.get(at, "=" if row.strong else "-")
    cells[column(row.value)] = "#" if row.strong else "o"
    label = _safe(row.label)
    label = label if len(label) <= _LABEL else label[: _LABEL - 1] + "~"
    return f"{label:{_LABEL}}  {''.join(cells)}".rstrip()


def _scale(chart: Forest, limit_at: int, zero_at: int) -> str:
    cells = list(" " * (WIDTH + 24))
    label = _safe(chart.limit_label)
    start = max(0, limit_at - len(label) // 2)
    cells[start : start + len(label)] = label
    if zero_at > start + len(label):
        cells[zero_at] = "0"
    return f"{'':{_LABEL}}  {''.join(cells)}".rstrip()


def _safe(text: str) -> str:
    return clean(text).replace("`", "'")
