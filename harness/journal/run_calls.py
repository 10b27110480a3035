"""Every call of one run, as the journal keeps it: no prompt, no answer, no case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.journal.rows import attempt_of
from harness.journal.trials import PROGRAM, Attempt
from harness.journal.upkeep import reading

_FIND = """
SELECT id, feature, option, purpose, provider, model, number, reserve_usd, ended,
    attempts.started_at, cost_usd, usage, total_s, first_token_s, inter_token_s, error, status,
    request_id, served_model, lagged, batch, role
FROM attempts JOIN trials USING (fingerprint)
WHERE run_id = ? AND ended = 1 AND attempts.started_at IS NOT NULL AND role IS NOT ?
ORDER BY id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAttempt:
    """A call, and what it was made for."""

    row: int
    """Its number in the journal."""
    feature: str
    option: str
    purpose: str
    """`answer`, or what else it was for, as a judge's ruling."""
    provider: str
    model: str
    attempt: Attempt


def calls_of_run(path: Path, run_id: str) -> Iterator[RunAttempt]:
    """The calls that a run made and that ended, in the order of sending.

    A program's own run is none; the calls that it makes are.
    """
    with reading(path) as connection:
        for row in connection.execute(_FIND, (run_id, PROGRAM)):
            number, feature, option, purpose, provider, model, *attempt = row
            yield RunAttempt(
                row=number,
                feature=feature,
                option=option,
                purpose=purpose,
                provider=provider,
                model=model,
                attempt=attempt_of(tuple(attempt)),
            )
