"""A journal's upkeep: show, check, merge, compact, export. What `rightsize journal` calls."""

from __future__ import annotations

import importlib
import os
import sqlite3
import stat
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.journal.database import connect, locked, migrate, read_version, transaction
from harness.journal.rows import FIND_LANES, lane_of, plan_row_sha256, to_text
from harness.journal.trials import LaneHistory
from harness.workspace.state import OWNER_ONLY, open_private


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run of the journal."""

    run_id: str
    cycle: str
    started_at: str
    plans: int
    attempts: int
    interrupted: int
    in_batches: int
    """Attempts whose batch has not been read yet; the next review of the cycle reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFacts:
    """Trials of a model that have no outcome, by how the last attempt at each ended."""

    model: str
    error: str
    status: int | None
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFacts:
    """What is in a journal."""

    version: int
    megabytes: float
    runs: tuple[RunFacts, ...]
    trials: int
    attempts: int
    answered: int
    failed: int
    replaced: int
    """Answers that an import replaced by others."""
    faults: tuple[FaultFacts, ...]
    lanes: tuple[LaneHistory, ...]
    """What each lane did in all runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a merge brought. `conflicts` are trials that both settled, differently: ours stay."""

    runs: int
    attempts: int
    outcomes: int
    conflicts: int


RUNS = """
SELECT run_id, cycle, runs.started_at,
    (SELECT count(*) FROM plans WHERE plans.run_id = runs.run_id
        AND feature NOT LIKE 'life %' AND feature NOT LIKE 'read %'),
    count(id), coalesce(sum(ended = 0 AND batch IS NULL), 0),
    coalesce(sum(ended = 0 AND batch IS NOT NULL), 0)
FROM runs LEFT JOIN attempts USING (run_id) GROUP BY run_id ORDER BY runs.started_at, run_id
"""

FAULTS = """
SELECT model, error, status, count(*) FROM (
    SELECT fingerprint, error, status, max(id) FROM attempts
    WHERE ended = 1 AND run_id = coalesce(?, run_id)
    AND fingerprint NOT IN (SELECT fingerprint FROM outcomes) GROUP BY fingerprint
) JOIN trials USING (fingerprint) WHERE error IS NOT NULL
GROUP BY model, error, status ORDER BY model, count(*) DESC, error
"""
"""SQLite takes the bare columns beside `max` from the row that has it."""

CHECKS = (
    (
        "attempts of runs that are not in the journal",
        "SELECT count(*) FROM attempts WHERE run_id NOT IN (SELECT run_id FROM runs)",
    ),
    (
        "attempts of trials that are not in the journal",
        "SELECT count(*) FROM attempts WHERE fingerprint NOT IN (SELECT fingerprint FROM trials)",
    ),
    (
        "settled trials without an attempt that ended",
        """SELECT count(*) FROM outcomes WHERE fingerprint NOT IN
        (SELECT fingerprint FROM attempts WHERE ended = 1 AND superseded_at IS NULL)""",
    ),
    (
        "attempts with an answer whose trial is not settled",
        """SELECT count(*) FROM attempts WHERE ended = 1 AND error IS NULL
        AND superseded_at IS NULL AND fingerprint NOT IN (SELECT fingerprint FROM outcomes)""",
    ),
)

MERGE_ATTEMPTS = """
INSERT INTO attempts (fingerprint, run_id, number, reserve_usd, ended, started_at, cost_usd, usage,
    total_s, first_token_s, inter_token_s, error, status, request_id, served_model, lagged, batch,
    superseded_at, role)
SELECT fingerprint, run_id, number, reserve_usd, ended, started_at, cost_usd, usage, total_s,
    first_token_s, inter_token_s, error, status, request_id, served_model, lagged, batch,
    superseded_at, role
FROM other.attempts AS theirs WHERE NOT EXISTS (
    SELECT 1 FROM attempts AS ours WHERE ours.fingerprint = theirs.fingerprint
    AND ours.run_id = theirs.run_id AND ours.number = theirs.number
    AND ours.batch IS theirs.batch) ORDER BY id
"""

MERGE_CORRECTED = (
    """
    UPDATE attempts SET superseded_at = (
        SELECT theirs.superseded_at FROM other.attempts AS theirs
        WHERE theirs.fingerprint = attempts.fingerprint AND theirs.run_id = attempts.run_id
        AND theirs.number = attempts.number)
    WHERE superseded_at IS NULL
    AND fingerprint IN (SELECT fingerprint FROM other.superseded)
    """,
    """
    DELETE FROM outcomes WHERE EXISTS (
        SELECT 1 FROM other.superseded AS old JOIN other.outcomes AS theirs USING (fingerprint)
        WHERE old.fingerprint = outcomes.fingerprint
        AND (old.kind, old.text, old.reason) IS (outcomes.kind, outcomes.text, outcomes.reason))
    """,
    "INSERT OR IGNORE INTO superseded SELECT * FROM other.superseded",
)
"""What they corrected of answers that we have uncorrected."""

MERGE_LOADS = """
INSERT INTO loads (run_id, feature, model, load_s, usd, ended)
SELECT run_id, feature, model, load_s, usd, ended FROM other.loads
WHERE run_id NOT IN (SELECT run_id FROM loads)
"""
"""Loads have no key: a run's come all at once."""

CONFLICTS = """
SELECT count(*) FROM outcomes JOIN other.outcomes AS theirs USING (fingerprint)
WHERE (outcomes.kind, outcomes.text, outcomes.reason)
    IS NOT (theirs.kind, theirs.text, theirs.reason)
AND NOT EXISTS (SELECT 1 FROM superseded AS old WHERE old.fingerprint = outcomes.fingerprint
    AND (old.kind, old.text, old.reason) IS (theirs.kind, theirs.text, theirs.reason))
"""

EXPORT = """
SELECT feature, option, case_id, repeat, purpose, provider, model, cycle, attempts.*, ends.kind,
    ends.reason, ends.finish, ends.probability, ends.text, ends.tool_calls
FROM attempts JOIN trials USING (fingerprint) JOIN runs USING (run_id)
LEFT JOIN (
    SELECT fingerprint, NULL AS superseded_at, kind, text, finish, tool_calls, reason, probability
    FROM outcomes
    UNION ALL SELECT fingerprint, superseded_at, kind, text, finish, tool_calls, reason, probability
    FROM superseded
) AS ends ON ends.fingerprint = attempts.fingerprint
    AND ends.superseded_at IS attempts.superseded_at
ORDER BY attempts.id
"""


def show(path: Path) -> JournalFacts:
    """Say what is in a journal."""
    with reading(path) as connection:
        kinds = dict(connection.execute("SELECT kind, count(*) FROM outcomes GROUP BY kind"))
        return JournalFacts(
            version=read_version(connection),
            megabytes=path.stat().st_size / 1e6,
            runs=tuple(
                RunFacts(**dict(zip(RunFacts.__slots__, row, strict=True)))
                for row in connection.execute(RUNS)
            ),
            trials=_count(connection, "SELECT count(*) FROM trials"),
            attempts=_count(connection, "SELECT count(*) FROM attempts"),
            answered=int(kinds.get("answered", 0)),
            failed=int(kinds.get("failed", 0)),
            replaced=_count(connection, "SELECT count(*) FROM superseded"),
            faults=_faults(connection, None),
            lanes=tuple(lane_of(row) for row in connection.execute(FIND_LANES)),
        )


def unanswered(path: Path, run_id: str) -> Sequence[FaultFacts]:
    """Why a run's trials have no answer; nothing of those that were never sent."""
    with reading(path) as connection:
        return _faults(connection, run_id)


def models_in(path: Path) -> frozenset[str]:
    """The models, judges too, that any answer of a journal is of."""
    with reading(path) as connection:
        rows = connection.execute("SELECT DISTINCT option FROM trials").fetchall()
    return frozenset(str(row[0]).removeprefix("judge:").partition("@")[0] for row in rows)


def check(path: Path) -> Sequence[str]:
    """Find what is wrong with a journal, one line each."""
    problems: list[str] = []
    mode = stat.S_IMODE(path.stat().st_mode) if path.is_file() else OWNER_ONLY
    if mode & 0o077:
        problems.append(f"{path}: others may read it (mode {mode:o}); chmod 600")
    with reading(path) as connection:
        for (line,) in connection.execute("PRAGMA integrity_check"):
            if line != "ok":
                problems.append(f"{path}: damaged: {line}")
        for what, query in CHECKS:
            found = _count(connection, query)
            if found:
                problems.append(f"{path}: {found} {what}")
        for feature, plan, sha256 in connection.execute("SELECT feature, plan, sha256 FROM plans"):
            if plan_row_sha256(feature, plan) != sha256:
                problems.append(f"{path}: the plan of {feature} is not the one that was hashed")
    return problems


def merge(target: Path, source: Path) -> Merged:
    """Bring a colleague's runs, attempts and outcomes into a journal; equal ones come once."""
    with reading(source):
        pass
    if target.exists() and target.samefile(source):
        raise UsageError(f"{source}: is this workspace's journal itself; name a colleague's")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(target), closing(connect(target)) as connection:
        migrate(connection, str(target))
        connection.execute("ATTACH ? AS other", (str(source),))
        with transaction(connection):
            for statement in MERGE_CORRECTED:
                connection.execute(statement)
            conflicts = _count(connection, CONFLICTS)
            runs = connection.execute("INSERT OR IGNORE INTO runs SELECT * FROM other.runs")
            connection.execute("INSERT OR IGNORE INTO plans SELECT * FROM other.plans")
            connection.execute("INSERT OR IGNORE INTO trials SELECT * FROM other.trials")
            connection.execute("INSERT OR IGNORE INTO calls SELECT * FROM other.calls")
            connection.execute("INSERT OR IGNORE INTO lanes SELECT * FROM other.lanes")
            connection.execute(MERGE_LOADS)
            attempts = connection.execute(MERGE_ATTEMPTS)
            outcomes = connection.execute(
                "INSERT OR IGNORE INTO outcomes SELECT * FROM other.outcomes"
            )
        return Merged(
            runs=runs.rowcount,
            attempts=attempts.rowcount,
            outcomes=outcomes.rowcount,
            conflicts=conflicts,
        )


def compact(path: Path) -> tuple[int, int]:
    """Give back unused space; returns the bytes before and after."""
    with reading(path):
        pass
    with locked(path), closing(connect(path)) as connection:
        before = path.stat().st_size
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size


def export(path: Path, out: Path, *, answers: bool = False) -> int:
    """Write every attempt as a row of a Parquet file, its owner's only; returns the rows.

    Answers stay in the journal unless asked for. Dollars are text, as everywhere.
    """
    _refuse_to_replace(out)
    with reading(path) as connection:
        cursor = connection.execute(EXPORT)
        names = [column[0] for column in cursor.description]
        rows = [_exported(dict(zip(names, row, strict=True)), answers) for row in cursor]
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise UsageError("Parquet needs pyarrow: install model-rightsizing[review]") from None
    os.close(open_private(out))
    parquet.write_table(arrow.Table.from_pylist(rows), out)
    return len(rows)


PARQUET = b"PAR1"


def _refuse_to_replace(out: Path) -> None:
    """An export takes the place of an earlier one, and of nothing else."""
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name the file to write")
    if not out.exists():
        return
    with out.open("rb") as stream:
        if stream.read(len(PARQUET)) not in {PARQUET, b""}:
            raise UsageError(f"{out}: is there and no Parquet file; name another one")


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """A journal of this version, for reading."""
    if not path.is_file():
        raise UsageError(f"{path}: no journal here; `rightsize review` writes one")
    with closing(connect(path)) as connection:
        migrate(connection, str(path))
        connection.execute("PRAGMA query_only = 1")
        yield connection


def _exported(row: dict[str, Any], answers: bool) -> dict[str, Any]:  # noqa: FBT001
    said = {name: to_text(row.pop(name)) for name in ("text", "tool_calls")}
    return {**row, **said} if answers else row


def _faults(connection: sqlite3.Connection, run_id: str | None) -> tuple[FaultFacts, ...]:
    return tuple(
        FaultFacts(**dict(zip(FaultFacts.__slots__, row, strict=True)))
        for row in connection.execute(FAULTS, (run_id,))
    )


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
