"""What decides more at small sizes: the share of the cases that each idea saves at equal error.

`python -m tests.benchmarks.decision.small` writes `small.md` beside this file, from the shared
outcomes (`outcomes.py` says where they lie). Cases needed go with the variance of the estimate, so
a covariate saves the share of the variance that it explains, its mean being known from a pool that
is much larger than the eval set; with a pool of n cases beside n asked it saves half of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from harness.plan.lives.ahead import level_of
from harness.stats import gaffke, tango
from harness.stats.sequential.levels import TestRules
from tests.benchmarks.decision.outcomes import folder

NEAR, JUDGES = 0.03, (0.7, 0.8, 0.9)
RUNS, EITHER, SEED = 20_000, 0.08, 18
"""Drawn candidates: runs, and the share of disagreements."""
EARLIER = {
    "gpt-4o-2024-08-06": "gpt-4o-2024-05-13",
    "claude-3-5-sonnet-20241022": "claude-3-5-sonnet-20240620",
}
"""The same vendor's model of the quarter before."""


def explained(d: np.ndarray, *covariates: np.ndarray) -> float:
    """Share of the variance of `d` that a linear fit explains, less what chance explains."""
    x = np.column_stack([np.ones(len(d)), *covariates])
    rest = d - x @ np.linalg.lstsq(x, d, rcond=None)[0]
    free = (len(d) - 1) / (len(d) - x.shape[1])
    return 1 - free * float(rest.var() / d.var())


def covariates() -> list[tuple[str, int, float, float]]:
    """Of pairs within three points on GSM8K: what is tried, pairs, mean and most share saved."""
    scores = pq.read_table(folder() / "zeroeval-gsm8k.scores.parquet").to_pandas()
    table = scores.pivot_table(index="item_id", columns="model", values="score")
    hard = table.mean(axis=1)
    found: dict[str, list[float]] = {}
    rng = np.random.default_rng(18)

    def add(name: str, d: np.ndarray, *by: np.ndarray) -> None:
        found.setdefault(name, []).append(explained(d, *by))

    for now, new in combinations(table.columns, 2):
        d = (table[new] - table[now]).to_numpy()
        if abs(d.mean()) > NEAR or not d.var():
            continue
        rest = hard * table.shape[1] - table[now] - table[new]
        others = (rest / (table.shape[1] - 2)).to_numpy()
        add("strata by how many other models fail the case", d, others, others**2)
        for right in JUDGES:
            judge = np.where(rng.random(len(d)) < right, d, -d)
            add(f"labels, by a judge right on {100 * right:.0f} % of the disagreements", d, judge)
    for now, before in EARLIER.items():
        for new in table.columns.difference([now, before]):
            d = (table[new] - table[now]).to_numpy()
            if abs(d.mean()) <= NEAR:
                was = table[before].to_numpy()
                add("the earlier answers of today's model's predecessor", d, was)
    return [(name, len(one), float(np.mean(one)), max(one)) for name, one in found.items()]


def noise() -> float:
    """Share of the cases on which two runs of one model disagree (an agent's tasks)."""
    scores = pq.read_table(folder() / "taubench-airline.scores.parquet").to_pandas()
    runs = scores.pivot_table(index="item_id", columns="trial", values="score").to_numpy()
    pairs = list(combinations(range(runs.shape[1]), 2))
    return float(np.mean([(runs[:, a] != runs[:, b]).mean() for a, b in pairs]))


def _p(counts: np.ndarray, margin: float) -> np.ndarray:
    """P-values of gains, losses and the rest."""
    gains, losses, rest = counts.astype(np.float64).T
    return tango.p_value(losses, gains, gains + losses + rest, margin)


def quarters(n: int, margin: float, difference: float) -> tuple[float, ...]:
    """Passes in the first quarter, and in either, of n cases each: by each of the ways."""
    rng = np.random.default_rng(SEED)
    gain = (EITHER + difference) / 2
    shares = [gain, gain - difference, 1 - EITHER]
    first, second = (rng.multinomial(n, shares, RUNS) for _ in range(2))
    rules = TestRules(method="tango", margin=margin, start=0, looks=(n, 2 * n))
    looks = [rules.nominal(0.05, look) for look in (0, 1)]
    old, new, both = (_p(counts, margin) for counts in (first, second, first + second))
    passed = (
        (old < level_of(1, 4, 0.05)) | (new < level_of(1, 4, 0.05)),
        (old < level_of(1, 4, 0.05)) | (both < level_of(2, 4, 0.05)),
        (old < looks[0]) | (both < looks[1]),
    )
    early = (old < level_of(1, 4, 0.05), old < looks[0])
    return tuple(float(each.mean()) for each in (*early, *passed))


def quarters_rows() -> Iterator[str]:
    """Power of an equal candidate, and in brackets the error at the margin, percent."""
    for margin, n in ((margin, n) for margin in (0.03, 0.05) for n in (100, 150, 200, 400)):
        pairs = zip(quarters(n, margin, 0.0), quarters(n, margin, -margin), strict=True)
        cells = " | ".join(f"{100 * power:.0f} ({100 * error:.1f})" for power, error in pairs)
        yield f"| {100 * margin:g} | {n} | {cells} |\n"


def repeated(n: int, repeats: int, worse: float, differ: float) -> float:
    """How often means of repeats pass a margin of 5 points, where all disagreement is noise."""
    rng, wrong = np.random.default_rng(SEED), 0.5 - np.sqrt(0.25 - differ / 2)
    now, new = (rng.binomial(repeats, 1 - wrong - lost, (400, n)) for lost in (0.0, worse))
    values = np.arange(-repeats, repeats + 1)
    counts = np.stack([(new - now == value).sum(axis=1) for value in values], axis=1)
    if repeats == 1:
        return float((_p(counts[:, [2, 0, 1]], 0.05) < 0.05).mean())
    p = gaffke.p_of_counts(values / repeats, counts.astype(np.float64), 0.05)
    return float((p < 0.05).mean())


def repeats_rows(differ: float) -> Iterator[str]:
    for n in (200, 400, 600, 800):
        cells = " | ".join(
            f"{100 * repeated(n, k, 0.0, differ):.0f} ({100 * repeated(n, k, 0.05, differ):.1f})"
            for k in (1, 2, 3)
        )
        yield f"| {n} | {cells} |\n"


HEAD = """# Small eval sets: what decides more

Made by `python -m tests.benchmarks.decision.small`, on part A of the real outcomes; the judges are
drawn. Kept in the product would be what saves 10 % of the cases at equal error: none of these is.

Pairs of models within 3 points on GSM8K (1,319 cases); saved of the cases, in percent.

| tried | pairs | on average | at most |
|---|---:|---:|---:|
"""
REST = """
A covariate needs its mean from a pool that is much larger than the eval set; of a pool as large
again it saves half. Both models meet the same cases already, so what makes a case hard for both is
gone from the difference before any adjustment.

A judge saves labels, not calls: both models answer the pool. Labels are asked on disagreements
alone (`rightsize label`), and a judge right on four of five would save a third of them. The
bound for a difference that is corrected by few labels was not made; it is not in the product.

## Repeats

Two runs of one agent disagree on {noise:.0f} % of its tasks. Candidates drawn so, all
disagreement being such noise, margin 5: passes of an equal one, in brackets of one at the margin
(400 runs); one run by Tango's test, means of more by Gaffke's, as the product does. 400 cases
with two runs decide what 800 with one do: half of the cases and labels, and as many calls.
`repeats: 2` is in the product.

| cases | one run | two | three |
|---:|---|---|---|
{repeats}
## Last quarter's evidence

An equal candidate, 8 % disagreement, n cases a quarter: passes, and in brackets those of one at
the margin. Old and new cases together at what is left of their error (`life.md`) decide less than
the new cases alone, which have the error of a first test and err so in each of the two quarters.
One test that is planned over two quarters (5 % in all, two looks) decides most by the second, 2
to 8 points more than new cases alone, and errs less; but in the first it passes 10 to 78 of 100
at a margin of 5 where a test now passes 43 to 95, and it must be planned before the first answer,
for models whose versions do not change. It is not in the product.

| margin | n | first | first, planned | by the second: new alone | old and new | planned |
|---:|---:|---|---|---|---|---|
{quarters}"""


def page() -> str:
    """The page."""
    rows = [
        f"| {name} | {pairs} | {100 * mean:.1f} | {100 * most:.1f} |\n"
        for name, pairs, mean, most in covariates()
    ]
    differ = noise()
    rest = REST.format(
        noise=100 * differ, repeats="".join(repeats_rows(differ)), quarters="".join(quarters_rows())
    )
    return HEAD + "".join(rows) + rest


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")
