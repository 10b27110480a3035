"""A folder to an eval set: `evalset.yaml`, its cases and its labels, every fault at once.

JSON Lines are read with the standard library alone, so `check` and `gate` run on the base install,
and no column's type is inferred: that changes values ("2026-08-31" becomes a timestamp, 1 becomes
1.0 beside 1.5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from evalsets.cases import (
    Case,
    Distinct,
    EvalSet,
    Grade,
    GuardrailSpec,
    Label,
    ScorerSpec,
    SliceSpec,
    distinct,
)
from evalsets.files import DatasetConfig, EvalSetConfig, GuardrailConfig, ScorerConfig
from evalsets.jsonl import canonical, read_rows
from evalsets.labels import read_grades, read_labels, with_labels
from evalsets.samples import CaseReader, ids_of, inside
from evalsets.source import Fault, Source, SourceError, read_text, read_yaml
from evalsets.tables import TABLES, TableError, table_lines
from evalsets.validation import suggestion, validated

CONFIG_FILE = "evalset.yaml"
_LONGEST_NAME = 200
_LineT_co = TypeVar("_LineT_co", covariant=True)


class _Reads(Protocol[_LineT_co]):
    """Reads the lines of a file that people append to."""

    def __call__(
        self, text: str, *, file: str, case_ids: Collection[str]
    ) -> tuple[tuple[_LineT_co, ...], tuple[Fault, ...]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """An eval set's folder, its name in messages, and its `evalset.yaml`."""

    path: Path
    shown: str
    source: Source
    config: EvalSetConfig

    @property
    def cases_file(self) -> str:
        """Name of the case file, or of the table in its place."""
        cases = self.config.cases
        return cases.dataset if isinstance(cases, DatasetConfig) else cases

    @property
    def shown_cases(self) -> str:
        return f"{self.shown}/{self.cases_file}"

    def fault(self, path: tuple[str, ...], message: str) -> Fault:
        return self.source.fault(path, message)


def load_evalset(
    folder: Path, feature: str, *, shown: str | None = None, tools: str | None = None
) -> EvalSet:
    """Load a feature's eval set.

    Args:
        folder: where it lies.
        feature: the feature's id.
        shown: the folder's name in messages.
        tools: the file of the feature's tools, for scorers that compare calls of them.

    Raises:
        SourceError: everything that is wrong with the folder's files, by file, line and key.
    """
    opened = _open(folder, shown if shown is not None else folder.name)
    found, faults = _rows(opened, _lines(opened))
    faults += _set_faults(opened, found.cases) if found.cases else []
    ids = {case.id for case in found.cases} | {copy for copy, _ in found.copies}
    labels, label_faults = _by_people(opened, "labels", read_labels, ids)
    grades, grade_faults = _by_people(opened, "grades", read_grades, ids)
    faults += [*label_faults, *grade_faults]
    if faults:
        raise SourceError(faults)
    case_of = dict(found.copies)
    labels = tuple(replace(each, case=case_of.get(each.case, each.case)) for each in labels)
    grades = tuple(replace(each, case=case_of.get(each.case, each.case)) for each in grades)
    found = replace(found, cases=with_labels(found.cases, labels))
    return with_tools(_evalset(opened, found, (labels, grades), feature), folder, tools)


def with_own_target(folder: Path) -> frozenset[str]:
    """Ids of the rows that bring their target themselves; labels stand apart.

    Raises:
        SourceError: the rows cannot be read.
    """
    opened = _open(folder, folder.name)
    rows, _ = read_rows(_lines(opened), file=opened.shown_cases)
    number = ids_of(rows)
    ids = (
        str(row.data["id"] if (counted := number(position)) is None else counted)
        for position, row in enumerate(rows)
    )
    return frozenset(name for name, row in zip(ids, rows, strict=True) if "target" in row.data)


def _open(folder: Path, shown: str) -> _Folder:
    name = f"{shown}/{CONFIG_FILE}"
    source = read_yaml(read_text(folder / CONFIG_FILE, shown=name), file=name)
    config = validated(source, EvalSetConfig)
    return _Folder(path=folder, shown=shown, source=source, config=config)


def _lines(opened: _Folder) -> Sequence[str]:
    cases, shown = opened.config.cases, opened.shown_cases
    if isinstance(cases, str):
        return read_text(_case_path(opened, cases), shown=shown).split("\n")
    try:
        return table_lines(opened.path, cases, shown=shown)
    except TableError as error:
        raise SourceError([opened.fault(error.path, str(error))]) from None


def _case_path(opened: _Folder, name: str) -> Path:
    path = inside(opened.path, name)
    if path is None:
        message = "must name a file in the eval set's own folder"
    elif not path.is_file():
        message = f"the file {opened.shown_cases} is missing"
    elif path.suffix in TABLES:
        message = f"a table is named as `cases: {{dataset: {name}}}`"
    else:
        return path
    raise SourceError([opened.fault(("cases",), message)])


def _rows(opened: _Folder, lines: Iterable[str]) -> tuple[Distinct, list[Fault]]:
    """The sound rows as cases and copies of them, and the faults of all the others."""
    file = opened.shown_cases
    rows, broken = read_rows(lines, file=file)
    reader = CaseReader(file=file, folder=opened.path)
    number = ids_of(rows)
    cases: list[Case] = []
    first: dict[str, int] = {}
    for position, row in enumerate(rows):
        case = reader.case(row, number=number(position))
        if case is None:
            continue
        if case.id in first:
            message = f"the id {case.id!r} is already on line {first[case.id]}"
            reader.faults.append(Fault(file=file, line=row.line, key="id", message=message))
        else:
            first[case.id] = row.line
            cases.append(case)
    found = distinct(cases)
    faults = [*broken, *reader.faults]
    faults += [
        _clash(file, line=first[copy], case_id=case, case_line=first[case])
        for copy, case in found.clashes
    ]
    if not rows and not broken:
        faults.append(Fault(file=file, line=None, key="", message="the eval set has no cases"))
    return found, sorted(faults, key=lambda fault: fault.line or 0)


def _clash(file: str, *, line: int, case_id: str, case_line: int) -> Fault:
    message = (
        f"asks the same as {case_id!r} on line {case_line} and has another target; correct one of "
        f"them, or list every right answer in both"
    )
    return Fault(file=file, line=line, key="target", message=message)


def _set_faults(opened: _Folder, cases: Sequence[Case]) -> list[Fault]:
    """What `evalset.yaml` says about cases that the cases do not bear out."""
    values: dict[str, set[str]] = {}
    for case in cases:
        for key, value in case.metadata:
            values.setdefault(key, set()).add(value)
    config = opened.config
    faults = _slice_faults(opened, values)
    if config.cluster is not None and config.cluster not in values:
        message = f"no case has the metadata key {config.cluster!r}"
        faults.append(opened.fault(("cluster",), message + suggestion(config.cluster, values)))
    if config.tune >= len(cases):
        message = f"keeps {config.tune} of {len(cases)} cases: none is left to decide"
        faults.append(opened.fault(("tune",), message))
    return faults


def _slice_faults(opened: _Folder, values: dict[str, set[str]]) -> list[Fault]:
    faults: list[Fault] = []
    for key, named in opened.config.slices.items():
        if key not in values:
            message = f"no case has the metadata key {key!r}{suggestion(key, values)}"
            faults.append(opened.fault(("slices", key), message))
            continue
        for value in named:
            if value not in values[key]:
                message = f"no case has {key} = {value!r}{suggestion(value, values[key])}"
                faults.append(opened.fault(("slices", key, value), message))
    return faults


def _by_people(
    opened: _Folder, key: Literal["labels", "grades"], read: _Reads[_LineT_co], ids: set[str]
) -> tuple[tuple[_LineT_co, ...], Sequence[Fault]]:
    """The lines of a file that people append to; none where it is not there yet."""
    name = opened.config.labels if key == "labels" else opened.config.grades
    path = inside(opened.path, name)
    if path is None:
        return (), [opened.fault((key,), "must name a file in the eval set's own folder")]
    if not path.exists():
        return (), []
    file = f"{opened.shown}/{name}"
    return read(read_text(path, shown=file), file=file, case_ids=ids)


def _evalset(
    opened: _Folder,
    found: Distinct,
    by_people: tuple[tuple[Label, ...], tuple[Grade, ...]],
    feature: str,
) -> EvalSet:
    config = opened.config
    return EvalSet(
        feature=feature,
        unit=config.unit,
        cases=found.cases,
        copies=found.copies,
        labels=by_people[0],
        grades=by_people[1],
        primary=_scorer(config.primary, opened.path),
        guardrails=tuple(_guardrail(guardrail, opened.path) for guardrail in config.guardrails),
        slices=tuple(
            SliceSpec(key=key, value=value, margin=named.margin, protect=named.protect)
            for key, values in config.slices.items()
            for value, named in values.items()
        ),
        cluster_key=config.cluster,
        tune=config.tune,
        repeats=config.repeats,
        bar=config.bar,
        second_grader=(
            _scorer(config.second_grader, opened.path) if config.second_grader else None
        ),
        provenance=_provenance(config),
        targets=config.source.targets,
        cases_file=opened.cases_file,
        is_table=isinstance(config.cases, DatasetConfig),
        labels_file=config.labels,
        grades_file=config.grades,
    )


def _scorer(config: ScorerConfig, folder: Path) -> ScorerSpec:
    options = config.model_extra or {}
    files = sorted(str(value) for value in options.values() if _is_file(folder, value))
    return ScorerSpec(
        scorer=config.scorer,
        options=canonical(options),
        files_sha256=tuple(
            (name, hashlib.sha256((folder / name).read_bytes()).hexdigest()) for name in files
        ),
    )


def with_tools(evalset: EvalSet, folder: Path, tools: str | None) -> EvalSet:
    """The eval set whose scorers of tool calls know the feature's tools, unless they name some."""
    if tools is None:
        return evalset

    def told(spec: ScorerSpec) -> ScorerSpec:
        options = {"tools": tools, **json.loads(spec.options)}
        if spec.scorer != TOOL_CALLS:
            return spec
        return _scorer(ScorerConfig(scorer=spec.scorer, **options), folder)

    second = evalset.second_grader
    return replace(
        evalset,
        primary=told(evalset.primary),
        guardrails=tuple(replace(each, scorer=told(each.scorer)) for each in evalset.guardrails),
        second_grader=None if second is None else told(second),
    )


TOOL_CALLS = "tool-calls"
"""The scorer that compares calls by what the tools declare."""


def _is_file(folder: Path, value: object) -> bool:
    if not isinstance(value, str) or not value or "\0" in value or len(value) > _LONGEST_NAME:
        return False
    path = inside(folder, value)
    return path is not None and path.is_file()


def _guardrail(config: GuardrailConfig, folder: Path) -> GuardrailSpec:
    scorer = _scorer(config, folder)
    return GuardrailSpec(scorer=scorer, margin=config.margin, protect=config.protect)


def _provenance(config: EvalSetConfig) -> str:
    """One line: kind, days, how sampled."""
    source = config.source
    days = [day.isoformat() for day in (source.valid_from, source.to) if day is not None]
    parts = [
        source.kind,
        " to ".join(days),
        f"sampled {source.sampled}" if source.sampled else "",
        "personal data taken out" if source.redacted else "",
        source.note or "",
    ]
    return ", ".join(part for part in parts if part)
