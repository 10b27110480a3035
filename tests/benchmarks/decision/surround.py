"""What surrounds the test: missing answers, harm at any stop, slices in full, the picked estimate.

`python -m tests.benchmarks.decision.surround PART RUNS` prints a table of `surround.md` beside this
file; parts: `missing`, `absent`, `harm`, `slices`, `picked`. Right or wrong scores, drawn; fixed
seeds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import ndtri

from harness.judge.decision.bounds import harm_rules
from harness.stats import gaffke, tango
from harness.stats.roots import falling_root
from harness.stats.sequential.histories import Seen, take
from harness.stats.sequential.levels import holm
from harness.stats.sequential.picked import PassedAt, _share_above, after_passing
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.scenes import _tables
from tests.support.decisions import design

if TYPE_CHECKING:
    from harness.stats.sequential.design import Design
    from harness.stats.sequential.histories import HistoryStates
    from harness.stats.sequential.levels import TestRules

SIZES, OPTIONS, EITHER, MARGINS = (150, 200, 400, 1000), (1, 3, 5), (0.04, 0.08, 0.15), (3, 5)
PICKED_SIZES, PICKED_OPTIONS = (150, 400, 1000), (1, 5)
AIM = 0.7
"""Points by which a picked option's estimate may err on average."""
"""Of the estimate: each one that passed is integrated by itself."""
_CERTAINTY = 0.99
_ALARM = 0.05


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Options that all lie at one difference (share), with so many disagreements."""

    n: int
    options: int
    either: float
    margin: float
    difference: float

    @property
    def rates(self) -> tuple[float, float]:
        """Gains and losses."""
        either = max(self.either, abs(self.difference))
        return (either + self.difference) / 2, (either - self.difference) / 2

    @property
    def design(self) -> Design:
        return design(n=self.n, options=self.options, kind="ladder", margin=self.margin)


def grid(difference: float | None = None) -> list[Scene]:
    """Every size, number of options, disagreement and margin; at the margin unless told."""
    return [
        Scene(
            n=n,
            options=k,
            either=either,
            margin=float(margin),
            difference=-margin / 100 if difference is None else difference,
        )
        for n, k, either, margin in product(SIZES, OPTIONS, EITHER, MARGINS)
        if either >= margin / 100
    ]


def drawn(scene: Scene, parts: list[float], runs: int) -> np.ndarray:
    """Cumulative counts of each kind of case at every stage and check."""
    rules = rules_of(scene.design)
    ends = (*rules.stages, *rules.checks)
    rng = np.random.default_rng(scene.n + 7 * scene.options)
    chances = [*parts, 1 - sum(parts)]
    counts = [rng.multinomial(size, chances, (runs, scene.options)) for size in np.diff((0, *ends))]
    return np.stack(counts, axis=2)


def walked(scene: Scene, gains: np.ndarray, losses: np.ndarray) -> HistoryStates:
    """The ladder's walk over counts between stages and checks."""
    shape = gains.shape[:2]
    nothing = np.zeros(shape, dtype=np.bool_)
    seen = Seen(
        differences=np.empty(0),
        asked=np.full(shape, scene.n),
        vetoed=nothing,
        cleared=~nothing,
    )
    rules = rules_of(scene.design)
    return take(rules, _tables(rules, gains, losses), seen)


def most(share: float, runs: int) -> float:
    """One-sided 99 % upper bound of a simulated share."""
    wrong = round(share * runs)
    return float(stats.beta.ppf(_CERTAINTY, wrong + 1, runs - wrong)) if wrong < runs else 1.0


def missing(scene: Scene, share: float, runs: int) -> tuple[float, float]:
    """Wrong picks where `share` of the cases are losses without an answer: left out, counted."""
    gain, loss = scene.rates
    counts = drawn(scene, [gain, loss - share, share], runs)
    gains, seen, gone = counts[..., 0], counts[..., 1], counts[..., 2]
    before = walked(scene, gains, seen)
    after = walked(scene, gains, seen + gone)
    return tuple(  # type: ignore[return-value]
        float(found.walk.accepted.any(axis=1).mean()) for found in (before, after)
    )


def absent(scene: Scene, share: float, runs: int) -> tuple[float, float]:
    """Passes where `share` of the cases have no answer by chance: as cases alike, and as losses."""
    gain, loss = (rate * (1 - share) for rate in scene.rates)
    counts = drawn(scene, [gain, loss, share], runs)
    gains, losses, gone = counts[..., 0], counts[..., 1], counts[..., 2]
    return tuple(  # type: ignore[return-value]
        float(walked(scene, gains, lost).walk.accepted.any(axis=1).mean())
        for lost in (losses, losses + gone)
    )


def harm(scene: Scene, runs: int) -> tuple[float, float, float]:
    """Ladders that call some option worse: unadjusted at its stop, and by `harms`; each option."""
    gain, loss = scene.rates
    plan = scene.design
    counts = drawn(scene, [gain, loss], runs)
    found = walked(scene, counts[..., 0], counts[..., 1])
    stages = len(plan.stages)
    sums = np.cumsum(counts, axis=2)
    reached = found.walk.reached
    early = np.where(found.piloted == plan.stages[0], 0, stages - 1)
    place = np.where(reached > 0, stages + reached - 1, early)
    ends = np.array((*plan.stages, *plan.checks), dtype=np.float64)

    def at(kind: int) -> np.ndarray:
        return np.take_along_axis(sums[..., kind], place[..., None], axis=2)[..., 0]

    gains, losses, sizes = at(0), at(1), ends[place]
    asked = ~found.walk.accepted & (sizes > 0)
    plain = asked & (tango.bounds(losses, gains, sizes, 0.05).upper < -scene.margin / 100)
    tested = np.stack([losses, gains, sizes - losses - gains], axis=-1)
    p = gaffke.p_of_counts(np.array([1.0, -1.0, 0.0]), tested, -scene.margin / 100)
    rules = harm_rules(plan)
    level = np.ones(p.shape)
    for stop in range(len(rules.looks)):
        here = (place == stop) & (p < 0.05) & asked
        level[here] = rules.smallest(p[here], stop)
    shown = holm(level, 0.05).passed
    return float(plain.any(axis=1).mean()), float(shown.any(axis=1).mean()), float(shown.mean())


def slices(n: int, part: float, beyond: float, runs: int) -> tuple[float, float, float]:
    """How often a slice so far beyond its limit (5) stops a candidate: at the look, and in full.

    Also the share of the calls that asking the slice in full takes beside all of them.
    """
    plan = design(n=n, options=1, kind="ladder")
    scene = Scene(n=n, options=1, either=0.08, margin=5.0, difference=0.0)
    rules = rules_of(plan)
    ends = (*rules.stages, *rules.checks)
    rng = np.random.default_rng(n)
    sizes = np.diff((0, *ends))
    inside = np.round(np.cumsum(sizes) * part).astype(int)
    inside = np.diff((0, *inside))
    loss = 0.05 + beyond
    bad = np.stack([rng.multinomial(k, [0.0, loss, 1 - loss], (runs, 1)) for k in inside], axis=2)
    good = np.stack(
        [
            rng.multinomial(size - k, [0.05, 0.02, 0.93], (runs, 1))
            for size, k in zip(sizes, inside, strict=True)
        ],
        axis=2,
    )
    found = walked(scene, bad[..., 0] + good[..., 0], bad[..., 1] + good[..., 1])
    passed = found.walk.accepted[:, 0]
    place = len(plan.stages) + found.walk.reached[:, 0] - 1
    lost, size = np.cumsum(bad[:, 0, :, 1], axis=1), np.cumsum(inside)
    at_stop = lost[np.arange(runs), place]
    before = tango.bounds(at_stop, 0 * at_stop, size[place], _ALARM).upper < -0.05
    after = tango.bounds(lost[:, -1], 0 * at_stop, size[-1], _ALARM).upper < -0.05
    extra = (size[-1] - size[place])[passed].mean() / n
    return float(before[passed].mean()), float(after[passed].mean()), float(extra)


def picked(scene: Scene, runs: int) -> dict[str, float]:
    """Mean error in points of the picked option's difference, by estimator; NaN if none is."""
    gain, loss = scene.rates
    plan = scene.design
    counts = drawn(scene, [gain, loss], runs)
    found = walked(scene, counts[..., 0], counts[..., 1])
    ladder, option = np.nonzero(found.walk.accepted)
    if not ladder.size:
        return dict.fromkeys(("seen", "corrected", "rms", "lower", "lower rms"), np.nan)
    stages = len(plan.stages)
    stop = stages + found.walk.reached[ladder, option] - 1
    at_look = np.array([stages + plan.checks.index(end) for end in plan.looks])
    place = at_look[np.maximum((at_look[None, :] <= stop[:, None]).sum(axis=1) - 1, 0)]
    sums = (
        np.cumsum(counts, axis=2)[ladder, option]
        - np.cumsum(counts, axis=2)[ladder, option, stages - 1][:, None]
    )
    rows = np.arange(ladder.size)
    won, lost = sums[rows, place, 0].astype(float), sums[rows, place, 1].astype(float)
    ends = np.array((*plan.stages, *plan.checks), dtype=np.float64)
    n = ends[place] - plan.pilot
    seen = (won - lost) / n
    rules = rules_of(plan).test
    look = np.array([plan.looks.index(int(end)) for end in ends[place]])
    local = found.walk.local[ladder, option]
    nominal = np.array([rules.nominal(float(a), int(k)) for a, k in zip(local, look, strict=True)])
    worst = tango.bounds(lost, won, n, nominal).lower
    told = [tuple(map(float, one)) for one in zip(seen, worst, local, look, strict=True)]
    corrected = np.array([_corrected(rules, *one) for one in told])
    lower = np.array([_lower(rules, *one) for one in told])
    made = {"seen": seen, "corrected": corrected, "lower": lower}
    errors = {name: 100 * (values - scene.difference) for name, values in made.items()}
    rms = {name: float(np.sqrt((error**2).mean())) for name, error in errors.items()}
    return {
        "picks": float(found.walk.accepted.any(axis=1).mean()),
        **{name: float(error.mean()) for name, error in errors.items()},
        "seen rms": rms["seen"],
        "rms": rms["corrected"],
        "lower rms": rms["lower"],
    }


def further(scene: Scene, error: float, rms: float) -> float:
    """Fresh cases, asked after a pass, that bring the mean error within the aim; share of n.

    Their own mean has no error of the pick. Mixed with the corrected estimate by the least weight
    that leaves the aim, they must make the root mean square error no larger than it was.
    """
    gain, loss = scene.rates
    weight = max(1 - AIM / abs(error), 0.0)
    square = 100**2 * (gain + loss - (gain - loss) ** 2)
    return square * weight / (rms**2 * (2 - weight)) / scene.n


def _passed(rules: TestRules, local: float, look: float) -> PassedAt:
    levels = tuple(rules.nominal(local, k) for k in range(len(rules.looks)))
    return PassedAt(look=int(look), levels=levels, fractions=rules.fractions)


@cache
def _corrected(rules: TestRules, seen: float, worst: float, local: float, look: float) -> float:
    return after_passing(seen, worst, rules.margin, _passed(rules, local, look))


@cache
def _lower(rules: TestRules, seen: float, worst: float, local: float, look: float) -> float:
    """The conditional median where it may lie below the bound, by up to 3 standard errors."""
    at = _passed(rules, local, look)
    spread = -(seen - worst) / float(ndtri(at.levels[at.look]))
    if spread <= 0 or worst <= -rules.margin:
        return seen
    whole, least = spread * float(np.sqrt(at.fractions[at.look])), seen - 3 * spread

    def below_half(difference: float) -> float:
        return 0.5 - _share_above(seen, difference, rules.margin, whole, at)

    return max(falling_root(below_half, least, seen), least)


def head(*names: str) -> list[str]:
    """A table's head."""
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def where(scene: Scene) -> str:
    """A row's first cells."""
    return f"| {scene.n} | {scene.options} | {100 * scene.either:g} | {scene.margin:g} |"


def missing_lines(runs: int) -> list[str]:
    """Wrong picks with a share of the cases lost and unanswered."""
    lines = head(
        "n", "options", "disagreement", "limit", "missing", "left out", "counted", "at most"
    )
    for scene in grid():
        for share in (0.01, 0.02):
            if scene.rates[1] > share:
                one, two = missing(scene, share, runs)
                lines.append(
                    f"{where(scene)} {100 * share:g} | {100 * one:.2f} | {100 * two:.2f} | "
                    f"{100 * most(two, runs):.2f} |"
                )
    return lines


def absent_lines(runs: int) -> list[str]:
    """What counting missing answers as losses costs an equal candidate."""
    lines = head("n", "limit", "missing", "passes, none missing", "passes, counted as losses")
    for n, margin, share in product(SIZES, MARGINS, (0.005, 0.01, 0.02, 0.05)):
        scene = Scene(n=n, options=1, either=0.08, margin=float(margin), difference=0.0)
        one, two = absent(scene, share, runs)
        lines.append(f"| {n} | {margin} | {100 * share:g} | {100 * one:.1f} | {100 * two:.1f} |")
    return lines


def harm_lines(runs: int) -> list[str]:
    """Ladders in which some option is called worse than the limit."""
    lines = head(
        "n", "options", "disagreement", "limit", "true", "before", "now", "at most", "an option"
    )
    within = [scene for scene in grid(-0.02) if scene.margin == 5]
    beyond = [scene for scene in grid(-0.12) if scene.either == EITHER[-1]]
    for scene in (*grid(), *within, *beyond):
        one, two, each = harm(scene, runs)
        lines.append(
            f"{where(scene)} {100 * scene.difference:g} | {100 * one:.2f} | {100 * two:.2f} | "
            f"{100 * most(two, runs):.2f} | {100 * each:.2f} |"
        )
    return lines


def slices_lines(runs: int) -> list[str]:
    """Alarms of a slice that is truly 8 points beyond its limit of 5."""
    lines = head("n", "slice", "at the look", "in full", "further cases, of n")
    for n in (200, 400, 1000, 2000, 4000):
        for share in (0.1, 0.2):
            one, two, extra = slices(n, share, 0.08, runs)
            lines.append(
                f"| {n} | {100 * share:g} % | {100 * one:.1f} | {100 * two:.1f} | "
                f"{100 * extra:.1f} % |"
            )
    return lines


def picked_lines(runs: int) -> list[str]:
    """Mean error of the picked option's difference, points."""
    lines = head(
        "n", "options", "disagreement", "limit", "true", "picks", "seen", "its spread",
        "corrected", "its spread", "below the bound too", "its spread", "further cases, of n",
    )  # fmt: skip
    chosen = (
        scene
        for difference in (-0.02, 0.0)
        for scene in grid(difference)
        if scene.n in PICKED_SIZES and scene.options in PICKED_OPTIONS and scene.either > EITHER[0]
    )
    for scene in chosen:
        found = picked(scene, runs)
        cost = further(scene, found["corrected"], found["rms"])
        lines.append(
            f"{where(scene)} {100 * scene.difference:g} | {100 * found['picks']:.1f} | "
            f"{found['seen']:+.2f} | {found['seen rms']:.2f} | {found['corrected']:+.2f} | "
            f"{found['rms']:.2f} | {found['lower']:+.2f} | {found['lower rms']:.2f} | "
            f"{f'{100 * cost:.1f}' if cost else ''} |"
        )
    return lines


PARTS = {
    "missing": missing_lines,
    "absent": absent_lines,
    "harm": harm_lines,
    "slices": slices_lines,
    "picked": picked_lines,
}


if __name__ == "__main__":
    print("\n".join(PARTS[sys.argv[1]](int(sys.argv[2]))))  # noqa: T201
