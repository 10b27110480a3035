"""How far those agree who say what is right: two labellers, and a judge with people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.record.parts import JudgeFacts, LabelFacts
from harness.scoring.agreement import FEWEST_GRADES, standing_grades, two_labellers
from harness.stats.agreement import cohen_kappa, share_lower

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalsets.cases import Label
    from harness.plan.rulings import Seat
    from harness.review.feature_run import FeatureRun

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
    found = [facts for seat in _seats(run) if (facts := _facts(run, seat)) is not None]
    return min(found, key=lambda each: (each.reliable, each.agreement_lower), default=None)


def judges_are_reliable(run: FeatureRun) -> bool:
    """Whether every judge of the feature is shown to agree with people; true without a judge."""
    found = [_facts(run, seat) for seat in _seats(run)]
    return all(facts is not None and facts.reliable for facts in found)


def grades_lacking(run: FeatureRun) -> int:
    """Grades by people that the least graded judge lacks; 0: more of them would not help.

    Where a judge agrees well enough by what was seen, but too little was seen, as many again.
    """
    return max((_lacking(_facts(run, seat)) for seat in _seats(run)), default=0)


def _lacking(facts: JudgeFacts | None) -> int:
    if facts is None or facts.labels < FEWEST_GRADES:
        return FEWEST_GRADES - (facts.labels if facts else 0)
    seen = facts.agreement > facts.needed and (facts.kappa or 0) > (facts.kappa_needed or 0)
    return 0 if facts.reliable or not seen else facts.labels


def _seats(run: FeatureRun) -> tuple[Seat, ...]:
    return run.judging.seats if run.judging else ()


def _facts(run: FeatureRun, seat: Seat) -> JudgeFacts | None:
    judge, planned = seat.reader, seat.planned
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
        option=planned.rung.option,
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
        swapped=seat.swapped if planned.pairwise else None,
        swapped_alike=seat.alike if planned.pairwise else None,
        reliable=kappa.n >= FEWEST_GRADES and lower >= options.least_agreement and beyond,
    )


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
