"""`import outcomes`: answers that were paid for elsewhere, into the journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.bring.intake.values import ImportedAnswers
from harness.bring.onramp.bringing import (
    Drafted,
    draft_workspace,
    read_all,
    refuse,
    resting_on,
    take_back,
    targets_of,
    write_targets,
)
from harness.bring.onramp.imported_answers import (
    Imported,
    Matched,
    import_run_id,
    journal_answers,
    match_answers,
)
from harness.bring.onramp.naming import FoundOptions, find_options
from harness.conduct.listening import Listener, Quiet
from harness.conduct.opening import cycle_of, utc_now
from harness.conduct.preparing.importing_sets import check_feature, written_line
from harness.errors import UsageError, WorkspaceError
from harness.journal.journal import Journal
from harness.journal.trials import IMPORTED
from harness.plan.model import FeaturePlan
from harness.plan.planning import Selection, named_options, plan_review
from harness.plan.sampling import copies_line, near_copies_line
from harness.wording import plural
from harness.workspace.state import journal_file
from harness.workspace.workspace import load_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersToImport:
    """Files of answers, and the feature that they belong to."""

    root: Path
    """Folder of the workspace."""
    sources: tuple[Path, ...]
    """promptfoo's results, inspect_ai's logs, or tables; of one tool."""
    feature: str
    incumbent: str | None = None
    """Model of today, for a feature that is new."""
    replace: bool = False
    """Put the file's answers and targets in the place of others that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFillIn:
    """The import stopped at files that a person has to fill in; then it goes on."""

    fault: WorkspaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersBrought:
    """What an import brought."""

    done: Imported
    grader: str
    """Who graded the answers there."""
    alike: tuple[str, ...]
    """A line on cases that ask the same, and on cases that ask nearly the same."""
    resting: tuple[str, ...]
    """Records that rest on what was replaced."""


def import_answers(
    asked: AnswersToImport, *, now: datetime | None = None, listener: Listener | None = None
) -> AnswersBrought | ToFillIn:
    """Bring answers of another tool into a feature's journal; drafts the feature if it is new.

    Args:
        asked: the files and their feature.
        now: the moment; the clock's without.
        listener: told what is written and what of the files needs a look.

    Raises:
        UsageError: a file cannot be read, or contradicts what is there without `replace`.
    """
    moment, told = now or utc_now(), listener or Quiet()
    root, feature = asked.root, asked.feature
    answers, data = read_all(asked.sources)
    check_feature(feature)
    drafted = draft_workspace(root, feature, answers, incumbent=asked.incumbent)
    at = moment.isoformat()
    try:
        plan, found = _placed(asked, answers, drafted, on=moment)
        replaced = _targets(plan, found, answers, told, replace=asked.replace)
    except WorkspaceError as fault:
        _tell_drafted(drafted, answers, told)
        return ToFillIn(fault=fault)
    except UsageError:
        take_back(root, drafted)
        raise
    _tell_drafted(drafted, answers, told)
    run_id = import_run_id(data)
    with Journal.open(journal_file(root), run_id=run_id, cycle=IMPORTED, now=at) as journal:
        done = journal_answers(found, journal=journal, now=at)
    touched = dict.fromkeys((feature, *(each.feature for each in found.conflicts)))
    return AnswersBrought(
        done=done,
        grader=answers.grader,
        alike=tuple(_alike(plan)),
        resting=resting_on(root, tuple(touched)) if found.conflicts or replaced else (),
    )


def _tell_drafted(drafted: Drafted, answers: ImportedAnswers, told: Listener) -> None:
    lacking = [drafted.lacking] if drafted.lacking else []
    for line in (*map(written_line, drafted.written), *answers.notes, *lacking):
        told.note(line)


def _placed(
    asked: AnswersToImport, answers: ImportedAnswers, drafted: Drafted, *, on: datetime
) -> tuple[FeaturePlan, Matched]:
    """The feature's plan, and the answers beside what the journal has; nothing is written."""
    feature, day = asked.feature, on.date()
    loaded = load_workspace(asked.root, features=(feature,))
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=cycle_of(None, day), on=day, wanted=wanted).features[0]
    every = named_options(loaded, plan, on=day)
    options = find_options(answers, drafted.names, every, workspace=loaded, feature=feature)
    return plan, _matched(asked.root, plan, answers, options, now=on.isoformat())


def _targets(
    plan: FeaturePlan, found: Matched, answers: ImportedAnswers, told: Listener, *, replace: bool
) -> int:
    """Refuse what the import contradicts, or write its targets; returns how many were replaced."""
    folder = plan.sample.folder
    targets = targets_of(plan.evalset, folder, answers.cases)
    if not replace:
        refuse(plan, found.conflicts, targets)
        if targets.new:
            has = plural(len(targets.new), "target")
            told.note(f"{has} of the file that the eval set lacks; --replace adds them")
        return 0
    if targets.other or targets.new:
        write_targets(plan.evalset, folder, (*targets.other, *targets.new))
        told.note(
            f"evalsets/{folder.name}/{plan.evalset.cases_file}: "
            f"{plural(len(targets.other), 'target')} replaced, {len(targets.new)} added"
        )
    return len(targets.other)


def _matched(
    root: Path, plan: FeaturePlan, answers: ImportedAnswers, options: FoundOptions, *, now: str
) -> Matched:
    path = journal_file(root)
    if not path.is_file():
        return match_answers(plan, answers, options, journal=None, now=now)
    with Journal.read(path) as journal:
        return match_answers(plan, answers, options, journal=journal, now=now)


def _alike(plan: FeaturePlan) -> Iterator[str]:
    for line in (copies_line(plan.evalset), near_copies_line(plan.near)):
        if line is not None:
            yield line
