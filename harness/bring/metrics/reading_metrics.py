"""Files of metrics and charges, in whichever form, to endpoints and the hours paid for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from harness.bring.bills.focus_rows import MARKS, BadRowError, Row, members
from harness.bring.bills.reading_bills import parquet_rows
from harness.bring.logs.attributing import Attribution, Placeable
from harness.bring.logs.rows.lines import CutFileError, blocks, table_rows
from harness.bring.metrics.charged_hours import (
    OPENCOST_MARKS,
    allocation_parts,
    focus_parts,
    opencost_parts,
)
from harness.bring.metrics.hour_parts import HourPart, by_endpoint, one_hour
from harness.bring.metrics.samples import ScrapedValue, json_in, read_samples
from harness.bring.metrics.scraped_hours import SCRAPED, scraped_parts
from harness.errors import Problem, UsageError, WorkspaceError
from harness.money.owned.paid import PaidEndpoint
from harness.money.owned.served import ServedModel
from harness.workspace.feature_file import FeatureConfig

_MOST_PROBLEMS = 20
_KNOWN = (
    "samples of Prometheus with their times (vLLM, OpenCost, DCGM), OpenCost's CSV and "
    "allocations, and FOCUS (CSV, Parquet)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsIntake:
    """How metrics are read, and whose an endpoint is."""

    rules: Attribution = field(default_factory=Attribution)
    models: Mapping[str, ServedModel] = field(default_factory=dict[str, ServedModel])
    """By the name under which a server serves them."""
    features: Mapping[str, FeatureConfig] = field(default_factory=dict[str, FeatureConfig])


def read_metrics(paths: tuple[Path, ...], how: MetricsIntake) -> tuple[PaidEndpoint, ...]:
    """Endpoints by name, each with the hours that were paid for; equal files count once.

    Raises:
        UsageError: a file that cannot be read, that holds nothing of endpoints, or is unknown.
        WorkspaceError: rows that cannot be read, each by its line and key: none is left out.
    """
    parts: list[HourPart] = []
    samples: list[ScrapedValue] = []
    seen: set[bytes] = set()
    for path in paths:
        content = _bytes(path)
        if content in seen:
            continue
        seen.add(content)
        found = list(_read(path))
        parts += (one for one in found if isinstance(one, HourPart))
        samples += (one for one in found if isinstance(one, ScrapedValue))
        if not found:
            raise UsageError(
                f"{path}: no hours of a GPU, endpoint or model server; read are {_KNOWN}"
            )
    parts += scraped_parts(samples, how.models)
    if not parts:
        raise UsageError(f"{paths[0]}: no hour can be told: a counter needs two samples or more")
    return tuple(_endpoint(name, hours, how) for name, hours in sorted(by_endpoint(parts).items()))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _read(path: Path) -> Iterator[HourPart | ScrapedValue]:
    head = _head(path)
    if head.startswith(b"PAR1"):
        yield from _charged(path, parquet_rows(path))
        return
    first = head.split(b"\n")[0].decode("utf-8-sig", "replace")
    columns = {name.strip().strip('"') for name in first.split(",")}
    if columns >= OPENCOST_MARKS or columns >= set(MARKS):
        yield from _charged(path, _rows(path))
    else:
        answer = json_in(path)
        found = members(answer).get("data")
        if isinstance(found, list):
            yield from _charged(path, _allocations(cast("list[object]", found)))
        else:
            yield from read_samples(path, SCRAPED, answer)


def _head(path: Path) -> bytes:
    try:
        return next(blocks(path), b"")[:65_536]
    except CutFileError:
        raise UsageError(f"{path}: the file is cut or damaged") from None


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    for place in table_rows(path):
        if place.text is None:
            raise UsageError(f"{path}: line {place.line}: {place.reason}")
        yield place.line, json.loads(place.text)


def _charged(path: Path, rows: Iterator[tuple[int, Row]]) -> Iterator[HourPart]:
    problems: list[Problem] = []
    for line, row in rows:
        try:
            yield from _form(row)(row)
        except BadRowError as error:
            problems.append(Problem(file=str(path), line=line, key=error.key, message=error.why))
            if len(problems) >= _MOST_PROBLEMS:
                break
    if problems:
        raise WorkspaceError(problems)


def _allocations(windows: list[object]) -> Iterator[tuple[int, Row]]:
    """The allocations of an answer of OpenCost's API, window by window, numbered."""
    found = (members(each) for window in windows for each in members(window).values())
    yield from enumerate(found, start=1)


_FORMS: Mapping[str, Callable[[Row], Iterator[HourPart]]] = {
    "GPUCost": opencost_parts,
    "gpuHours": allocation_parts,
    MARKS[0]: focus_parts,
}
"""How a row is read, by a member that it has."""


def _form(row: Row) -> Callable[[Row], Iterator[HourPart]]:
    for mark, form in _FORMS.items():
        if mark in row:
            return form
    raise BadRowError("gpuHours", "is missing, as an allocation of OpenCost has it")


def _endpoint(
    name: str, hours: Mapping[datetime, list[HourPart]], how: MetricsIntake
) -> PaidEndpoint:
    every = [part for parts in hours.values() for part in parts]
    placed = _placed(name, every, how)
    sources = dict.fromkeys(part.source for part in every if part.usd is not None)
    return PaidEndpoint(
        name=name,
        hours=tuple(
            one_hour(at, parts) for at, parts in sorted(hours.items(), key=lambda item: item[0])
        ),
        team=placed.get("team", ""),
        environment=placed.get("environment", ""),
        feature=placed.get("feature", ""),
        source=", ".join(sources),
    )


def _placed(name: str, parts: list[HourPart], how: MetricsIntake) -> dict[str, str]:
    """Whose an endpoint is: by the rules, else of the features that ask it, where they agree."""
    call = Placeable(
        tags=tuple(dict.fromkeys(tag for part in parts for tag in part.tags)),
        caller=next((part.caller for part in parts if part.caller), ""),
        model=next((part.model for part in parts if part.model), name),
        environment=next((part.environment for part in parts if part.environment), ""),
    )
    found = how.rules.place(call)
    asking = {key: one for key, one in how.features.items() if one.incumbent == name}
    if found.get("feature") in how.features:
        asking = {found["feature"]: how.features[found["feature"]]}
    for key, values in (
        ("team", {one.team for one in asking.values()}),
        ("environment", {one.environment for one in asking.values()}),
        ("feature", set(asking)),
    ):
        if not found.get(key) and len(values) == 1:
            found[key] = values.pop()
    return found
