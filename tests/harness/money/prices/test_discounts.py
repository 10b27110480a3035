"""A discount of the policy that changes no price is told, and one that does is not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.money.prices.rates import idle_discounts
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig

ON = date(2026, 11, 20)
LISTED = {"provider": "anthropic", "version": "claude-haiku-4-5"}
PRICE = {"from": "2026-07-01", "input": "1", "output": "5", "source": "order form"}
STATED = {**LISTED, "price": [PRICE]}
FLEX = {**LISTED, "price": [{**PRICE, "service_tier": "flex"}]}
OTHER = {"provider": "openai", "version": "gpt-5-mini"}


def idle(
    models: dict[str, dict[str, Any]],
    *,
    share: float = 0.4,
    tiers: tuple[str, ...] = (),
    asked: tuple[str, ...] = ("a", "b"),
) -> dict[str, str]:
    """The providers whose discount does nothing, with the reason."""
    policy = PolicyConfig.model_validate(
        {
            "max_spend_usd": "1",
            "risk": {},
            "discounts": {"anthropic": share},
            "gpus": {"h200": {"on_demand": "4", "as_of": "2026-10-01", "source": "quote"}},
        }
    )
    read = {name: ModelConfig.model_validate(one) for name, one in models.items()}
    return dict(idle_discounts(policy, read, tiers, asked, on=ON))


@pytest.mark.parametrize(
    ("models", "tiers"),
    [
        pytest.param({"a": LISTED}, (), id="a model at its catalogue price"),
        pytest.param({"a": STATED, "b": LISTED}, (), id="one of two"),
        pytest.param({"a": LISTED, "b": STATED}, (), id="the other of two"),
        pytest.param({"a": LISTED, "b": OTHER}, (), id="another provider beside it"),
        pytest.param({"a": FLEX}, ("flex",), id="a price for one tier, and the standard is listed"),
    ],
)
def test_a_discount_on_a_listed_price_has_an_effect(
    models: dict[str, dict[str, Any]], tiers: tuple[str, ...]
) -> None:
    assert idle(models, tiers=tiers) == {}


@pytest.mark.parametrize(
    ("models", "why"),
    [
        pytest.param({"a": STATED}, "no model of it has a catalogue price (a)", id="all stated"),
        pytest.param(
            {"a": STATED, "b": OTHER}, "catalogue price (a)", id="the listed one is another's"
        ),
        pytest.param({"b": OTHER}, "no model has this provider", id="nobody has the provider"),
        pytest.param(
            {"a": {**LISTED, "version": "no-such-model"}},
            "catalogue price (a)",
            id="nobody lists it",
        ),
    ],
)
def test_a_discount_on_nothing_is_told(models: dict[str, dict[str, Any]], why: str) -> None:
    assert why in idle(models)["anthropic"]


def test_a_discount_on_what_no_feature_names_is_told() -> None:
    models = {"a": STATED, "b": LISTED, "c": LISTED}
    assert (
        "no feature names b or c, whose price it lowers" in idle(models, asked=("a",))["anthropic"]
    )
    assert idle(models, asked=("c",)) == {}


def test_a_discount_of_nothing_is_told() -> None:
    assert "a discount of 0 changes nothing" in idle({"a": LISTED}, share=0)["anthropic"]


def test_a_tier_that_features_ask_for_may_be_the_only_listed_one() -> None:
    """The standard price is stated; at flex the catalogue's counts."""
    model = {"provider": "openai", "version": "gpt-5", "price": [PRICE]}
    policy = PolicyConfig.model_validate(
        {"max_spend_usd": "1", "risk": {}, "discounts": {"openai": 0.1}}
    )
    models = {"a": ModelConfig.model_validate(model)}
    assert [one for one, _ in idle_discounts(policy, models, (), ("a",), on=ON)] == ["openai"]
    assert not list(idle_discounts(policy, models, ("flex",), ("a",), on=ON))
