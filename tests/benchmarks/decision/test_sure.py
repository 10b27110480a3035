"""A seeded sample of cascades by probability: they err as promised, and tune cases pay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.decision.outcomes import folder
from tests.benchmarks.decision.sure import ModelPair, Teller, model_pairs, run, truths

needs_outcomes = pytest.mark.skipif(
    not (folder() / "zeroeval-gsm8k.scores.parquet").exists(), reason="no shared data"
)


def a_pair(seed: int = 5) -> ModelPair:
    """600 items: the cheap model is right on 70 of 100, today's on those and most of the rest."""
    rng = np.random.default_rng(seed)
    cheap = (rng.random(600) < 0.7).astype(float)
    return ModelPair(
        name=f"drawn/{seed}",
        cheap=cheap,
        dear=np.maximum(cheap, rng.random(600) < 0.8),
        share_of_cost=0.05,
    )


def a_teller(sharpness: float) -> Teller:
    return Teller(right=float(a_pair().cheap.mean()), spread=4.0, sharpness=sharpness)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_what_is_told_is_right_as_often_as_the_law_says(sharpness: float) -> None:
    pair, teller, rng = a_pair(), a_teller(sharpness), np.random.default_rng(7)
    scores = pair.cheap[rng.integers(0, len(pair.cheap), 40_000)]
    told = teller.told(scores, rng)
    for least in (0.6, 0.8, 0.9):
        near = (told >= least - 0.02) & (told < least + 0.02)
        chance = float(teller.chance_at(np.array([least]))[0])
        assert scores[near].mean() == pytest.approx(chance, abs=0.04)
        _, kept, right = truths(pair, teller, np.array([least]))
        assert (told >= least).mean() == pytest.approx(float(kept[0]), abs=0.01)
        assert scores[told >= least].mean() == pytest.approx(float(right[0]), abs=0.02)


def test_tune_cases_move_the_threshold_to_what_was_wanted() -> None:
    for sharpness in (0.5, 2.0):
        fixed = run(a_pair(), a_teller(sharpness), runs=12)
        stated = run(a_pair(), a_teller(sharpness), runs=12, tuned="stated")
        assert abs(fixed["chance"] - 0.9) < abs(stated["chance"] - 0.9)


def test_a_cascade_at_its_limit_passes_seldom_and_one_that_was_chosen_often() -> None:
    fixed = run(a_pair(), a_teller(0.5), runs=60, tuned="stated")
    chosen = run(a_pair(), a_teller(0.5), runs=60, tuned="deciding")
    assert fixed["tested"] == 60
    assert fixed["errors"] <= 9  # of 60 at 5 %, 9 or more are seen once in 500 times
    assert chosen["errors"] > fixed["errors"]
    assert fixed["wrong_0.05"] <= 0.1


@needs_outcomes
def test_real_outcomes_are_kept_and_save() -> None:
    pair = model_pairs(("zeroeval",))[0]
    teller = Teller(right=float(pair.cheap.mean()), spread=1.0, sharpness=1.0)
    found = run(pair, teller, runs=8)
    assert found["saved_0.03"] > 0.2
    assert found["right"] > 0.9
