"""Whether choosing among prompts on the tune cases inflates the error on the deciding ones.

`python -m tests.benchmarks.decision.prompts RUNS` prints the tables of `prompts.md` beside this
file. Real outcomes (`zeroeval-gsm8k`): each "prompt" of the small model has the right and wrong
answers of one real model, or of two by turns, so that prompts agree on hard and easy cases as real
ones do; cases on which it is right are made wrong, or the other way round, until it loses exactly
the margin to the incumbent over all cases. Any acceptance is then an error. Cases are drawn with
replacement. A prompt is sought on the search part, chosen among three and today's on the choosing
part, as `rightsize tune` does, and tested beside today's by Holm's procedure with Tango's test.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyarrow.parquet as pq
from scipy import stats

from harness.stats import tango
from tests.benchmarks.decision.outcomes import folder

INCUMBENTS = 3
MARGINS, SIZES, TUNES, PROMPTS = (3, 5), (200, 500), (36, 60), (1, 5, 20)
NEAR = 0.2
"""Models that are further below the best stand for no prompt."""
FINALISTS, LEVEL, CERTAINTY = 3, 0.05, 0.99
_SHOWN = 3
"""One part in three of what does not choose is shown in prompts, and compares nothing."""


@dataclass(frozen=True, kw_only=True)
class PromptScene:
    """One incumbent, and prompts that lose exactly the margin to it."""

    incumbent: np.ndarray
    prompts: np.ndarray
    """Right or wrong, a column a prompt; the first is today's."""
    margin: float
    n: int
    tune: int


def outcomes() -> np.ndarray:
    """Right or wrong, a column a model, the best first; cases that every model was asked."""
    table = pq.read_table(folder() / "zeroeval-gsm8k.scores.parquet").to_pandas()
    wide = table.pivot_table(index="item_id", columns="model", values="score").dropna()
    right = (wide.to_numpy() >= 1).astype(np.int8)
    right = right[:, right.mean(axis=0) >= right.mean(axis=0).max() - NEAR]
    return right[:, np.argsort(-right.mean(axis=0), kind="stable")]


def scenes(right: np.ndarray, tried: int, rng: np.random.Generator) -> list[PromptScene]:
    """Every incumbent, margin and size."""
    found = []
    for best, margin, n, tune in product(range(INCUMBENTS), MARGINS, SIZES, TUNES):
        columns = [_prompt(right, best, margin / 100, rng) for _ in range(tried + 1)]
        found.append(
            PromptScene(
                incumbent=right[:, best],
                prompts=np.stack(columns, axis=1),
                margin=margin / 100,
                n=n,
                tune=tune,
            )
        )
    return found


def _prompt(right: np.ndarray, best: int, margin: float, rng: np.random.Generator) -> np.ndarray:
    """A mixture of two other models, moved to lose exactly the margin."""
    others = [column for column in range(right.shape[1]) if column != best]
    one, two = rng.choice(others, size=2, replace=False)
    either = rng.random(right.shape[0]) < rng.choice((0.5, 1.0))
    column = np.where(either, right[:, one], right[:, two])
    wanted = round((right[:, best].mean() - margin) * right.shape[0])
    lacking = wanted - int(column.sum())
    held = np.flatnonzero(column == (0 if lacking > 0 else 1))
    column[rng.choice(held, size=abs(lacking), replace=False)] ^= 1
    return column


def errors(scene: PromptScene, runs: int, rng: np.random.Generator) -> tuple[int, int]:
    """Reviews with an acceptance: chosen on the tune cases, and on the deciding ones themselves."""
    cases = len(scene.incumbent)
    tuned = scene.prompts[rng.integers(cases, size=(runs, scene.tune))]
    choice = (scene.tune + 1) // 2
    search = tuned[:, choice + (scene.tune - choice) // _SHOWN :, 1:].mean(axis=1)
    search += rng.random(search.shape) * 1e-6
    best = np.argsort(-search, axis=1)[:, :FINALISTS] + 1
    means = np.take_along_axis(tuned[:, :choice].mean(axis=1), best, axis=1)
    chosen = best[np.arange(runs), means.argmax(axis=1)]
    drawn = rng.integers(cases, size=(runs, scene.n))
    today = scene.incumbent[drawn]
    apart = scene.prompts[drawn]
    first, own = apart[:, :, 0], apart[np.arange(runs), :, chosen]
    naive = apart[np.arange(runs), :, 1 + apart[:, :, 1:].mean(axis=1).argmax(axis=1)]
    fixed = _p_values(today, first, scene.margin)
    return (
        int(_accepts(fixed, _p_values(today, own, scene.margin)).sum()),
        int(_accepts(fixed, _p_values(today, naive, scene.margin)).sum()),
    )


def _accepts(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Holm's procedure: the smaller of two at half of the level opens the rest."""
    return np.minimum(one, two) <= LEVEL / 2


def _p_values(today: np.ndarray, candidate: np.ndarray, margin: float) -> np.ndarray:
    gains = ((candidate == 1) & (today == 0)).sum(axis=1)
    losses = ((candidate == 0) & (today == 1)).sum(axis=1)
    table, where = np.unique(np.stack([gains, losses], axis=1), axis=0, return_inverse=True)
    values = tango.p_value(table[:, 1], table[:, 0], today.shape[1], margin)
    return values[where.ravel()]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(runs: int) -> None:
    """Print how often a review errs, by the number of prompts tried."""
    right = outcomes()
    _say(f"{right.shape[1]} models, {right.shape[0]} cases; {runs} reviews a cell")
    _say("| prompts tried | mean | worst cell | its bound (99 %) | chosen on the deciding cases |")
    _say("|---:|---:|---:|---:|---:|")
    for tried in PROMPTS:
        rng = np.random.default_rng(26 + tried)
        found = [errors(scene, runs, rng) for scene in scenes(right, tried, rng)]
        wrong = np.array([each[0] for each in found])
        worst = int(wrong.max())
        most = stats.beta.ppf(CERTAINTY, worst + 1, runs - worst)
        naive = np.array([each[1] for each in found])
        _say(
            f"| {tried} | {100 * wrong.mean() / runs:.2f} % | {100 * worst / runs:.2f} % | "
            f"{100 * most:.2f} % | {100 * naive.mean() / runs:.2f} %, worst "
            f"{100 * naive.max() / runs:.2f} % |"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
