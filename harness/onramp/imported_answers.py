"""Imported answers into the journal, where a review finds them and asks nobody.

Each becomes the trial that the workspace would ask: same case, option, prompt and parameters. A
prompt changed later makes another trial, which no imported answer fits. Their runs stand in the
journal under the cycle `imported`, so that they count as evidence and not against a review's cap.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.attempts import attempt_cost
from harness.errors import Problem, UsageError
from harness.intake.reading import warning
from harness.replay.journal import Ended, Sent
from harness.scoring.catalogue import find_scorer
from harness.scoring.graded import envelope
from harness.scoring.scorer import NoTargetError, Setting
from harness.trials import Answered, Attempt, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evalsets.cases import Case
    from harness.intake.values import ImportedAnswer, ImportedAnswers
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.replay.journal import Journal
    from harness.scoring.scorer import Scorer
    from harness.trials import Trial

IMPORTED = "imported"
"""Cycle of the journal's runs that were imported; `request_id` of their attempts begins so."""
ENDS = ("written", "there already", "missing", "left out")
_BLOCK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: trials by what became of them, and every problem."""

    counts: Mapping[str, int]
    """`written`, `there already`, `missing`, `left out`."""
    usage_unknown: int
    problems: tuple[Problem, ...]


def import_run_id(data: bytes) -> str:
    """The journal's name for an import: equal files are one run."""
    return f"{IMPORTED}-{hashlib.sha256(data).hexdigest()[:16]}"


def journal_answers(
    plan: FeaturePlan,
    answers: ImportedAnswers,
    names: Mapping[str, str],
    *,
    journal: Journal,
    now: str,
) -> Imported:
    """Write a file's answers into the journal; `names` are our options by the tool's models."""
    work = _Import(plan=plan, source=answers, names=names, now=now)
    found = list(work.entries())
    known = journal.settled(entry.trial.fingerprint for entry in found)
    fresh = [entry for entry in found if entry.trial.fingerprint not in known]
    work.counts["there already"] += len(found) - len(fresh)
    work.counts["written"] += len(fresh)
    for start in range(0, len(fresh), _BLOCK):
        _write(journal, fresh[start : start + _BLOCK])
    work.tell_scores()
    work.tell_lacking()
    return Imported(
        counts={what: work.counts[what] for what in ENDS},
        usage_unknown=sum(entry.attempt.usage is None for entry in fresh),
        problems=(*answers.problems, *work.problems),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    trial: Trial
    attempt: Attempt
    outcome: Answered | Failed


def _write(journal: Journal, entries: Sequence[_Entry]) -> None:
    rows = journal.commit(ended=(), sent=[Sent(trial=entry.trial, number=1) for entry in entries])
    ends = [
        Ended(row=row, attempt=entry.attempt, outcome=entry.outcome)
        for row, entry in zip(rows, entries, strict=True)
    ]
    journal.commit(ended=ends, sent=())


@dataclass(slots=True, kw_only=True)
class _Import:
    plan: FeaturePlan
    source: ImportedAnswers
    names: Mapping[str, str]
    now: str
    counts: Counter[str] = field(default_factory=Counter[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    differing: list[str] = field(default_factory=list[str])
    asked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    told: set[str] = field(default_factory=set[str])

    def entries(self) -> Iterator[_Entry]:
        """The trials that the file answers; the rest is counted and told."""
        cases = {case.id: case for case in self.plan.evalset.cases}
        rungs = self.rungs()
        scorer = find_scorer(self.plan.evalset.primary, Setting(folder=self.plan.sample.folder))
        for answer in self.source.answers:
            case, rung = cases.get(answer.case_id), rungs.get(self.names.get(answer.model, ""))
            if case is None or rung is None or answer.repeat >= self.plan.repeats:
                self.leave_out(answer, case, rung)
                continue
            self.asked.setdefault(rung.option, set()).add(case.id)
            if answer.ending == "missing":
                self.counts["missing"] += 1
                continue
            entry = self.entry(answer, case, rung, scorer)
            if entry is not None:
                yield entry

    def rungs(self) -> dict[str, Rung]:
        found = [option.rung.first for option in self.plan.options]
        incumbent = self.plan.incumbent
        if incumbent is None:
            raise UsageError(f"{self.plan.feature}: {self.plan.note or 'cannot be planned'}")
        return {rung.option: rung for rung in (incumbent, *found)}

    def entry(
        self, answer: ImportedAnswer, case: Case, rung: Rung, scorer: Scorer
    ) -> _Entry | None:
        text = self.text(answer)
        if text is None and answer.ending == "answered":
            self.counts["left out"] += 1
            self.once("no text", f"case {case.id!r}: no answer that {self.primary} could score")
            return None
        trial = self.plan.asker.trial(rung, case, answer.repeat, "quality")
        trial = replace(trial, reserve_usd=Decimal(0))
        attempt = self.attempt(answer, rung)
        if answer.ending == "failed" or text is None:
            reason = answer.reason or "failed"
            failed = Failed(trial=trial, attempts=(attempt,), reason=reason)
            return _Entry(trial=trial, attempt=attempt, outcome=failed)
        self.compare(answer, case, scorer, text)
        answered = Answered(trial=trial, attempts=(attempt,), text=text, finish="stop")
        return _Entry(trial=trial, attempt=attempt, outcome=answered)

    @property
    def primary(self) -> str:
        return self.plan.evalset.primary.scorer

    def text(self, answer: ImportedAnswer) -> str | None:
        """What the journal keeps: the answer, with its grade where that is what counts."""
        if self.primary != "graded":
            return answer.text
        return None if answer.score is None else envelope(answer.text, answer.score)

    def attempt(self, answer: ImportedAnswer, rung: Rung) -> Attempt:
        cost = None if answer.usage is None else attempt_cost(answer.usage, rung.priced())
        return Attempt(
            number=1,
            started_at=answer.at or self.now,
            reserve_usd=Decimal(0),
            cost_usd=cost,
            usage=answer.usage,
            total_s=answer.seconds,
            first_token_s=None,
            inter_token_s=None,
            error=None,
            status=None,
            request_id=f"{IMPORTED}:{self.source.tool}",
            served_model=answer.served_model,
        )

    def compare(self, answer: ImportedAnswer, case: Case, scorer: Scorer, text: str) -> None:
        """Note where our scorer and the tool's grade disagree."""
        if answer.score is None or self.primary == "graded":
            return
        try:
            ours = scorer.score(case, text)
        except NoTargetError:
            return
        if ours != answer.score:
            self.differing.append(case.id)

    def leave_out(self, answer: ImportedAnswer, case: Case | None, rung: Rung | None) -> None:
        self.counts["left out"] += 1
        if case is None:
            self.once(answer.case_id, f"case {answer.case_id!r} is not in the eval set")
        elif rung is None:
            self.once(answer.model, f"model {answer.model!r} is no option of {self.plan.feature}")
        else:
            self.once("repeat", f"only {self.plan.repeats} repeats are wanted (evalset.yaml)")

    def tell_scores(self) -> None:
        """Say how often our scorer and the tool's grade disagree."""
        if self.differing:
            self.once(
                "scores",
                f"{len(self.differing)} answers score differently under {self.primary} than under "
                f"{self.source.grader} (first: case {self.differing[0]!r})",
            )

    def tell_lacking(self) -> None:
        """Say which cases a model lacks that another has."""
        every = set[str]().union(*self.asked.values())
        for option, cases in self.asked.items():
            lacking = sorted(every - cases)
            if lacking:
                self.once(
                    f"lacking {option}",
                    f"{option} has no answer to {len(lacking)} cases that others answered "
                    f"(first: {lacking[0]!r}); they count as missing",
                )

    def once(self, key: str, message: str) -> None:
        if key not in self.told:
            self.told.add(key)
            self.problems.append(warning(self.source.tool, None, "", message))
