"""`python -m tests.benchmarks.decision.company COMPANIES DIR`: two years; writes company.md.

What each rule did in each company is kept in DIR, so that it can be stopped and started again.

Forty features, eight quarters, made-up models by each case: candidates come and go, cases are
added, half of the owners look away (a proposal waits a quarter), some widen the limit when nothing
passed, 1 % of the answers are missing and 2 % of the labels are wrong. The kernel that decides:
in this procedure an answer that is missing counts as a loss, and each pair of models is tested
within what it has left.

Promised before the run, for each pair of models on one set of cases, over all its tests: at most
5 % wrong. So of 40 features in two years at most 5 % x (pairs tested) wrong downgrades, if every
candidate stood exactly at its limit; and no chain further than 8 points from its first model but
for the same 5 %.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from harness.plan.lives.ahead import level_of
from harness.stats import tango
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.levels import holm
from harness.stats.sequential.sample_size import size_of
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.rules import ALPHA, ladder_design

if TYPE_CHECKING:
    from harness.stats.sequential.design import Design

FEATURES, QUARTERS, PLANNED, BUDGET = 40, 8, 4, 0.08
SIZES, MARGIN, MISSING, NOISE = (150, 200, 400, 800), 0.05, 0.01, 0.02
PROCEDURE, ASKED_AGAIN = "this procedure", "this procedure, what is missing asked again"
OURS = (PROCEDURE, ASKED_AGAIN)
RULES = (
    *OURS,
    "as it was",
    "Holm, each quarter",
    "the mean is within the margin",
    "never",
)


@dataclass(slots=True, kw_only=True)
class Model:
    """True difference from the first model, cost as a share of its, and who is right where."""

    true: float
    cost: float
    right: np.ndarray


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a rule did in all companies."""

    swaps: int = 0
    wrong: int = 0
    pairs: int = 0
    far: int = 0
    calls: float = 0.0
    labels: int = 0
    """Cases on which a candidate and today's model differ, each once a feature."""
    saved: float = 0.0
    perfect: float = 0.0
    chains: int = 0


@dataclass(slots=True, kw_only=True)
class Feature:
    """One feature under one rule."""

    rule: str
    sizes: tuple[int, ...]
    models: list[Model]
    now: Model
    careless: bool
    lazy: bool
    tests: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """By candidate: tests of it against today's model, and the cases of the last one."""
    bounds: float = 0.0
    steps: int = 0
    waiting: Model | None = None
    labelled: set[int] = field(default_factory=set[int])


def model(rng: np.random.Generator, first: np.ndarray) -> Model:
    """A candidate: mostly somewhat worse, cheaper the worse it is."""
    true = min(float(rng.normal(-0.05, 0.05)), 0.03)
    level, spread = 0.9, max(abs(true), 0.04) + 0.03
    lost, won = (spread - true) / 2 / level, min((spread + true) / 2 / (1 - level), 1.0)
    draws = rng.random(len(first))
    right = np.where(first, draws >= lost, draws < won)
    return Model(true=true, cost=float(np.clip(0.6 + 4 * true, 0.05, 0.9)), right=right)


def differences(
    rng: np.random.Generator, rule: str, now: Model, new: list[Model], n: int
) -> np.ndarray:
    """As they are seen: with wrong labels and missing answers."""
    flips = rng.random(n) < NOISE
    seen = np.array([np.where(flips, ~one.right[:n], one.right[:n]) for one in new])
    ours = np.where(flips, ~now.right[:n], now.right[:n])
    found = seen.astype(np.float64) - ours
    lost = rng.random(found.shape) < MISSING
    return np.where(lost & (rule != ASKED_AGAIN), np.nan, found)


def decide(
    feature: Feature, seen: np.ndarray, levels: list[float], margin: float
) -> tuple[int, float, np.ndarray]:
    """The option that passes (-1: none), the bound that it passed by, and the cases of each."""
    options, n = seen.shape
    whole = np.full(options, n)
    if feature.rule == "the mean is within the margin":
        passed = np.nanmean(seen, axis=1) > -margin
        return (int(passed.argmax()) if passed.any() else -1), 0.0, whole
    lost, won, known = (seen < 0).sum(1), (seen > 0).sum(1), (~np.isnan(seen)).sum(1)
    if feature.rule == "Holm, each quarter":
        passed = holm(tango.p_value(lost, won, known, margin), ALPHA).passed
        return (int(passed.argmax()) if passed.any() else -1), 0.0, whole
    design = within(ladder_design(options, n, margin=100 * margin, alpha=max(levels)), levels)
    if size_of(design).too_small:
        return -1, 0.0, 0 * whole
    if feature.rule in OURS:
        seen = np.where(np.isnan(seen), -1.0, seen)
    nothing = np.zeros((1, options), dtype=np.bool_)
    asked = np.full((1, options), n)
    given = Seen(differences=seen[None], asked=asked, vetoed=nothing, cleared=~nothing)
    found = run(rules_of(design), given)
    ends = np.array([0, *design.checks])
    reached = np.where(found.walk.reached > 0, ends[found.walk.reached], found.piloted)[0]
    if not found.walk.accepted.any():
        return -1, 0.0, reached
    k = int(found.walk.accepted[0].argmax())
    look = max(place for place, end in enumerate(design.looks) if end <= reached[k])
    nominal = rules_of(design).test.nominal(float(found.walk.local[0, k]), look)
    used = seen[k, design.pilot : design.looks[look]]
    used = used[~np.isnan(used)]
    worst = tango.bounds((used < 0).sum(), (used > 0).sum(), len(used), nominal).lower
    return k, float(worst), reached


def within(design: Design, levels: list[float]) -> Design:
    """The design with each option limited to what its pair has left."""
    return replace(
        design, at_most=tuple(level if level < design.alpha else None for level in levels)
    )


def offered(feature: Feature, n: int) -> tuple[list[Model], list[float], float]:
    """Who is tried this quarter, at what level each and what limit; whoever is a new test."""
    cheaper = [one for one in feature.models if one.cost < feature.now.cost - 0.05]
    cheaper = sorted(cheaper, key=lambda one: one.cost)[:3]
    if feature.rule == "never":
        return [], [], MARGIN
    if feature.rule not in OURS:
        again = any(id(one) in feature.tests for one in cheaper[:1])
        widens = feature.careless and feature.rule == "as it was" and again
        return cheaper, [ALPHA] * len(cheaper), 2 * MARGIN if widens else MARGIN
    counts = [feature.tests.get(id(one), (0, 0)) for one in cheaper]
    kept = [
        (one, level_of(tests + 1, PLANNED, ALPHA))
        for one, (tests, cases) in zip(cheaper, counts, strict=True)
        if cases != n and tests < PLANNED
    ]
    return [one for one, _ in kept], [level for _, level in kept], MARGIN


def quarter(rng: np.random.Generator, feature: Feature, n: int, tally: Tally) -> None:
    """One review of one feature, and what its owner does with it."""
    if feature.waiting is not None:
        swap(feature, feature.waiting, tally)
    new, levels, margin = offered(feature, n)
    if not new:
        return
    for one in new:
        tests, _ = feature.tests.get(id(one), (0, 0))
        tally.pairs += tests == 0
        feature.tests[id(one)] = (tests + 1, n)
    order = rng.permutation(n)
    seen = differences(rng, feature.rule, feature.now, new, n)[:, order]
    k, worst, reached = decide(feature, seen, levels, margin)
    tally.calls += float(reached.sum())
    known = len(feature.labelled)
    for row, end in zip(seen, reached, strict=True):
        differ = (row[:end] != 0) & ~np.isnan(row[:end])
        feature.labelled.update(order[:end][differ].tolist())
    tally.labels += len(feature.labelled) - known
    guarded = feature.rule in OURS and feature.steps > 0
    if k < 0 or (guarded and feature.bounds + worst <= -BUDGET):
        return
    feature.bounds += worst
    if feature.lazy:
        feature.waiting = new[k]
    else:
        swap(feature, new[k], tally)


def swap(feature: Feature, new: Model, tally: Tally) -> None:
    """Today's model is another one from now on."""
    tally.swaps += 1
    tally.wrong += new.true - feature.now.true < -MARGIN
    feature.now, feature.waiting, feature.tests = new, None, {}
    feature.steps += 1


def company(seed: int, rule: str, tally: Tally) -> None:
    """Two years."""
    rng = np.random.default_rng([seed, 7])
    features: list[Feature] = []
    for place in range(FEATURES):
        n = SIZES[place % len(SIZES)]
        grown = tuple(n if place % 2 else round(n * (1 + 0.25 * q)) for q in range(QUARTERS))
        first = Model(true=0.0, cost=1.0, right=rng.random(grown[-1]) < 0.9)
        models = [model(rng, first.right) for _ in range(3)]
        features.append(
            Feature(rule=rule, sizes=grown, models=models, now=first,
                    careless=place % 4 == 0, lazy=place % 3 == 0)
        )  # fmt: skip
        features[-1].models.append(first)
    for q in range(QUARTERS):
        for place, feature in enumerate(features):
            first = feature.models[3].right
            new = model(rng, first)
            if rng.random() < 0.3:
                feature.models.append(new)
            chance = np.random.default_rng([seed, q, place])
            quarter(chance, feature, feature.sizes[q], tally)
            tally.saved += 1 - feature.now.cost
            able = [m.cost for m in feature.models if m.true >= -MARGIN]
            tally.perfect += 1 - min(able)
    tally.far += sum(feature.now.true < -BUDGET for feature in features)
    tally.chains += FEATURES


def at_most(wrong: int, pairs: int) -> float:
    """One-sided 99 % bound of a share."""
    return float(stats.beta.ppf(0.99, wrong + 1, pairs - wrong)) if pairs else 0.0


def whole(rule: str, companies: int, kept: Path) -> Tally:
    """What a rule did in all companies."""
    sums: Counter[str] = Counter()
    for seed in range(companies):
        file = kept / f"{RULES.index(rule)}-{seed}.json"
        if not file.exists():
            tally = Tally()
            company(seed, rule, tally)
            file.write_text(json.dumps(asdict(tally)), encoding="utf-8")
        sums.update(json.loads(file.read_text(encoding="utf-8")))
    return Tally(**sums)  # type: ignore[arg-type]


def page(companies: int, kept: Path) -> str:
    """The whole page."""
    spend = companies * FEATURES * QUARTERS
    lines = [
        "# A company's two years",
        "",
        f"Made by `python -m tests.benchmarks.decision.company {companies} DIR`: {companies}",
        "companies",
        f"of {FEATURES} features, {QUARTERS} quarters. Promised before the run: at most 5 % of the",
        "pairs tested wrong, whatever was done around the test. *Wrong*: truly more than 5 points",
        "worse than the model that it replaced. *Far*: more than 8 points from the first model at",
        "the end. *Recovered*: of the whole bill; *possible*: by the cheapest truly able model.",
        "*Labels*: of cases on which models differ, each once. 1 % of the answers are missing, 2 %",
        "of the labels wrong, a third of the owners swap a quarter late.",
        "",
        (
            "| rule | swaps | wrong | wrong of the pairs, % | far, % of the features | "
            "wrong of the pairs, at most (99 %) | recovered, % | possible, % | "
            "cases asked a quarter and feature | "
            "labels a feature in two years |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rule in RULES:
        tally = whole(rule, companies, kept)
        lines.append(
            f"| {rule} | {tally.swaps} | {tally.wrong} | "
            f"{100 * tally.wrong / max(tally.pairs, 1):.2f} | "
            f"{100 * tally.far / tally.chains:.2f} | "
            f"{100 * at_most(tally.wrong, tally.pairs):.2f} | "
            f"{100 * tally.saved / spend:.1f} | {100 * tally.perfect / spend:.1f} | "
            f"{tally.calls / spend:.0f} | {tally.labels / tally.chains:.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(exist_ok=True)
    text = page(int(sys.argv[1]), folder)
    Path(__file__).with_name("company.md").write_text(text, encoding="utf-8")
