"""What follows a review, as calls from Python: no command, nothing printed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import harness.conduct
from harness.conduct import (
    decide,
    export,
    hold_against_bill,
    lock,
    report,
    reprice,
    review,
    verify,
    why,
    write_differences,
)
from harness.conduct.concluding.deciding import Signing
from harness.conduct.concluding.past import PastReview
from harness.conduct.listening import Quiet
from harness.conduct.running import RunSettings
from harness.errors import UsageError
from harness.record.base import State
from harness.record.lock import read_lock
from harness.record.stored import read_records
from tests.support.imports import outcome_workspace
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from harness.conduct.concluding.repricing_records import OtherPrices

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BILL = "month,feature,model,requests,cost_usd\n2027-01,routing,gpt-5.4-mini,900000,820\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was reviewed on answers which were there."""
    folder = tmp_path_factory.mktemp("reviewed")
    table = folder / "answers.csv"
    table.write_text(outcomes_table(), encoding="utf-8")
    root = folder / "rightsizing"
    outcome_workspace(root, table)
    review(root, cycle="2026-Q4", settings=RunSettings(clock=lambda: NOW))
    return root


@pytest.fixture
def past(made: Path, tmp_path: Path) -> PastReview:
    """A copy of its own, for jobs that write."""
    root = tmp_path / "rightsizing"
    shutil.copytree(made, root)
    return PastReview(root=root, cycle="2026-Q4")


@pytest.fixture(autouse=True)
def silence(capsys: pytest.CaptureFixture[str]) -> object:
    """No job prints."""
    yield
    assert capsys.readouterr() == ("", "")


class Told(Quiet):
    """Remembers the lines that it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def test_documents_are_written_again(past: PastReview) -> None:
    shutil.rmtree(past.folder(NOW.date()) / "documents")
    page, index = report(past, now=NOW)
    assert page == past.folder(NOW.date()) / "documents" / "routing.html"
    assert page.is_file()
    assert index.name == "index.html"
    with pytest.raises(UsageError, match="--feature typo: no record in"):
        report(PastReview(root=past.root, cycle="2026-Q4", features=("typo",)), now=NOW)


def test_a_table_for_finance_says_how_much_it_holds(past: PastReview, tmp_path: Path) -> None:
    found = export(past, month=date(2026, 11, 1), to=tmp_path / "out", now=NOW)
    assert found.path == tmp_path / "out" / "focus-estimate.csv"
    lines = found.path.read_text("utf-8").splitlines()
    assert (found.rows, found.known, found.features) == (len(lines) - 1, 1, 1)
    assert found.billed_usd > 0
    with pytest.raises(UsageError, match=r"--option gpt-4: no record has it; known: gpt-5\.4"):
        export(past, option="gpt-4", now=NOW)


def test_records_at_other_prices_are_told_and_kept_apart(past: PastReview, tmp_path: Path) -> None:
    models = past.root / "models" / "all.yaml"
    models.write_text(models.read_text("utf-8").replace("input: 10,", "input: 5,"), "utf-8")
    told: list[OtherPrices] = []
    (found,) = reprice(past, to=tmp_path / "new", told=told.append, now=NOW)
    assert told == [found]
    assert found.after.current_cost.monthly < found.before.current_cost.monthly
    assert [path.name for path in tmp_path.rglob("new/**/*.json")] == ["routing.json"]
    with pytest.raises(UsageError, match="is there already"):
        reprice(past, to=tmp_path / "new", now=NOW)


def test_findings_are_made_again(past: PastReview) -> None:
    (found,) = verify(past, now=NOW)
    assert (found.feature, found.found.same, found.replaced) == ("routing", True, 0)


def test_a_decision_is_signed_locked_and_held_against_a_bill(
    past: PastReview, tmp_path: Path
) -> None:
    signature = Signing(action="accept", by="dana@example.com", by_source="test", reason="agreed")
    assert decide(past, "routing", signature, now=NOW).record.state is State.ACCEPTED
    with pytest.raises(UsageError, match="not what the decisions say"):
        lock(past.root, only_check=True, now=NOW)
    production = past.root / "features" / "routing.yaml"
    text = production.read_text("utf-8").replace("gpt-5.4-mini", "X")
    text = text.replace("gpt-5.4", "gpt-5.4-mini").replace("X", "gpt-5.4")
    production.write_text(text, encoding="utf-8")
    told = Told()
    locked = lock(past.root, now=NOW, listener=told)
    assert told.said == ["routing: IMPLEMENTED, gpt-5.4-mini is in production"]
    assert [entry.feature for entry in locked.entries] == ["routing"]
    assert set(read_lock(locked.path.read_text("utf-8"), shown="lock").features) == {"routing"}
    bill = tmp_path / "bill.csv"
    bill.write_text(BILL, encoding="utf-8")
    (billed,) = hold_against_bill(past, bill, now=NOW).features
    assert billed.found.saving > Decimal(0)
    (record,) = read_records(past.folder(NOW.date()))
    assert record.state is State.VERIFIED


def test_where_models_differ_is_found_and_written_privately(
    past: PastReview, tmp_path: Path
) -> None:
    differences = why(past, "routing", now=NOW)
    assert differences.found
    assert {each.option for each in differences.found} == {"gpt-5.4-mini"}
    lines = tmp_path / "all.jsonl"
    assert write_differences(differences, lines) == ()
    assert lines.stat().st_mode & 0o777 == 0o600
    rows = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert [row["case"] for row in rows] == [each.case.id for each in differences.found]
    pages = write_differences(differences, tmp_path / "pages", now=NOW)
    assert pages
    assert all(page.is_file() for page in pages)


def test_the_stub_names_every_job_where_it_is() -> None:
    stub = Path(harness.conduct.__file__).with_suffix(".pyi").read_text("utf-8").splitlines()
    named = {f"from {module} import {job} as {job}" for job, module in harness.conduct.JOBS.items()}
    assert set(stub[: stub.index("")]) == named
    assert all(callable(getattr(harness.conduct, job)) for job in harness.conduct.JOBS)
