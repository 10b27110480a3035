"""Every number of a record, and the record with one of them changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from harness.record.model import DecisionRecord

Path = tuple[str | int, ...]
Json = object
_WORDS = {"schema_version", "decision_id", "cycle", "id", "option", "model_id", "version", "source"}


def numbers(record: DecisionRecord) -> Iterator[Path]:
    """Paths of all numbers, dates and truth values; of equal list items only the first two."""
    yield from _walk(json.loads(record.model_dump_json()), ())


def _walk(value: Json, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in _WORDS:
                yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _walk(item, (*path, at))
    elif _changed(value) is not None:
        yield path


def change(record: DecisionRecord, path: Path) -> DecisionRecord:
    """The record with the number at a path changed beyond any rounding; hashes stay."""
    raw = deepcopy(json.loads(record.model_dump_json()))
    holder = raw
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = _changed(holder[path[-1]])
    return DecisionRecord.model_validate_json(json.dumps(raw))


def _changed(value: Json) -> Json:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value * 3 + 7
    if isinstance(value, float):
        return value * 1.5 + 1.25 if value >= 0 else value * 1.5 - 1.25
    if isinstance(value, str):
        return _changed_text(value)
    return None


def _changed_text(value: str) -> str | None:
    try:
        return str(Decimal(value) * 2 + 1)
    except InvalidOperation:
        pass
    for kind in (date, datetime):
        try:
            return (kind.fromisoformat(value) + timedelta(days=40)).isoformat()
        except ValueError:
            continue
    return None
