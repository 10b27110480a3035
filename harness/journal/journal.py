"""The journal: every plan, every wire call, every end. SQLite, one writer, durable commits."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from itertools import groupby
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from harness.errors import UsageError
from harness.journal import rows as sql
from harness.journal.database import connect, migrate, take_lock, transaction
from harness.journal.rows import Settled, attempt_of, end_row, outcome_row, to_text, trial_row
from harness.journal.trials import Attempt, LaneHistory, Outcome, Trial
from harness.workspace.state import open_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A call about to be made."""

    trial: Trial
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a call, and of its trial if that settled it. `row` is what `commit` returned."""

    row: int
    attempt: Attempt
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """An attempt in a batch whose results have not been read yet."""

    fingerprint: str
    row: int
    number: int
    reserve_usd: Decimal
    started_at: str
    batch: str
    counted: bool
    """By a run of this cycle: what the cycle has spent counts its reservation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuLoading:
    """One feature's part of what a model's GPUs cost, or may cost, while it loaded."""

    feature: str
    model: str
    load_s: float
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A plan as it was written before its first call."""

    run_id: str
    feature: str
    plan: str
    sha256: str
    written_at: str
    cycle: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Answering:
    """A run that brought answers to a feature; they are in the order of their beginnings."""

    started_at: str
    run_id: str
    cycle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentOrReserved:
    """What attempts cost: known, and set aside for those whose usage is unknown."""

    known_usd: Decimal
    possibly_billed_usd: Decimal


USD_DIGITS = 12
NOW = "now"
"""Greater than every moment, as text."""

P = ParamSpec("P")
T = TypeVar("T")


def _in_turn(method: Callable[Concatenate[Journal, P], T]) -> Callable[Concatenate[Journal, P], T]:
    """The one connection is used by one thread at a time; the others wait."""

    @wraps(method)
    def turn(self: Journal, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.turn:
            return method(self, *args, **kwargs)

    return turn


class Journal:
    """A journal open for one review, or for reading. Several threads may use it, in turn.

    Answers are read as they stood at `as_of` (UTC, ISO 8601); `replaced` are the trials read whose
    answers were replaced after it.
    """

    def __init__(self, connection: sqlite3.Connection, run_id: str, lock: int | None) -> None:
        self._connection = connection
        self._lock = lock
        self.run_id = run_id
        self.is_read_only = lock is None
        self.as_of = NOW
        self.replaced: set[str] = set()
        self.turn = RLock()
        newest = connection.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
        self._next_row = int(newest[0]) + 1

    @classmethod
    def open(cls, path: Path, *, run_id: str, cycle: str, now: str) -> Self:
        """Open for a review, creating what is missing; refuses a second. `now`: UTC, ISO 8601."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = take_lock(path)
        try:
            os.close(open_private(path))
            connection = connect(path)
            migrate(connection, str(path))
            with transaction(connection):
                connection.execute(
                    "INSERT OR IGNORE INTO runs VALUES (?, ?, ?)", (run_id, cycle, now)
                )
            return cls(connection, run_id, lock)
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open for reading only, also while a review writes."""
        if not path.is_file():
            raise UsageError(f"{path}: no journal here; `rightsize review` writes one")
        connection = connect(path)
        migrate(connection, str(path))
        connection.execute("PRAGMA query_only = 1")
        return cls(connection, "", None)

    def __enter__(self) -> Self:
        """The open journal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the file and let the next review in."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @_in_turn
    def commit(self, *, ended: Sequence[Ended], sent: Sequence[Sent]) -> Sequence[int]:
        """Write ends and calls about to be made, durably; returns a row for each of `sent`."""
        if not ended and not sent:
            return ()
        rows = range(self._next_row, self._next_row + len(sent))
        outcomes = [row for end in ended if end.outcome and (row := outcome_row(end.outcome))]
        run = self._connection.executemany
        with transaction(self._connection):
            run(sql.END_ATTEMPT, [(*end_row(end.attempt), end.row) for end in ended])
            run(sql.SETTLE, outcomes)
            run(sql.KNOW_TRIAL, [trial_row(call.trial) for call in sent if call.number == 1])
            numbered = zip(rows, sent, strict=True)
            begun = [(row, self.run_id, call.trial, call.number) for row, call in numbered]
            run(sql.BEGIN_ATTEMPT, [sql.begin_row(*one) for one in begun])
            calls = [call.trial for call in sent if call.trial.part_of is not None]
            run(sql.KNOW_CALL, [(call.fingerprint, call.part_of) for call in calls])
        self._next_row += len(sent)
        return rows

    @_in_turn
    def note_made(self, trial: str, made: Mapping[str, str | None]) -> None:
        """Tell the calls of a program's last run, with their roles, from those of stopped runs."""
        with transaction(self._connection):
            for statement, values in sql.calls_made(trial, made):
                self._connection.execute(statement, values)

    @_in_turn
    def settled(self, fingerprints: Iterable[str]) -> Mapping[str, Settled]:
        """The final ends known of these trials, with every attempt ever made for them."""
        names = list(fingerprints)
        if not names:
            return {}
        wanted = json.dumps(names)
        ends = self._connection.execute(sql.FIND_OUTCOMES, (wanted, self.as_of)).fetchall()
        self.replaced |= {str(end[0]) for end in ends if end[-1]}
        attempts = self.attempts([end[0] for end in ends])
        return {
            fingerprint: Settled(
                kind=kind,
                attempts=attempts.get(fingerprint, ()),
                text=to_text(text),
                finish=finish,
                tool_calls=to_text(calls),
                reason=reason,
                probability=sure,
            )
            for fingerprint, kind, text, finish, calls, reason, sure, _ in ends
        }

    @_in_turn
    def attempts(
        self, fingerprints: Iterable[str], *, cycle: str | None = None
    ) -> Mapping[str, tuple[Attempt, ...]]:
        """Every attempt made for these trials, in the order of sending; `cycle`: in it alone."""
        wanted = json.dumps(list(fingerprints))
        found = self._connection.execute(sql.FIND_ATTEMPTS, (wanted, cycle, self.as_of))
        groups = groupby(found, key=lambda row: str(row[0]))
        return {name: tuple(attempt_of(row[1:]) for row in group) for name, group in groups}

    @_in_turn
    def supersede(self, fingerprints: Iterable[str], now: str) -> None:
        """Take answers back, durably, for others; a record made before still follows from them."""
        wanted = json.dumps(list(fingerprints))
        with transaction(self._connection):
            for statement in sql.SUPERSEDE:
                self._connection.execute(statement, (wanted, now))

    @_in_turn
    def features(self, fingerprints: Iterable[str]) -> Mapping[str, str]:
        """The feature that each of these trials was first asked for."""
        wanted = json.dumps(list(fingerprints))
        return dict(self._connection.execute(sql.FIND_FEATURES, (wanted,)).fetchall())

    @_in_turn
    def note_batch(self, rows: Iterable[int], batch: str, now: str) -> None:
        """Write down, durably, the vendor's id of the batch that these calls went with."""
        with transaction(self._connection):
            self._connection.executemany(sql.NOTE_BATCH, [(batch, now, row) for row in rows])

    @_in_turn
    def under_way(self, fingerprints: Iterable[str]) -> Sequence[UnderWay]:
        """Attempts for these trials in batches, of any run, that still wait for their end."""
        wanted = (self.run_id, json.dumps(list(fingerprints)))
        found = self._connection.execute(sql.FIND_UNDER_WAY, wanted)
        return [
            UnderWay(
                fingerprint=fingerprint,
                row=row,
                number=number,
                reserve_usd=Decimal(reserve),
                started_at=started_at,
                batch=batch,
                counted=bool(counted),
            )
            for fingerprint, row, number, reserve, started_at, batch, counted in found
        ]

    @_in_turn
    def spend(self, *, cycle: str) -> SpentOrReserved:
        """What the attempts of a cycle's runs, and loading its models, cost so far."""
        rows = self._connection.execute(
            "SELECT reserve_usd, cost_usd FROM attempts JOIN runs USING (run_id) WHERE cycle = ?",
            (cycle,),
        )
        known = unknown = Decimal(0)
        for reserve, cost in rows:
            known += Decimal(cost or 0)
            unknown += Decimal(0) if cost is not None else Decimal(reserve)
        loads = _spend(self._connection.execute(sql.FIND_LOADS, (cycle, None)))
        return SpentOrReserved(
            known_usd=known + loads.known_usd,
            possibly_billed_usd=unknown + loads.possibly_billed_usd,
        )

    @_in_turn
    def begin_loads(self, loads: Sequence[GpuLoading]) -> Sequence[int]:
        """Set aside, durably, what loading models may cost, before that; returns a row for each."""
        rows = [(self.run_id, one.feature, one.model, one.load_s, str(one.usd), 0) for one in loads]
        with transaction(self._connection):
            return [int(self._connection.execute(sql.ADD_LOAD, row).lastrowid or 0) for row in rows]

    @_in_turn
    def add_loads(self, loads: Sequence[GpuLoading]) -> None:
        """Write what loading models cost, durably, in place of what this run set aside for them."""
        rows = [(self.run_id, one.feature, one.model, one.load_s, str(one.usd), 1) for one in loads]
        with transaction(self._connection):
            self._connection.executemany(sql.REPLACE_LOAD, [row[:3] for row in rows])
            self._connection.executemany(sql.ADD_LOAD, rows)

    @_in_turn
    def drop_loads(self, rows: Sequence[int]) -> None:
        """Take back, durably, what was set aside for loads that never began."""
        with transaction(self._connection):
            self._connection.executemany(sql.DROP_LOAD, [(row,) for row in rows])

    @_in_turn
    def cut_loads(self, rows: Sequence[int], most_s: float) -> None:
        """End loads that failed; only an upper bound of their seconds is known."""
        names = json.dumps(list(rows))
        with transaction(self._connection):
            for row, load_s, usd in self._connection.execute(sql.OPEN_LOADS, (names,)).fetchall():
                share = Decimal(str(min(most_s / load_s, 1.0)))
                cost = (round(Decimal(usd) * share, USD_DIGITS), min(most_s, load_s), row)
                self._connection.execute(sql.CUT_LOAD, (str(cost[0]), *cost[1:]))

    @_in_turn
    def load_spend(self, feature: str, cycle: str) -> SpentOrReserved:
        """What loading models cost one feature in a cycle."""
        return _spend(self._connection.execute(sql.FIND_LOADS, (cycle, feature)))

    @_in_turn
    def add_lanes(self, seen: Sequence[LaneHistory]) -> None:
        """Add to what is known of this run's lanes."""
        if not seen:
            return
        with transaction(self._connection):
            self._connection.executemany(
                sql.ADD_LANE, [(self.run_id, *sql.lane_row(lane)) for lane in seen]
            )

    @_in_turn
    def write_plan(
        self, run_id: str, feature: str, plan_json: str, plan_sha256: str, now: str
    ) -> None:
        """Write a feature's plan, durably, before its first call; a run's plan is never changed."""
        row = (run_id, feature, plan_json, plan_sha256, now)
        with transaction(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO plans VALUES (?, ?, ?, ?, ?)", row)

    @_in_turn
    def plans(self, feature: str, cycle: str) -> Sequence[PlanRow]:
        """Every plan written for a feature in a cycle, oldest first."""
        rows = self._connection.execute(
            "SELECT run_id, feature, plan, sha256, written_at, cycle "
            "FROM plans JOIN runs USING (run_id) "
            "WHERE feature = ? AND cycle = ? ORDER BY written_at, run_id",
            (feature, cycle),
        )
        return _plan_rows(rows)

    @_in_turn
    def all_plans(self, feature: str) -> Sequence[PlanRow]:
        """Every plan written for a feature, or for a part of it (`# part`), oldest first."""
        rows = self._connection.execute(
            "SELECT run_id, feature, plan, sha256, written_at, cycle FROM plans JOIN runs "
            "USING (run_id) WHERE feature = ?1 OR instr(feature, ?1 || ' # ') = 1 "
            "ORDER BY written_at, run_id, feature",
            (feature,),
        )
        return _plan_rows(rows)

    @_in_turn
    def planned_features(self) -> Sequence[str]:
        """The features that plans were written for."""
        rows = self._connection.execute(
            "SELECT DISTINCT feature FROM plans WHERE instr(feature, ' ') = 0 ORDER BY feature"
        )
        return [str(feature) for (feature,) in rows]

    @_in_turn
    def answering(self, feature: str) -> Sequence[Answering]:
        """The runs of any cycle that brought answers to a feature, tries apart, oldest first."""
        rows = self._connection.execute(sql.FIND_ANSWERING, (feature, f"{sql.TRY}{feature} "))
        return [Answering(started_at=at, run_id=run, cycle=cycle) for at, run, cycle in rows]


def _spend(loads: Iterable[tuple[str, int]]) -> SpentOrReserved:
    known = unknown = Decimal(0)
    for usd, ended in loads:
        known += Decimal(usd) if ended else Decimal(0)
        unknown += Decimal(0) if ended else Decimal(usd)
    return SpentOrReserved(known_usd=known, possibly_billed_usd=unknown)


def _plan_rows(rows: Iterable[Sequence[Any]]) -> list[PlanRow]:
    return [PlanRow(**dict(zip(PlanRow.__slots__, row, strict=True))) for row in rows]
