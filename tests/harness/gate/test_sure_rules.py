"""An accepted cascade by probability: production's number must be the one that was fixed."""

from __future__ import annotations

import pytest

from harness.gate.inputs import Escalation, same_check
from harness.record.lock import LockedCascade

RULE = LockedCascade(
    first="luna",
    accept_when="probability-0.9",
    unsure=None,
    escalates_to="big",
    escalates_in=None,
    accepts_in=None,
    threshold=0.9256,
)


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("probability-0.9", True),
        ("0.9256", True),
        ("0.92560", True),
        ("0.9", False),
        ("0.95", False),
        ("probability-0.95", False),
        ("not-unsure", False),
        ("", False),
    ],
)
def test_production_says_the_rule_or_its_number(said: str, same: bool) -> None:  # noqa: FBT001
    assert same_check(Escalation(place="a", to="big", accept_when=said), RULE) is same
    without = RULE.model_copy(update={"threshold": None})
    stays = same and said.startswith("probability")
    assert same_check(Escalation(place="a", to="big", accept_when=said), without) is stays
