from __future__ import annotations

import numpy as np
import pytest

from harness.stats import tango
from harness.stats.sequential.power import Truth, cases_needed, outcomes, pass_rate, smallest_margin


def test_agrees_with_simulating_the_deciding_code() -> None:
    rng = np.random.default_rng(1)
    draws = rng.multinomial(300, [0.05, 0.03, 0.92], size=20_000)
    simulated = float((tango.p_value(draws[:, 0], draws[:, 1], 300, 0.05) < 0.05).mean())
    exact = pass_rate(Truth(difference=-0.02, discordance=0.08), 300, 0.05, 0.05)
    assert exact == pytest.approx(simulated, abs=0.012)


def test_the_probabilities_sum_to_one() -> None:
    assert float(outcomes(Truth(difference=-0.03, discordance=0.1), 500)[2].sum()) == pytest.approx(
        1
    )


@pytest.mark.parametrize(("margin", "low", "high"), [(0.05, 180, 240), (0.03, 520, 600)])
def test_the_rough_figures_of_the_design(margin: float, low: int, high: int) -> None:
    needed = cases_needed(Truth(difference=0.0, discordance=0.08), margin, 0.05)
    assert needed is not None
    assert low <= needed <= high


def test_what_cannot_be_reached_is_none() -> None:
    assert cases_needed(Truth(difference=-0.05, discordance=0.1), 0.05, 0.05) is None


def test_the_smallest_margin_is_just_cleared() -> None:
    truth = Truth(difference=0.0, discordance=0.08)
    margin = smallest_margin(0.08, 400, 0.05)
    assert pass_rate(truth, 400, margin, 0.05) >= 0.8
    assert pass_rate(truth, 400, margin * 0.9, 0.05) < 0.8


def test_an_impossible_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="no such candidate"):
        pass_rate(Truth(difference=-0.2, discordance=0.1), 100, 0.05, 0.05)


def test_the_size_of_one_look_is_at_most_1_2_alpha_where_it_is_not_refused() -> None:
    for n in (100, 200, 500):
        for discordance in (0.05, 0.1, 0.2, 0.4):
            size = pass_rate(Truth(difference=-0.05, discordance=discordance), n, 0.05, 0.05)
            assert size <= 1.2 * 0.05
