"""Brings answers that were paid for elsewhere into a workspace: eval set, feature, models, journal.

An import contradicts the journal where it holds another answer of the same case and model, or
another target of a case. Contradictions are reported before anything is changed, and replaced only
when that was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsets.cases import Case, EvalSet, ScorerSpec, right
from evalsets.jsonl import read_rows
from evalsets.loading import TOOL_CALLS, with_own_target
from evalsets.samples import ids_of
from harness.bring.intake.inspect_logs import read_log
from harness.bring.intake.openai_evals import items_in, read_items, refuse_definition
from harness.bring.intake.outcomes_csv import read_outcome_rows, read_outcomes
from harness.bring.intake.promptfoo_results import is_result, read_result_rows, read_results
from harness.bring.intake.values import (
    ImportedAnswers,
    a_list,
    an_object,
    as_json,
    as_text,
    has_no_input,
)
from harness.bring.onramp.drafts import blank_feature_text
from harness.bring.onramp.imported_answers import Conflict
from harness.bring.onramp.imported_set import (
    SetDraft,
    input_prompt,
    write_feature,
    write_set,
)
from harness.bring.onramp.known_cases import KnownCases, counted
from harness.bring.onramp.naming import model_names, named_model
from harness.errors import UsageError
from harness.plan.model import FeaturePlan
from harness.wording import plural
from harness.workspace.reading import problem_of

_TABLES = frozenset({".csv", ".tsv"})
_LINES = frozenset({".jsonl", ".ndjson"})


def read_answers(data: bytes, *, file: str) -> ImportedAnswers:
    """Read one file: promptfoo's results, a log of inspect_ai, OpenAI's Evals, or a plain table.

    Raises:
        UsageError: it is none of them, or cannot be read.
    """
    if not data.strip():
        raise UsageError(f"{file}: the file is empty")
    ending = Path(file).suffix.lower()
    if ending in _TABLES:
        return read_outcomes(data, file=file)
    if ending in _LINES:
        return _of_lines(as_text(data, file=file), file)
    if ending == ".eval":
        return read_log(data, file=file)
    if ending != ".json":
        raise UsageError(
            f"{file}: not read; .json (promptfoo, inspect_ai, OpenAI's Evals), .eval, .jsonl, .csv "
            "or .tsv"
        )
    value = as_json(data, file=file)
    items = items_in(value)
    if items:
        return read_items(items, file=file)
    refuse_definition(value, file=file)
    theirs = a_list(an_object(an_object(value).get("results")).get("results"))
    return read_results(data, file=file) if theirs else read_log(data, file=file)


def _of_lines(text: str, file: str) -> ImportedAnswers:
    """JSON Lines: OpenAI's output items, promptfoo's results, or a table whose keys are columns."""
    rows, faults = read_rows(text.split("\n"), file=file)
    lines = [row.data for row in rows]
    items = items_in(lines)
    if items:
        found = read_items(items, file=file)
    elif lines and all(map(is_result, lines)):
        found = read_result_rows(lines, file=file)
    else:
        found = read_outcome_rows(rows, file=file)
    return replace(found, problems=(*map(problem_of, faults), *found.problems))


def read_all(paths: Sequence[Path]) -> tuple[ImportedAnswers, bytes]:
    """Read several files as one import, with the bytes that name it.

    Raises:
        UsageError: a file cannot be read, two files come from different tools, or two rows that
            ask the same have different targets.
    """
    read = [(path.read_bytes(), path.name) for path in paths]
    found = [read_answers(data, file=name) for data, name in read]
    tools = sorted({each.tool for each in found})
    if len(tools) > 1:
        raise UsageError(f"files of {' and '.join(tools)} at once; import them one after another")
    whole = counted([(name, each) for (_, name), each in zip(read, found, strict=True)])
    merged = replace(
        found[0],
        grader="; ".join(dict.fromkeys(each.grader for each in found)),
        answers=whole.answers,
        cases=whole.cases,
        problems=tuple(p for each in found for p in each.problems),
        tools=next((each.tools for each in found if each.tools is not None), None),
        notes=(*(note for each in found for note in each.notes), *whole.notes),
        told_models=tuple(dict.fromkeys(model for each in found for model in each.told_models)),
    )
    return merged, b"\0".join(data for data, _ in read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """Files written for an import, our model names by the tool's, and what the cases lack."""

    written: tuple[str, ...]
    names: Mapping[str, str]
    lacking: str | None = None


def draft_workspace(
    root: Path, feature: str, answers: ImportedAnswers, *, incumbent: str | None
) -> Drafted:
    """Write the eval set, the feature and the models that an import needs and that are not there.

    Args:
        root: the workspace.
        feature: the feature's id.
        answers: what was read.
        incumbent: the tool's or our name of the model of today; needed for a new feature.

    Raises:
        UsageError: the feature is new and no incumbent is named, or an unknown one.
    """
    names = model_names(answers.known_models)
    drafts_feature = _is_new(root, feature)
    ours = _incumbent(incumbent, answers, names) if drafts_feature else ""
    written: list[str] = []
    draws_set = not (root / "evalsets" / feature / "evalset.yaml").exists()
    if draws_set:
        written += write_set(root, _set(feature, answers))
    if drafts_feature:
        (root / "features" / f"{feature}.yaml").unlink(missing_ok=True)
        models = {names[model.name]: model for model in answers.known_models}
        tools = answers.tools is not None
        written += write_feature(root, feature, models=models, incumbent=ours, tools=tools)
    lacking = _without_input(answers) if draws_set else None
    return Drafted(written=tuple(written), names=names, lacking=lacking)


def _without_input(answers: ImportedAnswers) -> str | None:
    """How many cases say nothing of what was asked: nobody can be asked them again."""
    lacking = sum(map(has_no_input, answers.cases))
    return (
        f"{plural(lacking, 'case')} without an input: the answers at hand can be compared, and no "
        "model can be asked; a file that tells it (column `input`) makes the eval set whole"
        if lacking
        else None
    )


def take_back(root: Path, drafted: Drafted) -> None:
    """Remove what was drafted for an import that failed afterwards, and the folders left empty."""
    for name in drafted.written:
        if "(kept" in name:
            continue
        path = root / name
        path.unlink(missing_ok=True)
        if path.parent.parent.parent == root and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _is_new(root: Path, feature: str) -> bool:
    """Whether there is no file of the feature, or an untouched draft, which is replaced."""
    files = [root / "features" / f"{feature}{end}" for end in (".yaml", ".yml")]
    there = [path for path in files if path.exists()]
    blank = blank_feature_text(feature).encode()
    return not there or (there == files[:1] and files[0].read_bytes() == blank)


def _incumbent(given: str | None, answers: ImportedAnswers, names: Mapping[str, str]) -> str:
    if given is None:
        raise UsageError(
            f"a new feature: say which model is in production: --incumbent, one of "
            f"{', '.join(names)}"
        )
    return named_model(given, answers.known_models, names)


def _set(feature: str, answers: ImportedAnswers) -> SetDraft:
    repeats = 1 + max((answer.repeat for answer in answers.answers), default=0)
    return SetDraft(
        feature=feature,
        cases=answers.cases,
        primary=_scorer(answers),
        prompts=(input_prompt(answers.cases),),
        tools=answers.tools,
        origin=f"{answers.tool}; graded by {answers.grader}",
        repeats=repeats,
    )


def _scorer(answers: ImportedAnswers) -> ScorerSpec:
    """The tool's own grades where it gave any; else the answers as they are."""
    grades = {answer.score for answer in answers.answers if answer.score is not None}
    if not grades:
        calls = any(answer.tool_calls is not None for answer in answers.answers)
        return ScorerSpec(scorer=TOOL_CALLS if calls else "exact")
    options = {"by": answers.grader, "binary": grades <= {0.0, 1.0}}
    return ScorerSpec(scorer="graded", options=json.dumps(options, sort_keys=True))


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
    raise UsageError.of([*lines, ways])


def _answers(plan: FeaturePlan, conflicts: Sequence[Conflict]) -> Iterator[str]:
    for feature in dict.fromkeys(each.feature for each in conflicts):
        of_one = [each for each in conflicts if each.feature == feature]
        first, count = of_one[0], plural(len(of_one), "answer")
        verb = "differs" if len(of_one) == 1 else "differ"
        where = "that are there already"
        if feature != plan.feature:
            where = f"of feature {feature!r}, which asks the same: --replace changes them there too"
        yield (
            f"{first.file}: {count} {verb} from those {where} "
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
