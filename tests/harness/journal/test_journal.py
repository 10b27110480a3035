from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.journal.journal import Ended, Journal, PlanRow, Sent, SpentOrReserved
from harness.journal.rows import to_bytes, to_text, usage_of, usage_text
from harness.journal.trials import Answered, Attempt, Failed, FaultKind, Missing
from providers.completion import TokenUsage
from tests.support.trials import CENT, trial

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-11-24T00:00:00+00:00"


def journal(path: Path, run_id: str = "r1") -> Journal:
    return Journal.open(path, run_id=run_id, cycle="2026-Q4", now=NOW)


def attempt(number: int = 1, cost: Decimal | None = CENT) -> Attempt:
    return Attempt(
        number=number,
        started_at=NOW,
        reserve_usd=CENT,
        cost_usd=cost,
        usage=TokenUsage(input_tokens=5, output_tokens=4, cache_read_tokens=3, reasoning_tokens=2),
        total_s=1.5,
        first_token_s=0.5,
        inter_token_s=0.1,
        error=None,
        status=200,
        request_id="req",
        served_model="small-1",
        lagged=True,
    )


def test_what_was_committed_is_read_back_whole(tmp_path: Path) -> None:
    asked = trial(1)
    answer = Answered(
        trial=asked, attempts=(attempt(),), text="\ud800 \x00 yes", finish="stop", tool_calls="[]"
    )
    with journal(tmp_path / "j") as first:
        (row,) = first.commit(ended=(), sent=[Sent(trial=asked, number=1)])
        first.commit(ended=[Ended(row=row, attempt=attempt(), outcome=answer)], sent=())
    with Journal.read(tmp_path / "j") as second:
        found = second.settled([asked.fingerprint, "unknown"])
    assert {key: value.outcome(asked) for key, value in found.items()} == {
        asked.fingerprint: answer
    }


def test_a_failure_is_final_and_a_missing_trial_is_not(tmp_path: Path) -> None:
    one, two = trial(1), trial(2)
    failed = Failed(trial=one, attempts=(attempt(),), reason="refusal")
    missing = Missing(trial=two, attempts=(attempt(),), reason="OverloadedError")
    with journal(tmp_path / "j") as first:
        rows = first.commit(ended=(), sent=[Sent(trial=t, number=1) for t in (one, two)])
        ends = zip(rows, (failed, missing), strict=True)
        first.commit(ended=[Ended(row=r, attempt=attempt(), outcome=o) for r, o in ends], sent=())
        found = first.settled([one.fingerprint, two.fingerprint])
    assert list(found) == [one.fingerprint]
    assert found[one.fingerprint].outcome(one) == failed


def test_a_call_without_an_end_is_kept_as_interrupted(tmp_path: Path) -> None:
    asked = trial(1)
    with journal(tmp_path / "j") as first:
        first.commit(ended=(), sent=[Sent(trial=asked, number=1)])
    with journal(tmp_path / "j", "r2") as second:
        (left,) = second.attempts([asked.fingerprint])[asked.fingerprint]
        assert (left.error, left.cost_usd, left.reserve_usd) == (FaultKind.INTERRUPTED, None, CENT)
        assert second.spend(cycle="2026-Q4") == SpentOrReserved(
            known_usd=Decimal(0), possibly_billed_usd=CENT
        )


def test_spend_counts_every_attempt_of_the_cycle(tmp_path: Path) -> None:
    with journal(tmp_path / "j") as first:
        rows = first.commit(ended=(), sent=[Sent(trial=trial(n), number=1) for n in range(3)])
        costs = (CENT, Decimal("0.02"), None)
        ends = [Ended(row=r, attempt=attempt(cost=c)) for r, c in zip(rows, costs, strict=True)]
        first.commit(ended=ends, sent=())
        assert first.spend(cycle="2026-Q4") == SpentOrReserved(
            known_usd=Decimal("0.03"), possibly_billed_usd=CENT
        )
        assert first.spend(cycle="2026-Q3").known_usd == 0


def test_a_second_review_is_refused_while_one_runs(tmp_path: Path) -> None:
    with journal(tmp_path / "j"):
        with pytest.raises(UsageError, match="in use by another review"):
            journal(tmp_path / "j")
        with Journal.read(tmp_path / "j") as reader:
            assert reader.settled(["x"]) == {}
    journal(tmp_path / "j").close()


HOLD = """
import sys, time
from pathlib import Path
from harness.journal.database import take_lock
take_lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_killed_review_leaves_no_lock_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "j")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(UsageError, match=rf"another review \(process {holder.pid}\): wait"):
                journal(tmp_path / "j")
        finally:
            holder.kill()
    journal(tmp_path / "j").close()


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    with journal(tmp_path / "state" / "j") as open_journal:
        open_journal.commit(ended=(), sent=[Sent(trial=trial(1), number=1)])
        files = list((tmp_path / "state").iterdir())
        assert {file.name for file in files} == {"j", "j-wal", "j-shm", "j.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_plans_are_kept_as_first_written(tmp_path: Path) -> None:
    with journal(tmp_path / "j") as first:
        first.write_plan("r1", "sentiment", "{}", "abc", NOW)
        first.write_plan("r1", "sentiment", "changed", "def", NOW)
        expected = PlanRow(
            run_id="r1",
            feature="sentiment",
            plan="{}",
            sha256="abc",
            written_at=NOW,
            cycle="2026-Q4",
        )
        assert list(first.plans("sentiment", "2026-Q4")) == [expected]
        assert list(first.plans("sentiment", "2027-Q1")) == []
        assert list(first.all_plans("sentiment")) == [expected]


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    journal(tmp_path / "j").close()
    connection = sqlite3.connect(tmp_path / "j")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match="journal of version 99"):
        journal(tmp_path / "j")
    with pytest.raises(UsageError, match="journal of version 99"):
        journal(tmp_path / "j")


def test_reading_needs_a_journal_and_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no journal here"):
        Journal.read(tmp_path / "j")
    journal(tmp_path / "j").close()
    with Journal.read(tmp_path / "j") as reader, pytest.raises(sqlite3.OperationalError):
        reader.write_plan("r1", "f", "{}", "a", NOW)


def test_a_failed_commit_leaves_nothing(tmp_path: Path) -> None:
    with journal(tmp_path / "j") as first:
        sent = [Sent(trial=trial(1), number=1), Sent(trial=trial(2, feature=None), number=1)]
        first.commit(ended=(), sent=sent[:1])
        broken = [Sent(trial=trial(3), number=1), Sent(trial=trial(4), number=None)]  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            first.commit(ended=(), sent=broken)
        assert first.attempts([trial(3).fingerprint]) == {}


@given(st.text())
def test_any_text_survives(text: str) -> None:
    assert to_text(to_bytes(text)) == text


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6))
def test_any_usage_survives(counts: list[int]) -> None:
    usage = TokenUsage(
        input_tokens=100 + counts[0],
        output_tokens=100 + counts[1],
        cache_read_tokens=counts[2],
        cache_write_tokens=10 + counts[3],
        cache_write_1h_tokens=counts[4],
        reasoning_tokens=counts[5],
    )
    assert usage_of(usage_text(usage)) == usage
