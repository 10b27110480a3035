"""`python -m tests.benchmarks.decision.floor [RUNS]`: what the floor costs, on made-up answers.

One candidate beside an incumbent of a known level, over an eval set whose commonest target has a
known share. The kernel that decides runs on every history, then the floor is looked at on the cases
that the incumbent was asked: the share of wrong downgrades at the margin, and the share decided,
without the floor, with it, and with it where today's model is asked on until it clears.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta, binomtest

from harness.stats import tango
from harness.stats.course import Seen, run
from harness.stats.floor import LEVEL
from harness.stats.single import rules_of
from tests.support.decisions import design

if TYPE_CHECKING:
    from harness.stats.arrays import Bools, Floats, Ints

MARGIN = 5.0
LEVELS = (0.6, 0.8, 0.95)
TARGETS = {0.25: (0.25,) * 4, 0.5: (0.5, 0.5), 0.9: (0.9, 0.1)}
TRUTHS = {"at the margin": (0.02, 0.07), "equal": (0.04, 0.04), "15 worse": (0.02, 0.17)}
"""(gains, losses) of the candidate against the incumbent."""
CASES = (200, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Differences and today's scores, (runs, cases), and the targets as numbers of labels."""

    differences: Floats
    right: Bools
    targets: Ints


def draw(level: float, target: float, truth: str, n: int, rng: np.random.Generator) -> Histories:
    """Answers of both models: losses only where today's is right, gains only where it is not."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    gains, losses = TRUTHS[truth]
    draws = rng.random((runs, n))
    right = draws < level
    lost = draws < losses
    won = right | (draws >= level + gains)
    return Histories(
        differences=np.where(lost, -1.0, np.where(won, 0.0, 1.0)),
        right=right,
        targets=rng.choice(len(TARGETS[target]), p=TARGETS[target], size=(runs, n)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How every history ends without the floor, and after how many cases."""

    accepted: Bools
    left: Bools
    asked: Ints


def decided(drawn: Histories) -> Ends:
    """The product's ladder with one option."""
    runs, n = drawn.right.shape
    plan = design(n=n, options=1, kind="ladder", margin=MARGIN)
    rules = rules_of(plan)
    shape = (runs, 1)
    seen = Seen(
        differences=drawn.differences[:, None, :],
        asked=np.full(shape, n),
        vetoed=np.zeros(shape, dtype=np.bool_),
        cleared=np.ones(shape, dtype=np.bool_),
    )
    found = run(rules, seen)
    reached = found.walk.reached[:, 0]
    asked = np.where(reached > 0, np.array([0, *plan.checks])[reached], found.piloted[:, 0])
    inside = np.arange(n) < asked[:, None]
    lost = ((drawn.differences < 0) & inside).sum(axis=1).astype(np.float64)
    won = ((drawn.differences > 0) & inside).sum(axis=1).astype(np.float64)
    upper = tango.bounds(lost, won, asked.astype(np.float64), 0.05).upper
    accepted = found.walk.accepted[:, 0]
    return Ends(accepted=accepted, left=~accepted & ((asked < n) | (upper < -0.05)), asked=asked)


def clears(drawn: Histories, asked: Ints) -> Bools:
    """Whether the floor is cleared on the first `asked` cases of every history."""
    inside = np.arange(drawn.right.shape[1]) < asked[:, None]
    right = (drawn.right & inside).sum(axis=1)
    labels = range(int(drawn.targets.max()) + 1)
    best = np.max([((drawn.targets == label) & inside).sum(axis=1) for label in labels], axis=0)
    lower = np.where(right > 0, beta.ppf(LEVEL, np.maximum(right, 1), asked - right + 1), 0.0)
    return lower - best / asked >= MARGIN / 100


def asked_on(drawn: Histories, ends: Ends) -> Bools:
    """As `clears`, today's model asked twice as many cases, again and again, until it does."""
    n = drawn.right.shape[1]
    asked, found = ends.asked.copy(), clears(drawn, ends.asked)
    while (short := ~found & (asked < n)).any():
        asked = np.where(short, np.minimum(2 * asked, n), asked)
        found |= clears(drawn, asked)
    return found


def main() -> None:
    """Print one row a scene."""
    rng = np.random.default_rng(2026)
    print("n, level, constant, truth: downgrades | decided: without, with, with and asked on")  # noqa: T201
    for n, level, target, truth in product(CASES, LEVELS, TARGETS, TRUTHS):
        drawn = draw(level, target, truth, n, rng)
        ends = decided(drawn)
        cleared, further = clears(drawn, ends.asked), asked_on(drawn, ends)
        accepts = [ends.accepted, ends.accepted & cleared, ends.accepted & further]
        either = ends.accepted | ends.left
        shares = [either, either & cleared, either & further]
        ci = binomtest(int(accepts[2].sum()), accepts[2].size).proportion_ci(0.95)
        cells = " ".join(f"{100 * a.mean():5.1f}" for a in accepts)
        whole = " ".join(f"{100 * share.mean():5.1f}" for share in shares)
        print(  # noqa: T201
            f"{n} {100 * level:.0f} {100 * target:.0f} {truth:13} | {cells} "
            f"({100 * ci.low:.1f}-{100 * ci.high:.1f}) | {whole}"
        )


if __name__ == "__main__":
    main()
