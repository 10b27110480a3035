from __future__ import annotations

from decimal import Decimal

import pytest

from harness.comparison.arms import Arm
from harness.comparison.cascade import Spent, cascade_arm, cascade_cost
from harness.comparison.pairs import pair_up

ORDER = ("c0", "c1", "c2", "c3")
CHEAP = Arm(
    option="small",
    scores={"c0": (1.0,), "c1": (0.0,), "c2": (0.0,), "c3": (None,)},
    failed=frozenset({"c2"}),
    answers={"c0": "a", "c1": "b"},
)
FLAGSHIP = Arm(
    option="big",
    scores={"c0": (1.0,), "c1": (1.0,), "c2": (1.0,), "c3": (1.0,)},
    answers={"c0": "a", "c1": "c"},
)
ACCEPTED = {"c0": True, "c1": False, "c2": True, "c3": True}


def test_what_the_validator_refuses_and_what_failed_goes_to_the_incumbent() -> None:
    arm = cascade_arm("cascade", CHEAP, FLAGSHIP, ACCEPTED)
    assert arm.scores == {"c0": (1.0,), "c1": (1.0,), "c2": (1.0,), "c3": (None,)}
    assert arm.failed == frozenset()
    assert arm.answers == {"c0": "a", "c1": "c"}


def test_a_cascade_is_compared_like_any_candidate() -> None:
    arm = cascade_arm("cascade", CHEAP, FLAGSHIP, ACCEPTED)
    found = pair_up(FLAGSHIP, arm, order=ORDER, clusters=ORDER)
    assert [pair.difference for pair in found.pairs] == [0.0, 0.0, 0.0, None]
    assert found.pairs[3].missing


def test_every_case_pays_the_cheap_call_and_escalated_ones_both() -> None:
    cheap = {case: Spent(usd=Decimal("0.001"), seconds=1.0) for case in ORDER}
    dear = {case: Spent(usd=Decimal("0.010"), seconds=3.0) for case in ORDER}
    found = cascade_cost(cheap, dear, ACCEPTED)
    assert found is not None
    assert found.usd == (Decimal("0.001"), Decimal("0.011"), Decimal("0.001"), Decimal("0.001"))
    assert found.seconds == (1.0, 4.0, 1.0, 1.0)
    assert found.escalated == pytest.approx(0.25)


def test_a_time_that_was_not_measured_is_left_out() -> None:
    cheap = {"c0": Spent(usd=Decimal(1), seconds=None), "c1": Spent(usd=Decimal(1), seconds=1.0)}
    dear = {case: Spent(usd=Decimal(2), seconds=None) for case in ("c0", "c1")}
    found = cascade_cost(cheap, dear, {"c0": True, "c1": False})
    assert found is not None
    assert found.seconds == ()
    assert cascade_cost({}, dear, {"c0": True}) is None
