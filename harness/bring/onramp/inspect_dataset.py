"""An inspect_ai dataset to an eval set: the same case keys, so its lines are ours.

What replay does not have (`sandbox`, `files`, `setup`) is told with its line, and the case left
out. The ids are inspect_ai's own: a sample's `id`, else its number from 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from evalsets.cases import Case
from evalsets.jsonl import JsonLine, read_rows
from evalsets.samples import CaseReader, ids_of
from evalsets.source import Fault
from harness.bring.intake.values import ImportedSet, as_json, as_text
from harness.bring.onramp.guessing import guess_scorer
from harness.errors import UsageError
from harness.workspace.reading import problem_of


def read_dataset(data: bytes, *, path: Path) -> ImportedSet:
    """Read a dataset; a sample that cannot be a case is a problem of the set.

    Raises:
        UsageError: it is no such file, or has no sample that can be read.
    """
    rows, broken = _rows(data, path)
    reader = CaseReader(file=path.name, folder=path.parent)
    cases = _cases(rows, reader)
    problems = [problem_of(fault) for fault in (*broken, *reader.faults)]
    if not cases:
        first = f"; first: {min(problems)}" if problems else ""
        raise UsageError(f"{path.name}: no sample could be read{first}")
    guess = guess_scorer(cases)
    return ImportedSet(
        cases=tuple(cases),
        primary=guess.primary,
        prompts=(),
        models=(),
        converted=0,
        problems=tuple(sorted(problems, key=lambda each: (each.line or 0, each.key))),
        notes=guess.notes,
    )


def _rows(data: bytes, path: Path) -> tuple[tuple[JsonLine, ...], tuple[Fault, ...]]:
    if path.suffix != ".json":
        return read_rows(as_text(data, file=path.name).split("\n"), file=path.name)
    whole = as_json(data, file=path.name)
    if not isinstance(whole, list):
        raise UsageError(f"{path.name}: a dataset is a list of samples, or JSON Lines")
    rows: list[JsonLine] = []
    faults: list[Fault] = []
    for number, item in enumerate(cast("list[Any]", whole), start=1):
        if isinstance(item, dict):
            rows.append(JsonLine(line=number, data=cast("dict[str, object]", item)))
        else:
            message = "is no object"
            faults.append(Fault(file=path.name, line=None, key=f"[{number - 1}]", message=message))
    return tuple(rows), tuple(faults)


def _cases(rows: tuple[JsonLine, ...], reader: CaseReader) -> list[Case]:
    number = ids_of(rows)
    found: dict[str, Case] = {}
    for position, row in enumerate(rows):
        case = reader.case(row, number=number(position))
        if case is None:
            continue
        if case.id in found:
            message = f"the id {case.id!r} is there already"
            reader.faults.append(Fault(file=reader.file, line=row.line, key="id", message=message))
        else:
            found[case.id] = case
    return list(found.values())
