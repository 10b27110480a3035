"""What decides more at small sizes: the share of the cases that each idea saves at equal error.

`python -m tests.benchmarks.decision.small` writes `small.md` beside this file, from the shared
outcomes (`outcomes.py` says where they lie). Cases needed go with the variance of the estimate, so
a covariate saves the share of the variance that it explains, its mean being known from a pool that
is much larger than the eval set; with a pool of n cases beside n asked it saves half of that.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.benchmarks.decision.outcomes import folder

NEAR, JUDGES = 0.03, (0.7, 0.8, 0.9)
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

Repeats: two runs of one agent disagree on {noise:.0f} % of its tasks. Where all disagreement is
such noise, two runs a case halve the variance: half of the cases, and as many calls. That saves
tasks and labels, not money; `repeats: 2` is in the product.

Last quarter's evidence: the shared error of an eval set's life (`life.md`) tests old and new cases
together at a later test's level. One test that is planned over two quarters would need only the new
half at its second look; it must be planned before the first answer, for models whose versions do
not change. It is not in the product.
"""


def page() -> str:
    """The page."""
    rows = [
        f"| {name} | {pairs} | {100 * mean:.1f} | {100 * most:.1f} |\n"
        for name, pairs, mean, most in covariates()
    ]
    return HEAD + "".join(rows) + REST.format(noise=100 * noise())


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")
