"""The plan's money where little is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from harness.cli.plan_text import bound_line, growth_line, option_money, plan_lines
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.workspaces import write_workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    plan = plan_review(
        load_workspace(write_workspace(tmp_path)),
        cycle="2026-Q4",
        on=date(2026, 11, 20),
        wanted=Selection(),
    )
    (feature,) = plan.features
    option = feature.options[0]
    assert option_money(replace(option, monthly_usd=None), None) == "no price"
    assert "saves" not in option_money(replace(option, saving_bound_usd=None), None)
    silent = replace(feature, config=feature.config.model_copy(update={"traffic": None}))
    assert list(growth_line(silent)) == []
    assert list(bound_line(replace(plan, features=(replace(feature, options=()),)))) == []


def test_a_total_says_of_how_many_features_it_is(tmp_path: Path) -> None:
    plan = plan_review(
        load_workspace(write_workspace(tmp_path)),
        cycle="2026-Q4",
        on=date(2026, 11, 20),
        wanted=Selection(),
    )
    (feature,) = plan.features
    unknown = replace(feature, feature="other", monthly_usd=None)
    (first, *_) = plan_lines(plan, details=False)
    assert "known" not in first
    (first, *_) = plan_lines(replace(plan, features=(feature, unknown)), details=False)
    assert first.startswith("2 features, USD ")
    assert first.endswith(", 1 of 2 known")
    (first, *_) = plan_lines(replace(plan, features=(unknown,)), details=False)
    assert first == "1 feature, spend not known"
