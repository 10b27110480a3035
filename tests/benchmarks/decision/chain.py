"""`python -m tests.benchmarks.decision.chain [RUNS]`: a chain of swaps; writes chain.md.

Each quarter some candidates are tried against today's model, all of them truly worse by the same
points, within the limit. What passes becomes today's model. `before`: no more than that.
`after`: the bounds of the steps must add up to less than `drift` (8 points), as in
`harness.conduct.finding.drift`. The kernel that decides, on made-up answers to one set of cases.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

from harness.plan.lives.ahead import level_of
from harness.stats import tango
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.rules import ALPHA, ladder_design

QUARTERS, BUDGET, FIRST_LEVEL = 4, 8.0, 0.9
SIZES, OPTIONS, SPREADS, MARGINS = (150, 200, 400, 1000), (1, 3, 5), (0.04, 0.08, 0.15), (3, 5)
_CERTAINTY = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """So many candidates a quarter, each truly worse by a share, on so many cases."""

    n: int
    options: int
    worse: float
    spread: float = 0.08
    margin: float = 5.0


def swapped(rng: np.random.Generator, right: np.ndarray, scene: Scene) -> np.ndarray:
    """Candidates' answers: they differ on a share of the cases, and lose `worse` on average."""
    level = right.mean(axis=-1, keepdims=True)[:, None]
    spread, worse = max(scene.spread, scene.worse), scene.worse
    lost, won = (spread + worse) / 2 / level, (spread - worse) / 2 / np.maximum(1 - level, 0.01)
    draws = rng.random((len(right), scene.options, right.shape[-1]))
    return np.where(right[:, None], draws >= lost, draws < np.minimum(won, 1.0))


def picks(now: np.ndarray, new: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """The option that is accepted in each run (-1: none), and the bound that it passed by."""
    shape, n = new.shape[:2], new.shape[2]
    design = ladder_design(shape[1], n, margin=margin, alpha=level_of(1, 4, ALPHA))
    nothing = np.zeros(shape, dtype=np.bool_)
    differences = new.astype(np.float64) - now[:, None]
    seen = Seen(differences=differences, asked=np.full(shape, n), vetoed=nothing, cleared=~nothing)
    walk = run(rules_of(design), seen).walk
    accepted = walk.accepted.any(axis=1)
    taken = np.where(accepted, walk.accepted.argmax(axis=1), -1)
    worst = np.zeros(shape[0])
    for place in np.flatnonzero(accepted):
        option = taken[place]
        reached = design.checks[walk.reached[place, option] - 1]
        look = max(k for k, end in enumerate(design.looks) if end <= reached)
        level = rules_of(design).test.nominal(float(walk.local[place, option]), look)
        seen_by = differences[place, option, design.pilot : design.looks[look]]
        lost, won = (seen_by < 0).sum(), (seen_by > 0).sum()
        worst[place] = float(tango.bounds(lost, won, len(seen_by), level).lower)
    return taken, worst


def chain(scene: Scene, runs: int, *, guard: bool) -> tuple[np.ndarray, np.ndarray]:
    """True loss in points after four quarters, and the number of swaps."""
    seed = [scene.n, scene.options, int(1000 * scene.worse)]
    extra = (
        (int(100 * scene.spread), int(scene.margin))
        if scene.margin != 5 or scene.spread != 0.08
        else ()
    )
    rng = np.random.default_rng([*seed, *extra])
    first = rng.random((runs, scene.n)) < FIRST_LEVEL
    now, swaps, bounds = first.copy(), np.zeros(runs), np.zeros(runs)
    for _ in range(QUARTERS):
        new = swapped(rng, now, scene)
        taken, worst = picks(now, new, scene.margin)
        chosen = np.take_along_axis(new, np.maximum(taken, 0)[:, None, None], axis=1)[:, 0]
        moves = taken >= 0
        if guard:
            moves &= (swaps == 0) | (bounds + worst > -BUDGET / 100)
        now, swaps = np.where(moves[:, None], chosen, now), swaps + moves
        bounds += np.where(moves, worst, 0.0)
    return 100 * scene.worse * swaps, swaps


def page(runs: int) -> str:
    """The whole page."""
    lines = [
        "# A chain of swaps: what four quarters lose, before and after",
        "",
        f"Made by `python -m tests.benchmarks.decision.chain {runs}`; {runs:,} chains a cell,",
        f"{QUARTERS} quarters, `drift` {BUDGET:g} points. First: limit 5, 8 % disagreement.",
        "",
        (
            "| cases | candidates a quarter | each truly worse by | swaps, before | after | "
            "lost at the most, before | after | lost more than 8, before, % | after, % |"
        ),
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for n, options, worse in product((400, 1000), (1, 5), (0.02, 0.03, 0.041)):
        cells: list[str] = []
        scene = Scene(n=n, options=options, worse=worse)
        both = [chain(scene, runs, guard=guard) for guard in (False, True)]
        for value in ("swaps", "most", "over"):
            for loss, swaps in both:
                found = {"swaps": f"{swaps.mean():.2f}", "most": f"{loss.max():.1f}",
                         "over": f"{100 * (loss > BUDGET).mean():.2f}"}  # fmt: skip
                cells.append(found[value])
        lines.append(f"| {n} | {options} | {100 * worse:.1f} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_grid(runs)]) + "\n"


def _grid(runs: int) -> list[str]:
    """Every size, number of candidates, disagreement and limit; each 82 % of the limit worse."""
    rows = list[tuple[Scene, float, float, float]]()
    for n, options, spread, margin in product(SIZES, OPTIONS, SPREADS, MARGINS):
        if spread < margin / 100:
            continue
        scene = Scene(
            n=n, options=options, worse=0.0082 * margin, spread=spread, margin=float(margin)
        )
        over = [(chain(scene, runs, guard=guard)[0] > BUDGET).mean() for guard in (False, True)]
        wrong = round(over[1] * runs)
        most = float(stats.beta.ppf(_CERTAINTY, wrong + 1, runs - wrong))
        rows.append((scene, float(over[0]), float(over[1]), most))
    worst = max(rows, key=lambda row: row[2])
    was = max(rows, key=lambda row: row[1])
    lines = [
        "Then over sizes, candidates, disagreements and limits, each candidate worse by 82 % of",
        f"the limit: chains that lost more than {BUDGET:g} points, percent; `at most` is the",
        (
            "one-sided 99 % bound of the simulation. Worst cell before "
            f"{100 * was[1]:.1f} % ({_cell(was[0])}), after"
        ),
        f"{100 * worst[2]:.2f} %, at most {100 * worst[3]:.2f} % ({_cell(worst[0])}).",
        "",
        "| cases | candidates | disagreement, % | limit | before, % | after, % | at most, % |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for scene, before, after, most in rows:
        lines.append(
            f"| {scene.n} | {scene.options} | {100 * scene.spread:.0f} | {scene.margin:g} | "
            f"{100 * before:.2f} | {100 * after:.2f} | {100 * most:.2f} |"
        )
    return lines


def _cell(scene: Scene) -> str:
    return (
        f"{scene.n} cases, {scene.options} candidates, {100 * scene.spread:.0f} % disagreement, "
        f"limit {scene.margin:g}"
    )


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    Path(__file__).with_name("chain.md").write_text(page(wanted), encoding="utf-8")
