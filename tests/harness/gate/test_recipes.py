"""The recipes for CI services: sound YAML, safe for forks, and options that the command has."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.cycle.gate import gate

CI = Path(__file__).parents[3] / "configs" / "ci"


def commands_in(value: Any) -> list[list[str]]:
    """Every `rightsize gate` that a recipe runs, as arguments."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in commands_in(each)]
    if isinstance(value, list):
        return [found for each in value for found in commands_in(each)]
    words = shlex.split(value, comments=True) if isinstance(value, str) else []
    return [words[2:]] if words[:2] == ["rightsize", "gate"] else []


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml", "pre-commit.yaml"])
def test_a_recipe_runs_the_gate_as_it_is(name: str) -> None:
    text = (CI / name).read_text(encoding="utf-8")
    (arguments,) = commands_in(yaml.safe_load(text))
    assert gate.make_context("gate", arguments).params


def test_the_workflow_is_safe_for_forks() -> None:
    text = (CI / "github.yml").read_text(encoding="utf-8")
    workflow = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # `on` stays a text
    assert workflow["on"] == "pull_request"
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
