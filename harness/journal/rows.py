"""Attempts and outcomes as rows of the journal, and back.

A trial that ended for good is settled; it is the same for whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from harness.journal.trials import (
    PROGRAM,
    UNUSED,
    Answered,
    Attempt,
    Failed,
    FaultKind,
    Lane,
    LaneHistory,
    Outcome,
    Trial,
)
from harness.workspace.fingerprints import fingerprint
from providers.completion import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An end without its trial."""

    kind: Literal["answered", "failed"]
    attempts: tuple[Attempt, ...]
    text: str | None
    finish: str | None
    tool_calls: str | None
    reason: str | None
    probability: float | None = None

    def outcome(self, trial: Trial, *, stored: bool = False) -> Answered | Failed:
        """The outcome for a trial with this end's fingerprint; `stored`: this run asked nothing."""
        if self.kind == "failed":
            reason = self.reason or ""
            return Failed(trial=trial, attempts=self.attempts, reason=reason, stored=stored)
        return Answered(
            trial=trial,
            attempts=self.attempts,
            text=self.text or "",
            finish=self.finish or "",
            tool_calls=self.tool_calls,
            probability=self.probability,
            stored=stored,
        )


Row: TypeAlias = tuple[Any, ...]

LANE_FACTS = tuple(field.name for field in fields(LaneHistory) if field.name != "lane")
TRY = "try "
"""Begins the name under which a try stands among the plans; no feature's id has a space."""

END_ATTEMPT = (
    "UPDATE attempts SET ended = 1, started_at = ?, cost_usd = ?, usage = ?, total_s = ?, "
    "first_token_s = ?, inter_token_s = ?, error = ?, status = ?, request_id = ?, "
    "served_model = ?, lagged = ? WHERE id = ?"
)
BEGIN_ATTEMPT = (
    "INSERT INTO attempts (id, fingerprint, run_id, number, reserve_usd, role) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
KNOW_TRIAL = "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
KNOW_CALL = "INSERT OR IGNORE INTO calls VALUES (?, ?)"
LEAVE_CALLS = """
UPDATE attempts SET role = ?3 WHERE superseded_at IS NULL AND fingerprint IN (
    SELECT call FROM calls WHERE trial = ?1 AND call NOT IN (SELECT value FROM json_each(?2)))
"""
"""They stay paid, and are no part of the run that answered."""
TAKE_CALL = "UPDATE attempts SET role = ? WHERE fingerprint = ? AND role = ?"
SETTLE = "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_LANE = """
INSERT INTO lanes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, answered = answered + excluded.answered,
    rate_limited = rate_limited + excluded.rate_limited,
    overloaded = overloaded + excluded.overloaded, cuts = cuts + excluded.cuts,
    most_in_flight = max(most_in_flight, excluded.most_in_flight),
    tokens = tokens + excluded.tokens, active_s = active_s + excluded.active_s,
    requests_per_minute = excluded.requests_per_minute,
    tokens_per_minute = excluded.tokens_per_minute
"""
ADD_LOAD = "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?)"
DROP_LOAD = "DELETE FROM loads WHERE ended = 0 AND rowid = ?"
REPLACE_LOAD = """
DELETE FROM loads WHERE rowid = (SELECT max(rowid) FROM loads
    WHERE ended = 0 AND run_id = ? AND feature = ? AND model = ?)
"""
OPEN_LOADS = (
    "SELECT rowid, load_s, usd FROM loads "
    "WHERE ended = 0 AND rowid IN (SELECT value FROM json_each(?))"
)
CUT_LOAD = "UPDATE loads SET usd = ?, load_s = ?, ended = 1 WHERE rowid = ?"
FIND_LOADS = """
SELECT usd, ended FROM loads JOIN runs USING (run_id)
WHERE cycle = ?1 AND (?2 IS NULL OR feature = ?2)
"""
FIND_LANES = """
SELECT provider, key, model, sum(calls), sum(answered), sum(rate_limited), sum(overloaded),
    sum(cuts), max(most_in_flight), sum(tokens), sum(active_s), max(requests_per_minute),
    max(tokens_per_minute)
FROM lanes GROUP BY provider, key, model
"""
FIND_OUTCOMES = """
SELECT fingerprint, kind, text, finish, tool_calls, reason, probability, 0 FROM outcomes
WHERE fingerprint IN (SELECT value FROM json_each(?1)) AND fingerprint NOT IN (
    SELECT fingerprint FROM superseded WHERE superseded_at > ?2)
UNION ALL
SELECT fingerprint, kind, text, finish, tool_calls, reason, probability, 1
FROM superseded AS old
WHERE fingerprint IN (SELECT value FROM json_each(?1)) AND superseded_at = (
    SELECT min(superseded_at) FROM superseded
    WHERE fingerprint = old.fingerprint AND superseded_at > ?2)
"""
"""As of the moment ?2: what was replaced after it still stood."""
SUPERSEDE = (
    """
    INSERT OR IGNORE INTO superseded
    SELECT fingerprint, ?2, kind, text, finish, tool_calls, reason, probability FROM outcomes
    WHERE fingerprint IN (SELECT value FROM json_each(?1))
    """,
    """
    UPDATE attempts SET superseded_at = ?2
    WHERE superseded_at IS NULL AND fingerprint IN (SELECT value FROM json_each(?1))
    """,
    "DELETE FROM outcomes WHERE fingerprint IN (SELECT value FROM json_each(?1)) AND ?2 = ?2",
)
FIND_FEATURES = (
    "SELECT fingerprint, feature FROM trials WHERE fingerprint IN (SELECT value FROM json_each(?))"
)
FIND_ATTEMPTS = """
WITH wanted (fingerprint, trial) AS (
    SELECT value, value FROM json_each(?1)
    UNION ALL SELECT call, trial FROM calls WHERE trial IN (SELECT value FROM json_each(?1)))
SELECT wanted.trial, number, reserve_usd, ended, started_at, cost_usd, usage, total_s,
    first_token_s, inter_token_s, error, status, request_id, served_model, lagged, batch, role
FROM wanted JOIN attempts USING (fingerprint)
WHERE (?2 IS NULL OR run_id IN (SELECT run_id FROM runs WHERE cycle = ?2))
AND superseded_at IS (SELECT min(superseded_at) FROM superseded AS old
    WHERE old.fingerprint = attempts.fingerprint AND old.superseded_at > ?3)
ORDER BY wanted.trial, id
"""
"""A program's trial has the attempts of its calls."""
FIND_ANSWERING = """
SELECT DISTINCT runs.started_at, run_id, cycle
FROM trials JOIN attempts USING (fingerprint) JOIN runs USING (run_id)
WHERE trials.feature = ?1 AND ended = 1
AND (error IS NULL OR (fingerprint IN (SELECT fingerprint FROM outcomes) AND id = (
    SELECT max(id) FROM attempts AS last WHERE last.fingerprint = attempts.fingerprint
    AND last.ended = 1)))
AND run_id NOT IN (SELECT run_id FROM plans WHERE substr(feature, 1, length(?2)) = ?2)
ORDER BY runs.started_at, run_id
"""
"""A failure settles a trial with its last attempt; what the world prevented settles nothing."""
NOTE_BATCH = "UPDATE attempts SET batch = ?, started_at = ? WHERE id = ?"
FIND_UNDER_WAY = """
SELECT fingerprint, id, number, reserve_usd, attempts.started_at, batch,
    cycle = (SELECT cycle FROM runs WHERE run_id = ?)
FROM attempts JOIN runs USING (run_id)
WHERE ended = 0 AND batch IS NOT NULL AND fingerprint IN (SELECT value FROM json_each(?))
"""


def begin_row(row: int, run_id: str, trial: Trial, number: int) -> Row:
    """Values for `BEGIN_ATTEMPT`."""
    role = PROGRAM if trial.program is not None else trial.role
    return (row, trial.fingerprint, run_id, number, str(trial.reserve_usd), role)


def calls_made(trial: str, made: Mapping[str, str | None]) -> Iterator[tuple[str, Row]]:
    """Statements that give the calls of a trial's last run their roles, and the others none."""
    yield LEAVE_CALLS, (trial, json.dumps(list(made)), UNUSED)
    for call, role in made.items():
        yield TAKE_CALL, (role, call, UNUSED)


def end_row(attempt: Attempt) -> Row:
    """Values for `END_ATTEMPT`, but the row's number."""
    return (
        attempt.started_at,
        None if attempt.cost_usd is None else str(attempt.cost_usd),
        None if attempt.usage is None else usage_text(attempt.usage),
        attempt.total_s,
        attempt.first_token_s,
        attempt.inter_token_s,
        attempt.error,
        attempt.status,
        attempt.request_id,
        attempt.served_model,
        int(attempt.lagged),
    )


def attempt_of(row: Row) -> Attempt:
    """An attempt from a row of `FIND_ATTEMPTS`, but the fingerprint."""
    number, reserve, ended, started, cost, usage, total, first, inter, error, *rest = row
    status, request_id, served_model, lagged, batch, role = rest
    return Attempt(
        number=number,
        started_at=started or "",
        reserve_usd=Decimal(reserve),
        cost_usd=None if cost is None else Decimal(cost),
        usage=None if usage is None else usage_of(usage),
        total_s=total,
        first_token_s=first,
        inter_token_s=inter,
        error=error if ended else FaultKind.INTERRUPTED,
        status=status,
        request_id=request_id,
        served_model=served_model,
        lagged=bool(lagged),
        batch=batch,
        role=role,
    )


def lane_row(seen: LaneHistory) -> Row:
    """Values for `ADD_LANE`, but the run."""
    return (*seen.lane, *(getattr(seen, name) for name in LANE_FACTS))


def lane_of(row: Row) -> LaneHistory:
    """A lane from a row of `FIND_LANES`."""
    return LaneHistory(lane=Lane(*row[:3]), **dict(zip(LANE_FACTS, row[3:], strict=True)))


def usage_text(usage: TokenUsage) -> str:
    """Counts in the order of `TokenUsage`'s fields, as a JSON array."""
    return json.dumps([getattr(usage, name) for name in TokenUsage.__slots__])


def usage_of(text: str) -> TokenUsage:
    """The inverse of `usage_text`."""
    return TokenUsage(**dict(zip(TokenUsage.__slots__, json.loads(text), strict=True)))


def trial_row(trial: Trial) -> Row:
    """Values for `KNOW_TRIAL`."""
    return (
        trial.fingerprint,
        trial.feature,
        trial.option,
        trial.case_id,
        trial.repeat,
        trial.purpose,
        trial.endpoint.vendor,
        trial.request.model,
    )


def outcome_row(outcome: Outcome) -> Row | None:
    """Values for `SETTLE`; None for an end that is not final."""
    fingerprint = outcome.trial.fingerprint
    match outcome:
        case Answered():
            text, calls = to_bytes(outcome.text), to_bytes(outcome.tool_calls)
            sure = outcome.probability
            return (fingerprint, "answered", text, outcome.finish, calls, None, sure)
        case Failed():
            return (fingerprint, "failed", None, None, None, outcome.reason, None)
        case _:
            return None


def plan_row_sha256(name: str, plan_json: str) -> str:
    """The hash that belongs to a plan: a try's is its prompt's, a review plan's is its own."""
    plan: dict[str, Any] = json.loads(plan_json)
    return str(plan.get("prompt")) if name.startswith(TRY) else fingerprint(plan)


def to_bytes(text: str | None) -> bytes | None:
    """Text as it is stored, lone surrogates kept."""
    return None if text is None else text.encode("utf-8", "surrogatepass")


def to_text(data: bytes | None) -> str | None:
    """The inverse of `to_bytes`."""
    return None if data is None else data.decode("utf-8", "surrogatepass")
