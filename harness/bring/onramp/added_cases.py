"""Adds another table's cases to an eval set that is there: none is changed, none counted twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

from evalsets.cases import Case, EvalSet, content, right
from evalsets.jsonl import read_rows
from evalsets.samples import ids_of
from harness.bring.onramp.imported_set import case_lines
from harness.errors import Problem, UsageError, WorkspaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedCases:
    """What a table brings to an eval set."""

    new: tuple[Case, ...]
    """As they are written, under ids that no other case has."""
    there: int
    """Rows that ask what a case asks already, with the same answer."""


def new_cases(evalset: EvalSet, cases: Sequence[Case], *, file: str) -> AddedCases:
    """Hold the cases of a table against those of the eval set.

    Rows that the table only counts (ids 1, 2, 3, ...) get the next numbers that are free.

    Raises:
        WorkspaceError: a row contradicts a case, or has the id of a case that asks something else.
    """
    known = {content(case): case for case in evalset.cases}
    by_input = {content(case)[0]: case for case in evalset.cases}
    taken = {*(case.id for case in evalset.cases), *(copy for copy, _ in evalset.copies)}
    fresh: list[Case] = []
    faults: list[Problem] = []
    there = 0
    for case in cases:
        same = known.get(content(case))
        if same is not None and (case.target is None or right(same) == right(case)):
            there += 1
        elif same is not None:
            faults.append(
                _fault(file, evalset, case, f"asks the same as {same.id!r}, {_has(same)}")
            )
        elif (like := by_input.get(content(case)[0])) and _keys_of(like) != _keys_of(case):
            what = f"asks the input of {like.id!r} with other metadata ({_keys(case)}; there "
            faults.append(_fault(file, evalset, case, f"{what}{_keys(like)}): {_SAME_COLUMNS}"))
        else:
            known[content(case)] = case
            fresh.append(case)
    if _counted(cases):
        free = (number for number in count(1) if str(number) not in taken)
        numbers = islice(free, len(fresh))
        fresh = [replace(case, id=str(n)) for case, n in zip(fresh, numbers, strict=True)]
    faults += [
        _fault(file, evalset, case, "has the id of a case that asks something else")
        for case in fresh
        if case.id in taken
    ]
    if faults:
        raise WorkspaceError(faults)
    return AddedCases(new=tuple(fresh), there=there)


_SAME_COLUMNS = "name the columns as when the set was made (--target, --metadata)"


def _keys_of(case: Case) -> frozenset[str]:
    """The names of a case's metadata."""
    return frozenset(key for key, _ in case.metadata)


def _keys(case: Case) -> str:
    return ", ".join(sorted(_keys_of(case))) or "none"


def _counted(cases: Sequence[Case]) -> bool:
    return all(case.id.isdecimal() for case in cases)


def _has(same: Case) -> str:
    return "which has no target yet" if same.target is None else "which has another target"


def _fault(file: str, evalset: EvalSet, case: Case, what: str) -> Problem:
    where = f"evalsets/{evalset.feature}/{evalset.cases_file}"
    message = f"case {case.id!r} {what}; nothing was added: correct it here or in {where}"
    return Problem(file=file, line=None, key="", message=message)


def append_cases(evalset: EvalSet, folder: Path, cases: Sequence[Case]) -> None:
    """Write cases behind those that are there, whose lines stay as they are.

    A case file without ids counts its rows, and so counts these.

    Raises:
        UsageError: the cases are a table, which only its maker changes.
    """
    if evalset.is_table:
        raise UsageError(
            f"evalsets/{folder.name}/{evalset.cases_file}: a data set is read and never written; "
            "add the cases where it is made"
        )
    path = folder / evalset.cases_file
    text = path.read_text(encoding="utf-8-sig")
    rows, _ = read_rows(text.split("\n"), file=path.name)
    lines = list(case_lines(cases))
    if ids_of(rows)(0) is not None:
        lines = [_without_id(line) for line in lines]
    ends = "" if not text or text.endswith("\n") else "\n"
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(ends + "".join(f"{line}\n" for line in lines))


def _without_id(line: str) -> str:
    row = json.loads(line)
    return json.dumps({key: row[key] for key in row if key != "id"}, ensure_ascii=False)
