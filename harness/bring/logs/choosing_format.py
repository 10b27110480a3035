"""Which format a log has: the first whose fields are all there, or one of a team's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator, model_validator

from evalsets.files import FileModel
from evalsets.source import SourceError, read_text, read_yaml
from evalsets.validation import validated
from harness.bring.logs.formats import FORMATS
from harness.bring.logs.log_format import Amount, LogFormat, Moment, Paths, Test
from harness.bring.logs.rows.batches import first_rows, is_parquet, taken_out
from harness.bring.logs.rows.lines import places
from harness.bring.logs.sql import columns
from harness.errors import UsageError, WorkspaceError
from harness.workspace.reading import problem_of

_PLAIN = (
    *("request", "parent", "input", "cached", "written", "output", "reasoning", "total"),
    *("calls", "sampled", "model", "operation", "feature", "team", "product", "cohort"),
    *("environment", "caller", "currency"),
    *("tags", "asked"),
)


def known_zone(name: str) -> str:
    """The name of a time zone that there is.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone, such as UTC or Europe/Berlin") from None
    return name


class ColumnMapping(FileModel):
    """Columns by what they are; `usage.input` is read inside JSON, too."""

    time: str
    """When the call began."""
    time_unit: Literal["iso", "s", "ms", "us", "ns"] = "iso"
    """How that is written: a date and time, or a count since 1970."""
    timezone: str | None = None
    """The zone of times without an offset."""
    end: str | None = None
    """When it ended."""
    request: str | None = None
    """What tells calls apart; without it equal rows are different calls."""
    rows: Literal["calls", "attempts"] = "calls"
    """Rows with one request: one call told again, or further attempts."""
    parent: str | None = None
    """The trace, session or span that it belongs to."""
    input: str | None = None
    """Input tokens."""
    cached: str | None = None
    """Those read from a prompt cache."""
    written: str | None = None
    """Those written to a prompt cache."""
    cached_inside: bool = True
    """Whether the input counts them, too."""
    output: str | None = None
    """Output tokens."""
    reasoning: str | None = None
    """Tokens of thoughts."""
    reasoning_inside: bool = True
    """Whether the output counts them, too."""
    total: str | None = None
    """All tokens; tells what stands inside what."""
    calls: str | None = None
    """The number of calls that a row adds up, in logs of sums."""
    sampled: str | None = None
    """Share of the calls that is logged."""
    cost: str | None = None
    """What it cost."""
    cost_unit: Literal["usd", "cents"] = "usd"
    """In which unit."""
    currency: str | None = None
    """In which currency it is; what is not USD is refused."""
    latency: str | None = None
    """How long it took."""
    first_token: str | None = None
    """How long until the first token."""
    latency_unit: Literal["ms", "s"] = "ms"
    """In which unit both are."""
    model: str | None = None
    """The model."""
    operation: str | None = None
    """What was asked of it: chat, embeddings."""
    error: str | None = None
    """Not empty if the call failed."""
    cache_hit: str | None = None
    """True if the gateway answered from its own cache."""
    feature: str | None = None
    """The feature."""
    team: str | None = None
    """Its team."""
    product: str | None = None
    """Its product."""
    cohort: str | None = None
    """Whose requests are counted apart."""
    environment: str | None = None
    """The environment."""
    caller: str | None = None
    """Who called."""
    tags: str | None = None
    """Tags: a list, or keys with values."""
    asked: str | None = None
    """What was asked, or its hash."""

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else known_zone(zone)

    @model_validator(mode="after")
    def _attempts_of_requests(self) -> Self:
        if self.rows == "attempts" and self.request is None:
            raise ValueError("rows: attempts needs request: the column that tells requests apart")
        return self

    def to_format(self, name: str) -> LogFormat:
        """The format that these columns are."""
        seconds = "1000" if self.latency_unit == "s" else "1"
        marks = (self.time, *(each for each in (self.input, self.output) if each))
        form = LogFormat(
            name=name,
            source=name,
            marks=tuple(column(each) for each in marks),
            at=Moment(paths=column(self.time), unit=self.time_unit, zone=self.timezone),
            end=Moment(paths=column(self.end), unit=self.time_unit, zone=self.timezone)
            if self.end
            else None,
            attempts=self.rows == "attempts",
            cached_inside=self.cached_inside,
            reasoning_inside=self.reasoning_inside,
            cost=Amount(
                paths=column(self.cost), times="0.01" if self.cost_unit == "cents" else "1"
            ),
            latency=Amount(paths=column(self.latency), times=seconds),
            first_token=Amount(paths=column(self.first_token), times=seconds),
            failed=_test(self.error, ()),
            failed_maybe=True,
            from_cache=_test(self.cache_hit, ("true", "1", "hit", "yes")),
        )
        return replace(form, **cast("Any", {each: column(getattr(self, each)) for each in _PLAIN}))


def column(name: str | None) -> Paths:
    """A column by its name; with dots, else a place inside it."""
    if name is None:
        return ()
    plain = name.replace("~", "~0").replace("/", "~1")
    if "." not in name:
        return (f"/{plain}",)
    first, *deeper = plain.split(".")
    return (f"/{plain}", f"/{first}|/{'/'.join(deeper)}")


def _test(name: str | None, values: tuple[str, ...]) -> tuple[Test, ...]:
    return tuple((path, values) for path in column(name))


def read_mapping(path: Path) -> LogFormat:
    """A format out of a mapping.

    Raises:
        UsageError: it cannot be read.
        WorkspaceError: every fault of it.
    """
    try:
        source = read_yaml(read_text(path, shown=str(path)), file=path.name)
        return validated(source, ColumnMapping).to_format(path.name)
    except SourceError as error:
        raise WorkspaceError([problem_of(fault) for fault in error.faults]) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def find_format(path: Path) -> LogFormat:
    """The format of a file.

    Raises:
        UsageError: none that we know, or it cannot be read.
    """
    rows = first_rows(path)
    for form in FORMATS.values():
        inner = _inner(rows, form)
        if any(all(_there(row, paths) for paths in form.marks) for row in inner):
            return form
    if not rows:
        raise UsageError(f"{path}: {_why_none(path)}")
    objects = [cast("Mapping[str, object]", row) for row in rows if isinstance(row, dict)]
    shown = ", ".join(list(objects[0])[:8] if objects else ()) or "nothing that can be read"
    raise UsageError(
        f"{path}: no format that is known ({shown}); name it with --format ({', '.join(FORMATS)}), "
        "or say which column is what with --mapping FILE"
    )


def _why_none(path: Path) -> str:
    """Why no row of a file can be read: what is said of the first that has anything."""
    found = None if is_parquet(path) else next(places(path), None)
    if found is None or not found.reason:
        return "no rows that can be read; leave an empty file out"
    return f"no row that can be read (line {found.line}: {found.reason})"


def names_told(path: Path, form: LogFormat) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names that a format reads and a file has, and those of the file that it does not read."""
    picked, _ = columns(form)
    read = {pointer[1:].partition("/")[0] for pointer in picked.pointers}
    rows = [cast("Mapping[str, object]", row) for row in first_rows(path) if isinstance(row, dict)]
    found = dict.fromkeys(name for row in rows for name in row)
    return frozenset(found) & read, tuple(name for name in found if name not in read)


def tells_failures(path: Path, form: LogFormat) -> bool:
    """Whether a file has a field that would say which calls failed."""
    if form.failures or not form.failed_maybe:
        return bool(form.failures or form.failed)
    tested = {where[1:].partition("|")[0].partition("/")[0] for where, _ in form.failed}
    return bool(names_told(path, form)[0] & tested)


def _inner(rows: tuple[object, ...], form: LogFormat) -> tuple[object, ...]:
    """Rows as the marks name them: a log's line, not the event that carries it."""
    return taken_out(rows, form.unwrap) if form.unwrap == "cloudwatch" else rows


def _there(row: object, paths: Paths) -> bool:
    names = (path.removeprefix("/").partition("|")[0].partition("/")[0] for path in paths)
    return isinstance(row, dict) and any(name in row for name in names)
