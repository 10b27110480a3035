"""Judges at work: answers wait for their grades, then they are read like any other.

With `compare: with-incumbent` an answer is held beside today's, asked twice with the sides swapped;
a winner that changes with its side is none. How far the judge agrees with people is worked out from
the grades that people gave to these very answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from evalsets.cases import Case
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Attempt, Outcome, Trial
from harness.judge.scoring.judge import FIRST, SECOND, Judge
from harness.judge.scoring.scorer import EVEN, GradeBook
from harness.plan.judging import PlannedJudge
from harness.plan.model import FeaturePlan

if TYPE_CHECKING:
    Answer: TypeAlias = "tuple[str, str]"
    """A case's id and a model's answer to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a ruling is for. `swapped`: the answer came first, today's second."""

    seat: JudgeAtWork
    case: Case
    answer: str
    swapped: bool = False


@dataclass(slots=True, kw_only=True)
class JudgeAtWork:
    """One judge at work. `winners` are the rulings so far on a pair, by side of the answer."""

    planned: PlannedJudge
    reader: Judge
    winners: dict[Answer, dict[bool, str | None]] = field(default_factory=lambda: defaultdict(dict))
    alike: int = 0
    """Pairs with the same winner in both orders."""
    swapped: int = 0
    """Pairs judged in both orders."""
    reasons: dict[Answer, str] = field(default_factory=dict["Answer", str])
    """Why, in the judge's words; only where `keeps_reasons`, for they may quote an answer."""
    keeps_reasons: bool = False

    def wanted(self, case: Case, answer: str, today: str | None) -> Iterator[tuple[Trial, _Wanted]]:
        """The trials that grade an answer; none where its grade is known or needs no judge."""
        known = self.reader.book.find(self.reader.measure, case.id, answer)
        if known is not None or self.reader.settled(case, answer) is not None:
            return
        if not self.planned.pairwise:
            trial = self.planned.grade_trial(self.reader, case, answer)
            yield trial, _Wanted(seat=self, case=case, answer=answer)
        elif today is None or self.reader.normalise(today) == self.reader.normalise(answer):
            self.enter(case, answer, EVEN)
        else:
            for swapped in (False, True):
                sides = (answer, today) if swapped else (today, answer)
                trial = self.planned.comparison_trial(self.reader, case, *sides)
                yield trial, _Wanted(seat=self, case=case, answer=answer, swapped=swapped)

    def enter(self, case: Case, answer: str, worth: float) -> None:
        """Write a grade down."""
        self.reader.book.enter(self.reader.measure, case.id, answer, worth)

    def take(self, wanted: _Wanted, text: str) -> None:
        """Read one ruling; one that names no choice grades nothing."""
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
    """What one ruling says of the answer that stood on its own side."""
    if choice not in {FIRST, SECOND}:
        return EVEN
    return 1.0 if choice == own_side else 0.0


@dataclass(slots=True, kw_only=True)
class Judging:
    """The judges of one feature, the answers that wait for them, and what they cost."""

    seats: tuple[JudgeAtWork, ...]
    cases: Mapping[str, Case]
    incumbent: str
    book: GradeBook
    _held: list[Outcome] = field(default_factory=list["Outcome"])
    _wanted: dict[str, list[_Wanted]] = field(default_factory=lambda: defaultdict(list))
    _attempts: dict[str, tuple[Attempt, ...]] = field(
        default_factory=dict[str, "tuple[Attempt, ...]"]
    )
    _today: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Today's answers by case, kept only where others are judged beside them."""

    @classmethod
    def of(
        cls,
        judges: Sequence[PlannedJudge],
        cases: Mapping[str, Case],
        incumbent: str,
        *,
        keeps_reasons: bool = False,
    ) -> Judging | None:
        """The judges of a feature at work; None where it has none."""
        if not judges:
            return None
        book = GradeBook()
        seats = tuple(
            JudgeAtWork(planned=each, reader=each.reader(book), keeps_reasons=keeps_reasons)
            for each in judges
        )
        return cls(seats=seats, cases=cases, incumbent=incumbent, book=book)

    def hold(self, outcome: Outcome) -> None:
        """Keep an outcome until its answer is judged."""
        self._held.append(outcome)
        if outcome.trial.option == self.incumbent and self._pairwise:
            text = outcome.text if isinstance(outcome, Answered) else None
            self._today[outcome.trial.case_id] = text

    @property
    def _pairwise(self) -> bool:
        return any(seat.planned.pairwise for seat in self.seats)

    def trials(self) -> Iterator[Trial]:
        """What the judges are to be asked about the answers that wait, each question once."""
        for outcome in self._held:
            if isinstance(outcome, Answered) and self._can_be_judged(outcome):
                yield from self._trials(outcome)

    def _trials(self, outcome: Answered) -> Iterator[Trial]:
        case = self.cases[outcome.trial.case_id]
        is_today = outcome.trial.option == self.incumbent
        for seat in self.seats:
            if seat.planned.pairwise and is_today:
                seat.enter(case, outcome.text, EVEN)
                continue
            for trial, wanted in seat.wanted(case, outcome.text, self._today.get(case.id)):
                first = trial.fingerprint not in self._wanted
                self._wanted[trial.fingerprint].append(wanted)
                if first:
                    yield trial

    def take(self, outcome: Outcome) -> None:
        """Read what a judge said."""
        name = outcome.trial.fingerprint
        self._attempts[name] = outcome.attempts
        for wanted in self._wanted.pop(name, ()):
            if isinstance(outcome, Answered):
                wanted.seat.take(wanted, outcome.text)

    def release(self) -> Iterator[Outcome]:
        """The outcomes whose answers were judged, or could not be."""
        ready = [outcome for outcome in self._held if self._can_be_judged(outcome)]
        self._held = [outcome for outcome in self._held if not self._can_be_judged(outcome)]
        yield from ready

    def _can_be_judged(self, outcome: Outcome) -> bool:
        if not self._pairwise or outcome.trial.option == self.incumbent:
            return True
        return outcome.trial.case_id in self._today

    def attempts(self) -> Iterable[Attempt]:
        """Every attempt of a judge, each once."""
        return [attempt for attempts in self._attempts.values() for attempt in attempts]


def known_rulings(
    plan: FeaturePlan, outcomes: Iterable[Outcome], journal: Journal
) -> Judging | None:
    """The judges of a planned feature, with every ruling on these answers that the journal has."""
    cases = {case.id: case for case in plan.evalset.cases}
    today = plan.incumbent.name if plan.incumbent else ""
    judging = Judging.of(plan.judges, cases, today, keeps_reasons=True)
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
