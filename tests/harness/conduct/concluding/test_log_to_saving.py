"""From the logs and the bill that a team has to a verified saving, by its own commands."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli.main import run
from harness.conduct.preparing.importing_traffic import import_traffic
from harness.conduct.spending.showing_back import show_back
from harness.errors import ExitCode
from harness.money.spend.timespan import span_named
from harness.record.base import State, Verdict
from harness.record.model import load
from harness.tell.showback.page import to_showback
from reports.render import render_index
from tests.support.bills import (
    a_month,
    as_csv,
    bucket,
    openai_cost,
    openai_page,
    openai_usage,
)
from tests.support.call_logs import MONDAY, LoggedCall, litellm
from tests.support.imports import FACTS, outcome_workspace
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

CYCLE = ["--cycle", "2026-Q4"]


def write_log(
    path: Path,
    *,
    model: str = "gpt-5",
    first: datetime = MONDAY,
    each: timedelta = timedelta(seconds=1000),
    calls: int = 1_210,
) -> None:
    """Calls of `routing`, tagged by application and not by feature; two weeks by default."""
    made = (
        LoggedCall(
            at=first + each * number,
            id=f"{path.stem}-{number}",
            model=model,
            input=900,
            cached=0,
            output=3,
            thoughts=0,
        )
        for number in range(calls)
    )
    rows = ({**litellm(call), "request_tags": ["app:tickets"]} for call in made)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a log to the gate: imported, planned, reviewed, accepted, locked and in production."""
    tmp_path = tmp_path_factory.mktemp("team")
    root = tmp_path / "rightsizing"
    table = tmp_path / "answers.csv"
    table.write_text(outcomes_table(), encoding="utf-8")
    outcome_workspace(root, table)
    edit(root / "features" / "routing.yaml", FACTS.splitlines()[-1], "")
    edit(root / "policy.yaml", "minimum_saving_usd: 50", "minimum_saving_usd: 5")
    rule = '- {when: {tag: "app:tickets"}, feature: routing, team: support}\n'
    (root / "attribution.yaml").write_text(rule, encoding="utf-8")
    write_log(tmp_path / "2026-10.jsonl")
    log, at = str(tmp_path / "2026-10.jsonl"), ["-w", str(root)]
    for command in (["import", "traffic", log], ["plan", *CYCLE], ["review", *CYCLE, "--yes"]):
        assert run([*command, *at]) == ExitCode.OK
    proposed = record(root)
    assert proposed.verdict is Verdict.DOWNGRADE
    assert proposed.traffic is not None
    assert proposed.traffic.requests_per_month == 2631
    assert "2026-10.csv, measured 2026-10-05 to 2026-10-18" in proposed.traffic.source
    accepted_and_live(root)
    return root


@pytest.fixture
def root(live: Path, tmp_path: Path) -> Path:
    """The same, for one test to hold bills against."""
    return Path(shutil.copytree(live, tmp_path / "rightsizing"))


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
    edit(feature, "incumbent: gpt-5.4\n", "incumbent: gpt-5.4-mini\n")
    edit(feature, "candidates: [gpt-5.4-mini]", "candidates: []")
    assert run(["lock", *at]) == ExitCode.OK
    assert run(["gate", *at]) == ExitCode.OK


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_from_a_log_to_a_verified_saving(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["-w", str(root)]
    bill = as_csv(root.parent / "focus.csv", a_month("gpt-5.4-mini", 76_500, Decimal("1.10")))
    command = ["verify", *CYCLE, *at, "--actual", str(bill)]
    assert run(command) == ExitCode.OK
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
    assert "2026-12,routing,gpt-5.4-mini,input,2371500,2.60865,2.3715," in table
    before = contents(root)
    copy = root.parent / "again.csv"
    copy.write_bytes(bill.read_bytes())
    assert run([*command, "--actual", str(copy)]) == ExitCode.OK
    assert contents(root) == before


def january(days: int) -> list[dict[str, Any]]:
    """OpenAI's costs and counts of some days: 90 calls a day, each of 1,000 tokens, half cached."""
    own = [date(2027, 1, 1) + timedelta(days=each) for each in range(days)]
    name = "gpt-5.4-mini-2025-08-07"
    lines = ((0.045, f"{name}, input"), (0.045, f"{name}, cached input"))
    costs = [bucket(day, *(openai_cost(*line, "proj_9") for line in lines)) for day in own]
    counts = openai_usage(name, 90, (90_000, 45_000, 0))
    usage = [bucket(day, {**counts, "project_id": "proj_9"}) for day in own]
    return [openai_page(*costs), openai_page(*usage)]


def held(root: Path, *pages: dict[str, object]) -> int:
    (root / "attribution.yaml").write_text(
        "- {when: {key_alias: proj_9}, feature: routing}\n", encoding="utf-8"
    )
    path = root.parent / "pages.jsonl"
    path.write_text("".join(json.dumps(page) + "\n" for page in pages), encoding="utf-8")
    return run(["verify", *CYCLE, "-w", str(root), "--actual", str(path)])


def test_requests_that_a_vendor_counts_are_the_volume(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = openai_cost("0.01", "gpt-5.4-mini-2025-08-07, input", "proj_9")
    early = openai_page(bucket(date(2027, 1, 31), cost))
    assert held(root, *january(31), early) == ExitCode.OK
    said = capsys.readouterr().out
    assert "1 of them with another amount than an earlier answer about the same: the larger" in said
    assert "(2027-01); volume alone +1.44; requests as billed" in said
    assert "USD 2.79 billed, USD 2.79 at the prices of each day; 0.0 % unexplained" in said
    assert record(root).state is State.VERIFIED


def test_counts_without_costs_are_no_saving(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = record(root)
    assert held(root, january(31)[1]) == ExitCode.CANNOT_TELL
    said = capsys.readouterr().err
    assert "counts the use of gpt-5.4-mini-2025-08-07 in 2027-01 and has no cost of it" in said
    assert record(root) == before


def test_a_part_of_a_month_verifies_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = record(root)
    assert held(root, *january(9)) == ExitCode.USAGE_ERROR
    said = capsys.readouterr().err
    assert "no month of the bill has requests of gpt-5.4-mini" in said
    assert "over 2 days in a row of it: 2027-01 (openai-costs, openai-usage)" in said
    assert record(root) == before


def test_the_first_and_the_last_day_are_no_month(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs, usage = january(31)
    ends = [{**usage, "data": [usage["data"][0], usage["data"][-1]]}]
    assert held(root, costs, *ends) == ExitCode.USAGE_ERROR
    assert "2027-01 (openai-usage)" in capsys.readouterr().err


def test_a_bill_without_any_volume_cannot_tell_unless_a_log_of_the_month_does(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = january(31)[0]
    assert held(root, costs) == ExitCode.CANNOT_TELL
    assert "import that month's logs" in capsys.readouterr().err
    measured = json.loads((root / "traffic" / "2026-10.measured.json").read_text("utf-8"))
    measured["window"] = {"start": "2027-01-04T00:00:00", "end": "2027-01-18T00:00:00"}
    measured["features"][0]["models"][0]["name"] = "gpt-5.4-mini-2025-08-07"
    text = json.dumps(measured)
    (root / "traffic" / "2027-01.measured.json").write_text(text, encoding="utf-8")
    assert held(root, costs) == ExitCode.OK
    said = capsys.readouterr().out
    assert "requests as logged, 2027-01-04 to 2027-01-17" in said
    # 1,210 requests in 14 of 31 days.
    assert "volume alone +0.43" in said


def test_the_showback_of_that_month_has_the_bill_and_the_verified_saving(root: Path) -> None:
    bill = as_csv(root.parent / "focus.csv", a_month("gpt-5.4-mini", 76_500, Decimal("1.10")))
    assert run(["verify", *CYCLE, "-w", str(root), "--actual", str(bill)]) == ExitCode.OK
    log = root.parent / "2026-12.jsonl"
    first, all_month = datetime(2026, 12, 1, tzinfo=UTC), timedelta(days=31)
    write_log(log, model="gpt-5.4-mini", first=first, each=all_month / 2635, calls=2635)
    # Not before the verification, which the command dates by the machine's day.
    now = max(datetime(2027, 1, 2, 9, tzinfo=UTC), datetime.now(UTC))
    import_traffic(root, log, now=now)
    shown = show_back(root, span_named("month", "2026-12"), now=now)
    (beside,) = shown.bills
    assert (beside.month, beside.billed.quantize(Decimal("0.01"))) == ("2026-12", Decimal("2.62"))
    assert beside.logged == shown.whole.now.usd
    text = render_index(to_showback(shown), to="md")
    assert "| verified: realised on a bill | 1 | 21.18 |" in text
    assert "| routing | verified | downgrade | nothing | \u2013 | 21.38 | 21.18 |" in text
    assert "of the bill 9.1 % is unexplained, above 5 % allowed (allocation, 100 % of 95 %" in text


def test_what_no_price_book_knows_is_said_to_be_in_no_estimate(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = openai_cost(0.5, "nobody-sells-this-1, input", "proj_x")
    assert held(root, *january(31), openai_page(bucket(date(2027, 1, 31), cost))) == ExitCode.OK
    said = capsys.readouterr().out
    told = "USD 3.29 billed, USD 2.79 at the prices of each day without 1 row that could not be"
    assert told in said
