"""Calls out of logs, by one engine: DuckDB reads each row by its format's table.

Rows stream through in batches; only numbers, names and hashes are kept, in a file that ends with
the reading. A row that cannot be read is kept with its file, line and reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb

from harness.bring.logs import sql
from harness.bring.logs.attributing import Attribution
from harness.bring.logs.log_format import LogFormat
from harness.bring.logs.rows.batches import BATCH, RowBatches
from harness.bring.logs.sql_values import settled
from harness.errors import UsageError
from harness.money.measured import LogRead

_CALLS = """
CREATE TABLE calls (
  file SMALLINT, line BIGINT, began TIMESTAMP, hours SMALLINT, id UHUGEINT, attempt BOOLEAN,
  parent UHUGEINT, asked UHUGEINT, feature VARCHAR, team VARCHAR, product VARCHAR,
  environment VARCHAR, cohort VARCHAR, caller VARCHAR, model VARCHAR, kind VARCHAR,
  n DOUBLE, failed DOUBLE, single BOOLEAN, hit BOOLEAN, known BOOLEAN, input DOUBLE, cached DOUBLE,
  written DOUBLE, output DOUBLE, reasoning DOUBLE, cost DECIMAL(28, 12), latency DOUBLE,
  waited DOUBLE, again VARCHAR, started TIMESTAMP,
  reason VARCHAR, counted_by VARCHAR, notes UTINYINT)
"""
NOTES = {"doubled": (1, "doubled"), "spelled": (2, "plain IS NULL AND money >= 0")}
"""Rules that are told, each with its bit and which rows are read by it: a time that clocks show
twice is read as its first, and a cost as `$0.12` or `0,12` as an amount of USD."""
_HASH = (
    "CASE WHEN {0} IS NULL OR {0} IN ('', '{{}}', '[]', 'null') THEN NULL ELSE md5_number({0}) END"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIntake:
    """How logs are read.

    `now` bounds what a clock can have said; `zone` is of times without an offset.
    """

    now: datetime
    zone: str | None = None
    rules: Attribution = field(default_factory=Attribution)
    memory: str = "1200MB"
    threads: int = 2


@dataclass(frozen=True, slots=True, order=True)
class Refused:
    """A row that is not counted, and why."""

    file: str
    line: int
    reason: str


class CallLog:
    """The calls of some files, in a database of its own that ends with it."""

    def __init__(self, reading: LogIntake) -> None:
        self._reading = reading
        self._folder = TemporaryDirectory(prefix="rightsize-logs-")
        self.base = duckdb.connect(str(Path(self._folder.name) / "calls.duckdb"))
        self.files: list[LogRead] = []
        self.noted: Counter[str] = Counter()
        """Calls that were read by a rule which is to be told, by its name in `NOTES`."""
        self.base.execute("SET TimeZone = 'UTC'")
        self.base.execute(f"SET memory_limit = {sql.quoted(reading.memory)}")
        self.base.execute(f"SET threads = {reading.threads}")
        self.base.execute("SET preserve_insertion_order = false")
        self.base.execute(_CALLS)
        self.base.execute("CREATE TABLE refused (file SMALLINT, line BIGINT, reason VARCHAR)")

    def __enter__(self) -> Self:
        """Open, as it is made."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, and leave nothing behind."""
        self.base.close()
        self._folder.cleanup()

    def add(self, path: Path, form: LogFormat, *, failures_told: bool = True) -> LogRead:
        """Read a file; one that was read already, by its content, changes nothing.

        Where nothing of it says which calls failed, that is unknown.

        Raises:
            UsageError: it cannot be opened, or is no file of this format at all.
        """
        digest = sha256_of(path)
        known = next((each for each in self.files if each.sha256 == digest), None)
        if known is not None:
            return known
        number = len(self.files)
        rows = self._read(path, form, number)
        refused = self._count("refused", number)
        read = LogRead(
            file=path.name,
            sha256=digest,
            format=form.name,
            rows=rows,
            passed_over=rows - self._count("calls", number) - refused,
            refused=refused,
        )
        self.files.append(read)
        for note, (bit, _) in NOTES.items():
            self.noted[note] += self._count("calls", number, f"notes & {bit} > 0")
        if not failures_told:
            self.base.execute(_NOBODY_TELLS, [number, number])
        self._counts_once(path)
        return read

    def _counts_once(self, path: Path) -> None:
        """Refuse sums that count a call several times: by several of its tags, or by two fields."""
        found = self.base.execute(
            "SELECT DISTINCT coalesce(counted_by, 'row') FROM calls WHERE NOT single ORDER BY 1"
        ).fetchall()
        if len(found) > 1:
            kinds = ", ".join(str(kind) for (kind,) in found)
            raise UsageError(
                f"{path}: a call stands in sums of {kinds}, once in each: give the sums of one of "
                "them, or place calls by one kind of tag in attribution.yaml"
            )

    def _read(self, path: Path, form: LogFormat, number: int) -> int:
        """Every row of a file, in one statement; returns how many they are."""
        found = RowBatches(self.base, path, form)
        try:
            with found:
                step = _step(form, self._reading, number, found)
                ((rows,),) = self.base.execute(step).fetchall()
            for kept in _APART:
                self.base.execute(kept, [number])
        except duckdb.Error as error:
            if found.fault is not None:
                raise found.fault from None
            said = str(error).splitlines()[0]
            raise UsageError(f"{path}: cannot be read as {form.name} ({said[:120]})") from None
        return int(rows)

    def _count(self, table: str, number: int, which: str = "true") -> int:
        return self.one(f"SELECT count(*) FROM {table} WHERE file = {number} AND {which}")  # noqa: S608

    def one(self, query: str) -> int:
        """A query's one number."""
        ((found,),) = self.base.execute(query).fetchall()
        return int(found)

    def reasons(self) -> dict[str, int]:
        """Why rows were refused, and how many; most first."""
        found = self.base.execute(
            "SELECT reason, count(*) FROM refused GROUP BY reason ORDER BY 2 DESC, 1"
        ).fetchall()
        return {str(reason): int(count) for reason, count in found}

    def refused(self) -> Iterator[Refused]:
        """Rows that are not counted, by file and line."""
        found = self.base.execute("SELECT file, line, reason FROM refused ORDER BY ALL")
        while rows := found.fetchmany(BATCH):
            for number, line, reason in rows:
                yield Refused(self.files[int(number)].file, int(line), str(reason))


def sha256_of(path: Path) -> str:
    """The hash of a file's content.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _named(columns: sql.Named) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in columns)


def _noted() -> str:
    """The rules that a row was read by, as bits."""
    return " + ".join(f"CASE WHEN {test} THEN {bit} ELSE 0 END" for bit, test in NOTES.values())


def _step(form: LogFormat, reading: LogIntake, number: int, rows: RowBatches) -> str:
    """A file, read: its rows with their reasons; an empty one tells a row that is no call."""
    picked, texts = sql.columns(form, of_table=rows.of_table)
    latest = reading.now.astimezone(UTC) + timedelta(days=1)
    share = "coalesce(sample, 1)"
    hashed = {name: _HASH.format(name) for name in ("request", "parent", "asked_text")}
    return f"""
INSERT INTO calls
WITH picked AS (
  SELECT line, reason AS unread, {rows.places(picked)} AS p FROM {rows.source}),
opened AS (SELECT *{picked.opened()} FROM picked),
texts AS (
  SELECT line, CASE WHEN unread IS NOT NULL THEN unread WHEN p IS NULL THEN 'no JSON' END AS broken,
    {_named(texts)} FROM opened),
at_first AS (SELECT *, {_named(sql.typed(form, reading.zone, latest))} FROM texts),
typed AS ({settled(form, reading.zone, latest)}),
used AS (SELECT *, {sql.kind()} AS kind, {_named(sql.usage(form))} FROM typed),
placed AS (SELECT *, {reading.rules.placed()} FROM used),
read AS (
SELECT {number}::SMALLINT AS file, line, {sql.reason(form, reading.zone, latest)} AS reason,
  is_call, counted_by, {_noted()} AS notes, at_time AS began, {hashed["request"]} AS id,
  {hashed["parent"]} AS parent, {hashed["asked_text"]} AS asked, to_feature, to_team, to_product,
  to_environment, to_cohort,
  coalesce(caller, '') AS caller, coalesce(model, '') AS model, kind,
  coalesce(calls, 1) / {share} AS n,
  CASE WHEN is_failed THEN coalesce(calls, 1) ELSE coalesce(failures, 0) END / {share} AS failed,
  is_hit AS hit,
  is_hit OR (whole_in IS NULL AND is_failed) OR NOT ((coalesce(total, 0) = 0 AND NOT is_failed
      AND (input IS NULL OR (output IS NULL AND kind NOT IN ('embedding', 'rerank', 'moderation'))))
    OR whole_in IS NULL OR whole_out IS NULL
    OR coalesce(cached, 0) + coalesce(written, 0) > whole_in
    OR coalesce(reasoning, 0) > whole_out) AS known,
  whole_in / {share} AS input, cached_told / {share} AS cached, written_told / {share} AS written,
  whole_out / {share} AS output,
  CASE WHEN whole_out IS NOT NULL THEN reasoning END / {share} AS reasoning,
  CASE WHEN is_hit THEN 0 WHEN sample IS NULL THEN money
    ELSE TRY_CAST(money / sample AS DECIMAL(28, 12)) END AS cost,
  coalesce(latency, (epoch_us(end_at) - epoch_us(at_time)) / 1000) AS latency,
  coalesce(first, (epoch_us(first_at) - epoch_us(at_time)) / 1000) AS waited
FROM placed)
SELECT file, line, began, {form.hours}, id, {str(form.attempts).lower()}, parent, asked, to_feature,
  to_team, to_product, to_environment, to_cohort, caller, model, kind, n, failed,
  {str(not form.calls).lower()}, hit, known, {_TAKEN.format("input")}, {_TOLD.format("cached")},
  {_TOLD.format("written")}, {_TAKEN.format("output")}, {_TOLD.format("reasoning")}, cost,
  latency, waited, NULL, began, CASE WHEN reason IS NOT NULL THEN reason WHEN NOT is_call
    OR (to_feature = '' AND starts_with(coalesce(counted_by, ''), 'tag ')) THEN '' END, counted_by,
  notes
FROM read
"""  # noqa: S608


_NOBODY_TELLS = """
UPDATE calls SET failed = NULL WHERE file = ?
  AND NOT EXISTS (SELECT 1 FROM calls WHERE file = ? AND failed > 0)
"""
_TOLD = "CASE WHEN hit THEN 0 WHEN known THEN {0} END"
"""Tokens read from a prompt cache, written to it, or of thoughts; NULL if the log has none."""
_TAKEN = "CASE WHEN known AND NOT hit THEN coalesce({0}, 0) ELSE 0 END"
_APART = tuple(
    f"{what} FROM calls WHERE file = ? AND {which}"
    for what, which in (
        ("INSERT INTO refused SELECT file, line, reason", "reason <> ''"),
        ("DELETE", "reason IS NOT NULL"),
    )
)
