"""A workspace that rests on answers made elsewhere, by the commands that a user types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.main import run
from harness.record.model import load

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 20}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
procedure: {kind: holm}
"""
FACTS = """\
owner: dana@example.com
team: support
product: helpdesk
data: internal
agreed: {by: dana, on: 2026-09-14}
traffic: {requests_per_month: 900000, input_tokens: 900, output_tokens: 3, source: gateway log}
"""
MODEL = """\
{name}:
  provider: openai
  may_see: [internal]
  retires_on: 2099-12-31
  price: [{{from: 2026-01-01, input: {price}, output: {price}, source: list}}]
"""
"""The catalogue's dates, on which real models end, are stated away: reviews here last."""


def outcome_workspace(root: Path, source: Path, *others: Path, feature: str = "routing") -> None:
    """Everything a team writes, and the answers of some files in the journal."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (root / "models").mkdir(exist_ok=True)
    models = (MODEL.format(name=n, price=p) for n, p in (("gpt-5.4", 10), ("gpt-5.4-mini", 1)))
    (root / "models" / "all.yaml").write_text("".join(models), encoding="utf-8")
    words = [*map(str, others), "--incumbent", "gpt-5.4"]
    assert brought(root, source, *words, feature=feature) == 2
    path = root / "features" / f"{feature}.yaml"
    path.write_text(path.read_text("utf-8") + FACTS, encoding="utf-8")
    assert brought(root, source, *map(str, others), feature=feature) == 0


def brought(root: Path, source: Path, *words: str, feature: str = "routing") -> int:
    """The exit code of `import outcomes`."""
    return run(["import", "outcomes", str(source), "-f", feature, "-w", str(root), *words])


def reviewed(root: Path, feature: str = "routing") -> DecisionRecord:
    """The record of a review without a call."""
    assert run(["review", "-w", str(root), "--feature", feature, "--yes"]) == 0
    (path,) = root.glob(f"reviews/*/records/{feature}.json")
    return load(path.read_text("utf-8"))
