"""Price lists, usage and months for tests: figures are made up unless a test says otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.money.prices.model_catalogue import ModelFacts
from harness.money.prices.rate_tables import Rates
from harness.money.workload import UsagePair
from harness.workspace.feature_file import FeatureConfig, Traffic
from harness.workspace.model_file import ModelConfig
from providers.completion import TokenUsage

OPUS = {"input": "5", "output": "25", "cache_read": "0.50", "cache_write": "6.25"}
HAIKU = {"input": "1", "output": "5", "cache_read": "0.10", "cache_write": "1.25"}


def some_rates(prices: dict[str, str], **over: Any) -> Rates:
    given: dict[str, Any] = {name: Decimal(price) for name, price in prices.items()}
    given.setdefault("cache_read", given["input"])
    given.setdefault("cache_write", given["input"])
    given.setdefault("cache_write_1h", given["cache_write"])
    return Rates(**{**given, "source": "made up", **over})


def some_traffic(**over: Any) -> Traffic:
    """The invoice feature of the reference workspace."""
    figures = {
        "requests_per_month": 96_000,
        "input_tokens": 5200,
        "output_tokens": 380,
        "retry_rate": 0.016,
        "source": "made up",
    }
    return Traffic.model_validate({**figures, **over})


def used(input_tokens: int, output_tokens: int, **over: int) -> TokenUsage:
    return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens, **over)


def pair(option: tuple[int, int], incumbent: tuple[int, int]) -> UsagePair:
    return UsagePair(option=used(*option), incumbent=used(*incumbent))


def a_feature(**over: Any) -> FeatureConfig:
    facts = {
        "name": "Invoices",
        "owner": "dana@example.com",
        "team": "payable",
        "product": "backoffice",
        "data": "internal",
        "risk": "low",
        "incumbent": "big",
    }
    return FeatureConfig.model_validate({**facts, **over})


def a_model(**over: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "anthropic", **over})


def some_facts(**over: Any) -> ModelFacts:
    facts: dict[str, Any] = {
        "window_tokens": None,
        "max_output_tokens": None,
        "capabilities": None,
        "cache_min_tokens": None,
        "retires_on": None,
        "deprecated": False,
        "source": "made up",
    }
    return ModelFacts(**{**facts, **over})
