from __future__ import annotations

import numpy as np
import pytest

from harness.stats.power import Truth, pass_rate
from harness.stats.rehearsal import rehearse
from tests.support.decisions import design

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
