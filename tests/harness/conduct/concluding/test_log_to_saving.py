"""From the logs and the bill that a team has to a verified saving, by its own commands."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.base import State, Verdict
from harness.record.model import load
from tests.support.bills import a_month, as_csv
from tests.support.call_logs import MONDAY, LoggedCall, litellm
from tests.support.imports import FACTS, outcome_workspace
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

CYCLE = ["--cycle", "2026-Q4"]


def write_log(path: Path) -> None:
    """Two weeks of calls of `routing`, tagged by application and not by feature."""
    calls = (
        LoggedCall(
            at=MONDAY + timedelta(seconds=1000 * number),
            id=f"c{number}",
            input=900,
            cached=0,
            output=3,
            thoughts=0,
        )
        for number in range(1_210)
    )
    rows = ({**litellm(call), "request_tags": ["app:tickets"]} for call in calls)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with answers in its journal, that says nothing of its traffic."""
    root = tmp_path / "rightsizing"
    table = tmp_path / "answers.csv"
    table.write_text(outcomes_table(), encoding="utf-8")
    outcome_workspace(root, table)
    edit(root / "features" / "routing.yaml", FACTS.splitlines()[-1], "")
    edit(root / "policy.yaml", "minimum_saving_usd: 50", "minimum_saving_usd: 5")
    rule = '- {when: {tag: "app:tickets"}, feature: routing, team: support}\n'
    (root / "attribution.yaml").write_text(rule, encoding="utf-8")
    write_log(tmp_path / "2026-10.jsonl")
    return root


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def record(root: Path) -> DecisionRecord:
    return load((root / "reviews/2026-Q4/records/routing.json").read_text("utf-8"))


def accepted_and_live(root: Path) -> None:
    """The owner accepts, production's model is changed, and the gate passes."""
    at = ["-w", str(root)]
    by = ["--by", "dana@example.com", "--reason", "agreed"]
    assert run(["decide", "routing", "accept", *CYCLE, *by, *at]) == ExitCode.OK
    feature = root / "features" / "routing.yaml"
    edit(feature, "incumbent: gpt-5\n", "incumbent: gpt-5-mini\n")
    edit(feature, "candidates: [gpt-5-mini]", "candidates: []")
    assert run(["lock", *at]) == ExitCode.OK
    assert run(["gate", *at]) == ExitCode.OK


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_from_a_log_to_a_verified_saving(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["-w", str(root)]
    log = str(root.parent / "2026-10.jsonl")
    for command in (["import", "traffic", log], ["plan", *CYCLE], ["review", *CYCLE, "--yes"]):
        assert run([*command, *at]) == ExitCode.OK
    proposed = record(root)
    assert proposed.verdict is Verdict.DOWNGRADE
    assert proposed.traffic is not None
    assert proposed.traffic.requests_per_month == 2631
    assert "2026-10.csv, measured 2026-10-05 to 2026-10-18" in proposed.traffic.source
    accepted_and_live(root)
    capsys.readouterr()
    bill = as_csv(root.parent / "focus.csv", a_month("gpt-5-mini", 76_500, Decimal("1.10")))
    held = ["verify", *CYCLE, *at, "--actual", str(bill)]
    assert run(held) == ExitCode.OK
    saved = record(root)
    assert (saved.state, saved.savings is None) == (State.VERIFIED, False)
    # 85 requests a day of 900 tokens: the bill has none, so its tokens say how many.
    old = saved.current_cost.monthly_after_discounts
    assert old is not None
    billed = 31 * Decimal(76_500 + 255) * Decimal("1.10") / 1_000_000
    assert saved.savings.realised == (old * 2635 / 2631 - billed).quantize(Decimal("0.01"))
    said = capsys.readouterr().out
    assert "volume alone +0.04; requests by billed input tokens, 900 a request" in said
    assert "USD 2.62 billed, USD 2.38 at the prices of each day; 9.1 % unexplained" in said
    assert [line for line in said.splitlines() if "  beside" in line or "  of no" in line] == [
        "  beside it, in no estimate: Credit USD -1.00",
        "  beside it, in no estimate: Tax USD 0.17",
        "  beside it, in no estimate: other services USD 3.00",
        "  of no feature: USD 3.00; placed by - {when: {key_alias: vectors}, feature: ...}",
    ]
    table = (root / "reviews/2026-Q4/bill-against-estimate.csv").read_text("utf-8")
    assert "2026-12,routing,gpt-5-mini,input,2371500,2.60865,2.3715," in table
    before = contents(root)
    copy = root.parent / "again.csv"
    copy.write_bytes(bill.read_bytes())
    assert run([*held, "--actual", str(copy)]) == ExitCode.OK
    assert contents(root) == before
