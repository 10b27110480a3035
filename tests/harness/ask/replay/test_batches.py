"""Batches against a scripted worker pool: what no vendor's server can be made to do."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import Done, Ended, Lost
from harness.ask.replay.batch_calls import (
    BatchWorker,
    Fetch,
    Fetched,
    Poll,
    Polled,
    Submit,
    Submitted,
)
from harness.ask.replay.batches import MOST_ITEMS, BackOff, Batches, parts
from harness.ask.replay.calls import CallFailure
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.shared_workers import SUBMISSIONS, BatchClient
from harness.errors import InterruptedRunError
from harness.journal.journal import Journal, Sent
from harness.journal.trials import Answered, Failed, FaultKind, Missing, Trial
from harness.journal.upkeep import merge
from providers.answer import Answer
from providers.batch import BatchStatus
from providers.completion import TokenUsage
from providers.errors import AuthRejectedError, BadRequestError
from providers.provider import Endpoint
from tests.support.trials import CENT, request, trial, usd_per_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

USAGE = TokenUsage(input_tokens=10, output_tokens=10)
GOOD = Answer(text="ok", finish="stop", served_model="small-1", usage=USAGE, reply_id="r")
CUT = Answer(text="o", finish="length", served_model="small-1", usage=USAGE)
SENT = Submitted(batch="b-1", at="2026-11-24T09:00:00+00:00")
RUNNING = Polled(status=BatchStatus(stage="running"))
ENDED = Polled(status=BatchStatus(stage="ended"))
TRANSIENT = CallFailure(kind=FaultKind.OVERLOADED, blame="transient")
BUSY = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", status=429, billable=False)
NO_KEY = CallFailure(kind=FaultKind.AUTH_REJECTED, blame="lane", status=401, billable=False)
GONE = CallFailure(kind=FaultKind.MODEL_NOT_FOUND, blame="lane", status=404, billable=False)
TOO_LARGE = CallFailure(kind=FaultKind.BAD_REQUEST, blame="request", status=413, billable=False)


class ScriptedPool:
    """Answers each call with the next of `replies`; None: the worker died."""

    size = 1

    def __init__(self, *replies: object) -> None:
        self.replies = deque(replies)
        self.calls: list[object] = []
        self._waiting: deque[Ended] = deque()

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        self.calls += payloads
        number = len(self.calls)
        reply = self.replies.popleft()
        stale = Done(task=10_000, result="of a pass before")
        if reply is KeyboardInterrupt:
            self._waiting += [KeyboardInterrupt, Done(task=number, result=SENT)]  # type: ignore[list-item]
        elif reply is None:
            self._waiting += [stale, Lost(task=number, reason="WorkerLostError")]
        else:
            self._waiting += [stale, Done(task=number, result=reply)]
        return [number]

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        assert timeout_s > 0
        end = self._waiting.popleft()
        if end is KeyboardInterrupt:
            raise KeyboardInterrupt
        return [end]

    def kinds(self) -> list[type]:
        return [type(call) for call in self.calls]


class Bench:
    """A journal, a ledger and batches over a scripted worker pool."""

    def __init__(self, folder: Path, *replies: object, cap: str = "1") -> None:
        self.journal = Journal.open(folder / "j", run_id="r", cycle="c", now="2026-11-24")
        spent = self.journal.spend(cycle="c")
        self.ledger = Ledger(
            Decimal(cap),
            usd_per_token,
            spent_usd=spent.known_usd,
            possibly_billed_usd=spent.possibly_billed_usd,
        )
        self.pool = ScriptedPool(*replies)
        self.notes: list[str] = []
        self.pauses: list[float] = []
        retry = RetryPolicy(rng=Random(1))
        self.batches = Batches(
            BatchClient(pool=self.pool, retry=retry, pause=self.pauses.append),
            journal=self.journal,
            ledger=self.ledger,
            tell=self.notes.append,
            back_off=BackOff(first_s=1, most_s=2, window_s=6),
            monotonic=lambda: 0.0,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def make(*replies: object, cap: str = "1") -> Bench:
        opened.append(Bench(tmp_path, *replies, cap=cap))
        return opened[-1]

    yield make
    for one in opened:
        one.journal.close()


def ends(**found: Answer | CallFailure) -> Fetched:
    return Fetched(ends={f"{int(name[1:]):064x}": end for name, end in found.items()})


def batch_trial(number: int, **overrides: object) -> Trial:
    return trial(number, batch=True, **overrides)


def test_each_item_ends_as_its_result_says(bench: Callable[..., Bench]) -> None:
    found = ends(t1=GOOD, t2=CUT, t3=TRANSIENT, t4=TOO_LARGE)
    one = bench(SENT, RUNNING, ENDED, found)
    assert one.batches.send(map(batch_trial, range(1, 6))) == []
    assert one.ledger.reserved_usd == 5 * CENT
    outcomes = {outcome.trial.case_id: outcome for outcome in one.batches.read()}
    assert {name: type(outcome) for name, outcome in outcomes.items()} == {
        "c1": Answered,
        "c2": Failed,
        "c4": Missing,
    }
    assert one.pool.kinds() == [Submit, Poll, Poll, Fetch]
    # Two answers of 20 tokens; the expired and the missing one may be billed; the refused is not.
    assert one.ledger.spent_usd == 2 * Decimal(20) / 100_000
    assert one.ledger.possibly_billed_usd == 2 * CENT
    assert one.ledger.reserved_usd == 0
    (attempt,) = outcomes["c1"].attempts
    assert (attempt.batch, attempt.started_at, attempt.total_s) == ("b-1", SENT.at, None)
    assert (attempt.served_model, attempt.request_id) == ("small-1", "r")
    assert one.notes[-1] == "batch b-1: 3 of 5 answered; 2 expired or failed: asking live"


def test_equal_trials_are_sent_once_and_all_get_the_answer(bench: Callable[..., Bench]) -> None:
    one = bench(SENT, ENDED, ends(t1=GOOD))
    one.batches.send([batch_trial(1)])
    one.batches.send([batch_trial(1, feature="other")])
    outcomes = list(one.batches.read())
    assert sorted(outcome.trial.feature for outcome in outcomes) == ["other", "sentiment"]
    assert one.pool.kinds() == [Submit, Poll, Fetch]
    assert one.batches.send([batch_trial(1)])[0].trial.case_id == "c1"


def test_a_refused_submission_is_tried_again_for_a_while(bench: Callable[..., Bench]) -> None:
    one = bench(BUSY, BUSY, SENT)
    assert one.batches.send([batch_trial(1)]) == []
    assert len(one.pauses) == 2
    assert one.ledger.reserved_usd == CENT


@pytest.mark.parametrize(
    ("reply", "calls", "spent"),
    [
        pytest.param(BUSY, SUBMISSIONS, 0, id="busy to the end"),
        pytest.param(TOO_LARGE, 1, 0, id="too large as a batch"),
        pytest.param(GONE, 1, 0, id="no batches there"),
        pytest.param(TRANSIENT, 1, CENT, id="silence: a batch may stand behind it"),
        pytest.param(None, 1, CENT, id="a worker that died"),
        pytest.param("nonsense", 1, CENT, id="no reply at all"),
    ],
)
def test_what_was_not_submitted_is_left_to_be_asked_live(
    bench: Callable[..., Bench], reply: object, calls: int, spent: Decimal
) -> None:
    one = bench(*[reply] * calls)
    assert one.batches.send([batch_trial(1)]) == []
    assert list(one.batches.read()) == []
    assert len(one.pool.calls) == calls
    assert one.ledger.possibly_billed_usd == spent
    assert (one.ledger.reserved_usd, one.ledger.spent_usd) == (0, 0)
    assert one.notes[0].endswith("asking live")


def test_a_rejected_key_ends_the_trials(bench: Callable[..., Bench]) -> None:
    one = bench(NO_KEY)
    (outcome,) = one.batches.send([batch_trial(1)])
    assert isinstance(outcome, Missing)
    assert outcome.reason == "AuthRejectedError"
    assert len(outcome.attempts) == 1


def test_the_cap_takes_a_whole_batch_or_nothing(bench: Callable[..., Bench]) -> None:
    one = bench(SENT, cap="0.025")
    found = one.batches.send(map(batch_trial, range(1, 4)))
    assert [outcome.reason for outcome in found if isinstance(outcome, Missing)] == [
        "BudgetExhausted"
    ] * 3
    assert one.pool.calls == []
    assert one.notes == [
        "no batch of small: the cap leaves USD 0.02, less than its 3 requests may cost"
    ]
    assert one.ledger.left_usd == Decimal("0.025")
    assert one.batches.send(map(batch_trial, range(1, 3))) == []
    assert one.ledger.left_usd == Decimal("0.005")


def test_a_key_that_may_not_read_leaves_the_batch_to_a_later_run(
    bench: Callable[..., Bench],
) -> None:
    one = bench(SENT, NO_KEY)
    one.batches.send([batch_trial(1)])
    (outcome,) = one.batches.read()
    assert isinstance(outcome, Missing)
    assert outcome.reason == "AuthRejectedError"
    assert len(one.journal.under_way([outcome.trial.fingerprint])) == 1
    assert (one.ledger.reservations, one.ledger.possibly_billed_usd) == (0, CENT)


def test_a_passing_fault_of_a_poll_is_waited_out(bench: Callable[..., Bench]) -> None:
    one = bench(SENT, TRANSIENT, None, ENDED, TRANSIENT, ENDED, ends(t1=GOOD))
    one.batches.send([batch_trial(1)])
    (outcome,) = one.batches.read()
    assert isinstance(outcome, Answered)
    assert one.pauses == [1, 1.5, 2]


def test_a_batch_that_failed_unbilled_costs_nothing(bench: Callable[..., Bench]) -> None:
    failed = Polled(status=BatchStatus(stage="failed", reason="bad file", billed=False))
    one = bench(SENT, failed)
    one.batches.send([batch_trial(1)])
    assert list(one.batches.read()) == []
    assert one.ledger.left_usd == 1
    assert "failed (bad file): asking live" in one.notes[-1]


def test_ctrl_c_during_submission_still_writes_the_id_down(bench: Callable[..., Bench]) -> None:
    one = bench(KeyboardInterrupt)
    with pytest.raises(InterruptedRunError, match="1 batches go on"):
        one.batches.send([batch_trial(1)])
    (found,) = one.journal.under_way([batch_trial(1).fingerprint])
    assert (found.batch, found.reserve_usd, found.counted) == ("b-1", CENT, True)


def test_the_reservation_of_an_earlier_run_is_taken_over_once(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    first = bench(SENT)
    first.batches.send([batch_trial(1)])
    first.journal.close()
    again = Bench(tmp_path, ENDED, ends(t1=GOOD))
    assert again.ledger.possibly_billed_usd == CENT
    again.batches.send([batch_trial(1, reserve_usd=2 * CENT)])
    assert (again.ledger.possibly_billed_usd, again.ledger.reserved_usd) == (0, CENT)
    (outcome,) = again.batches.read()
    assert outcome.attempts[0].reserve_usd == CENT
    assert again.ledger.spent_usd == Decimal(20) / 100_000
    again.journal.close()


def test_a_batch_whose_id_was_never_learnt_counts_as_billed(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    first = bench()
    first.journal.commit(ended=(), sent=[Sent(trial=batch_trial(1), number=1)])
    first.journal.close()
    again = Bench(tmp_path, SENT, ENDED, ends(t1=GOOD))
    again.batches.send([batch_trial(1)])
    assert (again.ledger.possibly_billed_usd, again.ledger.reserved_usd) == (CENT, CENT)
    (outcome,) = again.batches.read()
    assert [attempt.number for attempt in outcome.attempts] == [1, 2]
    assert again.ledger.possibly_billed_usd == CENT
    assert again.ledger.spent_usd == Decimal(20) / 100_000
    again.journal.close()


def test_a_batch_of_another_cycle_is_read_too(bench: Callable[..., Bench], tmp_path: Path) -> None:
    first = bench(SENT)
    first.batches.send([batch_trial(1)])
    first.journal.close()
    journal = Journal.open(tmp_path / "j", run_id="next", cycle="d", now="2026-12-24")
    (found,) = journal.under_way([batch_trial(1).fingerprint])
    assert found.counted is False
    journal.close()


def test_a_colleagues_batch_comes_with_the_journal(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    first = bench(SENT)
    first.batches.send([batch_trial(1)])
    first.journal.close()
    ours = tmp_path / "ours"
    Journal.open(ours, run_id="mine", cycle="c", now="2026-11-25").close()
    assert merge(ours, tmp_path / "j").attempts == 1
    assert merge(ours, tmp_path / "j").attempts == 0
    with Journal.open(ours, run_id="mine", cycle="c", now="2026-11-25") as journal:
        (found,) = journal.under_way([batch_trial(1).fingerprint])
    assert (found.batch, found.started_at, found.counted) == ("b-1", SENT.at, True)


def test_a_model_and_endpoint_is_a_batch_and_large_ones_are_cut() -> None:
    other = Endpoint(vendor="openai", api="chat")
    asked = {
        name: [one]
        for name, one in {
            "a": trial(1),
            "b": trial(2, endpoint=other),
            "c": trial(3, request=request("x", model="big")),
            "d": trial(4),
            "e": trial(5),
        }.items()
    }
    assert list(parts(asked)) == [["a", "d", "e"], ["b"], ["c"]]
    assert list(parts(asked, most_items=2)) == [["a", "d"], ["e"], ["b"], ["c"]]
    assert list(parts(asked, most_bytes=6)) == [["a"], ["d"], ["e"], ["b"], ["c"]]
    assert MOST_ITEMS <= 50_000


class Refusing:
    """A vendor's batches that fail in a way nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.closed = 0

    async def submit(self, items: object) -> str:
        del items
        raise self.error

    async def poll(self, batch_id: str) -> BatchStatus:
        del batch_id
        raise self.error

    async def fetch(self, batch_id: str) -> tuple[()]:
        del batch_id
        raise self.error

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (AuthRejectedError("no", status=401, billable=False), NO_KEY),
        (BadRequestError("no", status=413, billable=False), TOO_LARGE),
        (
            TimeoutError(),
            CallFailure(kind=FaultKind.CEILING_EXCEEDED, blame="transient", total_s=900.0),
        ),
        (
            ZeroDivisionError(),
            CallFailure(kind=FaultKind.UNEXPECTED, exception="ZeroDivisionError", blame="request"),
        ),
    ],
)
async def test_a_worker_reports_facts_and_closes(error: Exception, fault: CallFailure) -> None:
    vendor = Refusing(error)
    worker = BatchWorker(lambda _: vendor, lambda: "now")
    endpoint = Endpoint(vendor="openai", api="chat")
    calls = (
        Submit(endpoint=endpoint, items=()),
        Poll(endpoint=endpoint, batch="b"),
        Fetch(endpoint=endpoint, batch="b"),
    )
    sent, polled, read = [await worker.answer(call) for call in calls]
    assert (sent, read) == (fault, fault)
    # A question is small, and others wait for its answer.
    timed_out = fault.kind is FaultKind.CEILING_EXCEEDED
    assert polled == (replace(fault, total_s=30.0) if timed_out else fault)
    assert vendor.closed == 3


def test_one_look_reads_what_has_ended_and_waits_for_nothing(bench: Callable[..., Bench]) -> None:
    one = bench(SENT, RUNNING, ENDED, ends(t1=GOOD))
    assert not one.batches.is_due
    one.batches.send([batch_trial(1)])
    assert one.batches.is_due
    assert one.batches.awaited == {"sentiment"}
    assert one.batches.look() == []
    assert not one.batches.is_due
    one.batches.wait()
    assert one.pauses == [1]
    (outcome,) = one.batches.look()
    assert isinstance(outcome, Answered)
    assert not one.batches.is_due
    assert one.batches.awaited == frozenset()


def test_each_batch_has_its_own_patience(bench: Callable[..., Bench]) -> None:
    later = Submitted(batch="b-2", at=SENT.at)
    one = bench(SENT, RUNNING, RUNNING, RUNNING, later, *[RUNNING] * 5, ENDED, ends(t2=GOOD))
    one.batches.send([batch_trial(1)])
    for _ in range(3):
        assert one.batches.look() == []
    one.batches.send([batch_trial(2)])
    outcomes = list(one.batches.read())
    assert [type(outcome) for outcome in outcomes] == [Missing, Answered]
    assert one.pauses == [1, 1.5]


def test_a_batch_waits_for_what_live_calls_hold_of_the_cap(bench: Callable[..., Bench]) -> None:
    one = bench(SENT, ENDED, ends(t1=GOOD), cap="0.015")
    live = trial(9)
    assert one.ledger.reserve(live)
    assert one.batches.send([batch_trial(1)]) == []
    assert one.batches.send([batch_trial(1, feature="other")]) == []
    assert one.batches.look() == []
    assert one.pool.calls == []
    assert one.batches.awaited == {"sentiment", "other"}
    one.ledger.settle(live, None, billable=False)
    outcomes = list(one.batches.read())
    assert sorted(outcome.trial.feature for outcome in outcomes) == ["other", "sentiment"]
    assert one.pool.kinds() == [Submit, Poll, Fetch]
    assert one.ledger.reservations == 0


def test_a_batch_that_live_calls_leave_no_room_for_is_missing(bench: Callable[..., Bench]) -> None:
    one = bench(cap="0.015")
    live = trial(9)
    assert one.ledger.reserve(live)
    assert one.batches.send([batch_trial(1)]) == []
    one.ledger.settle(live, None)
    (outcome,) = one.batches.read()
    assert isinstance(outcome, Missing)
    assert outcome.reason == "BudgetExhausted"
    assert one.pool.calls == []
    assert not one.batches.is_waiting
