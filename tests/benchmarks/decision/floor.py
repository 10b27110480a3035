"""`python -m tests.benchmarks.decision.floor [RUNS | real]`: what the floor costs.

One candidate beside an incumbent of a known level, over an eval set whose commonest target has a
known share. The kernel that decides runs on every history, then the floor is looked at on the cases
that the incumbent was asked: the share of wrong downgrades at the margin, and the share decided,
without the floor, with it, and with it where today's model is asked on until it clears.

`real` draws the cases from the outcomes that `RIGHTSIZE_OUTCOMES` names (llmrouter-14tasks): the
best model of each task is the incumbent, each other one a candidate. Where the source does not tell
the targets, a task of four choices is given a commonest one of 25 %.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import beta, binomtest

from harness.stats import tango
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.sample_size import LEVEL
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.outcomes import folder
from tests.support.decisions import design

if TYPE_CHECKING:
    import pandas as pd

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
    labels = (1,) if drawn.targets.max() <= 1 and sys.argv[1:] == ["real"] else range(4)
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


CHOICES = {"arc_challenge": 0.25, "gpqa": 0.25, "openbook_qa": 0.25}
GRADED = {"natural_qa", "trivia_qa", "commongen"}
DRAWS = 200
SIZE = 200


def commonest(task: str) -> float:
    """Share of a task's commonest target, as the source tells it or as it is assumed."""
    items = pq.read_table(folder() / "llmrouter-14tasks.items.parquet").to_pandas()
    gold = items[items.task == task].gold.dropna()
    told = 0.0 if gold.empty else float(gold.value_counts(normalize=True).iloc[0])
    return max(told, CHOICES.get(task, 0.0))


def real() -> None:
    """Print one row a task: over all its candidates and draws."""
    rng = np.random.default_rng(2026)
    scores = pq.read_table(folder() / "llmrouter-14tasks.scores.parquet").to_pandas()
    whole = np.zeros((3, 2))
    count = np.zeros(2)
    print("task, level, constant | decided: without, with and asked on | wrong downgrades")  # noqa: T201
    for task, rows in scores.groupby("task"):
        if task in GRADED:
            continue
        table = rows.pivot_table(index="item_id", columns="model", values="score").dropna()
        today = table.mean().idxmax()
        share = commonest(str(task))
        found = [_resampled(table, str(today), name, share, rng) for name in table if name != today]
        either, further, wrong, kept, beyond = (np.array(each) for each in zip(*found, strict=True))
        whole += [[either.sum(), 0], [further.sum(), 0], [wrong.sum(), kept.sum()]]
        count += [either.size, beyond.sum()]
        print(  # noqa: T201
            f"{task:22} {100 * table[today].mean():5.1f} {100 * share:5.1f} | "
            f"{100 * either.mean():5.1f} {100 * further.mean():5.1f} | "
            f"{100 * wrong.mean():5.2f} {100 * kept.mean():5.2f}"
        )
    shares = 100 * whole / count[0]
    print(  # noqa: T201
        f"all: decided {shares[0, 0]:.1f} -> {shares[1, 0]:.1f}, "
        f"wrong downgrades {shares[2, 0]:.2f} -> {shares[2, 1]:.2f}"
    )


def _resampled(
    table: pd.DataFrame, today: str, candidate: str, share: float, rng: np.random.Generator
) -> tuple[float, float, float, float, bool]:
    """Shares decided without the floor and with it, and of wrong downgrades; of one candidate."""
    ours, theirs = table[today].to_numpy(), table[candidate].to_numpy()
    size = min(SIZE, len(ours))
    drawn = [rng.permutation(len(ours))[:size] for _ in range(DRAWS)]
    histories = Histories(
        differences=np.stack([theirs[cases] - ours[cases] for cases in drawn]),
        right=np.stack([ours[cases] == 1 for cases in drawn]),
        targets=(rng.random((DRAWS, size)) < share).astype(np.int64),
    )
    ends, worse = decided(histories), theirs.mean() - ours.mean() <= -MARGIN / 100
    cleared = asked_on(histories, ends)
    either = ends.accepted | ends.left
    return (
        float(either.mean()),
        float((either & cleared).mean()),
        float((ends.accepted & worse).mean()),
        float((ends.accepted & worse & cleared).mean()),
        bool(worse),
    )


def main() -> None:
    """Print one row a scene."""
    if sys.argv[1:] == ["real"]:
        real()
        return
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
