"""Which models are current, by the installed price catalogue; and that `init` writes those."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

from harness.money.prices.model_catalogue import (
    cheaper_and_not_listed,
    current_models,
    facts,
    family_of,
    replaced_by,
    retirement,
)
from harness.workspace.model_file import ModelConfig
from harness.workspace.reading import shipped

ON = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-haiku-5-5", "claude-haiku", (5, 5)),
        ("claude-opus-5", "claude-opus", (5,)),
        ("gpt-6-luna", "gpt-luna", (6,)),
        ("gemini-3.5-flash-lite", "gemini-flash-lite", (3, 5)),
        ("o3", "o3", ()),
    ],
)
def test_a_family_is_the_name_without_its_version(
    name: str, family: str, version: tuple[int, ...]
) -> None:
    assert family_of(name) == (family, version)


def test_the_newest_priced_version_of_a_family_is_current() -> None:
    haiku = next(m for m in current_models("anthropic", ON) if m.family == "claude-haiku")
    assert (haiku.name, haiku.input_usd, haiku.output_usd) == (
        "claude-haiku-5-5",
        Decimal("0.1"),
        Decimal("0.5"),
    )
    assert replaced_by("anthropic", "claude-haiku-4-5", ON) == haiku
    assert replaced_by("anthropic", "claude-haiku-5-5", ON) is None
    assert replaced_by("anthropic", "some-model", ON) is None
    families = [m.family for m in current_models("openai", ON)]
    assert len(set(families)) == len(families)


def test_what_is_listed_or_dearer_is_not_named() -> None:
    than = (Decimal(1), Decimal(5))
    found = cheaper_and_not_listed(("anthropic",), ("claude-sonnet-5-5",), than, ON)
    assert [m.name for m in found] == ["claude-haiku-5-5"]
    assert cheaper_and_not_listed(("anthropic",), ("claude-haiku-5-5",), than, ON) == ()


def test_a_model_whose_published_end_is_near_is_not_proposed() -> None:
    assert "gemini-2.5-pro" not in {m.name for m in current_models("google", ON)}
    early = {m.name for m in current_models("google", date(2026, 8, 1))}
    assert "gemini-2.5-pro" in early
    assert retirement("google", "gemini-2.5-flash-lite") is None
    assert retirement("openai", "gpt-6.1-sol") is None
    known = facts("gpt-6-luna", ModelConfig(provider="openai"))
    assert (known.max_output_tokens, known.window_tokens) == (128000, 1050000)
    assert facts("claude-haiku-5-5", ModelConfig(provider="anthropic")).capabilities is None


@pytest.mark.parametrize("vendor", ["anthropic", "openai", "google"])
def test_init_writes_current_models(vendor: str) -> None:
    text = shipped("init/models").joinpath(f"{vendor}.yaml").read_text(encoding="utf-8")
    written: dict[str, Any] = yaml.safe_load(text)
    current = {model.name for model in current_models(vendor, ON)}
    assert set(written) <= current
