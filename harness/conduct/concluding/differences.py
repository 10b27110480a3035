"""`why`: where an option and today's model disagree, side by side, from the journal alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from itertools import chain
from pathlib import Path

from evalsets.cases import Case
from evalsets.splits import tune_cases
from harness.bring.labelling.questions import shown_input
from harness.conduct.concluding.past import PastReview
from harness.conduct.finding.cascades import Cascade, check_of
from harness.conduct.opening import cycle_of, utc_now
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.journal.life import thresholds_under
from harness.journal.trials import Answered, Failed, Missing, Outcome, Trial
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.judge import NotGradedError
from harness.judge.scoring.replies import opened, whole
from harness.judge.scoring.scorer import (
    NoTargetError,
    Scorer,
    Setting,
    score_outcome,
)
from harness.judge.scoring.second import grade_again, second_spec
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.plan.planning import Selection, plan_review
from harness.plan.rulings import Judging, known_rulings
from harness.record.model import DecisionRecord
from harness.record.stored import file_name, read_records
from harness.tell.content import ContentCase, write_content
from harness.workspace.model_file import TUNED, is_tuned
from harness.workspace.state import journal_file, write_private
from harness.workspace.workspace import load_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model's end of a case. `score` is None where no label can tell it yet."""

    text: str
    score: float | None
    reason: str | None = None
    """The judge's words, where a model judges."""
    again: float | None = None
    """The second grader's score; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A case on which two models score differently, or differ and are not labelled."""

    option: str
    case: Case
    incumbent: Side
    candidate: Side

    @property
    def loss(self) -> float:
        """How much worse the candidate is, in [-1, 1]; 0 while it is unlabelled."""
        if self.incumbent.score is None or self.candidate.score is None:
            return 0.0
        return self.incumbent.score - self.candidate.score


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Where the options of one feature differ from today's model."""

    feature: str
    review: Path
    """Folder of the cycle's records."""
    found: tuple[Disagreement, ...]

    def record(self) -> DecisionRecord | None:
        """The feature's record of this cycle; None where no review wrote one.

        Raises:
            UsageError: a record of the cycle cannot be read.
        """
        return next((r for r in read_records(self.review) if r.feature.id == self.feature), None)


def why(past: PastReview, feature: str, *, now: datetime | None = None) -> Differences:
    """Where models disagree on a feature, by the answers in the journal.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such feature, no journal, or no answers to the feature as it is asked now.
    """
    day = (now or utc_now()).date()
    folder = past.folder(day)
    loaded = load_workspace(past.root, features=(feature,))
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=folder.name, on=day, wanted=wanted).features[0]
    with Journal.read(journal_file(past.root)) as journal:
        found = tuple(disagreements(plan, journal))
    return Differences(feature=feature, review=folder, found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChange:
    """Two prompts of a feature, and what to change in the first to get the second."""

    option: str
    beside: str
    """The option whose prompt it is held against."""
    files: tuple[str, str]
    """Paths in the workspace: the other's, then its own."""
    lines: tuple[str, ...]
    """A unified diff; empty: they are the same."""


def prompt_changes(
    root: Path, feature: str, *, now: datetime | None = None
) -> tuple[PromptChange, ...]:
    """How each option's prompt differs: a tuned one's from its model's own, others' from today's.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such feature, or it has no prompt of ours.
    """
    day = (now or utc_now()).date()
    loaded = load_workspace(root, features=(feature,))
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=cycle_of(None, day), on=day, wanted=wanted).features[0]
    today = plan.incumbent
    if plan.config.program is not None or today is None:
        raise UsageError(f"{feature} has no prompts of ours to compare")
    by_name = {rung.name: rung for rung in (today, *plan.options)}
    return tuple(
        _change(rung, by_name.get(rung.name.removesuffix(TUNED), today) if tuned else today)
        for rung in plan.options
        if (tuned := is_tuned(rung.name)) or rung.prompt.path != today.prompt.path
    )


def _change(rung: PlannedOption, other: PlannedOption) -> PromptChange:
    files = (other.prompt.path, rung.prompt.path)
    texts = (other.prompt.text.splitlines(), rung.prompt.text.splitlines())
    lines = tuple(unified_diff(*texts, *files, lineterm=""))
    return PromptChange(option=rung.name, beside=other.name, files=files, lines=lines)


def write_differences(
    differences: Differences, to: Path, *, now: datetime | None = None
) -> tuple[Path, ...]:
    """Write prompts and answers where only their owner may read them; returns the pages.

    Args:
        differences: what is written.
        to: a .jsonl file, or a folder for pages and a blind sheet an option.
        now: the moment that the pages state; the clock's without.

    Raises:
        UsageError: pages are wanted, and no review wrote a record.
    """
    if to.suffix == ".jsonl":
        write_private(to, "".join(map(_line, differences.found)))
        return ()
    record = differences.record()
    if record is None:
        raise UsageError(
            f"{differences.feature}: no record in {differences.review}; "
            "`rightsize review` writes them"
        )
    pages: list[Path] = []
    for option in sorted({each.option for each in differences.found}):
        cases = [_content(each) for each in differences.found if each.option == option]
        place = to / file_name(option.replace("@", "-").replace("+", "-"))
        pages += write_content(record, option, cases, place, now or utc_now())
    return tuple(pages)


def disagreements(plan: FeaturePlan, journal: Journal) -> Iterator[Disagreement]:
    """The disagreements of each option that was asked, the candidate's losses first.

    Raises:
        UsageError: the journal has no answers to this feature as it is asked now.
    """
    if plan.incumbent is None:
        raise UsageError(f"{plan.feature}: {plan.note or 'cannot be planned'}")
    incumbent = _ends(plan, plan.incumbent, journal)
    if not incumbent:
        raise UsageError(f"{plan.feature}: no answers here; `rightsize review` asks for them")
    theirs = {option.name: _ends(plan, option, journal) for option in plan.asked}
    for name, rung in plan.cascades.items():
        theirs[name] = _kept(plan, rung, theirs[name], incumbent, journal)
    every = chain(incumbent.values(), *(ends.values() for ends in theirs.values()))
    judging = known_rulings(plan, every, journal)
    setting = Setting(folder=plan.sample.folder, grades=judging.book if judging else None)
    primary = find_scorer(plan.evalset.primary, setting)
    second = second_spec(plan.evalset)
    again = grade_again(second, primary, plan.sample.folder) if second else None
    scorer = _Reader(primary, judging, again)
    for option in plan.asked:
        ends = theirs[option.name]
        found = [
            each
            for case in plan.sample.deciding
            if case.id in incumbent and case.id in ends
            for each in _differing(option.name, case, (incumbent, ends), scorer)
        ]
        yield from sorted(found, key=lambda each: -each.loss)


def _differing(
    option: str,
    case: Case,
    ends: tuple[dict[str, Outcome], dict[str, Outcome]],
    reader: _Reader,
) -> Iterator[Disagreement]:
    incumbent, candidate = (reader.side(each[case.id], case) for each in ends)
    unlabelled = None in (incumbent.score, candidate.score) and incumbent.text != candidate.text
    if unlabelled or incumbent.score != candidate.score:
        yield Disagreement(option=option, case=case, incumbent=incumbent, candidate=candidate)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Scores answers, with the judge's reason where there is one."""

    scorer: Scorer
    judging: Judging | None
    again: Callable[[Outcome, Case], float | None] | None

    def side(self, outcome: Outcome, case: Case) -> Side:
        said = isinstance(outcome, Answered)
        text = whole(outcome.text, outcome.tool_calls) if said else f"({outcome.reason})"
        try:
            score = score_outcome(outcome, case, self.scorer)
        except (NoTargetError, NotGradedError):
            score = None
        again = self.again(outcome, case) if self.again else None
        shown = opened(text).shown() if said else text
        return Side(text=shown, score=score, reason=self._reason(case.id, text), again=again)

    def _reason(self, case_id: str, text: str) -> str | None:
        judges = self.judging.judges if self.judging else ()
        said = [each.reasons.get((case_id, text)) for each in judges if each.planned.measure == 0]
        return next((reason for reason in said if reason), None)


def _kept(
    plan: FeaturePlan,
    rung: PlannedOption,
    cheap: dict[str, Outcome],
    incumbent: dict[str, Outcome],
    journal: Journal,
) -> dict[str, Outcome]:
    """A cascade's ends: the cheap model's where they stand, else those of today's model."""
    config = rung.cascade
    if config is None:
        return cheap
    primary = find_scorer(plan.evalset.primary, Setting(folder=plan.sample.folder))
    accepts = check_of(config, primary, plan.asker.schema)
    cascade = Cascade(rung=rung, accepts=accepts, primary=primary, sure=config.sure)
    tune = {case.id: case for case in tune_cases(plan.evalset)}
    outcomes = _settled(plan.tune_trials([rung.first]), journal).values()
    cascade.fix(outcomes, tune, thresholds_under(journal, plan.feature, plan.plan_sha256))
    stands = {
        case: not isinstance(end, Failed) and (isinstance(end, Missing) or cascade.keeps(end))
        for case, end in cheap.items()
    }
    return {
        case: end if stands[case] else incumbent[case]
        for case, end in cheap.items()
        if stands[case] or case in incumbent
    }


def _ends(plan: FeaturePlan, rung: PlannedOption, journal: Journal) -> dict[str, Outcome]:
    asked = (plan.asker.trial(rung, case, 0, "quality") for case in plan.sample.deciding)
    return _settled(asked, journal)


def _settled(trials: Iterable[Trial], journal: Journal) -> dict[str, Outcome]:
    """What the journal has of them, by case."""
    asked = {trial.case_id: trial for trial in trials}
    settled = journal.settled(trial.fingerprint for trial in asked.values())
    return {
        case: settled[trial.fingerprint].outcome(trial)
        for case, trial in asked.items()
        if trial.fingerprint in settled
    }


def _content(each: Disagreement) -> ContentCase:
    return ContentCase(
        case_id=each.case.id,
        part="",
        prompt=shown_input(each.case),
        incumbent_answer=each.incumbent.text,
        candidate_answer=each.candidate.text,
        incumbent_score=each.incumbent.score,
        candidate_score=each.candidate.score,
        judge_reason=each.candidate.reason,
    )


def _side(side: Side) -> dict[str, object]:
    reason = {"judge": side.reason} if side.reason else {}
    again = {} if side.again is None else {"second_grader": side.again}
    return {"text": side.text, "score": side.score, **again, **reason}


def _line(each: Disagreement) -> str:
    whole = {
        "option": each.option,
        "case": each.case.id,
        "input": shown_input(each.case),
        "target": each.case.target,
        "current": _side(each.incumbent),
        "candidate": _side(each.candidate),
    }
    return json.dumps(whole, ensure_ascii=False) + "\n"
