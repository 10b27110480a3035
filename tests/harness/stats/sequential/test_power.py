from __future__ import annotations

import numpy as np
import pytest

from harness.stats import tango
from harness.stats.sequential.rehearsal import Truth
from harness.stats.sequential.sample_size import cases_needed, outcomes, pass_rate


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


def test_an_impossible_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="no such candidate"):
        pass_rate(Truth(difference=-0.2, discordance=0.1), 100, 0.05, 0.05)


def test_the_size_of_one_look_is_at_most_1_2_alpha_where_it_is_not_refused() -> None:
    for n in (100, 200, 500):
        for discordance in (0.05, 0.1, 0.2, 0.4):
            size = pass_rate(Truth(difference=-0.05, discordance=discordance), n, 0.05, 0.05)
            assert size <= 1.2 * 0.05


@pytest.mark.parametrize(
    ("difference", "discordance", "possible"),
    [
        (0.0, 1.0, True),
        (1.0, 1.0, True),
        (-0.1, 0.1, True),
        (-0.11, 0.1, False),
        (0.0, 1.01, False),
    ],
)
def test_no_more_disagree_than_there_are(
    difference: float, discordance: float, *, possible: bool
) -> None:
    assert Truth(difference=difference, discordance=discordance).possible == possible


@pytest.mark.parametrize("n", [1, 2, 7])
def test_of_a_few_cases_every_table_is_there(n: int) -> None:
    """The last one, where all disagree, too."""
    disagreements, gains, chance = outcomes(Truth(difference=0.1, discordance=0.9), n)
    assert len(chance) == (n + 1) * (n + 2) // 2
    assert float(disagreements.max()) == n
    assert float(chance.sum()) == pytest.approx(1)
    every = float(chance[(disagreements == n) & (gains == n)][0])
    assert every == pytest.approx(0.5**n)
    assert pass_rate(Truth(difference=1.0, discordance=1.0), n, 0.9, 0.9) == pytest.approx(1.0)


def test_a_p_value_that_only_reaches_the_level_does_not_pass() -> None:
    p = float(tango.p_value(0, 3, 3, 0.2))
    certain = Truth(difference=1.0, discordance=1.0)
    assert pass_rate(certain, 3, 0.2, p) == 0.0
    assert pass_rate(certain, 3, 0.2, p * 1.0001) == pytest.approx(1.0)


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_the_cases_needed_are_the_first_ten_with_that_power(power: float) -> None:
    truth = Truth(difference=0.0, discordance=0.08)
    found = cases_needed(truth, 0.05, 0.05, power=power)
    assert found is not None
    assert found % 10 == 0
    assert pass_rate(truth, found, 0.05, 0.05) >= power
    assert pass_rate(truth, found - 10, 0.05, 0.05) < power
    if power == 0.8:
        assert cases_needed(truth, 0.05, 0.05) == found
