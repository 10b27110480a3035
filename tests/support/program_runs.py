"""Trials of a small program, replayed over a scripted server."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.journal.journal import Journal
from harness.journal.trials import CallingProgram, RoleModel, Trial
from harness.workspace.fingerprints import fingerprint
from harness.workspace.programs.digests import program_sha256
from providers.provider import Endpoint
from providers.request import Message
from tests.support.trials import trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.ask.cluster.workers import Cluster
    from harness.journal.trials import Outcome
    from providers.completion import TokenUsage

PROGRAMS = Path(__file__).parent / "programs"
USD_A_TOKEN = Decimal("0.000001")


def bound(body: str, tokens: int) -> Decimal:
    return (len(body.encode()) + tokens) * USD_A_TOKEN


def cost(_: Trial, usage: TokenUsage) -> Decimal:
    return (usage.input_tokens + usage.output_tokens) * USD_A_TOKEN


def program(port: int, *, script: str = "faulty.py", **changes: Any) -> CallingProgram:
    endpoint = Endpoint(
        vendor="openai-compatible", api="chat", base_url=f"http://127.0.0.1:{port}/v1"
    )
    model = partial(
        RoleModel, endpoint=endpoint, timeout_s=240.0, longest=100, omit=frozenset(), bound=bound
    )
    command = (sys.executable, script)
    return replace(
        CallingProgram(
            command=command,
            folder=str(PROGRAMS),
            sha256=program_sha256(PROGRAMS, command),
            instances=2,
            max_calls=5,
            timeout_s=240.0,
            environment=(),
            outside="",
            models=(
                model(names=frozenset({"big"}), role=None, option="small", version="small"),
                model(names=frozenset({"other"}), role="other", option="other", version="other"),
            ),
        ),
        **changes,
    )


def run_of(number: int, said: str, by: CallingProgram, **metadata: str) -> Trial:
    """The trial of a case whose input tells the program what to do."""
    line = json.dumps({"id": f"c{number}", "input": said, "metadata": metadata})
    bare = trial(number)
    request = replace(bare.request, messages=(Message(role="user", text=line),))
    return replace(
        bare,
        fingerprint=fingerprint([number, said]),
        case_id=f"c{number}",
        request=request,
        reserve_usd=Decimal(0),
        program=by,
    )


@contextmanager
def journal_in(folder: Path, run_id: str = "r1") -> Iterator[Journal]:
    path = folder / "journal.sqlite"
    with Journal.open(path, run_id=run_id, cycle="2026-Q4", now="2026-11-24T09:00:00") as journal:
        yield journal


def run_all(  # noqa: PLR0913  # each is what one test varies
    trials: Iterable[Trial],
    journal: Journal,
    *,
    cap: str = "10",
    told: list[str] | None = None,
    ledger: Ledger | None = None,
    on: AbstractContextManager[Cluster] | None = None,
) -> dict[str, Outcome]:
    """Every trial's outcome, by case; `on` another cluster than this process."""
    with on or InlineCluster() as cluster:
        outcomes = replay(
            trials,
            cluster=cluster,
            journal=journal,
            governor=Governor(),
            ledger=ledger or Ledger(Decimal(cap), cost),
            retry=RetryPolicy(rng=Random(1), base_s=0.01, cap_s=0.05),
            tell=(told if told is not None else []).append,
        )
        return {outcome.trial.case_id: outcome for outcome in outcomes}
