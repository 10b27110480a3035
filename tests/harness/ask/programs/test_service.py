"""A service of the team's answers cases by POST: the same calls, costs and ends as a program's."""

from __future__ import annotations

import urllib.error
import urllib.request
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.ask.replay.ledger import Ledger
from harness.journal.trials import Answered, Failed, FaultKind, Missing
from providers.completion import TokenUsage
from tests.support.program_runs import USD_A_TOKEN, cost, journal_in, program, run_all, run_of
from tests.support.program_service import answering
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body


def said(_: Body) -> Reply:
    return Reply(text="fine", usage=TokenUsage(input_tokens=30, output_tokens=4))


def test_each_case_is_posted_with_a_token_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    ledger = Ledger(Decimal(1), cost)
    with (
        OpenAIServer(said) as server,
        answering() as (url, seen),
        journal_in(tmp_path) as journal,
    ):
        by = program(server.port, command=(), url=url, version="1")
        trials = [run_of(at, "call well", by) for at in range(5)]
        found = run_all(trials, journal, ledger=ledger)
        assert len(server.calls) == 5
    texts = [one.text for one in found.values() if isinstance(one, Answered)]
    assert texts == ["fine well"] * 5
    assert ledger.spent_usd == 5 * 34 * USD_A_TOKEN
    assert len({headers["rightsize-token"] for headers in seen}) == 5
    gateway = seen[0]["rightsize-gateway"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{gateway}/v1/chat/completions")  # noqa: S310


ENDS = {
    "crash": FaultKind.PROGRAM_ENDED,
    "elsewhere": FaultKind.PROGRAM_ENDED,
    "babble": FaultKind.PROGRAM_BABBLED,
    "flood": FaultKind.PROGRAM_BABBLED,
    "hang": FaultKind.PROGRAM_TIMED_OUT,
}


def test_a_service_s_fault_is_told_as_a_program_s(tmp_path: Path) -> None:
    with OpenAIServer(said) as server, answering() as (url, _), journal_in(tmp_path) as journal:
        for at, (order, fault) in enumerate(ENDS.items()):
            timeout_s = 1.0 if order == "hang" else 60.0
            by = program(server.port, command=(), url=url, version="1", timeout_s=timeout_s)
            found = run_all([run_of(at, f"call {order}", by)], journal)[f"c{at}"]
            assert isinstance(found, Failed), order
            assert found.reason == fault


def test_a_service_that_is_not_there_is_asked_no_more_after_a_few_cases(tmp_path: Path) -> None:
    told: list[str] = []
    with OpenAIServer(said) as server, journal_in(tmp_path) as journal:
        by = program(server.port, command=(), url="http://127.0.0.1:1/x", version="1")
        found = run_all([run_of(at, "call x", by) for at in range(40)], journal, told=told)
    assert {type(one) for one in found.values()} == {Missing}
    assert "ClientConnectorError" in told[0]
    assert "run no more" in told[1]
