"""Outcomes to scores: what a review keeps of an answer once it was read.

The text stays in the journal. Kept are scores, usage and, for closed answers, the digest of the
normal form: enough to compare, price and decide, and flat in memory.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evalsets.cases import Case, EvalSet, ScorerSpec
from harness.journal.trials import Answered, Attempt, Failed, Missing, Outcome
from harness.judge.comparison.pairs import Arm
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.form import WrongForm, form_fault
from harness.judge.scoring.judge import NotGradedError
from harness.judge.scoring.scorer import (
    GradeBook,
    NoTargetError,
    Scorer,
    Setting,
    as_seen,
    normal_form,
    score_outcome,
)
from harness.judge.scoring.second import grade_again, second_spec

AGAIN = -1
"""The measure of the second grader, which decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One trial, read. `scores` are the primary measure's and the guardrails', in their order."""

    scores: tuple[float | None, ...]
    kind: str
    """`answered`, `failed` or `missing`."""
    reason: str | None
    unlabelled: bool
    answer: str | None
    attempts: tuple[Attempt, ...]
    again: float | None = None
    """The second grader's score."""
    form: WrongForm | None = None
    """What is wrong with the form of an answer that scored less than it could."""
    probability: float | None = None
    """The model's own, of this answer; None: it told none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A feature's scorers: the primary one first, then the guardrails."""

    names: tuple[str, ...]
    scorers: tuple[Scorer, ...]
    second: ScorerSpec | None = None
    again: Callable[[Outcome, Case], float | None] | None = None
    """Scores by the second grader; None: there is none."""

    @classmethod
    def of(cls, evalset: EvalSet, folder: Path, grades: GradeBook | None = None) -> Measures:
        """The measures that an eval set names; `grades` is where judges write."""
        primary = find_scorer(evalset.primary, Setting(folder=folder, grades=grades))
        setting = Setting(folder=folder, primary=primary, grades=grades)
        specs = [guardrail.scorer for guardrail in evalset.guardrails]
        second = second_spec(evalset)
        return cls(
            names=(evalset.primary.scorer, *(spec.scorer for spec in specs)),
            scorers=(primary, *(find_scorer(spec, setting) for spec in specs)),
            second=second,
            again=grade_again(second, primary, folder) if second else None,
        )

    @property
    def primary(self) -> Scorer:
        """The measure that decides."""
        return self.scorers[0]

    def read(self, outcome: Outcome, case: Case) -> Scored:
        """Score one outcome by every measure."""
        try:
            scores = tuple(_score(outcome, case, scorer) for scorer in self.scorers)
            unlabelled = False
        except NoTargetError:
            scores = (None,) * len(self.scorers)
            unlabelled = True
        return Scored(
            scores=scores,
            kind=_kind(outcome),
            reason=None if isinstance(outcome, Answered) else outcome.reason,
            unlabelled=unlabelled,
            answer=self._answer(outcome),
            attempts=outcome.attempts,
            again=self.again(outcome, case) if self.again else None,
            form=self._form(outcome, case, scores[0]),
            probability=outcome.probability if isinstance(outcome, Answered) else None,
        )

    def _form(self, outcome: Outcome, case: Case, score: float | None) -> WrongForm | None:
        if not isinstance(outcome, Answered) or score is None or score == 1:
            return None
        return form_fault(self.primary, case, as_seen(outcome, self.primary))

    def _answer(self, outcome: Outcome) -> str | None:
        if not self.primary.closed:
            return None
        text = normal_form(outcome, self.primary)
        return None if text is None else answer_digest(text)


def answer_digest(text: str) -> str:
    """Of an answer's normal form; what is no Unicode (half a surrogate pair) has one as well."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _score(outcome: Outcome, case: Case, scorer: Scorer) -> float | None:
    """A score; None where the world, or a judge, brought none."""
    try:
        return score_outcome(outcome, case, scorer)
    except NotGradedError:
        return None


def _kind(outcome: Outcome) -> str:
    match outcome:
        case Answered():
            return "answered"
        case Failed():
            return "failed"
        case Missing():
            return "missing"


@dataclass(slots=True)
class Scoreboard:
    """All that was read of one feature: by option, case and repeat. Grows as outcomes come."""

    measures: Measures
    cases: Mapping[str, Case]
    fewest: int
    """Repeats that make a case whole."""
    _read: dict[str, dict[str, dict[int, Scored]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    _arms: dict[tuple[str, int], Arm] = field(default_factory=dict[tuple[str, int], Arm])
    """By option and measure, as long as nothing more of the option is read."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read yet."""
        return not any(self._read.values())

    def take(self, outcome: Outcome) -> None:
        """Read one outcome."""
        trial = outcome.trial
        scored = self.measures.read(outcome, self.cases[trial.case_id])
        self._read[trial.option][trial.case_id][trial.repeat] = scored
        for known in [name for name in self._arms if name[0] == trial.option]:
            del self._arms[known]

    def has(self, option: str, case_id: str, repeat: int) -> bool:
        """Whether a trial was read already."""
        return repeat in self._read.get(option, {}).get(case_id, {})

    def scored(self, option: str, case_ids: Iterable[str]) -> list[Scored]:
        """Everything read of an option on some cases."""
        of_option = self._read.get(option, {})
        return [s for case in case_ids for s in of_option.get(case, {}).values()]

    def arm(self, option: str, measure: int = 0) -> Arm:
        """An option's arm under one measure: the cases whose repeats are all there.

        The measure `AGAIN` is the second grader's.
        """
        known = self._arms.get((option, measure))
        if known is None:
            known = self._arms[option, measure] = self._arm(option, measure)
        return known

    def _arm(self, option: str, measure: int) -> Arm:
        whole = {
            case: list(repeats.values())
            for case, repeats in self._read.get(option, {}).items()
            if len(repeats) >= self.fewest
        }
        return Arm(
            option=option,
            scores={c: tuple(_under(s, measure) for s in read) for c, read in whole.items()},
            failed=_cases(whole, lambda scored: scored.kind == "failed"),
            unlabelled=_cases(whole, lambda scored: scored.unlabelled),
            answers={c: answer for c, read in whole.items() if (answer := _common(read))},
        )


def _under(scored: Scored, measure: int) -> float | None:
    return scored.again if measure == AGAIN else scored.scores[measure]


def _cases(whole: Mapping[str, list[Scored]], holds: Callable[[Scored], bool]) -> frozenset[str]:
    return frozenset(case for case, read in whole.items() if any(map(holds, read)))


def _common(read: list[Scored]) -> str | None:
    """The one answer of all repeats, None when they differ or one has none."""
    answers = {scored.answer for scored in read}
    return answers.pop() if len(answers) == 1 else None
