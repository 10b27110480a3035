"""Trials that a program answers: what ends one how, what it costs, and that nothing is left."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.cluster.actors import local_cluster
from harness.ask.programs.host import told as told_of
from harness.ask.programs.program_queue import OpenRun, _outcome
from harness.ask.programs.protocol import Over
from harness.ask.replay.ledger import Ledger
from harness.journal.trials import PROGRAM, UNUSED, Answered, Failed, FaultKind, Missing
from harness.journal.upkeep import check
from providers.completion import TokenUsage
from providers.provider import Endpoint
from tests.support.program_runs import USD_A_TOKEN, cost, journal_in, program, run_all, run_of
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.wire.reply import Body

USED = TokenUsage(input_tokens=30, output_tokens=4)
A_CALL = 34 * USD_A_TOKEN


def said(_: Body) -> Reply:
    return Reply(text="fine", usage=USED)


FAULTS = {
    "crash": FaultKind.PROGRAM_ENDED,
    "exit": FaultKind.PROGRAM_ENDED,
    "noise": FaultKind.PROGRAM_ENDED,
    "hang": FaultKind.PROGRAM_TIMED_OUT,
    "babble": FaultKind.PROGRAM_BABBLED,
    "flood": FaultKind.PROGRAM_BABBLED,
    "error": FaultKind.PROGRAM_GAVE_UP,
    "many": FaultKind.TOO_MANY_CALLS,
}


def test_a_fault_is_the_model_s_once_it_has_spoken_and_nobody_s_before(tmp_path: Path) -> None:
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by, short = program(server.port, timeout_s=90.0), program(server.port, timeout_s=6.0)
        orders = [f"{who} {fault}" for fault in FAULTS for who in ("call", "first")]
        orders.remove("first hang")  # A program that begins has a minute for that.
        trials = [
            run_of(at, order, short if "hang" in order else by) for at, order in enumerate(orders)
        ]
        trials += [run_of(90, "call well", by), run_of(91, "first well", by)]
        # A feature whose program falls over again and again is given up: each order has its own.
        trials = [replace(one, feature=f"feature-{at}") for at, one in enumerate(trials)]
        found = run_all(trials, journal)
        assert check(tmp_path / "journal.sqlite") == []
    for at, order in enumerate(orders):
        who, fault = order.split()
        spoke = who == "call" or fault == "many"
        outcome = found[f"c{at}"]
        assert isinstance(outcome, Failed if spoke else Missing), order
        assert outcome.reason == FAULTS[fault], order
    for case in ("c90", "c91"):
        outcome = found[case]
        assert isinstance(outcome, Answered)
        assert outcome.text == "well"
    assert processes_of_ours() == []


def running() -> list[int]:
    """Guards and programs that run."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if any("faulty.py" in part for part in words(child))
    ]


def processes_of_ours() -> list[int]:
    """What is left of guards and programs, after what it takes to end them."""
    until = time.monotonic() + 120
    while (left := running()) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def words(process: psutil.Process) -> list[str]:
    """Its command line; empty for one that has ended since it was listed."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_a_trial_s_cost_is_the_sum_of_its_calls(tmp_path: Path) -> None:
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port)
        ledger = Ledger(Decimal(1), cost)
        found = run_all([run_of(1, "call twice", by)], journal, ledger=ledger)["c1"]
    assert isinstance(found, Answered)
    assert found.text == "finefine"
    calls = [attempt for attempt in found.attempts if attempt.role is None]
    assert [attempt.cost_usd for attempt in calls] == [A_CALL] * 3
    assert [attempt.role for attempt in found.attempts if attempt not in calls] == [PROGRAM]
    assert ledger.spent_usd == 3 * A_CALL
    assert ledger.reserved_usd == 0
    assert len(server.calls) == 3


def slowly(times: list[Reply]) -> Callable[[Body], Reply]:
    """The given replies to what is asked slowly, one after the other; all else as ever."""
    left = iter(times)

    def script(body: Body) -> Reply:
        return next(left) if "slowly" in str(body["messages"]) else said(body)

    return script


# Together longer than a program may take that is asked to wait, the answer alone far shorter.
WAITS = Reply(status=429, headers={"retry-after": "5"})
SLOW = Reply(text="fine", usage=USED, delay_s=0.2)
FINE = Reply(text="fine", usage=USED)
# Longer than a program waits that is impatient (4 s), by more than a busy machine adds.
WAITS_LONG = Reply(status=429, headers={"retry-after": "12"})
SLOWER = Reply(text="fine", usage=USED, may_send=lambda _part: not running())


@pytest.mark.parametrize(
    ("times", "kind", "reason"),
    [
        ([WAITS_LONG, FINE], Missing, FaultKind.CALL_WAITED),
        ([SLOWER], Failed, FaultKind.PROGRAM_ENDED),
    ],
)
def test_a_program_that_hangs_up_fails_by_its_model_s_slowness_and_not_by_our_waiting(
    tmp_path: Path, times: list[Reply], kind: type[Missing | Failed], reason: FaultKind
) -> None:
    with OpenAIServer(slowly(times)) as server, journal_in(tmp_path) as journal:
        found = run_all([run_of(1, "call impatient", program(server.port))], journal)["c1"]
    assert isinstance(found, kind)
    assert found.reason == reason


def test_waiting_is_no_time_of_the_program_and_a_call_asked_again_is_paid_once(
    tmp_path: Path,
) -> None:
    with OpenAIServer(slowly([WAITS, SLOW])) as server, journal_in(tmp_path) as journal:
        by = program(server.port, timeout_s=5.0, max_calls=2)
        found = run_all([run_of(1, "call insists", by)], journal)["c1"]
        assert len(server.calls) == 3
    assert isinstance(found, Answered)


def test_a_run_begun_again_is_its_own_calls_and_what_was_paid_stays_paid(tmp_path: Path) -> None:
    with OpenAIServer(said) as server:
        one = run_of(1, "call turns", program(server.port))
        for run in ("r1", "r2"):
            with journal_in(tmp_path, run) as journal:
                found = run_all([one], journal)["c1"]
            forget_outcome(tmp_path, one.fingerprint)
        assert len(server.calls) == 3
    roles = [attempt.role for attempt in found.attempts]
    assert sorted(map(str, roles)) == [PROGRAM, PROGRAM, UNUSED, "None", "None"]
    assert sum(attempt.cost_usd or 0 for attempt in found.attempts) == 3 * A_CALL


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
def test_on_ray_an_instance_s_session_stays_with_its_worker(tmp_path: Path) -> None:
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port, instances=4)
        trials = [run_of(at, "call twice", by) for at in range(12)]
        trials += [run_of(at, "first pid", by) for at in range(100, 116)]
        cluster = local_cluster(state=tmp_path / "state", cpus=3, workers=2)
        found = run_all(trials, journal, on=cluster)
        assert len(server.calls) == 36
    texts = {case: getattr(one, "text", one) for case, one in found.items()}
    assert {texts[f"c{at}"] for at in range(12)} == {"finefine"}
    # No more processes than instances, on however many workers.
    assert len({texts[f"c{at}"] for at in range(100, 116)}) <= 4


def test_a_forked_child_that_left_its_group_ends_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        run_all([run_of(1, "call fork", program(server.port), pids=str(pids))], journal)
    (pid,) = map(int, pids.read_text().split())
    until = time.monotonic() + 120
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not psutil.pid_exists(pid)


def test_a_model_that_is_not_declared_is_refused_and_nothing_is_asked(tmp_path: Path) -> None:
    told: list[str] = []
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port)
        found = run_all([run_of(1, "first undeclared", by)], journal, told=told)["c1"]
        assert server.calls == []
    assert isinstance(found, Missing)
    assert found.reason == FaultKind.CALL_REFUSED


def test_the_world_s_fault_makes_a_trial_missing_whatever_the_program_says(tmp_path: Path) -> None:
    with OpenAIServer(lambda _: Reply(status=500)) as server, journal_in(tmp_path) as journal:
        found = run_all([run_of(1, "call well", program(server.port))], journal)["c1"]
    assert isinstance(found, Missing)
    assert found.reason == FaultKind.OVERLOADED
    assert len(server.calls) == 5


@pytest.mark.parametrize(
    ("fault", "kind"), [(FaultKind.UNEXPECTED, Missing), (FaultKind.PROGRAM_ENDED, Failed)]
)
def test_an_error_of_our_own_is_never_the_model_s(
    fault: FaultKind, kind: type[Missing | Failed]
) -> None:
    by = program(1)
    running = OpenRun(id="r", trial=run_of(1, "call well", by), program=by, seat=0, spoken=True)
    over = Over(text="", fault=fault, said="KeyError", started_at="", total_s=0.1)
    assert isinstance(_outcome(running, over), kind)


def test_a_program_sees_no_variable_of_ours_but_the_usual_and_the_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY_EVAL", "AWS_SECRET_ACCESS_KEY", "SHOP_DB"):
        monkeypatch.setenv(name, f"real-{name}")
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port, environment=("SHOP_DB",))
        found = run_all([run_of(1, "first environment", by)], journal)["c1"]
    assert isinstance(found, Answered)
    seen = json.loads(found.text)
    assert [v for v in seen.values() if v.startswith("real-")] == ["real-SHOP_DB"]
    tokens = {seen[name] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")}
    assert len(tokens) == 1
    assert not set(os.environ.values()) & tokens


def test_what_a_stopped_run_was_answered_is_not_paid_again(tmp_path: Path) -> None:
    with OpenAIServer(said) as server:
        by = program(server.port)
        with journal_in(tmp_path) as journal:
            run_all([run_of(1, "call twice", by)], journal)
        # As after a kill between the last call and the program's answer: its outcome is not there.
        forget_outcome(tmp_path, run_of(1, "call twice", by).fingerprint)
        with journal_in(tmp_path, "r2") as journal:
            ledger = Ledger(Decimal(1), cost)
            found = run_all([run_of(1, "call twice", by)], journal, ledger=ledger)["c1"]
        assert len(server.calls) == 3
    assert isinstance(found, Answered)
    assert found.text == "finefine"
    assert ledger.spent_usd == 0


def forget_outcome(folder: Path, fingerprint: str) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        connection.execute("DELETE FROM outcomes WHERE fingerprint = ?", (fingerprint,))
    connection.close()


def test_the_cap_holds_to_the_cent_inside_a_trial(tmp_path: Path) -> None:
    rng = Random(7)
    with OpenAIServer(said) as server:
        by = program(server.port)
        for at in range(6):
            cap = Decimal(rng.randint(150, 1500)) * USD_A_TOKEN
            folder = tmp_path / str(at)
            folder.mkdir()
            with journal_in(folder) as journal:
                ledger = Ledger(cap, cost)
                trials = [run_of(number, "call twice", by) for number in range(4)]
                found = run_all(trials, journal, ledger=ledger)
            assert ledger.spent_usd + ledger.possibly_billed_usd <= cap
            assert ledger.reserved_usd == 0
            missing = [one for one in found.values() if isinstance(one, Missing)]
            assert {one.reason for one in missing} <= {FaultKind.BUDGET_EXHAUSTED}
            assert len(found) == 4


def test_a_program_that_cannot_start_is_run_no_more_after_a_few_trials(tmp_path: Path) -> None:
    told: list[str] = []
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port, command=("no-such-program-here",))
        found = run_all([run_of(at, "x", by) for at in range(40)], journal, told=told)
    assert {type(one) for one in found.values()} == {Missing}
    assert "no-such-program-here" in told[0]
    assert "run no more" in told[1]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        ("first leak", "ProgramEndedError: ValueError"),
        ("first noise", "ProgramEndedError: its exit code was 3"),
    ],
)
def test_of_a_program_s_last_line_the_error_s_class_is_told(
    tmp_path: Path, order: str, shown: str
) -> None:
    told: list[str] = []
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        run_all([run_of(1, order, program(server.port))], journal, told=told)
    assert [line.partition("ended by ")[2] for line in told] == [shown]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("KeyError: 'jane.doe@example.com'", "KeyError"),
        ("openai.BadRequestError: Error code: 400 - Jane", "openai.BadRequestError"),
        ("jane.doe: my card is lost", "its exit code was 1"),
        ("Jane: an Error: x", "its exit code was 1"),
    ],
)
def test_nothing_that_may_be_a_case_is_told(words: str, shown: str) -> None:
    assert told_of(words, has_read=True, code=1) == shown
    assert told_of(words, has_read=False, code=1) == words


def test_a_call_that_cannot_cross_stops_its_own_option_alone_and_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        OpenAIServer(said) as server,
        AnthropicServer(said) as other,
        GoogleServer(said) as third,
        journal_in(tmp_path) as journal,
    ):
        ours = program(server.port, instances=1)
        big = ours.models[0]
        theirs = Endpoint(vendor="anthropic", api="messages", base_url=other.origin)
        refused = replace(ours, models=(replace(big, option="claude", endpoint=theirs),))
        google = Endpoint(
            vendor="google", api="generate-content", base_url=third.origin, key_name="PATH"
        )
        crossed = replace(ours, models=(replace(big, option="gemini", endpoint=google),))
        trials = [
            replace(run_of(at, "x seeded", by), option=option)
            for at, (by, option) in enumerate(
                [(refused, "claude")] * 8 + [(crossed, "gemini")] * 3 + [(ours, "small")] * 3
            )
        ]
        found = run_all(trials, journal, told=told)
    reasons = [getattr(found[f"c{at}"], "reason", None) for at in range(14)]
    assert reasons == [FaultKind.CALL_REFUSED] * 8 + [None] * 6
    assert (len(other.calls), len(third.calls), len(server.calls)) == (0, 3, 3)
    assert "the messages wire has nothing for 'seed'" in told[0]
    assert "omit: [seed]" in told[0]
    assert "run no more with claude" in told[1]
    assert told[2:] == ["sentiment: gemini is not sent 'user', which its vendor has no equal of"]
