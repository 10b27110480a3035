"""Over the whole grid: parts asked in full, shopping for the limit, cases in clusters.

`python -m tests.benchmarks.decision.varied PART RUNS` prints a table of `surround.md` beside this
file; parts: `measures`, `levels`, `exact` (these two draw nothing), `limits`, `clusters`. Right
or wrong scores, drawn; fixed seeds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from harness.stats import tango
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.surround import Scene, drawn, grid, head, most, walked, where
from tests.support.decisions import design

_ALARM, _RARE = 0.05, 1e-10
_GAINS = (0.0, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.14)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the cases (all of them: another measure) that truly loses so much, a share."""

    share: float
    lost: float


def measured(scene: Scene, part: Part, runs: int) -> tuple[float, float, float, float, float]:
    """How often a part of its own limit stops what passed: at the look, and in full.

    Each option's part loses as said and gains nothing, apart from the whole. Also how many passed,
    the share of the cases that asking it in full takes beside those of the look, and the alarms in
    full by Tango's bound, as before.
    """
    plan, limit = scene.design, scene.margin / 100
    gain, loss = scene.rates
    counts = drawn(scene, [gain, loss], runs)
    found = walked(scene, counts[..., 0], counts[..., 1])
    ends = np.array((*plan.stages, *plan.checks), dtype=np.float64)
    rng = np.random.default_rng(scene.n + 11 * scene.options)
    inside = np.diff(np.round(np.concatenate([[0], ends]) * part.share)).astype(int)
    lost = np.stack(
        [rng.binomial(size, part.lost, (runs, scene.options)) for size in inside], axis=2
    ).cumsum(axis=2)
    run, option = np.nonzero(found.walk.accepted)
    if not run.size:
        return 0.0, np.nan, np.nan, np.nan, np.nan
    place = len(plan.stages) + found.walk.reached[run, option] - 1
    sizes = np.cumsum(inside)
    at_look, whole = lost[run, option, place], lost[run, option, -1]
    tango_s = tango.bounds(whole, 0 * whole, sizes[-1], _ALARM).upper < -limit
    before, after = (
        _shown(losses, of, limit) for losses, of in ((at_look, sizes[place]), (whole, sizes[-1]))
    )
    extra = (sizes[-1] - sizes[place]).mean() / scene.n
    return run.size, float(before.mean()), float(after.mean()), float(extra), float(tango_s.mean())


def _shown(lost: np.ndarray, of: np.ndarray, limit: float) -> np.ndarray:
    """Whether more than the limit was lost, at the level of an alarm, as the product shows harm."""
    tango_s = tango.bounds(lost, 0 * lost, of, _ALARM).upper < -limit
    return tango_s & (stats.binom.sf(lost - 1, of, limit) < _ALARM)


def limited(scene: Scene, limits: tuple[float, ...], runs: int) -> tuple[float, float]:
    """Passes of options that stand at the first limit: at any of the limits, and at the first."""
    gain, loss = scene.rates
    counts = drawn(scene, [gain, loss], runs)
    passed = first = np.zeros(runs, dtype=np.bool_)
    for limit in limits:
        wider = replace(scene, margin=limit)
        found = walked(wider, counts[..., 0], counts[..., 1])
        passed = passed | found.walk.accepted.any(axis=1)
        first = passed if limit == limits[0] else first
    return float(passed.mean()), float(first.mean())


_CLUSTER, _FOLLOWS = 5, 0.5
_AT_ONCE = 400_000


def clustered(scene: Scene, runs: int) -> tuple[float, float]:
    """Wrong picks where cases come in fives, half of which repeat one outcome.

    Tested as if they were independent, and by clusters.
    """
    rng = np.random.default_rng(scene.n + 13 * scene.options)
    gain, loss = scene.rates
    names = tuple(f"k{place // _CLUSTER}" for place in range(scene.n))
    plain = scene.design
    whole = design(
        n=scene.n, options=scene.options, kind="ladder", margin=scene.margin,
        method="cluster-t", clusters=names,
    )  # fmt: skip
    labels, wrong = np.arange(scene.n) // _CLUSTER, np.zeros(2)
    step = max(1, _AT_ONCE // (scene.n * scene.options))
    for start in range(0, runs, step):
        here = (min(step, runs - start), scene.options)

        def outcomes(size: int, shape: tuple[int, int] = here) -> np.ndarray:
            draws = rng.random((*shape, size))
            return np.where(draws < gain, 1.0, np.where(draws < gain + loss, -1.0, 0.0))

        own, theirs = outcomes(scene.n), outcomes(labels[-1] + 1)[..., labels]
        drawn_ = np.where(rng.random((*here, scene.n)) < _FOLLOWS**0.5, theirs, own)
        nothing = np.zeros(here, dtype=np.bool_)
        seen = Seen(
            differences=drawn_, asked=np.full(here, scene.n), vetoed=nothing, cleared=~nothing,
            clusters=labels,
        )  # fmt: skip
        for place, plan in enumerate((plain, whole)):
            wrong[place] += run(rules_of(plan), seen).walk.accepted.any(axis=1).sum()
    return float(wrong[0] / runs), float(wrong[1] / runs)


def measures_lines(runs: int) -> list[str]:
    """Alarms of a slice of a fifth, and of another measure of all cases, over the whole grid."""
    lines = head(
        "n", "options", "disagreement", "limit", "passed",
        "slice, at the look", "in full", "further cases, of n", "in full, before",
        "measure, at the look", "in full", "further cases, of n", "in full, before",
        "slice at its limit, before", "now", "measure at its limit, before", "now",
    )  # fmt: skip
    for scene in grid(0.0):
        limit = scene.margin / 100
        few, all_ = Part(share=0.2, lost=limit + 0.08), Part(share=1.0, lost=limit + 0.03)
        one, other = measured(scene, few, runs), measured(scene, all_, runs)
        held = [measured(scene, replace(part, lost=limit), runs) for part in (few, all_)]
        at = [alarms for found in held for alarms in (found[4], found[2])]
        cells = [f"{100 * value:.1f}" for value in (*one[1:], *other[1:], *at)]
        lines.append(f"{where(scene)} {one[0]} | {' | '.join(cells)} |")
    return lines


def _alarmed(n: int, limit: float, rates: tuple[float, float], level: float) -> tuple[float, float]:
    """The chance of an alarm on n cases that lose and gain so often, exact: before, and now."""
    lost, won = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    lost, won = (counts[lost + won <= n] for counts in (lost, won))
    table = np.stack([lost, won, n - lost - won], axis=-1)
    chance = stats.multinomial.pmf(table, n, [*rates, 1 - sum(rates)])
    lost, won, chance = (values[chance > _RARE] for values in (lost, won, chance))
    before = tango.bounds(lost.astype(float), won.astype(float), n, level).upper < -limit
    now = before & (stats.binom.sf(lost - 1, n, limit) < level)
    return float(chance[before].sum()), float(chance[now].sum())


def levels_lines(_: int) -> list[str]:
    """Exact: false alarms of one part at its limit, and the power 8 points beyond, by level."""
    lines = head("cases", "limit", "false, before", "now", "gains 1 %", "gains 3 %",
                  "power, before", "now", "a half", "a quarter", "an eighth")  # fmt: skip
    for n, limit in ((n, limit) for n in (40, 80, 150, 200, 400) for limit in (0.01, 0.03, 0.05)):
        false = _alarmed(n, limit, (limit, 0.0), _ALARM)
        gains = [_alarmed(n, limit, (limit + g, g), _ALARM)[1] for g in (0.01, 0.03)]
        power = [_alarmed(n, limit, (limit + 0.08, 0.0), _ALARM / k) for k in (1, 2, 4, 8)]
        shown = [*false, *gains, power[0][0], *(now for _, now in power)]
        cells = " | ".join(f"{100 * value:.1f}" for value in shown)
        lines.append(f"| {n} | {100 * limit:g} | {cells} |")
    return lines


def _below(level: float, p: np.ndarray, chances: list[np.ndarray]) -> list[float]:
    return [float(chance[p < level].sum()) for chance in chances]


def exact_lines(_: int) -> list[str]:
    """What an alarm of no more than 5 % under any gains would cost: exact, by a lower level."""
    lines = head("cases", "limit", "false at most", "level", "false at most, then",
                 "power, no gains", "then", "power, gains 3 %", "then")  # fmt: skip
    for n, limit in ((n, limit) for n in (40, 80, 150, 200, 400) for limit in (0.01, 0.03, 0.05)):
        lost, won = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
        lost, won = (counts[lost + won <= n] for counts in (lost, won))
        p = np.maximum(tango.p_value(won, lost, n, -limit), stats.binom.sf(lost - 1, n, limit))
        rates = [(limit + gain, gain) for gain in _GAINS]
        rates += [(limit + 0.08 + gain, gain) for gain in (0.0, 0.03)]
        table = np.stack([lost, won, n - lost - won], axis=-1)
        chances = [stats.multinomial.pmf(table, n, [*two, 1 - sum(two)]) for two in rates]
        levels = np.unique(p[p < _ALARM])[::-1]
        exact = next(one for one in levels if max(_below(one, p, chances)[: len(_GAINS)]) <= _ALARM)
        now, then = _below(_ALARM, p, chances), _below(exact, p, chances)
        most_ = [max(each[: len(_GAINS)]) for each in (now, then)]
        cells = [most_[0], exact, most_[1], now[-2], then[-2], now[-1], then[-1]]
        shown = " | ".join(f"{100 * value:.1f}" for value in cells)
        lines.append(f"| {n} | {100 * limit:g} | {shown} |")
    return lines


def limits_lines(runs: int) -> list[str]:
    """Passes of options that are 3 points worse, with a limit of 3, then 5, then 10."""
    lines = head("n", "options", "disagreement", "at 3, 5 or 10", "at 3 alone", "at most")
    for scene in (one for one in grid() if one.margin == 3):
        several, first = limited(scene, (3.0, 5.0, 10.0), runs)
        cell = f"| {scene.n} | {scene.options} | {100 * scene.either:g} |"
        lines.append(
            f"{cell} {100 * several:.2f} | {100 * first:.2f} | {100 * most(first, runs):.2f} |"
        )
    return lines


def clusters_lines(runs: int) -> list[str]:
    """Wrong picks at the margin where cases come in clusters."""
    lines = head("n", "options", "disagreement", "limit", "as independent", "by clusters",
                  "at most")  # fmt: skip
    for scene in (one for one in grid() if one.options > 1):
        one, two = clustered(scene, runs)
        lines.append(
            f"{where(scene)} {100 * one:.2f} | {100 * two:.2f} | {100 * most(two, runs):.2f} |"
        )
    return lines


PARTS = {
    "measures": measures_lines,
    "levels": levels_lines,
    "exact": exact_lines,
    "limits": limits_lines,
    "clusters": clusters_lines,
}


if __name__ == "__main__":
    print("\n".join(PARTS[sys.argv[1]](int(sys.argv[2]))))  # noqa: T201
