"""What a saving has to reach before anything is asked: the minimum counts as reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, NOW, Shape, write_review_workspace
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

SMALL, NET = Reason.SAVINGS_BELOW_MINIMUM, Reason.NET_SAVING_BELOW_MINIMUM


def excluded(root: Path, *, price: str, minimum: str, migration: str = "0") -> Reason | None:
    """Why the only candidate is not asked.

    The incumbent costs USD 328 a month: a million requests of 82 tokens, at 4 a million. The
    candidate may need 0.7 of the 80 tokens in and half of the 2 out: 57 tokens at its `price`.
    """
    shape = Shape(candidates="good", extra=f"migration_usd: {migration}")
    write_review_workspace(root, 9, shape)
    edit(root / "policy.yaml", "minimum_saving_usd: 50", f"minimum_saving_usd: {minimum}")
    edit(
        root / "models" / "all.yaml",
        "input: 0.50, output: 0.50",
        f"input: {price}, output: {price}",
    )
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (option,) = plan.features[0].options
    return option.excluded


@pytest.mark.parametrize(
    ("price", "minimum", "why"),
    [
        pytest.param("0.50", "299.50", None, id="exactly the minimum is enough"),
        pytest.param("0.50", "299.51", SMALL, id="a cent less is not"),
        pytest.param("5.00", "43", None, id="a dearer model with fewer tokens may save"),
        pytest.param("9.00", "0", SMALL, id="nothing saved is too little for a minimum of nothing"),
    ],
)
def test_what_can_be_saved_is_held_against_the_minimum(
    tmp_path: Path, price: str, minimum: str, why: Reason | None
) -> None:
    assert excluded(tmp_path, price=price, minimum=minimum) is why


@pytest.mark.parametrize(
    ("price", "migration", "minimum", "why"),
    [
        pytest.param("0.50", "800", "56.00", None, id="exactly the minimum is left"),
        pytest.param("0.50", "800", "56.01", NET, id="a cent less is left"),
        pytest.param("4.90", "160", "0", NET, id="nothing is left of a minimum of nothing"),
        pytest.param("4.90", "159", "0", None, id="a little is left"),
    ],
)
def test_what_a_switch_leaves_of_it_is_too(
    tmp_path: Path, price: str, migration: str, minimum: str, why: Reason | None
) -> None:
    """800 once is 243.50 a month over 100 days, of 299.50; 160 is the whole saving of 48.70."""
    found = excluded(tmp_path, price=price, minimum=minimum, migration=migration)
    assert found is why
