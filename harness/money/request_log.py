"""A log of single calls to weeks of traffic.

Columns: `timestamp` (ISO 8601, with its offset), `feature`, `request_id`, `input_tokens`,
`output_tokens`; optional `cohort`, `cached_tokens`, `cache_written_tokens`. Several rows with one
`request_id` are one request and its retried calls; it counts in the hour of its first call.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import pandas as pd

from harness.errors import Problem, WorkspaceError
from harness.money.traffic import COUNTS, HOURS_A_WEEK, HourUsage, Week

Frame: TypeAlias = "pd.DataFrame"

REQUIRED = ("timestamp", "feature", "request_id", "input_tokens", "output_tokens")
OPTIONAL = ("cohort", "cached_tokens", "cache_written_tokens")
_TOKENS = ("input_tokens", "cached_tokens", "cache_written_tokens", "output_tokens")
_WEEK = pd.Timedelta(weeks=1)
_DAY = pd.Timedelta(days=1)
_SHOWN = 20


def weeks_of_log(path: Path, *, file: str) -> tuple[Week, ...]:
    """Add a log's calls up by feature, cohort and hour of the week (UTC).

    The log must span whole weeks, or the hours of a cut week would be watched less often.

    Args:
        path: the CSV.
        file: its name, for the messages.

    Raises:
        WorkspaceError: columns are missing, cells are not what they should be, or the log does not
            span whole weeks.
    """
    calls = _read(path, file)
    weeks = _whole_weeks(calls["at"].max() - calls["at"].min(), file)
    requests = calls.groupby(["feature", "cohort", "request_id"], sort=True).agg(
        at=("at", "min"), calls=("at", "size"), **{name: (name, "sum") for name in _TOKENS}
    )
    requests["hour"] = requests["at"].dt.day_of_week * 24 + requests["at"].dt.hour
    groups = requests.reset_index().groupby(["feature", "cohort"], sort=True)
    return tuple(
        Week(feature=str(name[0]), cohort=str(name[1]), weeks=weeks, hours=_hours(group))
        for name, group in groups
    )


def _whole_weeks(span: pd.Timedelta, file: str) -> int:
    """Weeks that a log spans, which must be whole but for a quiet day at an end."""
    weeks = int(-(-span // _WEEK))
    if weeks == 0 or weeks * _WEEK - span > _DAY:
        days = span / _DAY
        message = f"the log spans {days:.1f} days; cut it to whole weeks"
        raise WorkspaceError([Problem(file=file, line=None, key="timestamp", message=message)])
    return weeks


def _hours(requests: Frame) -> tuple[HourUsage, ...]:
    counted = requests.groupby("hour").agg(
        requests=("calls", "size"),
        calls=("calls", "sum"),
        **{name: (name, "sum") for name in _TOKENS},
    )
    counted["retries"] = counted["calls"] - counted["requests"]
    whole = counted.reindex(range(HOURS_A_WEEK), fill_value=0)[list(COUNTS)].astype("int64")
    rows: list[list[int]] = whole.to_numpy().tolist()
    return tuple(HourUsage(**dict(zip(COUNTS, row, strict=True))) for row in rows)


def _read(path: Path, file: str) -> Frame:
    raw = _table(path, file)
    missing = [name for name in REQUIRED if name not in raw.columns]
    if missing:
        message = f"missing columns: {', '.join(missing)}"
        raise WorkspaceError([Problem(file=file, line=1, key="", message=message)])
    for name in OPTIONAL:
        if name not in raw.columns:
            raw[name] = "" if name == "cohort" else "0"
    problems: list[Problem] = []
    calls = raw[["feature", "cohort", "request_id"]].copy()
    calls["at"] = pd.to_datetime(raw["timestamp"], utc=True, format="ISO8601", errors="coerce")
    problems += _bad(calls["at"].isna(), raw["timestamp"], "timestamp", file, "an ISO 8601 time")
    zoned = raw["timestamp"].str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True)
    problems += _bad(
        ~zoned & calls["at"].notna(), raw["timestamp"], "timestamp", file, "a time with its offset"
    )
    for name in ("feature", "request_id"):
        empty = raw[name].str.strip() == ""
        problems += _bad(empty, raw[name], name, file, "a name: every call needs one")
    for name in _TOKENS:
        whole = raw[name].str.fullmatch(r"[0-9]{1,15}")
        problems += _bad(~whole, raw[name], name, file, "a whole number from 0 on")
        calls[name] = raw[name].where(whole, "0").astype("int64")
    if raw.empty:
        problems.append(Problem(file=file, line=1, key="", message="no rows; one per call"))
    if problems:
        raise WorkspaceError(problems)
    return calls


def _table(path: Path, file: str) -> Frame:
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if isinstance(raw.index, pd.RangeIndex):
            return raw
        message = "its rows have more cells than the header"
    except UnicodeDecodeError:
        message = "not UTF-8 text; save it as UTF-8"
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        message = f"no table: {' '.join(str(error).split())[:120]}"
    raise WorkspaceError([Problem(file=file, line=None, key="", message=message)])


def _bad(
    wrong: pd.Series[bool], cells: pd.Series[str], key: str, file: str, wanted: str
) -> list[Problem]:
    """One problem per wrong cell, the first few of them."""
    return [
        Problem(
            file=file, line=int(index) + 2, key=key, message=f"{cells[index]!r} is not {wanted}"
        )
        for index in cells.index[wrong][:_SHOWN]
    ]
