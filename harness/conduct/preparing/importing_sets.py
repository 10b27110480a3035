"""`import csv`, `inspect` and `promptfoo`: an eval set out of another tool's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalsets.cases import EvalSet, distinct
from evalsets.duplicates import near_copies
from evalsets.loading import load_evalset
from evalsets.source import SourceError
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedSet, as_text
from harness.bring.onramp.added_cases import AddedCases, append_cases, new_cases
from harness.bring.onramp.csv_cases import Columns, read_cases
from harness.bring.onramp.drafts import blank_feature_text, write_new
from harness.bring.onramp.imported_set import (
    SetDraft,
    copy_files,
    input_prompt,
    write_set,
)
from harness.bring.onramp.inspect_dataset import read_dataset
from harness.conduct.listening import Listener, Quiet
from harness.errors import UsageError, WorkspaceError
from harness.plan.sampling import copies_line, metadata_shown, near_copies_line
from harness.workspace.reading import problem_of
from harness.workspace.workspace import load_workspace

_FEATURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetToImport:
    """A file, and the feature that it becomes the eval set of."""

    root: Path
    """Folder of the workspace."""
    source: Path
    feature: str


def import_csv(
    asked: SetToImport, columns: Columns | None = None, *, listener: Listener | None = None
) -> ImportedSet:
    """Make an eval set of a table: CSV, TSV or JSON Lines.

    Args:
        asked: the file and its feature.
        columns: which column is what; guessed without.
        listener: told what is written and which rows are alike.

    Raises:
        UsageError: the file cannot be read, or a column is not there.
    """
    data = asked.source.read_bytes()
    found = read_cases(data, path=asked.source, columns=columns or Columns())
    return _write(asked, found, f"imported from {asked.source.name}", listener)


def add_csv(
    asked: SetToImport, columns: Columns | None = None, *, listener: Listener | None = None
) -> AddedCases:
    """Add the cases of a table to the eval set that is there; no case of it is changed.

    Raises:
        UsageError: there is no such set, it or the table cannot be read, or they contradict.
    """
    folder, source = asked.root / "evalsets" / asked.feature, asked.source
    if not folder.is_dir():
        raise UsageError(
            f"evalsets/{asked.feature}/ is not there: without --add the table makes it"
        )
    told = listener or Quiet()
    evalset = _there(folder, asked.feature)
    found = read_cases(source.read_bytes(), path=source, columns=columns or Columns())
    for line in (*(f"not read: {problem}" for problem in found.problems), found.read_as):
        if line is not None:
            told.note(line)
    added = new_cases(evalset, found.cases, file=source.name)
    append_cases(evalset, folder, added.new)
    for name in copy_files(added.new, source.parent, folder):
        told.note(f"copied {folder.relative_to(asked.root).as_posix()}/{name}")
    return added


def _there(folder: Path, feature: str) -> EvalSet:
    try:
        return load_evalset(folder, feature, shown=f"evalsets/{folder.name}")
    except SourceError as error:
        raise WorkspaceError([problem_of(fault) for fault in error.faults]) from None


def import_inspect(asked: SetToImport, *, listener: Listener | None = None) -> ImportedSet:
    """Make an eval set of an inspect_ai dataset: JSON Lines or a JSON list.

    Raises:
        UsageError: the file cannot be read.
    """
    found = read_dataset(asked.source.read_bytes(), path=asked.source)
    return _write(asked, found, f"inspect_ai, {asked.source.name}", listener)


def import_promptfoo(asked: SetToImport, *, listener: Listener | None = None) -> ImportedSet:
    """Make an eval set and prompts of a promptfoo configuration.

    Raises:
        UsageError: the file cannot be read.
    """
    source = asked.source
    text = as_text(source.read_bytes(), file=source.name)
    found = read_config(
        text,
        file=source.name,
        read=_beside(source.parent),
        names=_names_beside(source.parent),
    )
    return _write(asked, found, f"promptfoo, {source.name}", listener)


def check_feature(feature: str) -> None:
    """Refuse an id that no file can have.

    Raises:
        UsageError: it is none.
    """
    if not _FEATURE.fullmatch(feature):
        raise UsageError(f"--feature {feature}: letters, digits and . _ - only")


def written_line(name: str) -> str:
    """A file that an import wrote, or kept as it was."""
    return name if " (kept" in name else f"wrote {name}"


def _write(
    asked: SetToImport, imported: ImportedSet, origin: str, listener: Listener | None
) -> ImportedSet:
    """Write the files that are not there yet: eval set, prompts, and a feature to fill in."""
    told, root, feature = listener or Quiet(), asked.root, asked.feature
    check_feature(feature)
    draft = SetDraft(
        feature=feature,
        cases=imported.cases,
        primary=imported.primary,
        guardrails=imported.guardrails,
        prompts=imported.prompts or (input_prompt(imported.cases),),
        origin=origin,
    )
    written = write_set(root, draft)
    for name in written:
        told.note(written_line(name))
    folder = root / "evalsets" / feature
    for name in copy_files(imported.cases, asked.source.parent, folder):
        told.note(f"copied {folder.relative_to(root).as_posix()}/{name}")
    for line in _alike(draft):
        told.note(line)
    if write_new(root / "features" / f"{feature}.yaml", blank_feature_text(feature)):
        told.note(f"wrote features/{feature}.yaml: fill it in, then `rightsize check`")
        for line in _lacking(root, feature):
            told.note(f"  {line}")
    if any(" (kept" not in name for name in written):
        return imported
    told.note(
        f"nothing was changed: evalsets/{feature} is there already. `rightsize import csv FILE "
        f"--add` adds cases; to import anew, take evalsets/{feature} and prompts/{feature} away"
    )
    return replace(imported, kept=True)


def _lacking(root: Path, feature: str) -> Iterator[str]:
    """What the feature's file does not say yet."""
    try:
        load_workspace(root)
    except WorkspaceError as error:
        for problem in error.problems:
            if problem.file == f"features/{feature}.yaml":
                yield str(problem)


def _alike(draft: SetDraft) -> Iterator[str]:
    """Rows that add nothing, or little, to what the eval set can decide; and contradictions."""
    found = distinct(draft.cases)
    near = near_copies(found.cases, keys=metadata_shown(prompt.text for prompt in draft.prompts))
    for line in (copies_line(found), near_copies_line(near)):
        if line is not None:
            yield line
    for copy, case in found.clashes:
        yield f"{copy!r} asks the same as {case!r} and has another target: correct one of them"


def _beside(folder: Path) -> Callable[[str], str | None]:
    def read(name: str) -> str | None:
        try:
            path = folder / name
            return as_text(path.read_bytes(), file=name) if path.is_file() else None
        except (OSError, ValueError):
            # A name that is too long, or holds what no name may.
            return None

    return read


def _names_beside(folder: Path) -> Callable[[str], list[str]]:
    def names(pattern: str) -> list[str]:
        try:
            found = list(folder.glob(pattern))
        except (ValueError, NotImplementedError, OSError):
            return []
        return sorted(path.relative_to(folder).as_posix() for path in found if path.is_file())

    return names
