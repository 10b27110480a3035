"""Where an option and the model of today disagree: answers side by side, from the journal alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.plan.rulings import known_rulings
from harness.scoring.catalogue import find_scorer
from harness.scoring.judge import NotGradedError
from harness.scoring.outcomes import score_outcome
from harness.scoring.scorer import NoTargetError, Setting
from harness.trials import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalsets.cases import Case
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.plan.rulings import Judging
    from harness.replay.journal import Journal
    from harness.scoring.scorer import Scorer
    from harness.trials import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model's end of a case. `score` is None where no label can tell it yet."""

    text: str
    score: float | None
    reason: str | None = None
    """The judge's words, where a model judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A case on which two models score differently, or differ and are not labelled."""

    option: str
    case: Case
    current: Side
    candidate: Side

    @property
    def loss(self) -> float:
        """How much worse the candidate is, in [-1, 1]; 0 while it is unlabelled."""
        if self.current.score is None or self.candidate.score is None:
            return 0.0
        return self.current.score - self.candidate.score


def disagreements(plan: FeaturePlan, journal: Journal) -> Iterator[Disagreement]:
    """The disagreements of each option that was asked, the candidate's losses first.

    Raises:
        UsageError: the journal has no answers to this feature as it is asked now.
    """
    if plan.incumbent is None:
        raise UsageError(f"{plan.feature}: {plan.note or 'cannot be planned'}")
    current = _ends(plan, plan.incumbent, journal)
    if not current:
        raise UsageError(f"{plan.feature}: no answers here; `rightsize review` asks for them")
    theirs = {option.rung.option: _ends(plan, option.rung, journal) for option in plan.asked}
    every = chain(current.values(), *(ends.values() for ends in theirs.values()))
    judging = known_rulings(plan, every, journal)
    setting = Setting(folder=plan.sample.folder, grades=judging.book if judging else None)
    scorer = _Reader(find_scorer(plan.evalset.primary, setting), judging)
    for option in plan.asked:
        ends = theirs[option.rung.option]
        found = [
            each
            for case in plan.sample.deciding
            if case.id in current and case.id in ends
            for each in _differing(option.rung.option, case, (current, ends), scorer)
        ]
        yield from sorted(found, key=lambda each: -each.loss)


def _differing(
    option: str,
    case: Case,
    ends: tuple[dict[str, Outcome], dict[str, Outcome]],
    reader: _Reader,
) -> Iterator[Disagreement]:
    current, candidate = (reader.side(each[case.id], case) for each in ends)
    unlabelled = None in (current.score, candidate.score) and current.text != candidate.text
    if unlabelled or current.score != candidate.score:
        yield Disagreement(option=option, case=case, current=current, candidate=candidate)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Scores answers, with the judge's reason where there is one."""

    scorer: Scorer
    judging: Judging | None

    def side(self, outcome: Outcome, case: Case) -> Side:
        text = outcome.text if isinstance(outcome, Answered) else f"({outcome.reason})"
        try:
            score = score_outcome(outcome, case, self.scorer)
        except (NoTargetError, NotGradedError):
            score = None
        return Side(text=text, score=score, reason=self._reason(case.id, text))

    def _reason(self, case_id: str, text: str) -> str | None:
        seats = self.judging.seats if self.judging else ()
        said = [seat.reasons.get((case_id, text)) for seat in seats if seat.planned.measure == 0]
        return next((reason for reason in said if reason), None)


def _ends(plan: FeaturePlan, rung: Rung, journal: Journal) -> dict[str, Outcome]:
    trials = {case.id: plan.asker.trial(rung, case, 0, "quality") for case in plan.sample.deciding}
    settled = journal.settled(trial.fingerprint for trial in trials.values())
    return {
        case: settled[trial.fingerprint].outcome(trial)
        for case, trial in trials.items()
        if trial.fingerprint in settled
    }
