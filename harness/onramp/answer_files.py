"""Files of answers, whichever tool wrote them, as one import."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.intake.inspect_logs import read_log
from harness.intake.outcomes_csv import read_outcomes
from harness.intake.promptfoo_results import read_results
from harness.intake.reading import a_list, an_object, as_json
from harness.onramp.repeats import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.intake.values import ImportedAnswers

_TABLES = (".csv", ".tsv")


def read_answers(data: bytes, *, file: str) -> ImportedAnswers:
    """Read one file: promptfoo's results, a log of inspect_ai, or a plain table.

    Raises:
        UsageError: it is none of them, or cannot be read.
    """
    if not data.strip():
        raise UsageError(f"{file}: the file is empty")
    if file.endswith(_TABLES):
        return read_outcomes(data, file=file)
    if file.endswith(".eval"):
        return read_log(data, file=file)
    if not file.endswith(".json"):
        raise UsageError(f"{file}: not read; .json (promptfoo, inspect_ai), .eval, .csv or .tsv")
    whole = an_object(as_json(data, file=file))
    theirs = a_list(an_object(whole.get("results")).get("results"))
    return read_results(data, file=file) if theirs else read_log(data, file=file)


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
        notes=whole.notes,
    )
    return merged, b"\0".join(data for data, _ in read)
