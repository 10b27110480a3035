"""Samples of Prometheus with their times: lines as `/federate` writes them, or the API's answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

from harness.bring.logs.rows.lines import CutFileError, blocks, text_lines
from harness.errors import Problem, UsageError, WorkspaceError

_LINE = re.compile(
    r'([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+([-+.\w]+)'
    r"(?:\s+([-+.\w]+))?(?:\s+#\s.*)?",
    re.ASCII,
)
_NAME = re.compile(r"[a-zA-Z_:][\w:]*", re.ASCII)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MOST_PROBLEMS = 20
_MS = 1000
_LATEST_MS = 4_102_444_800_000
"""2100: a later time is in another unit."""
_LEAST_MS = 100_000_000_000
"""A smaller time is one in seconds, as OpenMetrics has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapedValue:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    at_ms: int
    value: float

    @property
    def series(self) -> tuple[str, ...]:
        """What tells its series from others."""
        return (self.name, *(f"{key}={text}" for key, text in sorted(self.labels.items())))


def read_samples(
    path: Path, wanted: frozenset[str], answer: object = None
) -> Iterator[ScrapedValue]:
    """The samples of some metrics, `_total` taken off their names, in the order of the file.

    `answer` is its JSON, where it holds an answer of Prometheus' API.

    Raises:
        WorkspaceError: a line of these metrics that cannot be read, each with its number.
        UsageError: the file cannot be read, or is no answer of the API.
    """
    problems: list[Problem] = []
    found = _lines(path, problems) if answer is None else _answered(path, answer)
    for line, name, labels, at_ms, text in found:
        bare = name.removesuffix("_total")
        if bare not in wanted:
            continue
        value = _number(text)
        if at_ms is not None and 0 <= at_ms < _LATEST_MS and value is not None:
            yield ScrapedValue(name=bare, labels=labels, at_ms=at_ms, value=value)
            continue
        why = f"{text[:40]!r} is no number from 0 on" if value is None else "its time is none"
        why = "a scrape without its time: take /federate's lines" if at_ms is None and text else why
        why = "no line of Prometheus: NAME{LABELS} VALUE TIME" if not text else why
        problems.append(Problem(file=str(path), line=line, key=name, message=why))
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise WorkspaceError(problems)


_Found = tuple[int | None, str, Mapping[str, str], int | None, str]


def _lines(path: Path, problems: list[Problem]) -> Iterator[_Found]:
    for place in text_lines(path):
        if place.text is None:
            message = place.reason or "cannot be read"
            problems.append(Problem(file=str(path), line=place.line, key="", message=message))
            continue
        text = place.text.strip()
        found = _LINE.fullmatch(text)
        if found is None:
            named = _NAME.match(text)
            if named is not None:
                yield place.line, named[0], {}, None, ""
            continue
        labels = {key: _ESCAPED.sub(r"\1", text) for key, text in _LABEL.findall(found[2] or "")}
        yield place.line, found[1], labels, _ms(found[4]), found[3]


def _ms(text: str | None) -> int | None:
    """A sample's time, in milliseconds; -1 where it is none, None where nothing is said."""
    if text is None:
        return None
    try:
        at = Decimal(text)
    except InvalidOperation:
        return -1
    if not at.is_finite():
        return -1
    return int(at * _MS if abs(at) < _LEAST_MS else at)


def json_in(path: Path) -> object:
    """What a file of JSON holds; None where it begins as none does.

    Raises:
        UsageError: it is cut, damaged or no JSON.
    """
    try:
        if next(blocks(path), b"").lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return None
        return json.loads(b"".join(blocks(path)).decode("utf-8-sig"))
    except (ValueError, RecursionError, CutFileError) as error:
        why = "cut or damaged" if isinstance(error, CutFileError) else "no JSON"
        raise UsageError(f"{path}: {why}; as an answer of an API it would be whole JSON") from None


def _answered(path: Path, answer: object) -> Iterator[_Found]:
    """The series of an answer of `/api/v1/query_range` or `/api/v1/query`."""
    refused = f"{path}: no answer of Prometheus' /api/v1/query_range"
    data = _of(_of(answer, "data"), "result")
    if not isinstance(data, list):
        raise UsageError(refused)
    for series in cast("list[object]", data):
        metric = _of(series, "metric")
        if not isinstance(metric, dict):
            raise UsageError(f"{refused}: a series without its labels")
        labels = {str(k): str(v) for k, v in cast("dict[object, object]", metric).items()}
        name = labels.pop("__name__", "")
        values = _of(series, "values") or [_of(series, "value")]
        yield from _values(name, labels, cast("Iterable[object]", values), refused)


def _values(
    name: str, labels: Mapping[str, str], values: Iterable[object], refused: str
) -> Iterator[_Found]:
    if not name:
        raise UsageError(f"{refused}: a series without `__name__`; ask for the metric by its name")
    for pair in values:
        match pair:
            case [int() | float() as at_s, str() as text] if math.isfinite(at_s):
                yield None, name, labels, round(at_s * _MS), text
            case _:
                raise UsageError(f"{refused}: {name} has a value that is no [time, text]")


def _of(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if "_" in text:
        return None
    return value if math.isfinite(value) and value >= 0 else None
