"""How far a feature's figures can be trusted.

Repeats of the same case, cases on which the models disagree, a second grader; and agreement: of two
labellers with each other, and of a judge with people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import nan, sqrt

from evalsets.cases import Grade, Label
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.scores import AGAIN
from harness.judge.comparison.pairs import Arm, Pairs, disagreements, grader_gap, sample
from harness.judge.decision.standing import Standing
from harness.judge.scoring.form import WrongForm
from harness.plan.rulings import JudgeAtWork
from harness.record.parts import JudgeFacts, LabelFacts
from harness.record.quality_parts import Quality
from harness.record.trust import (
    AuditFacts,
    FormFacts,
    GraderFacts,
    MixFacts,
    NoiseFacts,
    SpreadFacts,
)
from harness.stats import reliability as repeats
from harness.stats.estimates import Stratum, stratified
from harness.stats.reliability import Kappa, cohen_kappa, share_lower

FEWEST_GRADES = 30
"""Fewest grades by people that a judge is held against."""


def standing_grades(grades: Iterable[Grade], *, rubric_sha256: str) -> tuple[Grade, ...]:
    """The last grade of every answer by this rubric; a withdrawn one leaves the answer ungraded."""
    last: dict[tuple[str, str], Grade] = {}
    for grade in grades:
        if grade.rubric_sha256 != rubric_sha256:
            continue
        if grade.withdrawn:
            last.pop((grade.case, grade.answer_sha256), None)
        else:
            last[grade.case, grade.answer_sha256] = grade
    return tuple(last.values())


def two_labellers(labels: Iterable[Label]) -> tuple[tuple[str, str], Kappa] | None:
    """The two who labelled the most cases together, and their kappa; None when no two did."""
    last: dict[tuple[str, str], str] = {}
    for each in labels:
        if each.withdrawn:
            last.pop((each.by, each.case), None)
        else:
            last[each.by, each.case] = " | ".join(sorted(each.answers))
    people = sorted({by for by, _ in last})
    shared = Counter(
        {
            (one, other): len(_cases(last, one) & _cases(last, other))
            for place, one in enumerate(people)
            for other in people[place + 1 :]
        }
    )
    if not shared or not max(shared.values()):
        return None
    (one, other), _ = shared.most_common(1)[0]
    cases = sorted(_cases(last, one) & _cases(last, other))
    kappa = cohen_kappa([last[one, c] for c in cases], [last[other, c] for c in cases])
    return (one, other), kappa


def _cases(last: dict[tuple[str, str], str], by: str) -> set[str]:
    return {case for name, case in last if name == by}


_BOTH_SIDES = 0.90
"""Two-sided, so that the lower end is one-sided 95 %."""


def label_facts(labels: Iterable[Label]) -> LabelFacts | None:
    """Who labelled how much, and how far the two who share most cases agree; None: nobody did."""
    listed = tuple(labels)
    standing = {(each.by, each.case): each for each in listed}
    by = Counter(who for (who, _), last in standing.items() if not last.withdrawn)
    if not by:
        return None
    found = two_labellers(listed)
    if found is None:
        return LabelFacts(by=tuple(sorted(by.items())))
    _, kappa = found
    return LabelFacts(
        by=tuple(sorted(by.items())),
        shared=kappa.n,
        agreed=kappa.agreed,
        kappa=_digits(kappa.value),
        kappa_lower=_digits(kappa.lower),
        kappa_upper=_digits(kappa.upper),
    )


def judge_facts(run: FeatureRun) -> JudgeFacts | None:
    """The judge that agrees least with people; None without a judge, or without any grade."""
    found = [facts for judge in _judges(run) if (facts := _facts(run, judge)) is not None]
    return min(found, key=lambda each: (each.reliable, each.agreement_lower), default=None)


def judges_are_reliable(run: FeatureRun) -> bool:
    """Whether every judge of the feature is shown to agree with people; true without a judge."""
    found = [_facts(run, judge) for judge in _judges(run)]
    return all(facts is not None and facts.reliable for facts in found)


def grades_lacking(run: FeatureRun) -> int:
    """Grades by people that the least graded judge lacks; 0: more of them would not help.

    Where a judge agrees well enough by what was seen, but too little was seen, as many again.
    """
    return max((_lacking(_facts(run, judge)) for judge in _judges(run)), default=0)


def _lacking(facts: JudgeFacts | None) -> int:
    if facts is None or facts.labels < FEWEST_GRADES:
        return FEWEST_GRADES - (facts.labels if facts else 0)
    seen = facts.agreement > facts.needed and (facts.kappa or 0) > (facts.kappa_needed or 0)
    return 0 if facts.reliable or not seen else facts.labels


def _judges(run: FeatureRun) -> tuple[JudgeAtWork, ...]:
    return run.judging.judges if run.judging else ()


def _facts(run: FeatureRun, working: JudgeAtWork) -> JudgeFacts | None:
    judge, planned = working.reader, working.planned
    people: list[str] = []
    theirs: list[str] = []
    its: list[str] = []
    for grade in standing_grades(run.plan.evalset.grades, rubric_sha256=judge.rubric_sha256):
        known = judge.book.known(judge.measure, grade.case, grade.answer_sha256)
        worth = planned.options.worth.get(grade.grade)
        if known is not None and worth is not None:
            people.append(grade.by)
            theirs.append(f"{worth:g}")
            its.append(f"{known:g}")
    if not its:
        return None
    kappa = cohen_kappa(theirs, its, confidence=_BOTH_SIDES)
    lower = 100 * share_lower(kappa.agreed, kappa.n)
    options = planned.options
    beyond = kappa.lower is not None and kappa.lower >= options.least_kappa
    return JudgeFacts(
        option=planned.rung.name,
        prompt_sha256=judge.rubric_sha256,
        labels=kappa.n,
        agreement=round(100 * kappa.agreed / kappa.n, 6),
        agreement_lower=round(lower, 6),
        kappa=_digits(kappa.value),
        needed=options.least_agreement,
        kappa_lower=_digits(kappa.lower),
        kappa_needed=options.least_kappa,
        people=tuple(sorted(set(people))),
        same_family=planned.shares_family_with,
        swapped=working.swapped if planned.pairwise else None,
        swapped_alike=working.alike if planned.pairwise else None,
        reliable=kappa.n >= FEWEST_GRADES and lower >= options.least_agreement and beyond,
    )


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


_DIGITS = 6


def with_spreads(run: FeatureRun, option: str, quality: Quality) -> Quality:
    """The same quality, with both models' variances where cases were answered repeatedly."""
    return quality.model_copy(
        update={
            "spread_current": _spread(run, run.arm(run.incumbent.name)),
            "spread_candidate": _spread(run, run.arm(option)),
        }
    )


def with_mix(run: FeatureRun, standing: Standing, quality: Quality) -> Quality:
    """The same quality, with the difference at production's mix where the feature states one.

    Each part's bound is taken at its share of the level that decided, on the cases that decided.
    """
    stated = next(iter(run.plan.config.mix.items()), None)
    if stated is None:
        return quality
    key, shares = stated
    part_of = {case.id: case.meta(key) for case in run.plan.sample.deciding}
    pairs = run.pairs(standing.option).pairs[slice(*standing.cases)]
    strata = [
        Stratum(
            share=share, sample=sample([pair for pair in pairs if part_of[pair.case_id] == part])
        )
        for part, share in shares.items()
        if share
    ]
    found = stratified(strata, run.design.method, quality.level)
    facts = MixFacts(
        key=key,
        shares=tuple((part, _points(share)) for part, share in shares.items()),
        n=sum(len(stratum.sample.differences) for stratum in strata),
        difference=None if found is None else _points(found.value),
        worst=None if found is None else _points(found.lower),
    )
    return quality.model_copy(update={"mix": facts})


def noise(run: FeatureRun) -> NoiseFacts | None:
    """Today's model against itself; None with one answer per case."""
    found = repeats.noise_floor(_matrix(run, run.arm(run.incumbent.name)))
    if found is None:
        return None
    return NoiseFacts(
        cases=found.cases,
        disagreement=_points(found.disagreement),
        difference=_points(found.difference),
        error=_points(found.error),
    )


def audit(pairs: Pairs) -> AuditFacts | None:
    """Those of the cases on which the scores differ; None before anything was compared."""
    if not pairs.pairs:
        return None
    found = disagreements(pairs)
    return AuditFacts(
        losses=tuple(one.case_id for one in found if one.difference < 0),
        gains=tuple(one.case_id for one in found if one.difference > 0),
    )


def with_form(run: FeatureRun, option: str, found: AuditFacts | None) -> AuditFacts | None:
    """The same cases, with what of them was lost by form alone."""
    if found is None:
        return None
    return found.model_copy(
        update={
            "form_losses": _form(run, option, found.losses),
            "form_gains": _form(run, run.incumbent.name, found.gains),
        }
    )


def _form(run: FeatureRun, option: str, cases: Iterable[str]) -> FormFacts | None:
    """Cases that an option's replies lost by their form; None without any."""
    counts: Counter[bool] = Counter()
    for case in cases:
        wrong = [one.form for one in run.board.scored(option, [case]) if one.scores[0] != 1]
        if wrong and None not in wrong:
            counts[WrongForm.UNREAD in wrong] += 1
    return FormFacts(other=counts[False], unread=counts[True]) if counts else None


def grader(run: FeatureRun, pairs: Pairs) -> GraderFacts | None:
    """What the second grader changes; None without one, or without a case that both scored."""
    spec = run.board.measures.second
    if spec is None:
        return None
    gap = grader_gap(pairs, run.pairs(pairs.option, AGAIN))
    if gap is None:
        return None
    return GraderFacts(
        grader=spec.scorer,
        cases=gap.cases,
        current=_points(gap.incumbent),
        candidate=_points(gap.candidate),
        current_again=_points(gap.incumbent_again),
        candidate_again=_points(gap.candidate_again),
        tilt=_points(gap.tilt),
        changed_current=gap.changed_incumbent,
        changed_candidate=gap.changed_candidate,
    )


def _spread(run: FeatureRun, arm: Arm) -> SpreadFacts | None:
    found = repeats.spread(_matrix(run, arm))
    if found is None:
        return None
    return SpreadFacts(
        cases=found.cases,
        repeats=found.repeats,
        between=_points(sqrt(found.between)),
        within=_points(sqrt(found.within)),
        mean=_points(found.mean),
        every=None if found.every is None else _points(found.every),
    )


def _matrix(run: FeatureRun, arm: Arm) -> list[list[float]]:
    """Scores by case and repeat, in the seeded order; NaN where one is missing, or never was."""
    rows = [arm.scores[case] for case in run.design.order if case in arm.scores]
    longest = max((len(row) for row in rows), default=1)
    padded = [[*row, *[None] * (longest - len(row))] for row in rows]
    return [[nan if score is None else score for score in row] for row in padded] or [[nan]]


def _points(share: float) -> float:
    return round(100 * share, _DIGITS)
