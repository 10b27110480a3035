"""Samples of Prometheus with their times: lines as `/federate` writes them, or the API's answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.bring.logs.rows.lines import CutFileError, blocks, text_lines
from harness.errors import Problem, UsageError, WorkspaceError

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+([-+.\w]+)(?:\s+(-?\d{1,15}))?", re.ASCII)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MOST_PROBLEMS = 20
_MS = 1000
_LATEST_MS = 4_102_444_800_000
"""2100: a later time is in another unit."""


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


def read_samples(path: Path, wanted: frozenset[str]) -> Iterator[ScrapedValue]:
    """The samples of some metrics, `_total` taken off their names, in the order of the file.

    Raises:
        WorkspaceError: a line of these metrics that cannot be read, each with its number.
        UsageError: the file cannot be read, or is no answer of the API.
    """
    problems: list[Problem] = []
    found = _answered(path) if _is_json(path) else _lines(path, problems)
    for line, name, labels, at_ms, text in found:
        bare = name.removesuffix("_total")
        if bare not in wanted:
            continue
        value = _number(text)
        if at_ms is not None and 0 <= at_ms < _LATEST_MS and value is not None:
            yield ScrapedValue(name=bare, labels=labels, at_ms=at_ms, value=value)
            continue
        why = f"{text[:40]!r} is no number from 0 on" if value is None else f"no time: {at_ms} ms"
        why = "a scrape without its time: take /federate's lines" if at_ms is None else why
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
        found = _LINE.fullmatch(place.text.strip())
        if found is None:
            continue
        labels = {key: _ESCAPED.sub(r"\1", text) for key, text in _LABEL.findall(found[2] or "")}
        at_ms = None if found[4] is None else int(found[4])
        yield place.line, found[1], labels, at_ms, found[3]


def _is_json(path: Path) -> bool:
    try:
        head = next(blocks(path), b"")
    except CutFileError:
        raise UsageError(f"{path}: the file is cut or damaged") from None
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _answered(path: Path) -> Iterator[_Found]:
    """The series of an answer of `/api/v1/query_range` or `/api/v1/query`."""
    refused = f"{path}: no answer of Prometheus' /api/v1/query_range"
    try:
        answer: object = json.loads(b"".join(blocks(path)).decode("utf-8-sig"))
    except (ValueError, RecursionError, CutFileError):
        raise UsageError(f"{refused}: no JSON") from None
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
    return value if math.isfinite(value) and value >= 0 else None
