"""The README's evidence table, from the same rows as the results page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision.real import read

if TYPE_CHECKING:
    from pathlib import Path

START, END = "<!-- decision: start -->", "<!-- decision: end -->"
SIZE, MARGIN = 500, 0.03
RULES = {
    "composed": "this procedure",
    "Holm": "plain Holm over all candidates",
    "Holm, same calls": "plain Holm with as many calls",
    "point": '"the mean is within the margin"',
    "unpaired z": "unpaired z",
    "Wald": "Wald",
}


def write(folder: Path, readme: Path) -> None:
    """Replace what stands between the markers of `readme`."""
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    table = "\n".join([START, *_table(folder), "", *_margin(folder), END])
    readme.write_text(before + table + after, encoding="utf-8")


def _table(folder: Path) -> list[str]:
    rows = [
        row for row in read(folder / "real.jsonl")
        if (row["source"], row["n"], row["margin"]) == ("zeroeval", SIZE, MARGIN)
    ]  # fmt: skip
    found = [
        f"| {SIZE} cases, margin 3 points | wrong picks | worst ladder | cost saved | calls |",
        "|---|---|---|---|---|",
    ]
    for rule, name in RULES.items():
        mine = [row for row in rows if row["rule"] == rule]
        wrong, saved, calls = (
            100 * float(np.mean([row[key] for row in mine])) for key in ("wrong", "saved", "calls")
        )
        worst = 100 * max(float(row["wrong"]) for row in mine)
        bought = "100" if calls > 99.9 else f"{calls:.1f}"  # all of them
        found.append(f"| {name} | {wrong:.1f} % | {worst:.1f} % | {saved:.1f} % | {bought} % |")
    return found


def _margin(folder: Path) -> list[str]:
    """One sentence on the errors at the margin."""
    rows = [row for row in read(folder / "margin.jsonl") if not row["refused"]]
    exact = [100 * float(row["error"]) for row in rows if not row["runs"]]
    ladder = [100 * float(row["error"]) for row in rows if row["scene"] == "ladder"]
    return [
        "With every option exactly at its margin the largest error found in any enumerated cell is",
        f"{max(exact):.1f} %; the composed ladder's, simulated, is {max(ladder):.1f} %.",
    ]
