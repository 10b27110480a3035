from __future__ import annotations

from reports.charts import forest_text
from reports.document import Forest, Interval


def plot(*rows: Interval, limit: float = -3.0) -> list[str]:
    chart = Forest(
        caption="c",
        description="d",
        axis="points",
        limit=limit,
        limit_label=f"limit {limit:g}",
        rows=rows,
    )
    return forest_text(chart).split("\n")


def row(value: float, low: float, high: float, *, strong: bool = False) -> Interval:
    return Interval(label="haiku", value=value, low=low, high=high, strong=strong)


def test_an_interval_right_of_the_limit_does_not_cross_it() -> None:
    line = plot(row(-0.4, -2.1, 1.2, strong=True))[0]
    assert line.index("!") < line.index("=") < line.index("#")
    assert ":" in line


def test_an_interval_across_the_limit_covers_it() -> None:
    line = plot(row(-2.0, -4.2, 0.9))[0]
    assert line.index("-") < line.index("!") < line.index("o")


def test_the_limit_stands_under_its_mark() -> None:
    first, scale, axis = plot(row(-0.4, -2.1, 1.2))
    start = scale.index("limit -3")
    assert start <= first.index("!") <= start + len("limit -3")
    assert scale.endswith("0")
    assert axis.strip() == "points"


def test_labels_are_cut_and_hold_no_backtick() -> None:
    chart = Interval(label="`" * 5 + "x" * 60, value=0, low=0, high=0, strong=False)
    text = "\n".join(plot(chart))
    assert "`" not in text
    assert "~" in text


def test_a_degenerate_plot_is_drawn() -> None:
    assert len(plot(row(0.0, 0.0, 0.0), limit=0.0)) == 3
