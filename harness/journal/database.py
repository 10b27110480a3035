"""The journal's SQLite file: its tables, its migrations, and the lock of its one writer.

Commits are durable, and the lock ends with its process.

`attempts` holds each wire call from the moment before it is sent; a row whose `ended` is 0 was
sent by a run that died: whether it was billed is unknown; where `batch` names the vendor's batch
that it went with, its end can still be fetched. `loads` holds what the GPUs of models that we
start cost while they load, shared out over the features that ask them: a row whose `ended` is 0 was
set aside before a load and nobody has said how long that took. `outcomes` holds final ends only
(answered, or failed by the model); what the world prevented is asked again by the next run.
`superseded` keeps the ends that an import replaced, and `superseded_at` marks the attempts that
brought them: a record that was made before still follows from the journal as it stood then.
`calls` says which calls a program made in which trial: each is a trial of its own, whose answer is
the reply as it came, and its attempts count as the program's trial's; `role` names who made one.
`probability` is what a model told of its own answer, where it told it.
Texts of answers are bytes (UTF-8 with surrogates passed through), for models may emit anything.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path

from filelock import lock_descriptor

from harness.errors import UsageError
from harness.workspace.state import open_private


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with durable commits (WAL, fsync at each); nothing of another's is touched.

    Raises:
        UsageError: it is no journal, damaged at its beginning, or in another program's hands.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    try:
        fault = _fault(connection)
        if fault is None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            return connection
    except sqlite3.DatabaseError as error:
        fault = _told(error)
        if fault is None:
            raise
    connection.close()
    raise UsageError(f"the journal {path}: {fault}")


def journal_fault(path: Path) -> str | None:
    """Why a file can be no journal of a review; None where it is one, or is not there yet."""
    if not path.exists():
        return None
    if not path.is_file():
        return "is no plain file"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return _fault(connection)
    except sqlite3.DatabaseError as error:
        return _told(error) or str(error)


def _fault(connection: sqlite3.Connection) -> str | None:
    version = read_version(connection)
    tables = {name for (name,) in connection.execute(_TABLES)}
    if version == 0 and tables:
        return "another program's database, no journal"
    if version != VERSION:
        return None
    lacking = sorted(_own_tables() - tables)
    for name in _own_tables() & tables:
        connection.execute(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608  # names of our own
    return f"has no table {lacking[0]}; {_MOVE}" if lacking else None


@cache
def _own_tables() -> frozenset[str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, "a new journal")
        return frozenset(name for (name,) in connection.execute(_TABLES))


def _told(error: sqlite3.DatabaseError) -> str | None:
    """What went wrong and what to do, of the faults that a user can mend."""
    cure = _CURES.get("_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]))
    return None if cure is None else f"{error}; {cure}"


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_MOVE = "take a copy back, or move it away: what it holds is then asked again"
_CURES = {
    "SQLITE_NOTADB": _MOVE,
    "SQLITE_CORRUPT": _MOVE,
    "SQLITE_BUSY": "another program has it open: close that, and run this again",
    "SQLITE_LOCKED": "another program has it open: close that, and run this again",
}
"""By SQLite's own name of the error, without what it adds to some."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


VERSION = 8

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, cycle TEXT NOT NULL, started_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE plans (
        run_id TEXT NOT NULL REFERENCES runs, feature TEXT NOT NULL, plan TEXT NOT NULL,
        sha256 TEXT NOT NULL, written_at TEXT NOT NULL, PRIMARY KEY (run_id, feature)
    ) WITHOUT ROWID;
    CREATE TABLE trials (
        fingerprint TEXT PRIMARY KEY, feature TEXT NOT NULL, option TEXT NOT NULL,
        case_id TEXT NOT NULL, repeat INTEGER NOT NULL, purpose TEXT NOT NULL,
        provider TEXT NOT NULL, model TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, run_id TEXT NOT NULL,
        number INTEGER NOT NULL, reserve_usd TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
        started_at TEXT, cost_usd TEXT, usage TEXT, total_s REAL, first_token_s REAL,
        inter_token_s REAL, error TEXT, status INTEGER, request_id TEXT, served_model TEXT,
        lagged INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX attempts_of_a_trial ON attempts (fingerprint);
    CREATE TABLE outcomes (
        fingerprint TEXT PRIMARY KEY, kind TEXT NOT NULL, text BLOB, finish TEXT,
        tool_calls BLOB, reason TEXT
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE lanes (
        run_id TEXT NOT NULL REFERENCES runs, provider TEXT NOT NULL, key TEXT NOT NULL,
        model TEXT NOT NULL, calls INTEGER NOT NULL, answered INTEGER NOT NULL,
        rate_limited INTEGER NOT NULL, overloaded INTEGER NOT NULL, cuts INTEGER NOT NULL,
        most_in_flight INTEGER NOT NULL, tokens INTEGER NOT NULL, active_s REAL NOT NULL,
        requests_per_minute INTEGER, tokens_per_minute INTEGER,
        PRIMARY KEY (run_id, provider, key, model)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE attempts ADD COLUMN batch TEXT;",
    """
    CREATE TABLE loads (
        run_id TEXT NOT NULL REFERENCES runs, feature TEXT NOT NULL, model TEXT NOT NULL,
        load_s REAL NOT NULL, usd TEXT NOT NULL
    );
    """,
    "ALTER TABLE loads ADD COLUMN ended INTEGER NOT NULL DEFAULT 1;",
    """
    CREATE TABLE superseded (
        fingerprint TEXT NOT NULL, superseded_at TEXT NOT NULL, kind TEXT NOT NULL, text BLOB,
        finish TEXT, tool_calls BLOB, reason TEXT, PRIMARY KEY (fingerprint, superseded_at)
    ) WITHOUT ROWID;
    ALTER TABLE attempts ADD COLUMN superseded_at TEXT;
    """,
    """
    CREATE TABLE calls (call TEXT PRIMARY KEY, trial TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX calls_of_a_trial ON calls (trial);
    ALTER TABLE attempts ADD COLUMN role TEXT;
    """,
    """
    ALTER TABLE outcomes ADD COLUMN probability REAL;
    ALTER TABLE superseded ADD COLUMN probability REAL;
    """,
)
"""Element i brings a journal from version i to i + 1."""


def migrate(connection: sqlite3.Connection, where: str) -> None:
    """Bring a journal to this program's version, in one transaction."""
    version = read_version(connection)
    if version > VERSION:
        raise UsageError(
            f"{where}: journal of version {version}, this program knows {VERSION}: "
            "install the newer model-rightsizing that wrote it"
        )
    for step in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
        )


def read_version(connection: sqlite3.Connection) -> int:
    """The version a journal was written by; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def locked(journal: Path) -> Generator[None]:
    """Hold a journal's lock for a while."""
    descriptor = take_lock(journal)
    try:
        yield
    finally:
        os.close(descriptor)


def take_lock(journal: Path) -> int:
    """Lock a journal for writing; returns the descriptor that holds the lock until closed."""
    file = journal.with_name(journal.name + ".lock")
    descriptor = open_private(file)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not lock_descriptor(descriptor, blocking=False):
            holder = os.read(descriptor, 32).decode().strip()
            raise UsageError(
                f"{journal}: in use by another review (process {holder or 'unknown'}): "
                "wait for it to end, or end it and run this command again"
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        stack.pop_all()
    return descriptor
