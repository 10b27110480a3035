from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.stats import betting
from harness.stats.sequential.design import ProvenPart
from harness.stats.sequential.foresight import AskedSoFar, Foresight, Rehearsed
from harness.stats.sequential.rehearsal import Truth, rehearse
from harness.stats.sequential.sample_size import pass_rate
from tests.support.decisions import design

if TYPE_CHECKING:
    from harness.stats.sequential.design import Kind

EQUAL = Truth(difference=0.0, discordance=0.08)
BAD = Truth(difference=-0.2, discordance=0.3)


def test_one_equal_candidate_passes_nearly_as_often_as_in_a_single_look() -> None:
    plan = design(n=400, options=1, kind="ladder")
    found = rehearse(plan, [EQUAL], np.random.default_rng(1), runs=1500)
    exact = pass_rate(EQUAL, 380, 0.05, 0.05)
    assert exact - 0.08 < found.decided < exact + 0.02
    assert found.calls < 0.8
    assert found.calls <= found.calls_most <= 1.0


def test_hopeless_options_cost_little_and_never_pass() -> None:
    plan = design(n=400, options=3, kind="ladder")
    found = rehearse(plan, [BAD] * 3, np.random.default_rng(2))
    assert found.decided == 0.0
    assert found.calls < 0.13


def test_a_truth_for_each_option_is_needed() -> None:
    plan = design(n=400, options=2, kind="ladder")
    with pytest.raises(ValueError, match="one possible truth"):
        rehearse(plan, [EQUAL], np.random.default_rng(3))
    with pytest.raises(ValueError, match="one possible truth"):
        rehearse(plan, [EQUAL, Truth(difference=-0.2, discordance=0.1)], np.random.default_rng(3))


def test_every_option_tells_how_far_it_is_asked() -> None:
    plan = design(n=400, options=3, kind="ladder")
    found = rehearse(plan, [BAD, BAD, EQUAL], np.random.default_rng(4))
    assert len(found.asked) == 3
    assert max(found.asked[:2]) < 0.2 < found.asked[2]
    assert max(found.asked) <= found.incumbent <= 1.0
    assert found.calls == pytest.approx((sum(found.asked) + found.incumbent) / 4)


@pytest.mark.parametrize("kind", ["holm", "fixed-sequence"])
def test_other_procedures_are_rehearsed_with_one_exact_test(kind: Kind) -> None:
    plan = design(n=300, options=1, kind=kind)
    found = rehearse(plan, [EQUAL], np.random.default_rng(5), runs=4000)
    assert found.decided == pytest.approx(pass_rate(EQUAL, 300, 0.05, 0.05), abs=0.03)
    assert found.calls == 1.0


def test_a_fixed_sequence_asks_a_cheaper_one_only_after_the_dearer_passed() -> None:
    plan = design(n=300, options=2, kind="fixed-sequence")
    found = rehearse(plan, [EQUAL, BAD], np.random.default_rng(6))
    assert found.asked == (0.0, 1.0)
    assert found.decided == 0.0


def test_a_proven_part_costs_power() -> None:
    plan = design(n=400, options=1, kind="ladder")
    part = ProvenPart(name="rare", margin=5.0, positions=tuple(range(0, 400, 4)))
    strict = replace(plan, proven=(part,))
    free = rehearse(plan, [EQUAL], np.random.default_rng(7))
    bound = rehearse(strict, [EQUAL], np.random.default_rng(7))
    assert bound.decided < free.decided - 0.2


@pytest.mark.parametrize("n", [20, 137])
def test_wealth_of_counts_is_the_wealth_of_the_cases(n: int) -> None:
    losses, gains = n // 5, n // 7
    cases = [-1.0] * losses + [1.0] * gains + [0.0] * (n - losses - gains)
    counted = betting.log_wealth_of_counts(*(np.array(x) for x in (losses, gains, n)), -0.05)
    assert float(counted) == pytest.approx(betting.log_wealth(cases, -0.05))


def test_rehearsals_that_went_as_far_count_next_to_far_likelier_ones_that_did_not() -> None:
    early = Rehearsed(gains=(0.0,), losses=(0.9,), asked=((0.25,), (0.3,)))
    later = Rehearsed(gains=(0.0,), losses=(0.1,), asked=((0.6,), (0.8,)))
    seen = [AskedSoFar(share=0.4, losses=400.0)]
    assert exp(later.likelihood(seen) - early.likelihood(seen)) == 0.0
    shares, own = Foresight(rehearsed=(early, later), passes=(0.5,)).given(seen)
    assert (shares[0], own) == pytest.approx((0.7, 0.7))
