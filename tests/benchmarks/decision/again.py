"""Part A's ladders at the level of a set's first test, beside the whole 5 %: what that costs.

`python -m tests.benchmarks.decision.again RUNS` writes `again.md` beside this file. Options are
real models, eval sets are drawn from all items with replacement; graded: scores of language tasks.
"""

from __future__ import annotations

import sys
import zlib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.plan.lives.ahead import level_of
from tests.benchmarks.decision.outcomes import Ladder, ladders
from tests.benchmarks.decision.rules import ALPHA, Sampled, composed

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES, MARGINS, OPTIONS = (150, 200, 400, 1000), (0.03, 0.05), (1, 3, 5)
LEVELS = (ALPHA, level_of(1, 4, ALPHA))
GRADED_SHARE = 10
"""Graded ladders get so many times fewer runs: Gaffke's bound is dear."""


def chosen() -> Iterator[Ladder]:
    """Ladders of 1, 3 and 5 options; of one the dearest of a ladder of three."""
    for ladder in (*ladders("zeroeval"), *ladders("llmrouter")):
        options = len(ladder.savings)
        if options not in OPTIONS or (ladder.source == "llmrouter" and ladder.binary):
            continue
        yield ladder
        if options == OPTIONS[1] and ladder.binary:
            yield replace(
                ladder, differences=ladder.differences[:, -1:], savings=ladder.savings[-1:]
            )


def figures(ladder: Ladder, n: int, margin: float, runs: int) -> list[list[float]]:
    """Of each level: wrong picks, saved of the cost, calls; shares."""
    rng = np.random.default_rng(zlib.crc32(f"{ladder.name}/{n}".encode()))
    drawn = rng.integers(0, len(ladder.differences), (runs, n))
    sample = Sampled(
        differences=np.ascontiguousarray(ladder.differences[drawn].transpose(0, 2, 1)),
        savings=ladder.savings,
        margin=margin,
        binary=ladder.binary,
        current=ladder.incumbent[drawn].mean(axis=1),
    )
    fine, found = ladder.truth >= -margin - 1e-12, list[list[float]]()
    for level in LEVELS:
        picked = composed(sample, level)
        some = picked.option >= 0
        wrong = float((some & ~fine[picked.option]).mean())
        saved = float(np.where(some, ladder.savings[picked.option], 0.0).mean())
        bought = picked.asked.sum(axis=1) + picked.incumbent
        found.append([wrong, saved, float(bought.mean()) / ((1 + len(fine)) * n)])
    return found


def page(runs: int) -> str:
    """The page."""
    rows, worst = defaultdict[tuple[object, ...], list[list[list[float]]]](list), (0.0, "")
    for ladder in chosen():
        kind = "right or wrong" if ladder.binary else "graded"
        for n in SIZES if ladder.binary else SIZES[:3]:
            for margin in MARGINS:
                found = figures(ladder, n, margin, runs if ladder.binary else runs // GRADED_SHARE)
                rows[kind, len(ladder.savings), n, margin].append(found)
                if ladder.binary:
                    name = f"{ladder.name}, {n} cases, limit {100 * margin:g}"
                    worst = max(worst, (found[1][0], name))
    lines = [
        f"| {kind} | {options} | {n} | {100 * margin:g} | {len(found)} | "
        + " | ".join(f"{100 * x:.1f}" for x in np.array(found).mean(axis=0).T.reshape(-1))
        + " |"
        for (kind, options, n, margin), found in sorted(rows.items(), key=str)
    ]
    return HEAD.format(runs=runs, few=runs // GRADED_SHARE, worst=100 * worst[0], name=worst[1]) + (
        "\n".join(lines) + "\n"
    )


HEAD = """# Part A's ladders at the level of a set's first test

Made by `python -m tests.benchmarks.decision.again {runs}`: {runs} resamples of each ladder and cell
({few} of graded scores), means over ladders, percent. *Before*: all of the 5 %; *after*: the four
fifths that a set's first test takes. Wrong: the pick is truly worse than the limit. The ladder with
the most wrong picks after ({runs} resamples): {worst:.1f} % ({name}).

Columns: options, ladders; *w* wrong, *s* saved of the cost, *c* calls, before and after.

| scores | options | cases | limit | ladders | w | w after | s | s after | c | c after |
|---|---|---|---|---|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(int(sys.argv[1])), encoding="utf-8")
