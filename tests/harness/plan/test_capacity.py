"""A swap saves nothing before the term of bought capacity ends, unless freed units are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason, Verdict
from harness.record.stored import read_records
from harness.workspace.workspace import load_workspace
from tests.recompute import review as recomputed
from tests.support.reviews import CYCLE, NOW, Shape, write_review_workspace
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

UNITS = "units: 100, usd_per_unit_hour: 1.00, tokens_per_minute_per_unit: 2500"
BOUGHT = Reason.CAPACITY_BOUGHT


def workspace_with(root: Path, capacity: str, *, model: str = "big") -> Path:
    shape = Shape(candidates="good, bad", features=("tickets", "other"))
    write_review_workspace(root, 9, shape)
    edit(root / "models" / "all.yaml", f"{model}:\n", f"{model}:\n  capacity: {{{capacity}}}\n")
    return root


@pytest.mark.parametrize(
    ("capacity", "why"),
    [
        (f"{UNITS}, until: {NOW:%Y-%m-%d}", (BOUGHT, BOUGHT)),
        (f"{UNITS}, until: 2026-11-23", (None, None)),
        (f"{UNITS}, until: 2027-06-30, freed_for: [other]", (None, None)),
        (f"{UNITS}, until: 2027-06-30, freed_for: [tickets]", (BOUGHT, BOUGHT)),
    ],
)
def test_no_option_is_asked_while_the_units_are_paid(
    tmp_path: Path, capacity: str, why: tuple[Reason | None, ...]
) -> None:
    workspace = load_workspace(workspace_with(tmp_path, capacity))
    wanted = Selection(features=("tickets",))
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=wanted).features
    assert tuple(option.excluded for option in plan.options) == why
    assert not plan.levers or why[0] is None


def test_a_candidate_s_own_capacity_binds_nobody(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, f"{UNITS}, until: 2027-06-30", model="good")
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    assert {option.excluded for one in plan.features for option in one.options} == {None}


def test_verdict_plan_and_page_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace_with(tmp_path, f"{UNITS}, until: 2999-06-30")
    at = ["-w", str(root), "--cycle", CYCLE, "--feature", "tickets"]
    assert run(["plan", *at]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "1 run on capacity that is paid until its term ends" in said
    assert "bought: big: 100 units, USD 73,050 a month until 2999-06-30, used or not" in said
    assert run(["review", *at, "--yes"]) == ExitCode.OK
    (record,) = read_records(root / "reviews" / CYCLE)
    assert (record.verdict, record.reason_codes) == (Verdict.JUSTIFY, (BOUGHT,))
    page = (root / "reviews" / CYCLE / "documents" / "tickets.md").read_text("utf-8")
    assert "bad saves nothing while today's bought capacity is paid" in page
    assert "the units of big are paid until 2999-06-30" in page
    assert "What staying costs.** Nothing more before the term ends" in page
    assert "Staying costs" not in page
    found = recomputed.recompute(root / "reviews" / CYCLE, record.generated_at.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in found.findings] == []


def test_the_index_states_what_is_bought_and_unused(tmp_path: Path) -> None:
    """Units of a model that no feature runs on are paid as well; one that is over is not."""
    root = workspace_with(tmp_path, f"{UNITS}, until: 2999-06-30")
    more = f"{UNITS.replace('100', '7')}, until: 2999-06-30"
    edit(root / "models" / "all.yaml", "good:\n", f"good:\n  capacity: {{{more}}}\n")
    over = f"{UNITS}, until: 2026-01-31"
    edit(root / "models" / "all.yaml", "bad:\n", f"bad:\n  capacity: {{{over}}}\n")
    assert run(["review", "-w", str(root), "--cycle", CYCLE, "--yes"]) == ExitCode.OK
    folder = root / "reviews" / CYCLE
    page = (folder / "index.md").read_text("utf-8")
    assert "What is bought.** USD 78,164 a month is paid until its term ends" in page
    (line,) = [each for each in page.splitlines() if each.startswith("| good |")]
    assert [cell.strip() for cell in line.split("|")][3:] == [
        *("7", "2999-06-30", line.split("|")[5].strip(), "5,113.50", "0", "7", "5,113.50", ""),
    ]
    records = read_records(folder)
    found = recomputed.recompute(folder, records[0].generated_at.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in found.findings] == []
    (folder / "bought.json").write_text("{")
    assert run(["report", "-w", str(root), "--cycle", CYCLE]) == ExitCode.USAGE_ERROR


def test_a_month_of_logs_has_the_units_beside_it_until_their_term_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 units at USD 1.00 an hour, 730.5 hours a month, whatever the log says."""
    log = tmp_path / "calls.csv"
    log.write_text(
        "timestamp,request_id,input_tokens,output_tokens,feature,model,cost_usd\n"
        "2026-10-05T00:00:00Z,a,10,1,tickets,big,0.25\n"
    )
    root = workspace_with(tmp_path / "w", f"{UNITS}, until: 2999-06-30")
    assert run(["import", "traffic", str(log), "-w", str(root)]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "  spent: USD 0.25" in said
    assert "bought: big: 100 units, USD 73,050 a month until 2999-06-30, used or not" in said
    over = workspace_with(tmp_path / "o", f"{UNITS}, until: 2026-01-31")
    assert run(["import", "traffic", str(log), "-w", str(over)]) == ExitCode.OK
    assert "bought:" not in capsys.readouterr().out


def test_freed_units_go_to_features_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace_with(tmp_path, f"{UNITS}, until: 2027-06-30, freed_for: [nobody]")
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "big.capacity.freed_for[0]: nobody is no feature" in capsys.readouterr().err
