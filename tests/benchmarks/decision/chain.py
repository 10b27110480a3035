"""`python -m tests.benchmarks.decision.chain [RUNS]`: a chain of swaps; writes chain.md.

Each quarter some candidates are tried against today's model, all of them truly worse by the same
points, within the limit of 5. What passes becomes today's model. `before`: no more than that.
`after`: the bounds of the steps must add up to less than `drift` (8 points), as in
`harness.conduct.finding.drift`. The kernel that decides, on made-up answers to one set of cases.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from harness.plan.life import level_of
from harness.stats import tango
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.rules import ALPHA, ladder_design

QUARTERS, BUDGET, FIRST_LEVEL, SPREAD = 4, 8.0, 0.9, 0.08
MARGIN = 5.0


def swapped(rng: np.random.Generator, right: np.ndarray, worse: float, options: int) -> np.ndarray:
    """Candidates' answers: they differ on 8 % of the cases, and lose `worse` on average."""
    level = right.mean(axis=-1, keepdims=True)[:, None]
    lost, won = (SPREAD + worse) / 2 / level, (SPREAD - worse) / 2 / np.maximum(1 - level, 0.01)
    draws = rng.random((len(right), options, right.shape[-1]))
    return np.where(right[:, None], draws >= lost, draws < np.minimum(won, 1.0))


def picks(now: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The option that is accepted in each run (-1: none), and the bound that it passed by."""
    shape, n = new.shape[:2], new.shape[2]
    design = ladder_design(shape[1], n, margin=MARGIN, alpha=level_of(1, 4, ALPHA))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """So many candidates a quarter, each truly worse by a share, on so many cases."""

    n: int
    options: int
    worse: float


def chain(scene: Scene, runs: int, *, guard: bool) -> tuple[np.ndarray, np.ndarray]:
    """True loss in points after four quarters, and the number of swaps."""
    rng = np.random.default_rng([scene.n, scene.options, int(1000 * scene.worse)])
    first = rng.random((runs, scene.n)) < FIRST_LEVEL
    now, swaps, bounds = first.copy(), np.zeros(runs), np.zeros(runs)
    for _ in range(QUARTERS):
        new = swapped(rng, now, scene.worse, scene.options)
        taken, worst = picks(now, new)
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
        f"{QUARTERS} quarters, limit {MARGIN:g}, `drift` {BUDGET:g} points, 8 % disagreement.",
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
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    Path(__file__).with_name("chain.md").write_text(page(wanted), encoding="utf-8")
