"""What is right on tune cases without a target, and which answers examples show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from evalsets.cases import Case
from evalsets.splits import TuneParts
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.judge import NotGradedError
from harness.judge.scoring.scorer import NoTargetError, Scorer, Setting, checked_score
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption


class AnswersCases(Protocol):
    """Asks a model cases under its own prompt."""

    def answers(self, rung: PlannedOption, cases: Sequence[Case]) -> Mapping[str, str]:
        """Its answers by case; without those that it did not give."""
        ...


def asks_incumbent(plan: FeaturePlan, parts: TuneParts) -> bool:
    """Whether today's model has to be asked: for targets, or for answers to show."""
    scorer = _scorer(plan)
    return bool(_lacking(parts, scorer)) or len(_shown(parts, scorer)) < len(parts.examples)


def with_targets(
    plan: FeaturePlan, parts: TuneParts, trials: AnswersCases
) -> tuple[TuneParts, Mapping[str, str]]:
    """The parts with a right answer to every case that needs one, and what examples show.

    Where a case has no target, the answer of today's model under its own prompt stands for one. An
    example shows its target where the scorer takes it for an answer, else today's model's answer,
    unless that is wrong.
    """
    scorer = _scorer(plan)
    shown, lacking = _shown(parts, scorer), _lacking(parts, scorer)
    absent = [case for case in parts.examples if case.id not in shown]
    to_ask = {case.id: case for case in (*lacking, *absent)}
    today = plan.incumbent
    answers: Mapping[str, str] = {}
    if today is not None and to_ask:
        answers = trials.answers(today, list(to_ask.values()))
    targets = {
        case.id: target
        for case in lacking
        if case.id in answers and (target := _as_target(scorer, case, answers[case.id]))
    }
    for case in absent:
        known = replace(case, target=targets.get(case.id, case.target))
        if case.id in answers and _is_right(scorer, known, answers[case.id]):
            shown[case.id] = answers[case.id]
    filled = TuneParts(
        examples=parts.examples,
        search=_filled(parts.search, targets),
        choice=_filled(parts.choice, targets),
    )
    return filled, shown


def _scorer(plan: FeaturePlan) -> Scorer:
    return find_scorer(plan.evalset.primary, Setting(folder=plan.sample.folder))


def _lacking(parts: TuneParts, scorer: Scorer) -> list[Case]:
    whole = (*parts.examples, *parts.search, *parts.choice)
    return [case for case in whole if scorer.needs_target and case.target is None]


def _shown(parts: TuneParts, scorer: Scorer) -> dict[str, str]:
    """Targets that are answers as they stand."""
    return {
        case.id: case.target
        for case in parts.examples
        if case.target and _worth(scorer, case, case.target) == 1.0
    }


def _filled(cases: Sequence[Case], targets: Mapping[str, str]) -> tuple[Case, ...]:
    return tuple(
        replace(case, target=targets[case.id]) if case.id in targets else case for case in cases
    )


def _as_target(scorer: Scorer, case: Case, answer: str) -> str | None:
    """The form of an answer in which it is the target of itself; None: it holds no answer."""
    for text in (answer, scorer.normalise(answer)):
        if text and _worth(scorer, replace(case, target=text), answer) == 1.0:
            return text
    return None


def _is_right(scorer: Scorer, case: Case, answer: str) -> bool:
    """Whether it may be shown; what nobody has graded may."""
    return _worth(scorer, case, answer) in {1.0, None}


def _worth(scorer: Scorer, case: Case, answer: str) -> float | None:
    try:
        return checked_score(scorer, case, answer)
    except (NoTargetError, NotGradedError):
        return None
