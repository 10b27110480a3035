"""The benchmark's results as one Markdown page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision import report_margin
from tests.benchmarks.decision.real import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Row = dict[str, object]
ORDER = (
    "composed", "Holm", "Holm, same calls", "screen + Holm", "point", "unpaired z", "Wald",
)  # fmt: skip
BUDGETS = (100, 200)
"""Cases that plain Holm may use; the ladder takes as many as the same calls pay for."""


def write(folder: Path, out: Path) -> None:
    """Write what the JSON-lines files of `folder` hold so far."""
    equal = folder / "equal.txt"
    said = [f"{equal.read_text(encoding='utf-8')}"] if equal.exists() else []
    parts = ["# The decision, measured\n", HEADER, *said, *_real(folder)]
    parts += report_margin.lines(folder)
    out.write_text("\n".join(parts) + "\n", encoding="utf-8")


HEADER = """Made by `python -m tests.benchmarks.decision.command all DIR`, which can be stopped
and started again; fixed seeds. Wrong: the chosen option is truly worse than the margin (true
difference: that of all items, from which the eval sets are drawn with replacement). Calls:
distinct trials bought, incumbent and pilot included, over (1 + K) n. Figures in percent, means
over ladders; *worst* is the ladder with the most wrong picks. The kernel is run on every cell, on
those too that the product would refuse as SAMPLE_TOO_SMALL (Holm's would be refused as well).

All outcomes are part A. What steers the ladder was chosen on them: looks and patience by size on
half of the ladders (every other flagship and task), tried on the other half, which moved one
number (`harness/stats/sequential/steering.py`). Nothing that controls the error was chosen on data.

Beside this page: [life.md](life.md), all tests of one pair of models on one eval set (cases added
until it passes: 10.1 % wrong before, 3.5 now; twelve orders: 13.2, now 3.5), and
[chain.md](chain.md), a chain of swaps against the first model (more than 8 points lost: 24.4 %
before, 0.2 now), and [company.md](company.md), two years of a company of forty features.

And [surround.md](surround.md): losses that were not answered (a model at the margin passed in up
to 100 %, now 4.75), harm at any stop (48.1 % of the ladders accused somebody, now 0.2), slices in
full (60.0 to 91.9 % of the alarms due at 1,000 cases), the picked option's estimate (2.1 points
too good on average at a true 0, now right to 0.1; 3.4 at a true -2, now 1.0).

Also [again.md](again.md), part A's ladders at the level of a set's first test, and
[small.md](small.md), what decides more at small sizes, and [graded.md](graded.md), the interval for
graded scores. The graded rows below were made by betting, the interval before it.
"""


def _real(folder: Path) -> list[str]:
    rows = read(folder / "real.jsonl")
    lines: list[str] = []
    for title in ("zeroeval-gsm8k", "llmrouter-14tasks"):
        zero = title.startswith("zeroeval")
        mine = [row for row in rows if (row["source"] == "zeroeval") == zero]
        if not mine:
            continue
        names = {row["ladder"] for row in mine}
        runs = sorted({int(row["runs"]) for row in mine})
        lines += [
            f"## {title}: {len(names)} ladders, {' or '.join(map(str, runs))} resamples a cell\n",
            *_summary(mine),
            *_equal_budget(mine),
            *_table(mine),
        ]
    worst = read(folder / "worst.jsonl")
    if worst:
        lines += ["## The worst cells again, 4,000 resamples each\n", *_worst(worst)]
    return lines


def _mean(rows: list[Row], key: str) -> float:
    return 100 * float(np.mean([float(row[key]) for row in rows]))


def _summary(rows: list[Row]) -> list[str]:
    """One line per size, over the margins: the ladder beside Holm."""
    lines = []
    for n in sorted({int(row["n"]) for row in rows}):
        ours, holm, same = (
            [row for row in rows if (row["n"], row["rule"]) == (n, rule)] for rule in ORDER[:3]
        )
        lines.append(
            f"- n = {n}: {_mean(ours, 'calls'):.1f} % of the calls, wrong picks "
            f"{_mean(ours, 'wrong'):.2f} %, saves {_mean(ours, 'saved'):.1f} % of the cost "
            f"(plain Holm {_mean(holm, 'saved'):.1f} %; plain Holm with as many calls as the "
            f"ladder {_mean(same, 'saved'):.1f} %)"
        )
    return [*lines, ""]


def _equal_budget(rows: list[Row]) -> list[str]:
    """What the same number of calls saves, when the ladder's n is chosen to spend them."""
    lines = [
        "At an equal budget of calls, the ladder's n chosen freely (read off between sizes):\n",
        "| calls for | margin | plain Holm saves | this procedure | its n |",
        "|---|---|---|---|---|",
    ]
    for budget in BUDGETS:
        for margin in sorted({float(row["margin"]) for row in rows}):
            here = [row for row in rows if row["margin"] == margin]
            holm = [row for row in here if (row["n"], row["rule"]) == (budget, "Holm")]
            n, saved = _at_budget([row for row in here if row["rule"] == "composed"], budget)
            more = "at least " if n is None else ""
            lines.append(
                f"| {budget} cases | {100 * margin:.0f} | {_mean(holm, 'saved'):.1f} "
                f"| {more}{saved:.1f} | {'over 1000' if n is None else f'{n:.0f}'} |"
            )
    return [*lines, ""]


def _at_budget(rows: list[Row], budget: int) -> tuple[float | None, float]:
    """n and saving at which the ladder buys what Holm buys with `budget` cases, an option."""
    sizes = sorted({int(row["n"]) for row in rows})
    at = [[row for row in rows if row["n"] == n] for n in sizes]
    spent = [n * _mean(chosen, "calls") / 100 for n, chosen in zip(sizes, at, strict=True)]
    saved = [_mean(chosen, "saved") for chosen in at]
    if budget > spent[-1]:
        return None, saved[-1]
    place = np.log(budget)
    n = float(np.exp(np.interp(place, np.log(spent), np.log(sizes))))
    return n, float(np.interp(place, np.log(spent), saved))


def _table(rows: list[Row]) -> list[str]:
    lines = [
        (
            "| n | margin | rule | wrong | worst | saved | of possible | stays | calls | dollars |"
            " calls, K >= 20 |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for n in sorted({int(row["n"]) for row in rows}):
        for margin in sorted({float(row["margin"]) for row in rows}):
            for rule in ORDER:
                chosen = [
                    row for row in rows
                    if (row["n"], row["margin"], row["rule"]) == (n, margin, rule)
                ]  # fmt: skip
                if chosen:
                    lines.append(_row(n, margin, rule, chosen))
    return [*lines, ""]


def _row(n: int, margin: float, rule: str, rows: list[Row]) -> str:
    def mean(key: str) -> float:
        return _mean(rows, key)

    large = [100 * float(row["calls"]) for row in rows if int(row["options"]) >= 20]
    share = 100 * mean("saved") / mean("possible") if mean("possible") else 0.0
    worst = 100 * max(float(row["wrong"]) for row in rows)
    cells = (
        f"{n}", f"{100 * margin:.0f}", rule, f"{mean('wrong'):.2f}", f"{worst:.1f}",
        f"{mean('saved'):.1f}", f"{share:.0f}", f"{mean('stays'):.0f}", f"{mean('calls'):.1f}",
        f"{mean('dollars'):.1f}", f"{np.mean(large):.1f}" if large else "-",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _worst(rows: list[Row]) -> list[str]:
    lines = ["| ladder | n | margin | wrong |", "|---|---|---|---|"]
    wrong: Callable[[Row], float] = lambda row: -float(row["wrong"])  # noqa: E731
    lines += [
        f"| {row['ladder']} | {row['n']} | {100 * float(row['margin']):.0f} "
        f"| {100 * float(row['wrong']):.2f} |"
        for row in sorted(rows, key=wrong)
    ]
    return [*lines, ""]
