from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from harness.conduct.checking import aged_on, check_workspace, priced_on
from harness.errors import ExitCode
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.conduct.checking import CheckReport

CONFIRMED = date(2026, 9, 1)


def on_day(root: Path, days: int) -> CheckReport:
    day = date.fromordinal(CONFIRMED.toordinal() + days)
    return check_workspace(root, has_price=priced_on(day), has_aged=aged_on(day))


@pytest.mark.parametrize(
    ("days", "severities", "code"),
    [
        pytest.param(45, set[str](), ExitCode.OK, id="fresh"),
        pytest.param(46, {"warning"}, ExitCode.OK, id="older than the policy allows"),
        pytest.param(91, {"error", "blocked"}, ExitCode.USAGE_ERROR, id="older than twice that"),
    ],
)
def test_an_old_price_warns_then_fails(
    tmp_path: Path, days: int, severities: set[str], code: ExitCode
) -> None:
    report = on_day(write_workspace(tmp_path), days)
    assert {problem.severity for problem in report.problems} == severities
    assert report.exit_code == code
    assert all(f"{days} days ago" in problem.message for problem in report.problems)


def test_a_price_that_was_confirmed_again_is_fresh(tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    models = root / "models" / "all.yaml"
    edit(models, "input: 4.00,", "input: 4.00, checked: 2026-11-20,")
    edit(models, "input: 0.50,", "input: 0.50, checked: 2026-11-20,")
    assert on_day(root, 91).problems == ()


def test_an_unpriced_model_has_no_age(tmp_path: Path) -> None:
    root = write_workspace(tmp_path)
    report = on_day(root, -1)
    assert all("PRICE_MISSING" in problem.message for problem in report.problems)
