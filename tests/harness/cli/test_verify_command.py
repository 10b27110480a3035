from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.conduct.concluding.deciding import Signing, SigningRules, decide_on_disk
from harness.errors import ExitCode
from harness.journal.journal import Journal
from harness.record.base import State
from harness.record.stored import read_records, write_records
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

RULES = SigningRules(require_link=False, longest_days=100)
SOON = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with an accepted downgrade from `big` to `good`."""
    root = tmp_path / "rightsizing"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(cases=300, candidates="good"))
        write_records(run_review(root, cluster), root / "reviews" / CYCLE)
    signature = Signing(action="accept", by="dana", by_source="--by")
    decide_on_disk(root / "reviews" / CYCLE, "tickets", signature, rules=RULES, now=SOON)
    return root


def test_the_journal_leads_to_the_same_finding(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK
    assert capsys.readouterr().out == "tickets: the same finding\n"


def test_a_record_that_says_something_else_is_found_out(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = read_records(root / "reviews" / CYCLE)
    quality = record.options[0].quality
    assert quality is not None
    better = quality.model_copy(update={"best": quality.best + 0.5})
    option = record.options[0].model_copy(update={"quality": better})
    forged = record.model_copy(
        update={"options": (option,), "state": State.PROPOSED, "history": ()}
    )
    for path in (root / "reviews" / CYCLE / "records").iterdir():
        path.unlink()
    write_records([forged], root / "reviews" / CYCLE)
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.GATE_FAILED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tickets: ANOTHER FINDING"
    assert lines[1].startswith(f"  options.0.quality.best: {better.best} in the record, ")


def test_without_its_journal_it_cannot_tell(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (root / ".rightsize").iterdir():
        path.unlink()
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.CANNOT_TELL
    assert "no journal at " in capsys.readouterr().err


def test_a_journal_without_an_answer_cannot_tell(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / ".rightsize" / "journal.sqlite"
    path.unlink()
    Journal.open(path, run_id="r", cycle=CYCLE, now=NOW.isoformat()).close()
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.CANNOT_TELL
    assert "the journal lacks what it rests on" in capsys.readouterr().err


def test_making_a_finding_again_fixes_nothing(root: Path) -> None:
    """The margin of today is no plan of a review that was never made."""
    path = root / ".rightsize" / "journal.sqlite"
    feature = root / "features" / "tickets.yaml"
    feature.write_text(feature.read_text("utf-8") + "margin: 8\n", encoding="utf-8")
    with Journal.read(path) as journal:
        before = journal.all_plans("tickets")
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.GATE_FAILED
    with Journal.read(path) as journal:
        assert journal.all_plans("tickets") == before


def test_a_bill_verifies_what_production_runs(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text("month,feature,model,requests,cost_usd\n2026-12,tickets,good,1000,0.05\n")
    arguments = ["verify", "-w", str(root), "--cycle", CYCLE, "--actual", str(bill)]
    assert run(arguments) == ExitCode.USAGE_ERROR
    assert "ACCEPTED and cannot become VERIFIED" in capsys.readouterr().err
    feature = root / "features" / "tickets.yaml"
    text = feature.read_text().replace("incumbent: big", "incumbent: good")
    feature.write_text(text.replace("candidates: [good]", "candidates: []"))
    assert run(arguments) == ExitCode.OK
    assert "USD" in capsys.readouterr().out
    (record,) = read_records(root / "reviews" / CYCLE)
    assert [entry.state for entry in record.history] == [
        State.ACCEPTED,
        State.IMPLEMENTED,
        State.VERIFIED,
    ]
    assert record.savings is not None
    assert record.savings.realised is not None
    page = (root / "reviews" / CYCLE / "documents" / "tickets.md").read_text()
    assert "realised, verified" in page


def test_a_cycle_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_review_workspace(tmp_path / "w", 9, Shape(cases=120))
    assert run(["verify", "-w", str(root), "--cycle", CYCLE]) == ExitCode.USAGE_ERROR
    assert "no records here" in capsys.readouterr().err
