"""JSON Lines, strictly: every broken line at once, by number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from evalsets.source import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLine:
    """One line's object. `line` counts from 1."""

    line: int
    data: dict[str, object]


class _LineError(ValueError):
    """A line that JSON's own decoder would let pass."""


def read_rows(lines: Iterable[str], *, file: str) -> tuple[tuple[JsonLine, ...], tuple[Fault, ...]]:
    """The objects of the lines that are sound, and one fault for each that is not."""
    rows: list[JsonLine] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(JsonLine(line=number, data=_object(line)))
        except ValueError as error:
            faults.append(Fault(file=file, line=number, key="", message=_reason(error)))
        except RecursionError:
            faults.append(Fault(file=file, line=number, key="", message="nested too deeply"))
    return tuple(rows), tuple(faults)


def read_sound(
    text: str,
    *,
    file: str,
    problems: Callable[[JsonLine], Iterable[tuple[str, str]]],
    make: Callable[[JsonLine], T],
) -> tuple[tuple[T, ...], tuple[Fault, ...]]:
    """What `make` makes of each line without `problems` (key, message), in order; all faults."""
    rows, broken = read_rows(text.split("\n"), file=file)
    made: list[T] = []
    faults = list(broken)
    for row in rows:
        found = [
            Fault(file=file, line=row.line, key=key, message=why) for key, why in problems(row)
        ]
        faults += found
        if not found:
            made.append(make(row))
    return tuple(made), tuple(faults)


def canonical(value: object) -> str:
    """JSON text with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _object(line: str) -> dict[str, object]:
    if line.startswith("\ufeff"):
        raise json.JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", line, 0)
    value = cast("object", _DECODER.decode(line))
    if not isinstance(value, dict):
        raise _LineError("must be one JSON object a line")
    found = cast("dict[str, object]", value)
    if "\\ud" in line.lower() and not _is_unicode(found):
        raise _LineError("half of a surrogate pair (`\\ud...`) is no text")
    return found


def _is_unicode(value: object) -> bool:
    try:
        canonical(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(_repeated(key for key, _ in pairs))
        raise _LineError(f"the key `{twice}` is stated twice")
    return found


def _repeated(keys: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            yield key
        seen.add(key)


def _refuse_constant(name: str) -> object:
    raise _LineError(f"{name} is no JSON value; write null or a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON: {error.msg} (column {error.colno})"
    if isinstance(error, _LineError):
        return str(error)
    return "broken JSON: a number of too many digits"
