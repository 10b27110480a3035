"""`python -m tests.benchmarks.decision.life [RUNS]`: error over an eval set's life; writes life.md.

Every option stands exactly at the margin, so that each acceptance, in whichever test, is an error.
`before`: each test takes the whole 5 %. `after`: `harness.plan.lives.ahead.level_of`, four tests
planned, the same cases in the order of their first test. The kernel that decides, on made-up
answers; the promise for the whole life is 5 %. The last tables say what the spending costs: an
equal candidate.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from harness.plan.lives.ahead import level_of
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.sample_size import size_of
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.rules import ALPHA, ladder_design

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.stats.sequential.design import Design

PLANNED = 4
_CHUNK = 3_000_000
_CERTAINTY = 0.99
SIZES, OPTIONS, DISCORDANCES, MARGINS = (150, 200, 400, 1000), (1, 3, 5), (0.04, 0.08, 0.15), (3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life: the cases at each test; equal counts are the same cases in another order."""

    name: str
    counts: tuple[int, ...]
    options: int = 1
    discordance: float = 0.08
    margin: float = 5.0
    true: float | None = None
    """The candidates' true difference, points; None: exactly at the margin."""

    @property
    def rates(self) -> tuple[float, float]:
        """Gain and loss rates; a rate cannot be negative."""
        worse = (self.margin if self.true is None else -self.true) / 100
        spread = max(self.discordance, worse)
        return (spread - worse) / 2, (spread + worse) / 2

    @property
    def levels(self) -> tuple[float, ...]:
        """The level of each test under the rule; a test of the same cases is the one before it."""
        tests, found = 0, list[float]()
        for place, count in enumerate(self.counts):
            new = place == 0 or count != self.counts[place - 1]
            tests += new
            found.append(level_of(tests, PLANNED, ALPHA) if new else 0.0)
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Shares of the lives in which something was accepted, and cases asked of candidates."""

    ever: float
    at_most: float
    first: float
    calls: float


@cache
def _design(count: int, options: int, margin: float, alpha: float) -> Design:
    return ladder_design(options, count, margin=margin, alpha=alpha)


def measure(path: Life, levels: Sequence[float], runs: int) -> Found:
    """Walk so many lives; who was accepted is not tested again."""
    rng = np.random.default_rng([ord(letter) for letter in f"{path}"])
    size, wrong, first, calls = path.counts[-1], 0, 0, 0.0
    step = max(1, _CHUNK // (path.options * size))
    gain, loss = path.rates
    for start in range(0, runs, step):
        here = min(step, runs - start)
        draws = rng.random((here, path.options, size))
        drawn = np.where(draws < gain, 1.0, np.where(draws < gain + loss, -1.0, 0.0))
        done = np.zeros(here, dtype=np.bool_)
        for place, (count, level) in enumerate(zip(path.counts, levels, strict=True)):
            design = _design(count, path.options, path.margin, level) if level else None
            if design is None or size_of(design).too_small:
                continue
            order = rng.permutation(count)
            accepted, asked = _accepts(design, drawn[..., order])
            calls += float(asked[~done].sum())
            done |= accepted
            first += int(accepted.sum()) if place == 0 else 0
        wrong += int(done.sum())
    most = float(stats.beta.ppf(_CERTAINTY, wrong + 1, runs - wrong)) if wrong < runs else 1.0
    return Found(ever=wrong / runs, at_most=most, first=first / runs, calls=calls / runs)


def _accepts(design: Design, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = drawn.shape[:2]
    nothing = np.zeros(shape, dtype=np.bool_)
    asked = np.full(shape, drawn.shape[2])
    seen = Seen(differences=drawn, asked=asked, vetoed=nothing, cleared=~nothing)
    found = run(rules_of(design), seen)
    ends = np.array([0, *design.checks])
    reached = np.where(found.walk.reached > 0, ends[found.walk.reached], found.piloted)
    return found.walk.accepted.any(axis=1), reached.sum(axis=1)


LIVES = (
    Life(name="cases added: 200, 400, 800", counts=(200, 400, 800)),
    Life(name="seven steps: 200 to 800", counts=(200, 300, 400, 500, 600, 700, 800)),
    Life(name="4 orders of 200, by other cycle names", counts=(200,) * 4),
    Life(name="12 orders of 200, by other cycle names", counts=(200,) * 12),
    Life(name="12 orders of 400", counts=(400,) * 12),
)


def grid() -> Iterator[Life]:
    """Cases doubled twice, at each size, number of options, disagreement and margin."""
    for n, options, spread, margin in product(SIZES, OPTIONS, DISCORDANCES, MARGINS):
        if spread >= margin / 100:
            counts = (n, 2 * n, 4 * n) if n < SIZES[-1] else (n, 2 * n)
            yield Life(
                name="doubled", counts=counts, options=options, discordance=spread, margin=margin
            )


def page(runs: int) -> str:
    """The whole page."""
    whole = {path: (ALPHA,) * len(path.counts) for path in (*LIVES, *grid())}
    lines = [
        "# The life of an eval set: error at the margin, before and after",
        "",
        f"Made by `python -m tests.benchmarks.decision.life {runs}`; {runs:,} lives a cell.",
        "",
        "Every option is exactly at the margin: each acceptance is an error. Promised for all",
        "tests of a life together is 5 %; `at most` is the simulation's one-sided 99 % bound.",
        "",
        (
            "| life, margin 5, 8 % disagreement, one option | before, % | after, % | at most, % | "
            "calls before | after |"
        ),
        "|---|---:|---:|---:|---:|---:|",
    ]
    for path in LIVES:
        one, two = measure(path, whole[path], runs), measure(path, path.levels, runs)
        lines.append(
            f"| {path.name} | {100 * one.ever:.1f} | {100 * two.ever:.2f} | "
            f"{100 * two.at_most:.2f} | {one.calls:.0f} | {two.calls:.0f} |"
        )
    lines += ["", *_grid(runs, whole), "", *_cost(runs)]
    return "\n".join(lines) + "\n"


def _grid(runs: int, whole: dict[Life, tuple[float, ...]]) -> list[str]:
    rows = [(p, measure(p, whole[p], runs), measure(p, p.levels, runs)) for p in grid()]
    worst = max(rows, key=lambda row: row[2].ever)
    was = max(rows, key=lambda row: row[1].ever)
    lines = [
        "Cases doubled twice (1,000: once), over n in 150, 200, 400, 1,000, options in 1, 3, 5,",
        f"disagreement in 4, 8, 15 %, margin in 3, 5: {len(rows)} cells.",
        "",
        f"Worst cell before: {_cell(was[0])}: {100 * was[1].ever:.1f} %.",
        (
            f"Worst cell after: {_cell(worst[0])}: {100 * worst[2].ever:.2f} %, at most "
            f"{100 * worst[2].at_most:.2f} %."
        ),
        (
            f"Mean of all: {100 * _mean(row[1].ever for row in rows):.2f} % before, "
            f"{100 * _mean(row[2].ever for row in rows):.2f} % after."
        ),
        "",
        "| n | options | disagreement, % | margin | before, % | after, % | at most, % |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for path, one, two in rows:
        lines.append(
            f"| {path.counts[0]} | {path.options} | {100 * path.discordance:.0f} | "
            f"{path.margin:g} | {100 * one.ever:.2f} | {100 * two.ever:.2f} | "
            f"{100 * two.at_most:.2f} |"
        )
    return lines


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _cell(path: Life) -> str:
    return (
        f"{path.counts[0]} cases, {path.options} options, {100 * path.discordance:.0f} % "
        f"disagreement, margin {path.margin:g}"
    )


def _cost(runs: int) -> list[str]:
    """What it costs: an equal candidate passes at the first test, or ever."""
    lines = [
        "What it costs: one candidate of equal quality, 8 % disagreement.",
        "",
        (
            "| margin | cases | passes at the first test, before, % | after, % | "
            "ever, after three tests: before, % | after, % | calls before | after |"
        ),
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for margin, n in product(MARGINS, SIZES):
        path = Life(name="equal", counts=(n, 2 * n, 4 * n), margin=margin, true=0.0)
        one = measure(path, (ALPHA,) * 3, runs // 5)
        two = measure(path, path.levels, runs // 5)
        lines.append(
            f"| {margin} | {n} | {100 * one.first:.1f} | {100 * two.first:.1f} | "
            f"{100 * one.ever:.1f} | {100 * two.ever:.1f} | {one.calls:.0f} | {two.calls:.0f} |"
        )
    return lines


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    Path(__file__).with_name("life.md").write_text(page(wanted), encoding="utf-8")
