"""Which cases need a label, in the order of the looks, and how they are shown.

`counted` puts the number of open questions into a plan, where the journal has answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalsets.cases import Case, Turn
from evalsets.loading import TOOL_CALLS
from evalsets.shown import FoundTexts
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.replies import Told, calls_in
from harness.judge.scoring.scorer import Scorer, Setting, normal_form
from harness.judge.scoring.tools.calls import shown_calls
from harness.plan.expecting import level_cases
from harness.plan.model import FeaturePlan, Plan, Status
from harness.plan.planned_options import PlannedOption

NO_ANSWER = "(no valid answer)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One case with two different answers, sides shuffled, without their models.

    `a` and `b` are normalised answers, None for a malformed reply; `look` is the number of the
    look that waits for the case, from 1. Where `a` and `b` are one answer (the models agree on a
    case that was drawn for the level of quality), the question is whether it is right.
    """

    case_id: str
    input: str
    a: str | None
    b: str | None
    look: int
    are_calls: bool = False
    """Whether the answers are tool calls, as JSON text."""

    @property
    def shown_a(self) -> str:
        """The answer `a` for a person."""
        return self._shown(self.a)

    @property
    def shown_b(self) -> str:
        """The answer `b` for a person."""
        return self._shown(self.b)

    def _shown(self, answer: str | None) -> str:
        if answer is None:
            return NO_ANSWER
        return shown_calls(answer) if self.are_calls else answer

    @property
    def is_single(self) -> bool:
        """Whether one answer is shown."""
        return self.a == self.b

    @property
    def digest(self) -> str:
        """Identifies this question on a sheet, so that a changed row is refused."""
        return hashlib.sha256(repr((self.case_id, self.a, self.b)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Normalised answers by case, of the incumbent and of each option that answered."""

    incumbent: Mapping[str, str | None]
    options: Mapping[str, Mapping[str, str | None]]


def read_answers(plan: FeaturePlan, journal: Journal) -> Answers:
    """The answers that the journal has to a feature's deciding cases.

    Raises:
        UsageError: labels cannot replace targets under this scorer, or nothing was replayed yet.
    """
    scorer = closed_scorer(plan)
    if plan.incumbent is None:
        raise UsageError(f"{plan.feature}: {plan.note or 'cannot be planned'}")
    incumbent = _answers(plan, plan.incumbent, journal, scorer)
    options = {
        option.name: found
        for option in plan.asked
        if (found := _answers(plan, option, journal, scorer))
    }
    if not incumbent or not options:
        raise UsageError(
            f"{plan.feature}: no answers to label yet; `rightsize review` asks the models first"
        )
    return Answers(incumbent=incumbent, options=options)


def closed_scorer(plan: FeaturePlan) -> Scorer:
    """The primary scorer; raises `UsageError` unless it judges closed answers, once each."""
    scorer = find_scorer(plan.evalset.primary, Setting(folder=plan.sample.folder))
    if not scorer.closed:
        raise UsageError(
            f"{plan.feature}: scorer {plan.evalset.primary.scorer!r} judges open answers, where "
            "equal answers cannot be told; write targets, or use a scorer of closed answers"
        )
    if plan.repeats > 1:
        raise UsageError(f"{plan.feature}: labelling disagreements needs `repeats: 1`")
    return scorer


def questions(plan: FeaturePlan, answers: Answers, *, by: str) -> Iterator[Question]:
    """The disagreements without a label, in the seeded order, look by look.

    The sides are shuffled by a digest of feature, case, answers and labeller: nobody chooses them,
    and the same labeller sees the same sheet again.
    """
    looks = plan.design.looks if plan.design else (len(plan.sample.deciding),)
    for position, case in enumerate(plan.sample.deciding):
        look = 1 + sum(position >= end for end in looks)
        for pair in open_pairs(case, answers):
            a, b = _shuffled(pair, plan.feature, case.id, by)
            yield _question(plan, case, (a, b), look)


def _question(
    plan: FeaturePlan, case: Case, sides: tuple[str | None, str | None], look: int
) -> Question:
    return Question(
        case_id=case.id,
        input=shown_input(case),
        a=sides[0],
        b=sides[1],
        look=look,
        are_calls=plan.evalset.primary.scorer == TOOL_CALLS,
    )


def level_questions(plan: FeaturePlan, answers: Answers, *, by: str) -> Iterator[Question]:
    """The open questions on the random cases that the level of quality is estimated from.

    Their disagreements whatever their look, and the answers on which all agree.
    """
    drawn = {case.id for case in level_cases(plan.sample)}
    yield from (each for each in questions(plan, answers, by=by) if each.case_id in drawn)
    for case in plan.sample.deciding:
        if case.id not in drawn or case.target is not None or any(open_pairs(case, answers)):
            continue
        given = answers.incumbent.get(case.id)
        if not _known_wrong(given, case):
            yield _question(plan, case, (given, given), 1)


def open_pairs(case: Case, answers: Answers) -> Iterator[tuple[str | None, str | None]]:
    """Pairs (incumbent's, an option's) of a case that no label settles, each once."""
    if case.target is not None or case.id not in answers.incumbent:
        return
    incumbent = answers.incumbent[case.id]
    seen: set[str | None] = set()
    for found in answers.options.values():
        if case.id not in found or found[case.id] in seen:
            continue
        proposed = found[case.id]
        seen.add(proposed)
        if proposed != incumbent and not (
            _known_wrong(incumbent, case) and _known_wrong(proposed, case)
        ):
            yield incumbent, proposed


def shown_input(case: Case) -> str:
    """A case's input for a person: a conversation turn by turn, then what was found for it."""
    asked = case.input
    if not isinstance(asked, str):
        asked = "\n".join(f"{turn.role}: {_said(turn)}" for turn in asked)
    found = str(FoundTexts.of(case))
    return f"{asked}\n\ncontext:\n{found}" if found else asked


def _said(turn: Turn) -> str:
    files = " [image]" * len(turn.images) + " [document]" * len(turn.documents)
    calls = calls_in(turn.tool_calls)
    return Told(text=f"{turn.content}{files}".strip(), calls=calls).shown()


def first_look(asked: Sequence[Question]) -> list[Question]:
    """The questions of the earliest open look; later ones often need no label."""
    return [each for each in asked if each.look == asked[0].look] if asked else []


def _known_wrong(answer: str | None, case: Case) -> bool:
    return answer is None or answer in case.ruled_out


def _answers(
    plan: FeaturePlan, rung: PlannedOption, journal: Journal, scorer: Scorer
) -> dict[str, str | None]:
    trials = {case.id: plan.asker.trial(rung, case, 0, "quality") for case in plan.sample.deciding}
    settled = journal.settled(trial.fingerprint for trial in trials.values())
    return {
        case: normal_form(settled[trial.fingerprint].outcome(trial), scorer)
        for case, trial in trials.items()
        if trial.fingerprint in settled
    }


def _shuffled(
    pair: tuple[str | None, str | None], feature: str, case_id: str, by: str
) -> tuple[str | None, str | None]:
    ordered = sorted(pair, key=lambda answer: (answer is None, answer or ""))
    seed = hashlib.sha256(repr((feature, case_id, ordered, by)).encode()).digest()
    return (ordered[0], ordered[1]) if seed[0] % 2 else (ordered[1], ordered[0])


def counted(plan: Plan, journal: Journal) -> Plan:
    """The plan with the open disagreements of the next look in place of expected ones."""
    features = tuple(
        _counted(one, journal) if one.labels or one.level_labels else one for one in plan.features
    )
    return replace(plan, features=features)


def _counted(plan: FeaturePlan, journal: Journal) -> FeaturePlan:
    try:
        answers = read_answers(plan, journal)
    except UsageError:
        return plan
    waiting = first_look(list(questions(plan, answers, by="")))
    status = Status.NEEDS_LABELS if waiting else Status.READY
    drawn = set(level_questions(plan, answers, by="")) - set(waiting)
    return replace(plan, status=status, labels=len(waiting), level_labels=len(drawn))
