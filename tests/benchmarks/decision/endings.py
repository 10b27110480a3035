"""How reviews end: what share passes, is shown to be worse, is given up early, or stays open.

The kernel that decides, on made-up answers. `unlikely at the last case` is what is open now and
was called unlikely while an option was given up at its last check, too: the same histories, whose
acceptances and calls are the same either way.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from harness.stats import tango
from harness.stats.arrays import moments_at
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.state import rules_of
from harness.stats.sequential.steering import PassMark, predicted_chance
from tests.benchmarks.decision.rules import ladder_design

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stats.sequential.design import Design
    from harness.stats.sequential.histories import HistoryStates

RUNS = 20_000
MARGIN, DISCORDANCE = 5.0, 0.08
SIZES, LADDERS = (150, 200, 400), (1, 3)
TRUTHS = {"equal": 0.0, "at the margin": -MARGIN / 100}
_CHUNK = 2_000_000
_CERTAINTY = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A cell: so many options, all of one true difference, on so many cases."""

    truth: str
    n: int
    options: int

    @property
    def rates(self) -> tuple[float, float]:
        """Gain and loss rates."""
        worse = -TRUTHS[self.truth]
        return (DISCORDANCE - worse) / 2, (DISCORDANCE + worse) / 2


def endings() -> Iterator[Ending]:
    """Every cell."""
    for truth, n, options in product(TRUTHS, SIZES, LADDERS):
        yield Ending(truth=truth, n=n, options=options)


def measure(cell: Ending, *, runs: int = RUNS) -> dict[str, float]:
    """Shares of the reviews, and the one-sided 99 % upper bound of the share that passes."""
    design = ladder_design(cell.options, cell.n, margin=MARGIN)
    rng = np.random.default_rng([cell.n, cell.options, len(cell.truth)])
    gain, loss = cell.rates
    found = {"passes": 0, "unlikely before": 0, "unlikely now": 0, "worse": 0}
    step = max(1, _CHUNK // (cell.options * cell.n))
    for start in range(0, runs, step):
        shape = (min(step, runs - start), cell.options, cell.n)
        drawn = rng.choice([1.0, -1.0, 0.0], shape, p=[gain, loss, 1 - gain - loss])
        for name, count in _counted(design, drawn).items():
            found[name] += count
    passed = found["passes"]
    most = float(stats.beta.ppf(_CERTAINTY, passed + 1, runs - passed))
    return {name: count / runs for name, count in found.items()} | {"at most": most, "runs": runs}


def _counted(design: Design, drawn: np.ndarray) -> dict[str, int]:
    shape = drawn.shape[:2]
    none = np.zeros(shape, dtype=np.bool_)
    asked = np.full(shape, drawn.shape[2])
    states = run(rules_of(design), Seen(differences=drawn, asked=asked, vetoed=none, cleared=~none))
    passes = states.walk.accepted.any(axis=1)
    worse = _worse(design, states, drawn)
    early = (states.dropped | states.walk.stopped) & ~worse
    late = early | (_hopeless_at_the_end(design, states, drawn) & ~worse)
    return {
        "passes": int(passes.sum()),
        "worse": int((~passes & worse.all(axis=1)).sum()),
        "unlikely now": _left(passes, worse, early),
        "unlikely before": _left(passes, worse, late),
    }


def _left(passes: np.ndarray, worse: np.ndarray, unlikely: np.ndarray) -> int:
    """Reviews in which every option has a reason to be left, not all of them shown to be worse."""
    left = (worse | unlikely).all(axis=1) & ~worse.all(axis=1)
    return int((~passes & left).sum())


def _worse(design: Design, states: HistoryStates, drawn: np.ndarray) -> np.ndarray:
    """Shown to be worse than the margin by all that an option was asked."""
    ends = np.array([0, *design.checks])
    asked = np.where(states.walk.reached > 0, ends[states.walk.reached], states.piloted)
    inside = np.arange(drawn.shape[2]) < asked[..., None]
    losses, gains = ((inside & (drawn == sign)).sum(axis=-1) for sign in (-1.0, 1.0))
    best = tango.bounds(losses, gains, np.maximum(asked, 1), design.alpha).upper
    return (asked > 0) & (best < -design.margin / 100) & ~states.walk.accepted


def _hopeless_at_the_end(design: Design, states: HistoryStates, drawn: np.ndarray) -> np.ndarray:
    """Asked every case, not accepted, and with no chance left: none is, when no case is."""
    rules = rules_of(design)
    last = states.walk.reached == len(design.checks)
    every = moments_at(drawn, 0, (rules.checks[-1],))
    counted = moments_at(drawn, rules.pilot, (rules.checks[-1],))
    level = rules.alpha * np.sqrt(np.maximum(states.weights, 1e-9))
    target = PassMark(
        margin=rules.test.margin, level=level[..., None], n=rules.checks[-1] - rules.pilot
    )
    chance = predicted_chance(every, counted, target, rules.steering.prior)[..., 0]
    return last & ~states.walk.accepted & (chance < rules.steering.futile_below)


def run_all(out: Path) -> None:
    """Run every cell that `out` does not have yet."""
    known = set()
    if out.exists():
        known = {json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()}
    for cell in endings():
        key = json.dumps(asdict(cell))
        if key not in known:
            row = {"key": key, **asdict(cell), **measure(cell)}
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


HEADER = """# How reviews end, measured

Made by `python -m tests.benchmarks.decision.command endings DIR`, fixed seeds, {runs:,} reviews a
row. All options have the same true difference from today's model: none, or exactly the margin (5
points); they disagree with it on 8 % of the cases. Percent of the reviews. *passes*: some option
does; at the margin each is an error, with the one-sided 99 % upper bound (alpha is 5 %). Of the
others: *worse*: all options are shown to be; *given up*: every option has a reason to be left, one
at least that it was unlikely to pass; *open*: some option was asked every case and is not shown,
which makes the review undecided. *Before*: as it was while an option was given up at its last
check, too, where nothing is left to ask. No acceptance and no call differs by that.
"""


def page(folder: Path) -> str:
    """The page of what the JSON lines of `folder` hold."""
    rows = [
        json.loads(line)
        for line in (folder / "endings.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    lines = [
        HEADER.format(runs=RUNS),
        (
            "| options are | options | cases | passes | at most | worse | given up, before "
            "| open, before | given up | open |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_line, rows)]) + "\n"


def _line(row: dict[str, float]) -> str:
    before, now = (
        (100 * row[name], 100 * (1 - row["passes"] - row["worse"] - row[name]))
        for name in ("unlikely before", "unlikely now")
    )
    cells = (
        f"{row['truth']}", f"{row['options']}", f"{row['n']}", f"{100 * row['passes']:.2f}",
        f"{100 * row['at most']:.2f}", f"{100 * row['worse']:.1f}",
        *(f"{share:.1f}" for share in (*before, *now)),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"
