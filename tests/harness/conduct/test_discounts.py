"""A discount that changes no price is a warning: nothing breaks, but somebody counts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.workspaces import POLICY, edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = """\
listed:
  provider: openai
  version: gpt-4o
  may_see: [public]
"""
HOSTED = """\
hosted:
  provider: openai
  may_see: [public]
  gpu: h100
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = write_workspace(tmp_path)
    (made / "policy.yaml").write_text(POLICY + "expires_days: {prices: 36500}\n")
    return made


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            "{google: 0.1}",
            (
                "google: no model has this provider, so nothing is discounted; known: openai, "
                "openai-compatible"
            ),
        ),
        (
            "{openai: 0.1}",
            (
                "openai: has no effect: no model of it has a catalogue price (big), and a `price:` "
                "of the workspace is net already; remove one of the two"
            ),
        ),
        (
            "{openai: 0}",
            "openai: a discount of 0 changes nothing; state what was granted, or remove it",
        ),
    ],
)
def test_a_discount_without_effect(
    root: Path, capsys: pytest.CaptureFixture[str], stated: str, expected: str
) -> None:
    with (root / "policy.yaml").open("a") as policy:
        policy.write(f"discounts: {stated}\n")
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    said = capsys.readouterr()
    assert f"warning: policy.yaml:6: discounts.{expected}\n" in said.out
    assert said.err == ""


NAMED = {
    "by no feature": lambda _root: None,
    "as a candidate": lambda root: edit(
        root / "features/tickets.yaml", "[small]", "[small, listed]"
    ),
    "with all others": lambda root: edit(root / "features/tickets.yaml", "[small]", "auto"),
    "as a judge": lambda root: edit(
        root / "evalsets/tickets/evalset.yaml",
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: judge, model: listed, rubric: rubric.md}",
    ),
}


@pytest.mark.parametrize("how", NAMED)
def test_a_discount_on_a_catalogue_price_has_an_effect_where_a_feature_names_the_model(
    root: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    text = CATALOGUE.replace("[public]", "[public, internal, customer]")
    (root / "models" / "listed.yaml").write_text(text)
    (root / "evalsets/tickets/rubric.md").write_text("The topic must be right.\n")
    NAMED[how](root)
    with (root / "policy.yaml").open("a") as policy:
        policy.write("discounts: {openai: 0.1}\n")
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    warning = (
        "warning: policy.yaml:6: discounts.openai: changes no review: no feature names listed, "
        "whose price it lowers; name it as today's model or a candidate, or remove the discount\n"
    )
    assert (warning in capsys.readouterr().out) is (how == "by no feature")


def test_a_gpu_is_not_discounted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "models" / "hosted.yaml").write_text(HOSTED)
    with (root / "policy.yaml").open("a") as policy:
        policy.write("gpus: {h100: {on_demand: 3, as_of: 2026-10-01, source: quote}}\n")
        policy.write("discounts: {openai: 0.1}\n")
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    assert "no model of it has a catalogue price (big, hosted)" in capsys.readouterr().out


def test_a_price_for_another_tier_leaves_the_catalogue_for_the_rest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(
        root / "models" / "all.yaml",
        "output: 20.00, source",
        "output: 20.00, service_tier: flex, source",
    )
    edit(root / "models" / "all.yaml", "  key: BIG_KEY", "  version: gpt-4o\n  key: BIG_KEY")
    with (root / "policy.yaml").open("a") as policy:
        policy.write("discounts: {openai: 0.1}\n")
    assert run(["check", "-w", str(root)]) == ExitCode.OK
    assert "discounts" not in capsys.readouterr().out
