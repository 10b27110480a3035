"""The judges of a review: outcomes are held until their answers are graded, then released.

With `compare: with-incumbent` an answer is compared with the incumbent's, twice, with the sides
swapped; a winner that changes with its side counts as a tie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from evalsets.cases import Case
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Attempt, Outcome, Trial
from harness.judge.scoring.judge import FIRST, SECOND, Judge
from harness.judge.scoring.replies import whole
from harness.judge.scoring.scorer import EVEN, GradeBook
from harness.plan.judging import PlannedJudge
from harness.plan.model import FeaturePlan

Answer: TypeAlias = tuple[str, str]
"""A case's id and a model's answer to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a ruling is for. `swapped`: the answer came first, the incumbent's second."""

    judge: JudgeAtWork
    case: Case
    answer: str
    swapped: bool = False


@dataclass(slots=True, kw_only=True)
class JudgeAtWork:
    """One judge and its rulings so far. `winners` holds those on a pair, by side of the answer."""

    planned: PlannedJudge
    reader: Judge
    winners: dict[Answer, dict[bool, str | None]] = field(default_factory=lambda: defaultdict(dict))
    alike: int = 0
    """Pairs with the same winner in both orders."""
    swapped: int = 0
    """Pairs judged in both orders."""
    reasons: dict[Answer, str] = field(default_factory=dict[Answer, str])
    """Why, in the judge's words; only where `keeps_reasons`, for they may quote an answer."""
    keeps_reasons: bool = False

    def wanted(
        self, case: Case, answer: str, incumbent: str | None
    ) -> Iterator[tuple[Trial, _Wanted]]:
        """The trials that grade an answer; none if its grade is known or needs no judge."""
        known = self.reader.book.find(self.reader.measure, case.id, answer)
        if known is not None or self.reader.settled(case, answer) is not None:
            return
        if not self.planned.pairwise:
            trial = self.planned.grade_trial(self.reader, case, answer)
            yield trial, _Wanted(judge=self, case=case, answer=answer)
        elif incumbent is None or self.reader.normalise(incumbent) == self.reader.normalise(answer):
            self.enter(case, answer, EVEN)
        else:
            for swapped in (False, True):
                sides = (answer, incumbent) if swapped else (incumbent, answer)
                trial = self.planned.comparison_trial(self.reader, case, *sides)
                yield trial, _Wanted(judge=self, case=case, answer=answer, swapped=swapped)

    def enter(self, case: Case, answer: str, worth: float) -> None:
        """Record a grade."""
        self.reader.book.enter(self.reader.measure, case.id, answer, worth)

    def take(self, wanted: _Wanted, text: str) -> None:
        """Read one ruling; a reply that names none of the choices is no grade."""
        ruling = self.planned.ruling(text)
        choice = ruling.choice
        if self.keeps_reasons:
            self.reasons[wanted.case.id, wanted.answer] = ruling.reason
        if not self.planned.pairwise:
            if choice is not None:
                self.enter(wanted.case, wanted.answer, self.planned.options.worth[choice])
            return
        sides = self.winners[wanted.case.id, wanted.answer]
        sides[wanted.swapped] = choice
        if len(sides) == len((FIRST, SECOND)) and None not in sides.values():
            self._settle(wanted, sides)

    def _settle(self, wanted: _Wanted, sides: Mapping[bool, str | None]) -> None:
        plain, swapped = _worth(sides[False], SECOND), _worth(sides[True], FIRST)
        self.swapped += 1
        self.alike += plain == swapped
        self.enter(wanted.case, wanted.answer, plain if plain == swapped else EVEN)


def _worth(choice: str | None, own_side: str) -> float:
    """The worth of the answer that stood on `own_side`, by one ruling."""
    if choice not in {FIRST, SECOND}:
        return EVEN
    return 1.0 if choice == own_side else 0.0


@dataclass(slots=True, kw_only=True)
class Judging:
    """The judges of one feature, the outcomes held for them, and their attempts."""

    judges: tuple[JudgeAtWork, ...]
    cases: Mapping[str, Case]
    incumbent: str
    book: GradeBook
    _held: list[Outcome] = field(default_factory=list["Outcome"])
    _wanted: dict[str, list[_Wanted]] = field(default_factory=lambda: defaultdict(list))
    _attempts: dict[str, tuple[Attempt, ...]] = field(
        default_factory=dict[str, "tuple[Attempt, ...]"]
    )
    _incumbent_answers: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """The incumbent's answers by case, kept only where others are compared with them."""

    @classmethod
    def of(
        cls,
        judges: Sequence[PlannedJudge],
        cases: Mapping[str, Case],
        incumbent: str,
        *,
        keeps_reasons: bool = False,
    ) -> Judging | None:
        """Set up the judges of a feature; None if it has none."""
        if not judges:
            return None
        book = GradeBook()
        working = tuple(
            JudgeAtWork(planned=each, reader=each.reader(book), keeps_reasons=keeps_reasons)
            for each in judges
        )
        return cls(judges=working, cases=cases, incumbent=incumbent, book=book)

    def hold(self, outcome: Outcome) -> None:
        """Keep an outcome until its answer is judged."""
        self._held.append(outcome)
        if outcome.trial.option == self.incumbent and self._pairwise:
            text = _told(outcome) if isinstance(outcome, Answered) else None
            self._incumbent_answers[outcome.trial.case_id] = text

    @property
    def _pairwise(self) -> bool:
        return any(judge.planned.pairwise for judge in self.judges)

    def trials(self) -> Iterator[Trial]:
        """The trials that grade the held answers, each once."""
        for outcome in self._held:
            if isinstance(outcome, Answered) and self._can_be_judged(outcome):
                yield from self._trials(outcome)

    def _trials(self, outcome: Answered) -> Iterator[Trial]:
        case = self.cases[outcome.trial.case_id]
        is_incumbent = outcome.trial.option == self.incumbent
        for judge in self.judges:
            if judge.planned.pairwise and is_incumbent:
                judge.enter(case, _told(outcome), EVEN)
                continue
            for trial, wanted in judge.wanted(
                case, _told(outcome), self._incumbent_answers.get(case.id)
            ):
                first = trial.fingerprint not in self._wanted
                self._wanted[trial.fingerprint].append(wanted)
                if first:
                    yield trial

    def take(self, outcome: Outcome) -> None:
        """Read a judge's outcome."""
        name = outcome.trial.fingerprint
        self._attempts[name] = outcome.attempts
        for wanted in self._wanted.pop(name, ()):
            if isinstance(outcome, Answered):
                wanted.judge.take(wanted, outcome.text)

    def release(self) -> Iterator[Outcome]:
        """Release the outcomes whose answers were judged, or could not be."""
        ready = [outcome for outcome in self._held if self._can_be_judged(outcome)]
        self._held = [outcome for outcome in self._held if not self._can_be_judged(outcome)]
        yield from ready

    def _can_be_judged(self, outcome: Outcome) -> bool:
        if not self._pairwise or outcome.trial.option == self.incumbent:
            return True
        return outcome.trial.case_id in self._incumbent_answers

    def attempts(self) -> Iterable[Attempt]:
        """Every attempt of a judge, each once."""
        return [attempt for attempts in self._attempts.values() for attempt in attempts]


def _told(outcome: Answered) -> str:
    """The answer as judges are given it, with its tool calls."""
    return whole(outcome.text, outcome.tool_calls)


def known_rulings(
    plan: FeaturePlan, outcomes: Iterable[Outcome], journal: Journal
) -> Judging | None:
    """The judges of a planned feature, with every ruling on these answers that the journal has."""
    cases = {case.id: case for case in plan.evalset.cases}
    incumbent = plan.incumbent.name if plan.incumbent else ""
    judging = Judging.of(plan.judges, cases, incumbent, keeps_reasons=True)
    if judging is None:
        return None
    for outcome in outcomes:
        judging.hold(outcome)
    trials = list(judging.trials())
    settled = journal.settled(trial.fingerprint for trial in trials)
    for trial in trials:
        if trial.fingerprint in settled:
            judging.take(settled[trial.fingerprint].outcome(trial))
    return judging
