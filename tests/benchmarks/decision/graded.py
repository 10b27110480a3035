"""Error and width of the intervals for graded scores, on four shapes, exactly at the margin.

`python -m tests.benchmarks.decision.graded RUNS` prints the tables of `graded.md` beside this file;
`... graded RUNS ladders` the one of whole ladders.

Shapes, all with few values so that a history is a table of counts: a judge's grades from 1 to 10
(differences of a tenth, most of them 0), all or nothing (right or wrong, 8 % disagreement), rare
losses (a little gained everywhere, a few cases lost in whole), and two-sided (halves and wholes in
both directions). Student's t; BCa (B. Efron, JASA 82 (1987) 171-185), 400 resamples; betting and
Gaffke's as in `harness.stats`; empirical Bernstein (A. Maurer and M. Pontil, COLT 2009, theorem 4).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from harness.stats import betting, gaffke
from harness.stats.arrays import Moments
from harness.stats.sequential.histories import Seen, Tables, take
from harness.stats.sequential.levels import gaussian
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.rules import ladder_design

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 150, 200, 400, 1000)
MARGINS = (0.03, 0.05)
LEVELS = (0.05, 0.01)
SHAPES = ("judge", "all or nothing", "rare losses", "two-sided")
_WIDTHS, _RESAMPLES = 60, 400
_CERTAINTY = 0.99


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Values of a difference and their probabilities."""

    values: np.ndarray
    chances: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values @ self.chances)

    def at(self, mean: float) -> Shape:
        """The same shape with another mean: weight moves between the losses and the gains."""
        if self.values.size == 2:
            least, greatest = self.values
            rate = (greatest - mean) / (greatest - least)
            return Shape(values=self.values, chances=np.array([rate, 1 - rate]))
        low, high = self.values < 0, self.values > 0
        down = self.chances * low
        up = self.chances * high
        loss, gain = -float(self.values @ down), float(self.values @ up)
        total = (loss + gain) / 2
        down, up = down * (total - mean / 2) / loss, up * (total + mean / 2) / gain
        rest = 1 - down.sum() - up.sum()
        return Shape(values=self.values, chances=np.where(low, down, np.where(high, up, rest)))


def shape_of(name: str, margin: float) -> Shape:
    """A shape whose mean is minus the margin."""
    if name == "judge":
        values = np.arange(-9, 10) / 10
        weights = np.exp(-np.abs(values) / 0.12)
        return Shape(values=values, chances=weights / weights.sum()).at(-margin)
    if name == "all or nothing":
        either = max(0.08, margin)
        chances = [(either + margin) / 2, 1 - either, (either - margin) / 2]
        return Shape(values=np.array([-1.0, 0.0, 1.0]), chances=np.array(chances))
    if name == "rare losses":
        rate = margin + 0.012
        tiny = (rate - margin) / (1 - rate)
        return Shape(values=np.array([-1.0, tiny]), chances=np.array([rate, 1 - rate]))
    values = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    return Shape(values=values, chances=np.array([0.04, 0.08, 0.76, 0.08, 0.04])).at(-margin)


def student(values: np.ndarray, counts: np.ndarray, margin: float) -> np.ndarray:
    """P-values of the paired t."""
    n = counts.sum(axis=-1)
    mean = counts @ values / n
    spread = (counts @ values**2 / n - mean**2) * n / (n - 1)
    with np.errstate(divide="ignore"):
        return stats.t.sf((mean + margin) / np.sqrt(spread / n), n - 1)


def bernstein(values: np.ndarray, counts: np.ndarray, margin: float) -> np.ndarray:
    """P-values by empirical Bernstein, found by halving the logarithm."""
    n = counts.sum(axis=-1)
    mean = counts @ values / n
    spread = np.maximum((counts @ values**2 / n - mean**2) * n / (n - 1), 0)
    gap = np.maximum(mean + margin, 0)
    # gap = a sqrt(log) + b log, solved for log = log(2 / p).
    a, b = np.sqrt(2 * spread / n), 14 / (3 * (n - 1))
    root = (-a + np.sqrt(a**2 + 4 * b * gap)) / (2 * b)
    return np.minimum(2 * np.exp(-(root**2)), 1)


def wealth(values: np.ndarray, counts: np.ndarray, margin: float) -> np.ndarray:
    """P-values by betting."""
    return np.array([betting.p_value(np.repeat(values, row), margin) for row in counts])


def exact(values: np.ndarray, counts: np.ndarray, margin: float) -> np.ndarray:
    """P-values by random weights."""
    return gaffke.p_of_counts(values, counts.astype(np.float64), margin)


def bca(sample: np.ndarray, level: float, rng: np.random.Generator) -> float:
    """The lower bound of BCa."""
    n, mean = sample.size, sample.mean()
    drawn = rng.choice(sample, (_RESAMPLES, n)).mean(axis=1)
    below = ((drawn < mean).sum() + (drawn == mean).sum() / 2) / _RESAMPLES
    correction = stats.norm.ppf(np.clip(below, 1 / _RESAMPLES, 1 - 1 / _RESAMPLES))
    left = (n * mean - sample) / (n - 1) - mean
    scale = (left**2).sum()
    acceleration = (-(left**3)).sum() / (6 * scale**1.5) if scale else 0.0
    shifted = correction + stats.norm.ppf(level)
    at = stats.norm.cdf(correction + shifted / (1 - acceleration * shifted))
    return float(np.quantile(drawn, at))


TESTS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "t": student,
    "empirical Bernstein": bernstein,
    "betting": wealth,
    "Gaffke": exact,
}


def error(name: str, shape: Shape, size: int, at: tuple[float, float], runs: int) -> float:
    """Share of the histories that pass at (margin, level); betting on few of them."""
    margin, level = at
    rng = np.random.default_rng(17)
    runs = min(runs, 300) if name == "betting" else runs
    counts = rng.multinomial(size, shape.chances, runs)
    tables, times = np.unique(counts, axis=0, return_counts=True)
    passes = TESTS[name](shape.values, tables, margin) < level
    return float((passes * times).sum() / runs)


def looks_error(shape: Shape, size: int, margin: float, runs: int) -> float:
    """Share that pass at any of the looks of a ladder of one option, alpha 5 %."""
    rng = np.random.default_rng(18)
    count = min(max(size // 100, 2), 5)
    ends = [math.ceil(size * k / count) for k in range(1, count + 1)]
    table = gaussian(tuple(end / size for end in ends), 0.8)
    counts = np.zeros((runs, shape.values.size), dtype=np.int64)
    passed = np.zeros(runs, dtype=np.bool_)
    for look, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        counts = counts + rng.multinomial(end - start, shape.chances, runs)
        tables, back = np.unique(counts, axis=0, return_inverse=True)
        p = exact(shape.values, tables, margin)[back.reshape(-1)]
        passed |= p < float(table.at(0.05, look))
    return float(passed.mean())


OPTIONS, LADDER_SIZES = (1, 3, 5), (150, 200, 400, 1000)


def ladder_error(shape: Shape, size: int, options: int, margin: float, runs: int) -> float:
    """Share of whole ladders (pilot, looks, futility, levels) in which some option passes."""
    rules = rules_of(ladder_design(options, size, margin=100 * margin, method="gaffke"))
    rng, ends = np.random.default_rng(20), np.array((*rules.stages, *rules.checks))
    drawn = [
        rng.multinomial(int(count), shape.chances, (runs, options))
        for count in np.diff(ends, prepend=0)
    ]
    counts = np.cumsum(np.stack(drawn, axis=2), axis=2)
    stages = len(rules.stages)
    after = counts[:, :, stages:] - counts[:, :, [stages - 1]]

    def moments(of: np.ndarray) -> Moments:
        values = shape.values
        return Moments(n=of.sum(axis=-1) * 1.0, total=of @ values, squares=of @ values**2)

    levels = np.stack(
        [
            rules.test.smallest(
                _p_values(shape, after[:, :, rules.checks.index(end)], margin), look
            )
            for look, end in enumerate(rules.test.looks)
        ],
        axis=-1,
    )
    nothing = np.zeros((runs, options), dtype=np.bool_)
    seen = Seen(differences=np.empty(0), asked=np.full((runs, options), size), vetoed=nothing,
                cleared=~nothing)  # fmt: skip
    found = Tables(pilot=moments(counts[:, :, :stages]), counted=moments(after), levels=levels)
    return float(take(rules, found, seen).walk.accepted.any(axis=1).mean())


def _p_values(shape: Shape, counts: np.ndarray, margin: float) -> np.ndarray:
    rows, back = np.unique(counts.reshape(-1, counts.shape[-1]), axis=0, return_inverse=True)
    return exact(shape.values, rows, margin)[back.reshape(-1)].reshape(counts.shape[:2])


def ladders_table(runs: int) -> list[str]:
    """Error over whole ladders at the margin, alpha 5 %, and the worst cell's 99 % bound."""
    rows = [
        (name, margin, options, n, ladder_error(shape_of(name, margin), n, options, margin, runs))
        for name in SHAPES
        for margin in MARGINS
        for options in OPTIONS
        for n in LADDER_SIZES
    ]
    name, margin, options, n, worst = max(rows, key=lambda row: row[-1])
    lines = [
        (
            f"Worst: {100 * worst:.2f} %, at most {100 * most(worst, runs):.2f} ({name}, margin "
            f"{100 * margin:g}, {options} options, {n} cases); {runs:,} ladders a cell."
        ),
        "",
        "| shape | margin | options | " + " | ".join(f"n = {n}" for n in LADDER_SIZES) + " |",
        "|---" * (3 + len(LADDER_SIZES)) + "|",
    ]
    for at in range(0, len(rows), len(LADDER_SIZES)):
        name, margin, options, _, _ = rows[at]
        cells = [f"{100 * row[-1]:.2f}" for row in rows[at : at + len(LADDER_SIZES)]]
        lines.append(f"| {name} | {100 * margin:g} | {options} | {' | '.join(cells)} |")
    return lines


def width(shape: Shape, size: int, level: float) -> dict[str, float]:
    """Median distance from the mean to each lower bound, of an equal candidate."""
    rng = np.random.default_rng(19)
    equal = shape.at(0.0)
    found: dict[str, list[float]] = {name: [] for name in (*TESTS, "BCa")}
    for _ in range(_WIDTHS):
        sample = rng.choice(equal.values, size, p=equal.chances)
        mean, deviation = sample.mean(), sample.std(ddof=1)
        log = math.log(2 / level)
        found["t"].append(stats.t.isf(level, size - 1) * deviation / math.sqrt(size))
        found["BCa"].append(mean - bca(sample, level, rng))
        found["empirical Bernstein"].append(
            math.sqrt(2 * deviation**2 * log / size) + 14 * log / (3 * (size - 1))
        )
        found["betting"].append(mean - float(betting.bounds(sample, level).lower))
        found["Gaffke"].append(mean - float(gaffke.bounds(sample, level).lower))
    return {name: float(np.median(values)) for name, values in found.items()}


def most(share: float, runs: int) -> float:
    """One-sided 99 % upper bound of a simulated share."""
    wrong = round(share * runs)
    return float(stats.beta.ppf(_CERTAINTY, wrong + 1, runs - wrong))


def errors_table(runs: int) -> list[str]:
    """Largest error over sizes at each shape, margin and level, in percent."""
    lines = [
        "| shape | margin | level | t | empirical Bernstein | betting | Gaffke | at n | at most |"
    ]
    lines.append("|---" * 9 + "|")
    for name in SHAPES:
        for margin in MARGINS:
            shape = shape_of(name, margin)
            for level in LEVELS:
                found = {
                    test: [error(test, shape, n, (margin, level), runs) for n in SIZES]
                    for test in TESTS
                }
                worst = int(np.argmax(found["Gaffke"]))
                cells = [f"{100 * max(found[test]):.2f}" for test in TESTS]
                top = 100 * most(found["Gaffke"][worst], runs)
                lines.append(
                    f"| {name} | {100 * margin:g} | {100 * level:g} | {' | '.join(cells)} | "
                    f"{SIZES[worst]} | {top:.2f} |"
                )
    return lines


def looks_table(runs: int) -> list[str]:
    """Error over all looks of one option at the margin, alpha 5 %, in percent."""
    lines = ["| shape | margin | " + " | ".join(f"n = {n}" for n in SIZES) + " |"]
    lines.append("|---" * (2 + len(SIZES)) + "|")
    for name in SHAPES:
        for margin in MARGINS:
            cells = [
                f"{100 * looks_error(shape_of(name, margin), n, margin, runs):.2f}" for n in SIZES
            ]
            lines.append(f"| {name} | {100 * margin:g} | {' | '.join(cells)} |")
    return lines


def widths_table() -> list[str]:
    """Width of a lower bound beside BCa's, level 5 %, of an equal candidate."""
    lines = ["| shape | n | BCa, points | t | Gaffke | betting | empirical Bernstein |"]
    lines.append("|---" * 7 + "|")
    for name in SHAPES:
        for size in SIZES:
            found = width(shape_of(name, 0.05), size, 0.05)
            base = found["BCa"]
            cells = [
                f"{found[test] / base:.2f}"
                for test in ("t", "Gaffke", "betting", "empirical Bernstein")
            ]
            lines.append(f"| {name} | {size} | {100 * base:.2f} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    if sys.argv[2:] == ["ladders"]:
        print("\n".join(ladders_table(scale)))  # noqa: T201
        sys.exit()
    print("\n".join(errors_table(scale)), "\n", sep="\n", flush=True)  # noqa: T201
    print("\n".join(looks_table(scale)), "\n", sep="\n", flush=True)  # noqa: T201
    print("\n".join(widths_table()), flush=True)  # noqa: T201
