"""An import that contradicts what is there: told, and carried out only where that was asked for.

An answer is contradicted by another one of the same case and model, a target by another target of
the file's. Nothing is changed before all of it was told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalsets.copies import right
from evalsets.jsonl import read_rows
from evalsets.loading import with_own_target
from evalsets.samples import ids_of
from harness.errors import UsageError
from harness.onramp.known_cases import KnownCases
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evalsets.cases import Case, EvalSet
    from harness.onramp.imported_answers import Conflict
    from harness.plan.model import FeaturePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Cases of the eval set with the targets that an import has of them."""

    other: tuple[Case, ...]
    """The case file has another one."""
    new: tuple[Case, ...]
    """The case file has none."""


def targets_of(evalset: EvalSet, folder: Path, cases: Sequence[Case]) -> Targets:
    """Hold an import's targets against those of the case file; labels stand apart."""
    known = KnownCases.of(evalset.cases, evalset.copies)
    case_of = dict(evalset.copies)
    labelled = {case_of.get(name, name) for name in with_own_target(folder)}
    pairs = [(known.find(case), case) for case in cases if case.target is not None]
    found = [
        (ours, replace(ours, target=theirs.target, also_right=theirs.also_right))
        for ours, theirs in pairs
        if ours is not None
    ]
    return Targets(
        other=tuple(
            both for ours, both in found if ours.id in labelled and right(ours) != right(both)
        ),
        new=tuple(both for ours, both in found if ours.id not in labelled),
    )


def write_targets(evalset: EvalSet, folder: Path, cases: Sequence[Case]) -> None:
    """Give these cases, and the copies of them, their targets; other lines stay as they are.

    Raises:
        UsageError: the cases are a table, which only its maker changes.
    """
    if evalset.is_table:
        raise UsageError(
            f"evalsets/{folder.name}/{evalset.cases_file}: an import writes no target into a data "
            "set; correct it where it is made and import again"
        )
    case_of, wanted = dict(evalset.copies), {case.id: case for case in cases}
    path = folder / evalset.cases_file
    lines, rows = _rows(path)
    for at, (name, data) in rows.items():
        case = wanted.get(case_of.get(name, name))
        if case is not None:
            target = [case.target, *case.also_right] if case.also_right else case.target
            lines[at] = json.dumps({**data, "target": target}, ensure_ascii=False)
    path.write_text("\n".join(lines), encoding="utf-8")


def _rows(path: Path) -> tuple[list[str], dict[int, tuple[str, dict[str, object]]]]:
    """The lines of a case file, and by line its rows with their ids."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    rows, _ = read_rows(lines, file=path.name)
    number = ids_of(rows)
    found: dict[int, tuple[str, dict[str, object]]] = {}
    for position, row in enumerate(rows):
        counted = number(position)
        found[row.line - 1] = (str(row.data["id"] if counted is None else counted), row.data)
    return lines, found


def refuse(plan: FeaturePlan, conflicts: Sequence[Conflict], targets: Targets) -> None:
    """Tell what an import contradicts, before anything is changed.

    Raises:
        UsageError: it contradicts something.
    """
    lines = [*_answers(plan, conflicts), *_targets(plan, targets)]
    if not lines:
        return
    ways = "nothing was changed; with --replace the file's take their place"
    if conflicts:
        ways += (
            f". Answers of another run of the same cases are repeats: set `repeats:` in evalsets/"
            f"{_folder(plan)}/evalset.yaml and import the files of all runs in one command"
        )
    raise UsageError("\n".join([*lines, ways]))


def _answers(plan: FeaturePlan, conflicts: Sequence[Conflict]) -> Iterator[str]:
    for feature in dict.fromkeys(each.feature for each in conflicts):
        of_one = [each for each in conflicts if each.feature == feature]
        first, count = of_one[0], plural(len(of_one), "answer")
        where = "that are there already"
        if feature != plan.feature:
            where = f"of feature {feature!r}, which asks the same: --replace changes them there too"
        yield (
            f"{first.file}: {count} differ from those {where} "
            f"(first: case {first.case_id!r}, {first.option})"
        )


def _targets(plan: FeaturePlan, targets: Targets) -> Iterator[str]:
    if targets.other:
        yield (
            f"evalsets/{_folder(plan)}/{plan.evalset.cases_file}: "
            f"{plural(len(targets.other), 'target')} not the import's "
            f"(first: case {targets.other[0].id!r})"
        )


def _folder(plan: FeaturePlan) -> str:
    return plan.sample.folder.name


def resting_on(root: Path, features: Sequence[str]) -> tuple[str, ...]:
    """The records of some features, which rest on the answers that were replaced."""
    found = (path for name in features for path in root.glob(f"reviews/*/records/{name}*.json"))
    return tuple(sorted(path.relative_to(root).as_posix() for path in found))
