"""Imported answers into the journal, where a review finds them and asks nobody.

Each becomes the trial that the workspace would ask: same case, option, prompt and parameters. A
prompt changed later makes another trial, which no imported answer fits. Their runs stand in the
journal under the cycle `imported`, so that they count as evidence and not against a review's cap.
An answer that contradicts the one that is there is told, and takes its place only where that was
asked for; the journal keeps the old one for the records that rest on it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from evalsets.cases import Case
from harness.bring.intake.values import ImportedAnswer, ImportedAnswers, warning
from harness.bring.onramp.known_cases import Brought, KnownCases, place
from harness.bring.onramp.naming import FoundOptions
from harness.errors import Problem, UsageError
from harness.journal.journal import Ended, Journal, Sent
from harness.journal.rows import Settled
from harness.journal.trials import IMPORTED, Answered, Attempt, Failed, Trial
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.custom import envelope
from harness.judge.scoring.replies import whole
from harness.judge.scoring.scorer import NoTargetError, Scorer, Setting, sees_calls
from harness.money.prices.attempts import attempt_cost
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.wording import plural

ENDS = ("written", "replaced", "there already", "missing", "left out")
_BLOCK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEntry:
    """One answer as the journal takes it."""

    trial: Trial
    attempt: Attempt
    outcome: Answered | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An answer of the file that is not the one that the journal has in its place."""

    case_id: str
    option: str
    file: str
    feature: str
    """The one whose import, or review, brought the journal's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: trials by what became of them, and every problem."""

    counts: Mapping[str, int]
    """By the words of `ENDS`."""
    usage_told: int
    """Of the answers written now, those whose tokens are known."""
    time_told: int
    problems: tuple[Problem, ...]


def import_run_id(data: bytes) -> str:
    """The journal's name for an import: equal files are one run."""
    return f"{IMPORTED}-{hashlib.sha256(data).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A file's answers beside what the journal has: nothing is written yet."""

    fresh: tuple[ImportedEntry, ...]
    differing: tuple[ImportedEntry, ...]
    conflicts: tuple[Conflict, ...]
    counts: Mapping[str, int]
    problems: tuple[Problem, ...]


def match_answers(
    plan: FeaturePlan,
    answers: ImportedAnswers,
    options: FoundOptions,
    *,
    journal: Journal | None,
    now: str,
) -> Matched:
    """Hold a file's answers against the journal, each model as the option that it is."""
    work = _Import(plan=plan, source=answers, options=options, now=now)
    return work.match(journal)


def journal_answers(found: Matched, *, journal: Journal, now: str) -> Imported:
    """Write the answers that are new; and those that differ, in the place of the old ones."""
    names = [entry.trial.fingerprint for entry in found.differing]
    journal.supersede(names, now)
    written = (*found.fresh, *found.differing)
    for start in range(0, len(written), _BLOCK):
        _write(journal, written[start : start + _BLOCK])
    counts = {**found.counts, "written": len(found.fresh), "replaced": len(found.differing)}
    return Imported(
        counts={what: counts.get(what, 0) for what in ENDS},
        usage_told=sum(entry.attempt.usage is not None for entry in written),
        time_told=sum(entry.attempt.total_s is not None for entry in written),
        problems=found.problems,
    )


def _write(journal: Journal, entries: Sequence[ImportedEntry]) -> None:
    sent = [Sent(trial=entry.trial, number=entry.attempt.number) for entry in entries]
    rows = journal.commit(ended=(), sent=sent)
    ends = [
        Ended(row=row, attempt=entry.attempt, outcome=entry.outcome)
        for row, entry in zip(rows, entries, strict=True)
    ]
    journal.commit(ended=ends, sent=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The answers of one model to one case, and the trials that they may be."""

    case: Case
    rung: PlannedOption
    trials: tuple[Trial, ...]
    answers: tuple[ImportedAnswer, ...]
    missing: int


@dataclass(slots=True, kw_only=True)
class _Import:
    plan: FeaturePlan
    source: ImportedAnswers
    options: FoundOptions
    now: str
    counts: Counter[str] = field(default_factory=Counter[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    unlike: list[str] = field(default_factory=list[str])
    asked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    told: set[str] = field(default_factory=set[str])
    fresh: list[ImportedEntry] = field(default_factory=list[ImportedEntry])
    differing: list[ImportedEntry] = field(default_factory=list[ImportedEntry])
    conflicts: list[Conflict] = field(default_factory=list[Conflict])

    def match(self, journal: Journal | None) -> Matched:
        """Every answer in its place."""
        places = list(self.places())
        names = [trial.fingerprint for each in places for trial in each.trials]
        known: Mapping[str, Settled] = journal.settled(names) if journal else {}
        features: Mapping[str, str] = journal.features(known) if journal else {}
        for each in places:
            self.put(each, known, features)
        self.refuse_unseen()
        self.tell_scores()
        self.tell_unanswered()
        return Matched(
            fresh=tuple(self.fresh),
            differing=tuple(self.differing),
            conflicts=tuple(self.conflicts),
            counts=self.counts,
            problems=(*self.source.problems, *self.problems),
        )

    def places(self) -> Iterator[_Place]:
        """The file's answers by case and model; the rest is counted and told."""
        scorer = find_scorer(self.plan.evalset.primary, Setting(folder=self.plan.sample.folder))
        for (case_id, option), (case, rung, answers) in self.sorted_answers().items():
            self.asked.setdefault(option, set()).add(case_id)
            kept = [each for each in answers if each.ending != "missing" and self.can_score(each)]
            missing = sum(each.ending == "missing" for each in answers)
            self.counts["missing"] += missing
            for each in kept:
                self.compare(each, case, scorer)
            asker, repeats = self.plan.asker, range(self.plan.repeats)
            yield _Place(
                case=case,
                rung=rung,
                trials=tuple(asker.answered_trial(rung, case, repeat) for repeat in repeats),
                answers=tuple(kept),
                missing=missing,
            )

    def sorted_answers(
        self,
    ) -> dict[tuple[str, str], tuple[Case, PlannedOption, list[ImportedAnswer]]]:
        """The answers that fit a case and an option, in the file's order."""
        evalset = self.plan.evalset
        known = KnownCases.of(evalset.cases, evalset.copies)
        cases = {case.id: known.find(case) for case in self.source.cases}
        found: dict[tuple[str, str], tuple[Case, PlannedOption, list[ImportedAnswer]]] = {}
        for answer in self.source.answers:
            case, rung = cases[answer.case_id], self.options.rungs.get(answer.model)
            if case is None or rung is None:
                self.leave_out(answer, other=answer.case_id in known.by_id, no_case=case is None)
                continue
            place = found.setdefault((case.id, rung.name), (case, rung, []))
            place[2].append(answer)
        return found

    def put(self, each: _Place, known: Mapping[str, Settled], features: Mapping[str, str]) -> None:
        """One case's answers beside what the journal has of it."""
        names = [trial.fingerprint for trial in each.trials]
        there = {repeat: known[name] for repeat, name in enumerate(names) if name in known}
        placed = place(
            [self.brought(answer) for answer in each.answers],
            there,
            missing=each.missing,
            repeats=len(names),
        )
        self.counts["there already"] += placed.there
        if placed.too_many:
            self.counts["left out"] += placed.too_many
            self.once("repeat", f"evalset.yaml wants {plural(self.plan.repeats, 'repeat')} only")
        for at, repeat in placed.fresh.items():
            self.fresh.append(self.entry(each, at, repeat, number=1))
        for at, repeat in placed.differing.items():
            before = there[repeat].attempts
            number = before[-1].number + 1 if before else 1
            self.differing.append(self.entry(each, at, repeat, number=number))
            self.conflicts.append(
                Conflict(
                    case_id=each.case.id,
                    option=each.rung.name,
                    file=each.answers[at].file,
                    feature=features.get(names[repeat], self.plan.feature),
                )
            )

    def can_score(self, answer: ImportedAnswer) -> bool:
        """Whether the scorer has something to read; else the answer is left out and told."""
        if answer.ending == "failed" or self.text(answer) is not None:
            return True
        self.counts["left out"] += 1
        what = f"case {answer.case_id!r}: no answer that {self.primary} could score"
        self.once("no text", what)
        return False

    def brought(self, answer: ImportedAnswer) -> Brought:
        text = self.text(answer)
        failed = answer.ending == "failed"
        return Brought(
            kind="failed" if failed else "answered",
            text=None if failed else text,
            tool_calls=None if failed else answer.tool_calls,
            reason=(answer.reason or "failed") if failed else None,
            usage=answer.usage,
        )

    def entry(self, place: _Place, at: int, repeat: int, *, number: int) -> ImportedEntry:
        answer, trial = place.answers[at], place.trials[repeat]
        attempt = self.attempt(answer, place.rung, number)
        brought = self.brought(answer)
        if brought.text is None:
            reason = brought.reason or ""
            failed = Failed(trial=trial, attempts=(attempt,), reason=reason)
            return ImportedEntry(trial=trial, attempt=attempt, outcome=failed)
        answered = Answered(
            trial=trial,
            attempts=(attempt,),
            text=brought.text,
            finish="stop" if brought.tool_calls is None else "tool_calls",
            tool_calls=brought.tool_calls,
        )
        return ImportedEntry(trial=trial, attempt=attempt, outcome=answered)

    @property
    def primary(self) -> str:
        return self.plan.evalset.primary.scorer

    def text(self, answer: ImportedAnswer) -> str | None:
        """What the journal keeps: the answer, with its grade where that is what counts."""
        if self.primary != "graded":
            return answer.text if answer.tool_calls is None else answer.text or ""
        return None if answer.score is None else envelope(answer.text, answer.score)

    def attempt(self, answer: ImportedAnswer, rung: PlannedOption, number: int) -> Attempt:
        cost = attempt_cost(answer.usage, rung.rates) if answer.usage and rung.rates else None
        return Attempt(
            number=number,
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

    def compare(self, answer: ImportedAnswer, case: Case, scorer: Scorer) -> None:
        """Note where our scorer and the tool's grade disagree."""
        text = self.text(answer)
        if answer.score is None or self.primary == "graded" or text is None:
            return
        if answer.ending == "failed":
            return
        try:
            ours = scorer.score(case, self.seen(answer, text, scorer))
        except NoTargetError:
            return
        if ours != answer.score:
            self.unlike.append(case.id)

    def seen(self, answer: ImportedAnswer, text: str, scorer: Scorer) -> str:
        """The answer as the scorer is given it."""
        return whole(text, answer.tool_calls) if sees_calls(scorer) else text

    def leave_out(self, answer: ImportedAnswer, *, other: bool, no_case: bool) -> None:
        self.counts["left out"] += 1
        name = answer.case_id
        if no_case and other:
            message = f"case {name!r} asks something else in the eval set than in {answer.file}"
            self.once(name, f"{message}; its answers are left out")
        elif no_case:
            self.once(name, f"case {name!r} is not in the eval set")
        else:
            self.once(answer.model, self.options.lacking[answer.model])

    def refuse_unseen(self) -> None:
        """Refuse answers that are tool calls, where the scorer would see their text alone.

        Raises:
            UsageError: there are some.
        """
        scorer = find_scorer(self.plan.evalset.primary, Setting(folder=self.plan.sample.folder))
        count = sum(answer.tool_calls is not None for answer in self.source.answers)
        if count and self.primary != "graded" and not sees_calls(scorer):
            raise UsageError(
                f"evalsets/{self.plan.sample.folder.name}/evalset.yaml: primary: {self.primary} "
                f"sees the text of an answer alone, and {plural(count, 'answer')} of the file "
                f"{'is a tool call' if count == 1 else 'are tool calls'}; use tool-calls"
            )

    def tell_scores(self) -> None:
        """Say how often our scorer and the tool's grade disagree."""
        if self.unlike:
            self.once(
                "scores",
                f"{self.primary} and {self.source.grader} score "
                f"{plural(len(self.unlike), 'answer')} differently (first: case "
                f"{self.unlike[0]!r})",
            )

    def tell_unanswered(self) -> None:
        """Say which cases a model lacks that another has."""
        every = set[str]().union(*self.asked.values())
        for option, cases in self.asked.items():
            unanswered = sorted(every - cases)
            if unanswered:
                self.once(
                    f"lacking {option}",
                    f"{option} has no answer to {plural(len(unanswered), 'case')} that others "
                    f"answered (first: {unanswered[0]!r}): missing",
                )

    def once(self, key: str, message: str) -> None:
        if key not in self.told:
            self.told.add(key)
            self.problems.append(warning(self.source.tool, None, "", message))
