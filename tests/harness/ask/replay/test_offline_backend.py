"""Batches that engines of ours answer from files: what reaches the journal, and what it costs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest

from harness.ask.replay.batch_calls import Fetch, Fetched, Poll, Polled, Submit, Submitted
from harness.ask.replay.batches import BackOff, Batches
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.offline_backend import PREFIX, OfflineBackend
from harness.ask.serving.offline import ProcessAnswers
from harness.ask.serving.server import ServeError
from harness.errors import InterruptedRunError
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Failed, Missing
from providers.batch import BatchItem, BatchStatus
from providers.provider import Endpoint
from tests.support.trials import CENT, request, trial, usd_per_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.ask.serving.offline import OfflineRunner
    from harness.journal.trials import Trial

ENDPOINT = Endpoint(vendor="openai-compatible", api="chat")
RUNNING = Polled(status=BatchStatus(stage="running"))
ENDED = Polled(status=BatchStatus(stage="ended"))
USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
TOO_LONG = "This model's maximum context length is 1024 tokens."


def result(name: str, text: str = "ok", finish: str = "stop") -> dict[str, object]:
    choice = {"index": 0, "finish_reason": finish, "message": {"content": text}}
    body = {"id": "c", "model": "small-1", "choices": [choice], "usage": USAGE}
    response = {"status_code": 200, "request_id": "b", "body": body}
    return {"custom_id": name, "response": response, "error": None}


def error(name: str, beside: object, status: int = 400) -> dict[str, object]:
    response = {"status_code": status, "request_id": "b", "body": None}
    return {"custom_id": name, "response": response, "error": beside}


@dataclass
class Script:
    """A bench whose processes end after so many looks, each line answered by a function."""

    size: int = 2
    answer: Callable[[str], dict[str, object] | None] = result
    looks: int = 1
    refused: str | None = None
    lost: Sequence[int] = ()
    broken: bool = False
    model: str = "m"
    starts: int = 0
    stops: int = 0
    looks_left: int = 0
    shares: list[list[str]] = field(default_factory=list)

    def start(self, shares: Sequence[bytes]) -> None:
        if self.refused:
            raise ServeError(self.refused)
        assert self.shares == []
        self.starts, self.looks_left = self.starts + 1, self.looks
        self.shares = [
            [json.loads(line)["custom_id"] for line in share.splitlines()] for share in shares
        ]

    def is_ended(self) -> bool:
        self.looks_left -= 1
        return self.looks_left < 0

    def collect(self) -> list[ProcessAnswers]:
        found, self.shares = self.shares, []
        return [self._share(place, names) for place, names in enumerate(found)]

    def stop(self) -> None:
        self.stops += 1

    def _share(self, place: int, names: list[str]) -> ProcessAnswers:
        if place in self.lost:
            return ProcessAnswers(results=b"", load_s=9.0, failed="m: out of memory", log="")
        ends = [end for name in names if (end := self.answer(name)) is not None]
        text = "".join(f"{json.dumps(end)}\n" for end in ends).encode()
        return ProcessAnswers(
            results=text[:-9] if self.broken else text, load_s=2.0, failed=None, log="l"
        )


class Bench:
    def __init__(self, folder: Path, script: Script) -> None:
        self.journal = Journal.open(folder / "j", run_id="r", cycle="c", now="2026-11-24")
        spent = self.journal.spend(cycle="c")
        self.ledger = Ledger(
            Decimal(1),
            usd_per_token,
            spent_usd=spent.known_usd,
            possibly_billed_usd=spent.possibly_billed_usd,
        )
        self.script, self.notes, self.pauses = script, list[str](), list[float]()
        self.collected: list[ProcessAnswers] = []
        self.loading: list[tuple[int, int]] = []
        numbers = count(1)
        self.backend = OfflineBackend(
            runner=cast("OfflineRunner", script),
            pause=self.pauses.append,
            utc_now=lambda: "2026-11-24T09:00:00+00:00",
            new_id=lambda: f"{next(numbers)}",
            tell=self.notes.append,
            collected=self.collected.extend,
            loading=lambda count: self.loading.append((count, script.starts)),
        )
        self.batches = Batches(
            self.backend,
            journal=self.journal,
            ledger=self.ledger,
            tell=self.notes.append,
            back_off=BackOff(first_s=1, most_s=2, window_s=50),
        )


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def make(script: Script) -> Bench:
        for one in opened:
            one.journal.close()
        opened.clear()
        opened.append(Bench(tmp_path, script))
        return opened[-1]

    yield make
    for one in opened:
        one.journal.close()


def asked(number: int) -> Iterator[Trial]:
    return (trial(n, f"Question {n}") for n in range(1, number + 1))


def name(number: int) -> str:
    return f"{number:064x}"


def test_the_requests_are_dealt_out_and_their_answers_settled(runner: Callable[..., Bench]) -> None:
    one = runner(Script(2, looks=2))
    assert one.batches.send(asked(5)) == []
    assert one.ledger.reserved_usd == 5 * CENT
    outcomes = list(one.batches.read())
    assert [type(outcome) for outcome in outcomes] == [Answered] * 5
    assert one.ledger.spent_usd == 5 * Decimal(20) / 100_000
    assert (one.ledger.reserved_usd, one.ledger.possibly_billed_usd) == (0, 0)
    (attempt,) = outcomes[0].attempts
    assert (attempt.batch, attempt.total_s) == (f"{PREFIX}1", None)
    assert [share.load_s for share in one.collected] == [2.0, 2.0]
    # Kept: the next run sends nothing.
    assert len(one.batches.send(asked(5))) == 5
    assert one.script.starts == 1


def test_the_shares_take_turns_and_are_no_more_than_the_requests(
    runner: Callable[..., Bench],
) -> None:
    one = runner(Script(3, looks=9))
    one.batches.send(asked(5))
    assert one.backend.ask(Poll(endpoint=ENDPOINT, batch=f"{PREFIX}1")) == RUNNING
    assert one.script.shares == [[name(1), name(4)], [name(2), name(5)], [name(3)]]
    few = runner(Script(3, looks=9))
    few.batches.send([trial(9)])
    few.backend.ask(Poll(endpoint=ENDPOINT, batch=f"{PREFIX}1"))
    assert few.script.shares == [[name(9)]]


def test_loading_is_told_before_each_start(runner: Callable[..., Bench]) -> None:
    one = runner(Script(3))
    one.batches.send(asked(2))
    list(one.batches.read())
    assert one.loading == [(2, 0)]


def test_each_answer_means_what_it_would_mean_live(runner: Callable[..., Bench]) -> None:
    def answer(who: str) -> dict[str, object] | None:
        return {
            name(1): result(who),
            name(2): result(who, "cu", "length"),
            name(3): error(who, {"error": {"message": TOO_LONG, "type": "BadRequestError"}}),
            name(4): error(who, {"message": TOO_LONG, "object": "error", "code": 400}),
            name(5): error(who, "Request must not be sent in stream mode"),
            name(6): error(who, {"error": {"message": "dead", "code": 500}}, 500),
            name(7): None,
        }[who]

    one = runner(Script(2, answer))
    one.batches.send(asked(7))
    outcomes = {outcome.trial.fingerprint: outcome for outcome in one.batches.read()}
    assert {who: type(outcome) for who, outcome in outcomes.items()} == {
        name(1): Answered,
        name(2): Failed,
        name(3): Failed,
        name(4): Failed,
        name(5): Missing,
    }
    # A dead engine's request, and one without a word, are left to be asked live.
    assert one.notes[-1].endswith("5 of 7 answered; 2 expired or failed: asking live")


def test_a_process_that_failed_costs_no_token_and_says_why(runner: Callable[..., Bench]) -> None:
    one = runner(Script(2, lost=[1]))
    one.batches.send(asked(4))
    outcomes = list(one.batches.read())
    assert [outcome.trial.fingerprint for outcome in outcomes] == [name(1), name(3)]
    assert "m: out of memory" in one.notes
    assert one.ledger.left_usd == 1 - 2 * Decimal(20) / 100_000
    assert one.collected[1].load_s == 9.0


def test_half_a_file_of_results_is_no_result(runner: Callable[..., Bench]) -> None:
    one = runner(Script(1, broken=True))
    one.batches.send(asked(2))
    assert list(one.batches.read()) == []
    assert "m: the results of its offline run: the body is not one JSON object" in one.notes[1]


def test_what_cannot_be_started_is_said_and_left(runner: Callable[..., Bench]) -> None:
    one = runner(Script(1, refused="m: serve.weights: ./w does not exist"))
    one.batches.send(asked(2))
    assert list(one.batches.read()) == []
    assert "m: serve.weights: ./w does not exist" in one.notes
    assert one.script.stops == 1
    assert one.ledger.left_usd == 1


def test_batches_wait_for_one_another(runner: Callable[..., Bench]) -> None:
    one = runner(Script(1, looks=0))
    for number in (1, 2):
        submission = Submit(endpoint=ENDPOINT, items=(BatchItem(id="a", request=request("q")),))
        assert one.backend.ask(submission) == Submitted(
            batch=f"{PREFIX}{number}", at="2026-11-24T09:00:00+00:00"
        )
    first, second = (Poll(endpoint=ENDPOINT, batch=f"{PREFIX}{n}") for n in (1, 2))
    assert one.backend.ask(second) == RUNNING
    assert one.script.starts == 1
    assert one.backend.ask(first) == ENDED
    assert one.script.starts == 2
    assert one.backend.ask(second) == ENDED
    for poll in (first, second):
        fetched = one.backend.ask(Fetch(endpoint=ENDPOINT, batch=poll.batch))
        assert isinstance(fetched, Fetched)
        assert set(fetched.ends) == {"a"}


def test_a_batch_of_a_run_that_was_ended_is_lost_and_answered_anew(
    runner: Callable[..., Bench],
) -> None:
    one = runner(Script(1))
    one.backend.pause = interrupt
    one.batches.send(asked(2))
    with pytest.raises(InterruptedRunError, match=r"1 batches were ended .* answer them anew"):
        list(one.batches.read())
    two = runner(Script(1))
    two.batches.send(asked(2))
    assert list(two.batches.read()) == []
    assert two.backend.lost == 1
    assert two.ledger.possibly_billed_usd == 2 * CENT
    two.batches.send(asked(2))
    assert [type(outcome) for outcome in two.batches.read()] == [Answered] * 2


def interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt
