"""Point 1: how often a rule errs when every option stands exactly at the margin.

One look at binary scores is enumerated: no Monte-Carlo error. Everything else is simulated with
the kernel that decides. A cell that the product refuses beforehand (SAMPLE_TOO_SMALL) is listed
as refused and not run.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from harness.decision.procedure import too_small
from harness.stats.course import Seen, Tables, run, take
from harness.stats.levels import tango_levels
from harness.stats.moments import Moments
from harness.stats.power import Truth, pass_rate
from harness.stats.single import rules_of
from tests.benchmarks.decision.rules import ALPHA, ladder_design

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stats.course import LadderRules
    from harness.stats.design import Design

SIZES = (50, 100, 200, 500, 1000, 2000)
DISCORDANCES = (0.02, 0.05, 0.1, 0.2, 0.4)
MARGINS = (1.0, 2.0, 3.0, 5.0, 10.0)
LADDERS = (1, 3, 8, 20)
RUNS = 50_000
SHARED = 0.6
"""Share of the disagreements that all options of a correlated ladder have in common."""
_CHUNK = 1_500_000

Scene = Literal["one look", "ladder", "graded", "clustered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: margin in points, discordance a share; `options` all at the margin."""

    scene: Scene
    n: int
    discordance: float
    margin: float
    options: int = 1
    correlated: bool = False
    within: float = 0.0
    """Correlation inside clusters of five."""

    @property
    def key(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(self.key.encode()))

    @property
    def rates(self) -> tuple[float, float]:
        """Gain and loss rates at which the true difference is minus the margin."""
        worse = self.margin / 100
        return (self.discordance - worse) / 2, (self.discordance + worse) / 2


def cells() -> Iterator[Cell]:
    """Every cell with discordance >= margin; simulated ones on a coarser grid."""
    yield from one_look()
    yield from ladders()
    for n, margin in product((100, 200, 500), (5.0, 10.0)):
        yield Cell(scene="graded", n=n, discordance=margin / 100, margin=margin)
    for n, (discordance, margin), within in product(
        (200, 500, 1000), ((0.1, 10.0), (0.1, 5.0), (0.2, 5.0), (0.1, 3.0)), (0.3, 1.0)
    ):
        yield Cell(scene="clustered", n=n, discordance=discordance, margin=margin, within=within)


def one_look() -> Iterator[Cell]:
    """A single test of all cases, enumerated."""
    for n, discordance, margin in product(SIZES, DISCORDANCES, MARGINS):
        if discordance >= margin / 100 - 1e-12:
            yield Cell(scene="one look", n=n, discordance=discordance, margin=margin)


def ladders() -> Iterator[Cell]:
    """The whole procedure, all options at the margin, independent and correlated."""
    pairs = ((0.05, 5.0), (0.1, 5.0), (0.1, 10.0), (0.05, 3.0), (0.2, 3.0), (0.05, 1.0))
    for (discordance, margin), n in product(pairs, (100, 200, 500, 1000, 2000)):
        yield Cell(scene="ladder", n=n, discordance=discordance, margin=margin)
    for (discordance, margin), n, options, correlated in product(
        pairs[:5], (200, 500), LADDERS[1:], (False, True)
    ):
        yield Cell(
            scene="ladder", n=n, discordance=discordance, margin=margin,
            options=options, correlated=correlated,
        )  # fmt: skip


def run_all(out: Path, *, runs: int = RUNS, only: list[Cell] | None = None) -> None:
    """Run every cell that `out` does not have yet."""
    known = set()
    if out.exists():
        known = {json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()}
    for cell in only if only is not None else cells():
        if cell.key not in known:
            row = {"key": cell.key, **asdict(cell), **measure(cell, runs=runs)}
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def measure(cell: Cell, *, runs: int) -> dict[str, object]:
    """Refused, or the error rate and its one-sided 99 % Monte-Carlo lower bound."""
    design = design_of(cell)
    if too_small(design):
        return {"refused": True, "error": None, "at_least": None, "runs": 0}
    if cell.scene == "one look":
        truth = Truth(difference=-cell.margin / 100, discordance=cell.discordance)
        size = pass_rate(truth, cell.n, cell.margin / 100, ALPHA)
        return {"refused": False, "error": size, "at_least": size, "runs": 0}
    step = max(1, _CHUNK // (cell.options * (60 if cell.scene == "ladder" else cell.n * 6)))
    rng, errors = cell.rng, 0
    for start in range(0, runs, step):
        errors += int(_errs(cell, design, rng, min(step, runs - start)).sum())
    lowest = float(stats.beta.ppf(0.01, errors, runs - errors + 1)) if errors else 0.0
    return {"refused": False, "error": errors / runs, "at_least": lowest, "runs": runs}


def design_of(cell: Cell) -> Design:
    """The product's default design; a plain test for `one look`."""
    clusters = tuple(f"k{place // 5}" for place in range(cell.n))
    changes: dict[str, object] = {"margin": cell.margin}
    if cell.scene == "one look":
        changes["kind"] = "holm"
    if cell.scene == "graded":
        changes["method"] = "betting"
    if cell.scene == "clustered":
        changes |= {"method": "cluster-t", "clusters": clusters}
    return ladder_design(cell.options, cell.n, **changes)


def _errs(cell: Cell, design: Design, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Whether any option was accepted: all of them are at the margin."""
    rules = rules_of(design)
    nothing = np.zeros((runs, cell.options), dtype=np.bool_)
    asked = np.full((runs, cell.options), cell.n)
    if cell.scene == "ladder":
        seen = Seen(differences=np.empty(0), asked=asked, vetoed=nothing, cleared=~nothing)
        return take(rules, _segments(cell, rules, rng, runs), seen).walk.accepted.any(axis=1)
    draw = _graded if cell.scene == "graded" else _clustered
    seen = Seen(
        differences=draw(cell, rng, runs),
        asked=asked,
        vetoed=nothing,
        cleared=~nothing,
        clusters=np.arange(cell.n) // 5,
    )
    return run(rules, seen).walk.accepted.any(axis=1)


def _segments(cell: Cell, rules: LadderRules, rng: np.random.Generator, runs: int) -> Tables:
    """Gains and losses between the counts that the procedure looks at, drawn as totals."""
    ends = (*rules.stages, *rules.checks)
    gain, loss = cell.rates
    common = SHARED if cell.correlated else 0.0
    gains, losses = [], []
    for size in np.diff((0, *ends)):
        free = 1 - common * (gain + loss)
        shared = rng.multinomial(size, [common * gain, common * loss, free], runs)
        rest = shared[:, 2][:, None]
        won = rng.binomial(rest, (1 - common) * gain / free, (runs, cell.options))
        lost = rng.binomial(rest - won, (1 - common) * loss / (free - (1 - common) * gain))
        gains.append(won + shared[:, [0]])
        losses.append(lost + shared[:, [1]])
    return _tables(rules, np.stack(gains, axis=-1), np.stack(losses, axis=-1))


def _tables(rules: LadderRules, gains: np.ndarray, losses: np.ndarray) -> Tables:
    stages = len(rules.stages)
    ends = np.array((*rules.stages, *rules.checks), dtype=np.float64)
    total, squares = np.cumsum(gains - losses, axis=-1), np.cumsum(gains + losses, axis=-1)

    def part(chosen: slice, start: int | None) -> Moments:
        first = 0 if start is None else start
        before = (0.0, 0, 0) if start is None else (
            ends[first], total[..., [first]], squares[..., [first]]
        )  # fmt: skip
        return Moments(
            n=np.broadcast_to(ends[chosen] - before[0], total[..., chosen].shape),
            total=(total[..., chosen] - before[1]).astype(np.float64),
            squares=(squares[..., chosen] - before[2]).astype(np.float64),
        )

    counted = part(slice(stages, None), stages - 1)
    looks = [rules.checks.index(look) for look in rules.test.looks]
    at_looks = Moments(
        n=counted.n[..., looks],
        total=counted.total[..., looks],
        squares=counted.squares[..., looks],
    )
    return Tables(
        pilot=part(slice(0, stages), None),
        counted=counted,
        levels=tango_levels(rules.test, at_looks),
    )


def _graded(cell: Cell, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Many tiny gains and rare total losses: the mixture that fools Student's t."""
    rare = cell.discordance
    tiny = (rare - cell.margin / 100) / (1 - rare)
    draws = rng.random((runs, 1, cell.n))
    return np.where(draws < rare, -1.0, tiny)


def _clustered(cell: Cell, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Clusters of five; a case repeats its cluster's outcome with the square root of `within`."""
    gain, loss = cell.rates
    groups = math.ceil(cell.n / 5)

    def outcomes(size: int) -> np.ndarray:
        draws = rng.random((runs, 1, size))
        return np.where(draws < gain, 1.0, np.where(draws < gain + loss, -1.0, 0.0))

    own, theirs = outcomes(cell.n), np.repeat(outcomes(groups), 5, axis=-1)[..., : cell.n]
    follows = rng.random((runs, 1, cell.n)) < math.sqrt(cell.within)
    return np.where(follows, theirs, own)
