from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from harness.conduct.checking import aged_on, check_workspace, priced_on
from harness.errors import ExitCode
from tests.support.imports import outcome_workspace, reviewed
from tests.support.outcomes_table import outcomes_table
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.conduct.checking import CheckReport

CONFIRMED = date(2026, 9, 1)
AGE = (date.today() - date(2026, 1, 1)).days - 1  # noqa: DTZ011  # the command's own day
"""Days that a price of new year's counts as confirmed, so that it no longer does."""


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


def test_the_document_names_an_old_price_and_what_to_do(tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    table.write_text(outcomes_table(), encoding="utf-8")
    root = tmp_path / "w"
    outcome_workspace(root, table)
    edit(root / "policy.yaml", "{prices: 36500}", f"{{prices: {AGE}}}")
    record = reviewed(root)
    (told,) = [gap for gap in record.not_known if gap.startswith("whether the price of")]
    assert told == (
        "whether the price of gpt-5.4 (last confirmed 2026-01-01) and gpt-5.4-mini (last confirmed "
        "2026-01-01) still holds: confirm it with `checked:` in models/, or update the catalogue "
        "(pip install -U genai-prices)"
    )
    (page,) = root.glob("reviews/*/documents/routing.md")
    assert "still holds: confirm it with" in page.read_text(encoding="utf-8")
    edit(root / "policy.yaml", f"{{prices: {AGE}}}", "{prices: 36500}")
    assert not any("price of" in gap for gap in reviewed(root).not_known)
