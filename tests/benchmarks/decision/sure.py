"""Cascades by probability on real outcomes: what is kept, how often it errs, what it saves.

`python -m tests.benchmarks.decision.sure` writes `sure.md` beside this file (two minutes).

The outcomes are real, the probabilities are drawn, so that it is known how often an answer is right
at each of them. Of a cheap model that is right on a share r of the items, each answer gets a chance
q, drawn from Beta(a + 1, b) where it was right and from Beta(a, b + 1) where not, with
a / (a + b) = r: then it is right with probability q, exactly, at every q (Bayes). The model tells
another number: log odds of q divided by its sharpness. Nothing of this is told to the rule.

A run draws tune cases, fixes the threshold as a review does, and draws other cases that decide.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import special
from scipy import stats as distributions

from harness.stats import tango
from harness.stats.calibration import least_said, sharpness
from tests.benchmarks.decision.outcomes import ladders
from tests.benchmarks.decision.rules import Sampled, composed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.benchmarks.decision.outcomes import Ladder

WANTED = 0.9
LENIENT = 0.7
"""A kept answer that is wrong more often: more cascades lose, and are tested at their limit."""
SHARPNESS = (0.5, 1.0, 2.0)
SPREADS = (1.0, 4.0)
"""a + b: the smaller, the better a model tells its right answers from its wrong ones."""
TUNE, CASES, RUNS = 60, 500, 50
MARGINS = (0.03, 0.05)
ALPHA = 0.05
LEAST_LOSS = 0.02
"""No limit is smaller than 2 points."""
LEAST_DEAR, LEAST_CHEAP, LEAST_SAVED = 0.7, 0.5, 0.5
"""Of the pairs: how often both are right at least, and what the cheap one saves alone."""
HERE = Path(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPair:
    """A cheap model and today's on the same items: 1 where it is right."""

    name: str
    cheap: np.ndarray
    dear: np.ndarray
    share_of_cost: float
    """What the cheap one costs, of the dear one's cost."""


def model_pairs(sources: Iterable[str] = ("zeroeval", "llmrouter")) -> list[ModelPair]:
    """Of each whole ladder the two cheapest models that lose, and are of some use."""
    return [pair for source in sources for ladder in ladders(source) for pair in _of(ladder)]


def _of(ladder: Ladder) -> list[ModelPair]:
    whole = ladder.binary and "/all/" in ladder.name and ladder.name.endswith("/0")
    if not whole or ladder.incumbent.mean() < LEAST_DEAR:
        return []
    found = [
        ModelPair(
            name=f"{ladder.name}/{place}",
            cheap=ladder.incumbent + ladder.differences[:, place],
            dear=ladder.incumbent,
            share_of_cost=float(1 - ladder.savings[place]),
        )
        for place in range(ladder.differences.shape[1])
        if ladder.savings[place] > LEAST_SAVED
    ]
    useful = [
        one
        for one in found
        if one.cheap.mean() >= LEAST_CHEAP and one.dear.mean() - one.cheap.mean() > max(MARGINS)
    ]
    return useful[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """How a cheap model tells how sure it is."""

    right: float
    """Share of the items on which it is right."""
    spread: float
    sharpness: float

    @property
    def shapes(self) -> tuple[float, float]:
        """The two of the Beta distribution of its chances."""
        return self.right * self.spread, (1 - self.right) * self.spread

    def told(self, scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What it tells of answers with these scores."""
        a, b = self.shapes
        chances = rng.beta(a + scores, b + 1 - scores)
        return special.expit(special.logit(np.clip(chances, 1e-9, 1 - 1e-9)) / self.sharpness)

    def keeps(self, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The share of its wrong and of its right answers that stand at each threshold."""
        a, b = self.shapes
        chance = special.expit(special.logit(np.clip(least, 1e-9, 1 - 1e-9)) * self.sharpness)
        kept = distributions.beta.sf
        return kept(chance, a, b + 1), kept(chance, a + 1, b)

    def chance_at(self, least: np.ndarray) -> np.ndarray:
        """How often an answer is right that is just kept."""
        return special.expit(special.logit(least) * self.sharpness)


def truths(pair: ModelPair, teller: Teller, least: np.ndarray) -> tuple[np.ndarray, ...]:
    """At each threshold over all items: the true loss, the share kept, how often that is right."""
    wrong, right = teller.keeps(least)
    lost = ((pair.dear == 1) & (pair.cheap == 0)).mean()
    won = ((pair.dear == 0) & (pair.cheap == 1)).mean()
    share = pair.cheap.mean()
    kept = share * right + (1 - share) * wrong
    return lost * wrong - won * right, kept, share * right / kept


def run(
    pair: ModelPair,
    teller: Teller,
    *,
    runs: int = RUNS,
    tuned: str = "tune",
    wanted: float = WANTED,
) -> dict[str, float]:
    """Figures of one pair and teller; `tuned`: which cases fix the threshold.

    `tune`: those of before; `stated`: none, it is the number that was wanted; `deciding`: the very
    cases that decide, and of several thresholds the one that passes and keeps most.
    """
    seed = zlib.crc32(f"{pair.name}/{teller}/{runs}".encode())
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(pair.cheap), (runs, TUNE + CASES))
    cheap, dear = pair.cheap[drawn], pair.dear[drawn]
    told = teller.told(cheap, rng)
    least = _least(told[:, :TUNE], cheap[:, :TUNE], wanted if tuned == "tune" else None)
    cheap, dear, told = cheap[:, TUNE:], dear[:, TUNE:], told[:, TUNE:]
    if tuned == "deciding":
        least = _chosen(cheap, dear, told, pair, teller)
    loss, kept, right = truths(pair, teller, least)
    stands = told >= least[:, None]
    differences = np.where(stands, cheap - dear, 0.0)
    figures = {
        "least": float(least.mean()),
        "chance": float(teller.chance_at(least).mean()),
        "right": float(right.mean()),
        "kept": float(kept.mean()),
    }
    figures["tested"], figures["errors"] = _at_the_limit(differences, loss)
    saving = kept - pair.share_of_cost
    for margin in MARGINS:
        sample = Sampled(
            differences=differences[:, None, :],
            savings=np.array([0.5]),
            margin=margin,
            binary=True,
            current=dear.mean(axis=1),
        )
        passed = composed(sample).option >= 0
        figures[f"wrong_{margin:g}"] = float((passed & (loss > margin)).mean())
        figures[f"saved_{margin:g}"] = float(np.where(passed & (saving > 0), saving, 0.0).mean())
    return figures


def _least(told: np.ndarray, right: np.ndarray, wanted: float | None) -> np.ndarray:
    if wanted is None:
        return np.full(len(told), WANTED)
    pairs = zip(told.tolist(), right.tolist(), strict=True)
    return np.array([least_said(wanted, sharpness(said, score)) for said, score in pairs])


def _at_the_limit(differences: np.ndarray, loss: np.ndarray) -> tuple[float, float]:
    """Cascades tested against a limit that is their own true loss, and how many of them pass."""
    harmful = loss >= LEAST_LOSS
    lost = (differences[harmful] < 0).sum(axis=1)
    won = (differences[harmful] > 0).sum(axis=1)
    each = zip(lost.tolist(), won.tolist(), loss[harmful].tolist(), strict=True)
    size = differences.shape[1]
    passed = [
        tango.p_value(np.array([down]), np.array([up]), size, limit)[0] <= ALPHA
        for down, up, limit in each
    ]
    return float(len(passed)), float(sum(passed))


GRID = np.array([0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98])


def _chosen(
    cheap: np.ndarray, dear: np.ndarray, told: np.ndarray, pair: ModelPair, teller: Teller
) -> np.ndarray:
    """What nobody may do: of many thresholds the lowest that passes on the deciding cases.

    The limit of each is its own true loss, so that every one that passes is an error.
    """
    found = np.full(len(told), GRID[-1])
    for least in GRID[::-1]:
        stands = told >= least
        differences = np.where(stands, cheap - dear, 0.0)
        lost, won = (differences < 0).sum(axis=1), (differences > 0).sum(axis=1)
        (limit, *_) = truths(pair, teller, np.array([least]))
        if limit[0] < LEAST_LOSS:
            continue
        passes = tango.p_value(lost, won, differences.shape[1], float(limit[0])) <= ALPHA
        found = np.where(passes, least, found)
    return found


def figures(
    pairs: Iterable[ModelPair], *, runs: int = RUNS, tuned: str = "tune", wanted: float = WANTED
) -> list[tuple[float, float, dict[str, float]]]:
    """Means over the pairs by sharpness and spread; `error`: of cascades at their limit."""
    pairs = list(pairs)
    found: list[tuple[float, float, dict[str, float]]] = []
    for factor, spread in product(SHARPNESS, SPREADS):
        rows = [
            run(
                pair,
                Teller(right=float(pair.cheap.mean()), spread=spread, sharpness=factor),
                runs=runs,
                tuned=tuned,
                wanted=wanted,
            )
            for pair in pairs
        ]
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        tested, errors = (sum(row[key] for row in rows) for key in ("tested", "errors"))
        error = errors / tested if tested else float("nan")
        found.append((factor, spread, means | {"error": error, "tests": tested}))
    return found


WAYS = {
    "tune": f"fixed on {TUNE} tune cases (the product)",
    "stated": "the stated 0.9 itself (no tune cases)",
    "deciding": "chosen on the deciding cases (what the product never does)",
}
_COLUMNS = (
    *("the model is", "tells right from wrong", "threshold", "right, just kept", "right, kept"),
    *("kept", "error at the limit", "of so many", "wrong at 3", "saved at 3"),
    *("wrong at 5", "saved at 5"),
)
_HEAD = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}"
_KINDS = {0.5: "less sure than it says", 1.0: "as sure as it says", 2.0: "surer than it says"}
_TELLS = {1.0: "well", 4.0: "less well"}


def _line(factor: float, spread: float, row: dict[str, float]) -> str:
    first = " | ".join(f"{100 * row[key]:.1f} %" for key in ("chance", "right", "kept"))
    error = f"{100 * row['error']:.1f} %" if row["tests"] else "\u2013"
    last = ("wrong_0.03", "saved_0.03", "wrong_0.05", "saved_0.05")
    ends = " | ".join(f"{100 * row[key]:.1f} %" for key in last)
    head = f"| {_KINDS[factor]} | {_TELLS[spread]} | {row['least']:.3f} | {first}"
    return f"{head} | {error} | {row['tests']:,.0f} | {ends} |"


_ABOUT = """\
Made by `python -m tests.benchmarks.decision.sure`: {pairs} pairs of models (GSM8K, code and
multiple choice; answers of 2024 and 2025 that are not ours), {runs} runs each, {tune} tune and
{cases} deciding cases drawn from the items. A kept answer is to be right in 90 of 100. *Just
kept*: how often an answer at the threshold is right, by the law that the probabilities were drawn
by. *Error at the limit*: how often a cascade passes whose limit is exactly its own true loss (one
look at 5 %; those that lose under 2 points are left out). *Wrong*, *saved*: accepted and truly
worse than 3 or 5 points; the share of today's cost that is saved, 0 where it stays; both by the
procedure that decides a review."""


def page() -> str:
    """The results, as they stand in `sure.md`."""
    pairs = model_pairs()
    parts = ["# Cascades by probability, on real outcomes with drawn probabilities", ""]
    parts += [_ABOUT.format(pairs=len(pairs), runs=RUNS, tune=TUNE, cases=CASES), ""]
    for way, words in WAYS.items():
        lines = [_line(*row) for row in figures(pairs, tuned=way)]
        parts += [f"## Threshold {words}", "", _HEAD, *lines, ""]
    rows = figures(pairs, wanted=LENIENT)
    lines = [_line(*row) for row in rows]
    tests = sum(row["tests"] for *_, row in rows)
    errors = sum(row["error"] * row["tests"] for *_, row in rows if row["tests"])
    told = (
        f"Of all {tests:,.0f} cascades here that lose 2 points or more, tested at exactly what "
        f"they lose, {100 * errors / tests:.1f} % pass."
    )
    words = f"As the product, but a kept answer is to be right in {100 * LENIENT:.0f} of 100"
    parts += [f"## {words}", "", _HEAD, *lines, "", told, ""]
    return "\n".join(parts)


if __name__ == "__main__":
    HERE.with_suffix(".md").write_text(page(), encoding="utf-8")
