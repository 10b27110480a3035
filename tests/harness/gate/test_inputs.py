"""What one side of a change states."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.gate.inputs import Stated
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.policy_file import PolicyConfig, RiskPolicy

FEATURE = FeatureConfig(
    name="Tickets",
    owner="dana@example.com",
    team="support",
    product="helpdesk",
    data="internal",
    risk="high",
    incumbent="big",
)


@pytest.mark.parametrize(
    ("own", "by_risk", "margin"), [(3, 2, 3), (None, 2, 2), (3, None, 3), (None, None, None)]
)
def test_a_margin_that_nobody_states_is_none_and_not_zero(
    own: float | None, by_risk: float | None, margin: float | None
) -> None:
    risk = {} if by_risk is None else {"high": RiskPolicy(margin=by_risk)}
    stated = Stated(
        policy=PolicyConfig(max_spend_usd=Decimal(1), risk=risk),
        policy_sha256="",
        features={"tickets": FEATURE.model_copy(update={"margin": own})},
        addresses={},
        may_see={},
        evalsets={},
        records={},
    )
    assert stated.margin("tickets") == margin
