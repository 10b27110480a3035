from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from harness.stats import tango
from harness.stats.arrays import Moments, moments_at
from harness.stats.sequential.steering import (
    PassMark,
    Prior,
    expected_difference,
    expected_square,
    predicted_chance,
)

PRIOR = Prior()


def _moments(n: float, total: float, squares: float) -> Moments:
    return Moments(n=np.array(n), total=np.array(total), squares=np.array(squares))


def test_agrees_with_simulating_prior_data_and_test() -> None:
    """Draw truths from the prior, keep those that give the seen table, go on, and test."""
    rng = np.random.default_rng(2)
    runs, seen_n, rest, discordance = 400_000, 40, 200, 0.12
    delta = np.clip(rng.normal(PRIOR.mean, PRIOR.deviation, runs), -discordance, discordance)
    gain, loss = (discordance + delta) / 2, (discordance - delta) / 2
    draws = np.stack([gain, loss, 1 - discordance + 0 * gain], axis=1)
    first = rng.multinomial(seen_n, draws)
    kept = draws[(first[:, 0] == 2) & (first[:, 1] == 3)]
    later = rng.multinomial(rest, kept)
    p = tango.p_value(later[:, 1], later[:, 0], rest, 0.05)
    simulated = float((p < 0.05).mean())
    chance = predicted_chance(
        _moments(40, -1, 5), None, PassMark(margin=0.05, level=0.05, n=rest), PRIOR
    )
    assert len(kept) > 3000
    assert float(chance) == pytest.approx(simulated, abs=0.06)


def test_at_the_end_it_is_certain() -> None:
    done = _moments(200, 0, 4)
    target = PassMark(margin=0.05, level=0.05, n=200)
    assert float(predicted_chance(done, done, target, PRIOR)) == 1.0
    lost = _moments(200, -12, 14)
    assert float(predicted_chance(lost, lost, target, PRIOR)) == 0.0


def test_losses_lower_it_and_cases_to_come_leave_hope() -> None:
    target = PassMark(margin=0.05, level=0.05, n=400)
    good = float(predicted_chance(_moments(40, 0, 2), None, target, PRIOR))
    bad = float(predicted_chance(_moments(40, -8, 8), None, target, PRIOR))
    assert bad < 0.05 < good


def test_moments_know_losses_and_gains_and_skip_what_is_absent() -> None:
    values = [[1.0, -1.0, np.nan, -1.0, 0.0]]
    found = moments_at(values, 0, (2, 5))
    assert found.losses.tolist() == [[1.0, 2.0]]
    assert found.gains.tolist() == [[1.0, 1.0]]
    assert found.n.tolist() == [[2.0, 4.0]]
    both = found.plus(found)
    assert both.n.tolist() == [[4.0, 8.0]]


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seen", [(40.0, -1.0, 5.0), (60.0, 0.0, 0.0), (200.0, 9.0, 15.0)])
def test_agrees_with_integrating_over_the_truths(
    seen: tuple[float, float, float], margin: float, *, counted: bool
) -> None:
    """Normal truths and sums; the score test takes the variance of the null."""
    n, total, squares = seen
    size = 400
    square = (squares + PRIOR.weight * PRIOR.discordance) / (n + PRIOR.weight)
    precision = 1 / PRIOR.deviation**2 + n / square
    mean = (PRIOR.mean / PRIOR.deviation**2 + total / square) / precision
    done, sum_done = (n, total) if counted else (0.0, 0.0)
    null = max(square, margin * (1 - margin))
    needed = -margin * size + stats.norm.isf(0.05) * np.sqrt(size * null)

    def passing(truth: float) -> float:
        later = stats.norm(sum_done + (size - done) * truth, np.sqrt((size - done) * square))
        return float(later.sf(needed) * stats.norm.pdf(truth, mean, precision**-0.5))

    wanted = integrate.quad(passing, mean - 9 * precision**-0.5, mean + 9 * precision**-0.5)[0]
    moments = _moments(n, total, squares)
    target = PassMark(margin=margin, level=0.05, n=size)
    found = predicted_chance(moments, moments if counted else None, target, PRIOR)
    assert float(found) == pytest.approx(wanted, abs=1e-7)
    assert float(expected_difference(moments, PRIOR)) == pytest.approx(mean)
    assert float(expected_square(moments, PRIOR)) == pytest.approx(square)
