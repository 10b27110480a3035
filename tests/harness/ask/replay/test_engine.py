from __future__ import annotations

import time
from decimal import Decimal
from random import Random
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.engine import AHEAD, NOTE_S, replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.errors import InterruptedRunError
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Failed, Missing
from harness.journal.upkeep import show
from tests.support.clusters import cluster
from tests.support.scripted_worker import FACTORY
from tests.support.trials import CENT, calls, scripted, usd_per_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster
    from harness.journal.trials import Outcome, Trial
    from providers.completion import TokenUsage

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

__all__ = ["cluster"]


class Bench:
    """Everything that a replay needs, on one journal."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.log = folder / "calls"
        self.journal_path = folder / "journal.sqlite"
        self.ledger = Ledger(Decimal(1), usd_per_token)

    def start(self, trials: Iterable[Trial | None], **overrides: Any) -> Iterator[Outcome]:
        parts = {
            "governor": Governor(),
            "ledger": self.ledger,
            "retry": RetryPolicy(rng=Random(1), base_s=0.01, max_attempts=3, budget_s=300),
            "factory": FACTORY,
            **overrides,
        }
        with Journal.open(
            self.journal_path, run_id="r1", cycle="2026-Q4", now="2026-11-24T00:00:00+00:00"
        ) as journal:
            yield from replay(trials, cluster=self.cluster, journal=journal, **parts)

    def run(self, trials: Iterable[Trial | None], **overrides: Any) -> dict[str, Outcome]:
        outcomes = list(self.start(trials, **overrides))
        return {outcome.trial.case_id: outcome for outcome in outcomes}


@pytest.fixture
def bench(cluster: Cluster, tmp_path: Path) -> Bench:
    return Bench(cluster, tmp_path)


def test_every_trial_gets_one_outcome(bench: Bench) -> None:
    outcomes = list(bench.start(scripted(n, bench.log) for n in range(500)))
    assert sorted(o.trial.case_id for o in outcomes) == sorted(f"c{n}" for n in range(500))
    assert all(isinstance(o, Answered) for o in outcomes)
    assert len(calls(bench.log)) == 500


def test_an_answer_carries_its_attempt(bench: Bench) -> None:
    outcome = bench.run([scripted(1, bench.log)])["c1"]
    assert isinstance(outcome, Answered)
    (attempt,) = outcome.attempts
    assert outcome.text == "answer to 1|stop"
    assert (attempt.number, attempt.cost_usd, attempt.total_s) == (1, Decimal("0.0001"), 0.01)
    assert (attempt.served_model, attempt.request_id, attempt.error) == ("small-2026", "r1", None)


@pytest.mark.parametrize(
    ("steps", "kind", "reason", "asked"),
    [
        pytest.param(["refusal"], Failed, "refusal", 1, id="a refusal is the model's failure"),
        pytest.param(["length"], Failed, "length", 1, id="so is an answer cut at its limit"),
        pytest.param(["content_filter"], Failed, "content_filter", 1, id="so is a filter"),
        pytest.param(["PromptTooLongError"], Failed, "PromptTooLongError", 1, id="too long"),
        pytest.param(["ContentBlockedError"], Failed, "ContentBlockedError", 1, id="blocked"),
        pytest.param(["DeadlineExceededError"], Failed, "DeadlineExceededError", 1, id="late"),
        pytest.param(["BadRequestError"], Missing, "BadRequestError", 1, id="refused form"),
        pytest.param(["AuthRejectedError"], Missing, "AuthRejectedError", 1, id="wrong key"),
        pytest.param(["OverloadedError"], Missing, "OverloadedError", 3, id="always overloaded"),
        pytest.param(["bug"], Missing, "ZeroDivisionError", 1, id="a bug costs one trial"),
    ],
)
def test_how_a_trial_ends(
    bench: Bench, steps: list[str], kind: type, reason: str, asked: int
) -> None:
    outcome = bench.run([scripted(1, bench.log, *steps)])["c1"]
    assert isinstance(outcome, kind)
    assert getattr(outcome, "reason", None) == reason
    assert len(outcome.attempts) == asked == len(calls(bench.log))


def test_transient_errors_are_asked_again_and_each_attempt_is_kept(bench: Bench) -> None:
    steps = ("OverloadedError", "RateLimitedError:0.05", "stop")
    outcome = bench.run([scripted(1, bench.log, *steps)])["c1"]
    assert isinstance(outcome, Answered)
    assert [a.error for a in outcome.attempts] == ["OverloadedError", "RateLimitedError", None]
    assert [a.cost_usd for a in outcome.attempts] == [None, Decimal(0), Decimal("0.0001")]
    assert bench.ledger.possibly_billed_usd == CENT
    assert bench.ledger.spent_usd == Decimal("0.0001")
    assert bench.ledger.reserved_usd == 0


def test_what_is_settled_is_never_asked_again(bench: Bench) -> None:
    trials = [scripted(1, bench.log), scripted(2, bench.log, "refusal")]
    first = bench.run(trials)
    second = bench.run(trials)
    assert first == second
    assert sorted(calls(bench.log)) == ["1", "2"]


def test_what_the_world_prevented_is_asked_again_by_the_next_run(bench: Bench) -> None:
    trials = [scripted(1, bench.log, *["OverloadedError"] * 3, "stop")]
    assert isinstance(bench.run(trials)["c1"], Missing)
    again = bench.run(trials)["c1"]
    assert isinstance(again, Answered)
    assert len(calls(bench.log)) == 4


def test_equal_fingerprints_are_asked_once(bench: Bench) -> None:
    one = scripted(1, bench.log)
    other = scripted(1, bench.log, case_id="other", option="same")
    outcomes = bench.run([one, other, one])
    assert set(outcomes) == {"c1", "other"}
    assert outcomes["other"].trial == other
    assert calls(bench.log) == ["1"]


def test_a_dead_lane_stops_alone(bench: Bench) -> None:
    dead = [scripted(n, bench.log, "ModelNotFoundError", model="gone") for n in range(10, 40)]
    live = [scripted(n, bench.log) for n in range(40, 60)]
    limits = Governor(default=LaneLimits(max_concurrency=2))
    outcomes = bench.run([*dead, *live], governor=limits)
    assert all(isinstance(outcomes[t.case_id], Answered) for t in live)
    assert {getattr(outcomes[t.case_id], "reason", "") for t in dead} == {"ModelNotFoundError"}
    assert len(calls(bench.log)) <= 20 + 4


def test_the_cap_is_never_exceeded_and_the_rest_is_missing(bench: Bench) -> None:
    bench.ledger = Ledger(CENT * 5, usd_per_token)
    outcomes = bench.run(scripted(n, bench.log, "nousage") for n in range(20))
    reasons = [getattr(o, "reason", "answered") for o in outcomes.values()]
    assert reasons.count("answered") == 5 == len(calls(bench.log))
    assert reasons.count("BudgetExhausted") == 15
    assert bench.ledger.possibly_billed_usd == CENT * 5


def test_settled_calls_make_room_under_the_cap(bench: Bench) -> None:
    bench.ledger = Ledger(CENT * 2, usd_per_token)
    outcomes = bench.run(scripted(n, bench.log) for n in range(50))
    assert all(isinstance(o, Answered) for o in outcomes.values())


def test_what_is_in_flight_when_the_run_is_stopped_is_charged_and_kept(bench: Bench) -> None:
    trials = [scripted(1, bench.log), *(scripted(n, bench.log, "sleep:0.3") for n in range(2, 6))]
    run = bench.start(trials)
    next(run)
    run.close()
    assert bench.ledger.spent_usd == Decimal("0.0005")
    assert len(bench.run(trials)) == 5
    assert len(calls(bench.log)) == 5


def test_a_failing_source_loses_nothing_that_was_sent(bench: Bench) -> None:
    def source() -> Iterator[Trial]:
        yield from (scripted(n, bench.log) for n in range(1500))
        raise LookupError

    with pytest.raises(LookupError):
        list(bench.start(source()))
    asked = len(calls(bench.log))
    bench.run(scripted(n, bench.log) for n in range(1500))
    assert len(calls(bench.log)) == 1500
    assert asked <= 1500


def test_ctrl_c_while_trials_are_read_says_how_to_go_on(bench: Bench) -> None:
    def source() -> Iterator[Trial]:
        yield from (scripted(n, bench.log) for n in range(1500))
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match="run the same command again to go on"):
        list(bench.start(source()))
    assert bench.ledger.reserved_usd == 0


def test_a_bug_of_the_engine_reaches_the_caller(bench: Bench) -> None:
    def price(_trial: Trial, _usage: TokenUsage) -> Decimal:
        raise ArithmeticError("no such rate")

    bench.ledger = Ledger(Decimal(1), price)
    with pytest.raises(ArithmeticError, match="no such rate"):
        bench.run([scripted(1, bench.log)])


def test_a_slow_reader_holds_the_engine_back(tmp_path: Path) -> None:
    """Memory stays flat: what nobody has read yet is bounded, whatever there is to ask."""
    total = 4000
    with InlineCluster() as cluster:
        bench = Bench(cluster, tmp_path)
        run = bench.start(scripted(n, bench.log) for n in range(total))
        next(run)
        asked = [-1, 0]
        # However slowly it gets there: it asks as far ahead as it may, and then no more.
        while asked[-1] <= AHEAD or asked[-1] != asked[-2]:
            time.sleep(0.5)
            asked.append(len(calls(bench.log)))
        assert AHEAD < asked[-1] < 2 * AHEAD
        assert len(list(run)) == total - 1


def test_what_is_asked_next_may_depend_on_answers(bench: Bench) -> None:
    """The source has nothing more until the answers of its first part are there."""
    taken: list[str] = []

    def source() -> Iterator[Trial | None]:
        for part in range(3):
            yield from (scripted(10 * part + n, bench.log, "sleep:0.05") for n in range(5))
            while len(taken) < 5 * (part + 1):
                yield None

    for outcome in bench.start(source()):
        assert isinstance(outcome, Answered)
        taken.append(outcome.trial.case_id)
    assert sorted(taken) == sorted(f"c{10 * part + n}" for part in range(3) for n in range(5))


def test_a_source_that_waits_for_something_else_is_asked_again_and_again(bench: Bench) -> None:
    given = iter([None, None, scripted(1, bench.log), None])
    assert set(bench.run(given)) == {"c1"}


def test_a_narrow_window_loses_nothing(bench: Bench) -> None:
    outcomes = bench.run((scripted(n, bench.log) for n in range(100)), window=4)
    assert len(outcomes) == 100


def test_what_another_pass_has_set_aside_is_waited_for(bench: Bench) -> None:
    bench.ledger = Ledger(CENT, usd_per_token)
    other = scripted(9, bench.log)
    assert bench.ledger.reserve(other)
    give_back = Timer(0.3, bench.ledger.settle, (other, None), {"billable": False})
    give_back.start()
    outcome = bench.run([scripted(1, bench.log)], others_settle=True)["c1"]
    give_back.join()
    assert isinstance(outcome, Answered)
    assert bench.ledger.spent_usd == Decimal("0.0001")


def test_what_nobody_settles_is_not_waited_for(bench: Bench) -> None:
    bench.ledger = Ledger(CENT, usd_per_token)
    assert bench.ledger.reserve(scripted(9, bench.log))
    outcome = bench.run([scripted(1, bench.log)])["c1"]
    assert isinstance(outcome, Missing)
    assert outcome.reason == "BudgetExhausted"


def test_what_the_lanes_did_is_written_down_from_time_to_time(bench: Bench) -> None:
    """So that a killed run has told most of it."""
    now, told = [0.0], list[int]()

    def calls_told() -> int:
        return sum(lane.calls for lane in show(bench.journal_path).lanes)

    limits = LaneLimits(max_concurrency=2)
    governor = Governor(default=limits, monotonic=lambda: now[0])
    for _ in bench.start((scripted(n, bench.log) for n in range(60)), governor=governor):
        now[0] += NOTE_S
        told.append(calls_told())
    assert 0 < told[-10] <= 60
    assert calls_told() == 60
