"""What a plan says of a program before its first run: a month, and what repeats can decide."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.plan.expecting import ASSUMED, ASSUMED_OF_RUNS, RUNS_DIFFER
from harness.plan.planning import Selection, plan_review
from harness.stats import gaffke
from harness.workspace.workspace import load_workspace
from tests.support.program_reviews import write_program_workspace
from tests.support.reviews import NOW, Shape
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle="2026-Q4", on=NOW.date(), wanted=Selection())
    return plan.features[0]


def test_the_sum_of_a_run_s_calls_reaches_no_long_context_price(tmp_path: Path) -> None:
    root = write_program_workspace(
        tmp_path, 9, shape=Shape(cases=60, candidates="good", extra="margin: 25")
    )
    flat = planned(root)
    price = "price: [{from: 2026-09-01, input: 4.00, output: 4.00"
    models = (root / "models" / "all.yaml").read_text(encoding="utf-8")
    assert price in models
    long = f"{price}, tiers: [{{from_input_tokens: 20, input: 40.00, output: 40.00}}]"
    (root / "models" / "all.yaml").write_text(models.replace(price, long), encoding="utf-8")
    tiered = planned(root)
    assert flat.monthly_usd == tiered.monthly_usd
    assert tiered.options[0].monthly_usd == flat.options[0].monthly_usd
    # A single call may be that long, and dear: its bound knows.
    assert flat.money is not None
    assert tiered.money is not None
    assert tiered.money.worst_usd > flat.money.worst_usd


def test_the_power_of_repeats_knows_the_spread_within_a_case(tmp_path: Path) -> None:
    root = write_program_workspace(
        tmp_path, 9, shape=Shape(cases=200, candidates="good", extra="margin: 9")
    )
    chances: list[float] = []
    needed: list[int] = []
    before = "cases: cases.jsonl"
    for repeats in (1, 2, 4):
        after = f"cases: cases.jsonl\nrepeats: {repeats}"
        edit(root / "evalsets" / "tickets" / "evalset.yaml", before, after)
        before = after
        power = planned(root).power
        assert power is not None
        assert power.discordance == round(0.08 + RUNS_DIFFER / repeats, 4)
        assert "two runs of one model differing on 25 % of them" in power.note
        assert power.cases_needed is not None
        chances.append(power.chance)
        needed.append(power.cases_needed)
    assert chances == sorted(chances)
    assert chances[0] < chances[-1]
    assert needed == sorted(needed, reverse=True)
    assert ASSUMED.over(5) == ASSUMED


@pytest.mark.parametrize("repeats", [2, 4])
def test_a_variance_told_as_a_share_has_the_power_of_the_means_themselves(repeats: int) -> None:
    """Means of real repeats under the same test, beside the plan's stand-in of equal variance."""
    rng, n, runs, margin = np.random.default_rng(5), 250, 250, 0.09
    flips = (1 - np.sqrt(1 - 2 * RUNS_DIFFER)) / 2  # Two runs differ with 2 p (1 - p).
    steps = np.arange(-2 * repeats, 2 * repeats + 1) / repeats
    shape = (runs, n, repeats)
    once = (rng.random(shape) < flips).astype(int) - (rng.random(shape) < flips)
    fixed = rng.choice([-1, 0, 1], p=[0.04, 0.92, 0.04], size=(runs, n))
    means = np.clip(once.mean(axis=2) + fixed, -1, 1)
    places = np.rint((means + 2) * repeats).astype(int)
    counts = np.stack([np.bincount(row, minlength=len(steps)) for row in places]).astype(float)
    kept = np.abs(steps) <= 1
    true = (gaffke.p_of_counts(steps[kept], counts[:, kept], margin) < 0.05).mean()
    share = ASSUMED_OF_RUNS.over(repeats).discordance
    told = rng.multinomial(n, [share / 2, share / 2, 1 - share], size=runs).astype(float)
    stand_in = (gaffke.p_of_counts(np.array([-1.0, 1.0, 0.0]), told, margin) < 0.05).mean()
    assert abs(true - stand_in) < 0.12, (true, stand_in, Decimal(share))
