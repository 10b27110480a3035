"""One labeller's sitting: what is open for this person, and where the labels go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalsets.labels import read_labels, with_labels
from harness.labelling.questions import first_look, level_questions, questions, read_answers
from harness.labelling.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalsets.cases import Label
    from harness.labelling.questions import Question
    from harness.plan.model import FeaturePlan
    from harness.replay.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Open questions of all looks, and the recorder for them.

    `level` are those of the random cases by which the level of quality is known; some of them may
    be among `asked`.
    """

    asked: tuple[Question, ...]
    recorder: Recorder
    level: tuple[Question, ...] = ()

    @property
    def now(self) -> tuple[Question, ...]:
        """The questions of the earliest look that waits."""
        return tuple(first_look(self.asked))

    def wanted(self, *, all_looks: bool) -> tuple[Question, ...]:
        """What a person is asked in one go: disagreements, then the random cases beside them."""
        return tuple(dict.fromkeys((*(self.asked if all_looks else self.now), *self.level)))

    @property
    def open(self) -> tuple[Question, ...]:
        """Every open question."""
        return self.wanted(all_looks=True)


def sit(
    plan: FeaturePlan, journal: Journal, *, by: str, clock: Callable[[], str], second: bool = False
) -> Sitting:
    """What `by` may label now.

    With `second`, the labels of others do not settle a case: a second person labels blind to the
    first one's labels, too.

    Raises:
        UsageError: the scorer's answers are open, or nothing was replayed.
    """
    answers = read_answers(plan, journal)
    path = plan.sample.folder / plan.evalset.labels_file
    if second:
        plan = _only(plan, labels_of(plan), by)
    asked = tuple(questions(plan, answers, by=by))
    recorder = Recorder(path=path, answers=answers, by=by, clock=clock)
    level = tuple(level_questions(plan, answers, by=by))
    return Sitting(asked=asked, recorder=recorder, level=level)


def labels_of(plan: FeaturePlan) -> tuple[Label, ...]:
    """Every label of the feature, in the file's order."""
    path = plan.sample.folder / plan.evalset.labels_file
    if not path.is_file():
        return ()
    case_of = {case.id: case.id for case in plan.evalset.cases} | dict(plan.evalset.copies)
    labels, _ = read_labels(path.read_text("utf-8"), file=path.name, case_ids=case_of)
    return tuple(replace(label, case=case_of[label.case]) for label in labels)


def _only(plan: FeaturePlan, labels: tuple[Label, ...], by: str) -> FeaturePlan:
    """The plan with one person's labels alone; only cases without a target are ever labelled."""
    labelled = {label.case for label in labels}
    bare = [
        replace(case, target=None, also_right=(), ruled_out=()) if case.id in labelled else case
        for case in plan.sample.deciding
    ]
    own = with_labels(bare, (label for label in labels if label.by == by))
    return replace(plan, sample=replace(plan.sample, deciding=own))
