"""Slices, guardrails, the incumbent's own bar, and cascades.

An `alarm` part vetoes when harm beyond its margin is shown at one-sided 5 %, each part by itself:
by Tango's bound, which alone would show it falsely in up to 12 of 100 where nothing is gained, and
by its losses alone after Clopper and Pearson. The harm that could not be excluded is told. A
`proven` part must itself be shown non-inferior, which the procedure tests.

A cascade asks a cheap model first: its answer is kept when a validator accepts it (format, schema,
not "unsure"), else the incumbent's stored answer of the same case and repeat is used. So a cascade
is one more arm over the same cases, tested like any candidate, and costs no further call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from harness.judge.comparison.pairs import Arm, Pair, Pairs, at_best, bounded, labels
from harness.record.quality_parts import GuardrailResult, SliceResult
from harness.stats.estimates import (
    Estimate,
    Method,
    Sample,
    estimate,
    level_estimate,
    most_by_losses,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The incumbent's own score, points; bounds at one-sided 5 %."""

    value: float
    lower: float
    upper: float
    n: int

    def fails(self, bar: float | None) -> bool:
        """Shown to be below its bar (points); without a bar it cannot fail."""
        return bar is not None and self.upper < bar


def baseline(pairs: Sequence[Pair], *, level: float = 0.05) -> Baseline | None:
    """Estimate the incumbent's score on the cases it was asked; None without a score.

    Where a label lacks it counts as right: so what fails its bar does so whatever the labels say.
    """
    scored = [(pair, score) for pair in pairs if (score := _at_best(pair)) is not None]
    found = level_estimate(
        Sample(
            differences=tuple(score for _, score in scored),
            clusters=labels([pair.cluster for pair, _ in scored]),
        ),
        level,
    )
    if found is None:
        return None
    return Baseline(
        value=100 * found.value, lower=100 * found.lower, upper=100 * found.upper, n=found.n
    )


def _at_best(pair: Pair) -> float | None:
    """The incumbent's score; None: the world's fault."""
    lacks = pair.incumbent is None and (pair.agreed or pair.unlabelled)
    return 1.0 if lacks else pair.incumbent


ALARM_LEVEL = 0.05
FEWEST_TO_NAME = 20
"""Smallest slice that is shown without being named in the eval set."""
Protect: TypeAlias = Literal["alarm", "proven"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubTest:
    """A slice (`key` = `value`) or a guardrail (`key` is its name), with its margin in points.

    `proven_level` is the level at which a proven part was tested (the option's own),
    `case_ids` its cases, and `in_full` says that it rests on all of them.
    """

    key: str
    value: str
    margin: float
    protect: Protect
    case_ids: frozenset[str] = frozenset()
    proven_level: float = ALARM_LEVEL
    in_full: bool = False


def guardrail_result(pairs: Pairs, part: SubTest, method: Method) -> GuardrailResult:
    """Result of a second measure; `pairs` holds the paired scores of that measure."""
    found = _bounded(pairs.pairs, part, method)
    scored = [
        (pair.incumbent, pair.candidate)
        for pair in pairs.pairs
        if pair.incumbent is not None and pair.candidate is not None
    ]
    n = sum(pair.difference is not None for pair in pairs.pairs)
    known = n and len(scored) == n
    return GuardrailResult(
        name=part.key,
        n=n,
        current=100 * sum(now for now, _ in scored) / n if known else None,
        candidate=100 * sum(new for _, new in scored) / n if known else None,
        difference=None if found is None else 100 * found.value,
        worst=None if found is None else 100 * found.lower,
        margin=part.margin,
        protect=part.protect,
        vetoes=_vetoes(found, part),
        note=None if n else "no case has both scores",
        of=len(part.case_ids) if part.in_full else None,
        could_show=_could_show(n, part, method) if part.in_full else None,
    )


def weakest_unnamed(
    pairs: Pairs, groups: Mapping[tuple[str, str], frozenset[str]], method: Method, *, most: int = 3
) -> tuple[SliceResult, ...]:
    """The unnamed slices that lost most, of at least 20 cases; exploratory, without veto."""
    found = [
        _exploratory(pairs, key, value, case_ids, method)
        for (key, value), case_ids in sorted(groups.items())
    ]
    worse = [item for item in found if item.n >= FEWEST_TO_NAME and (item.difference or 0.0) < 0]
    return tuple(
        sorted(worse, key=lambda item: (item.difference or 0.0, item.key, item.value))[:most]
    )


def slice_result(pairs: Pairs, part: SubTest, method: Method) -> SliceResult:
    """Result of a named slice on the given pairs."""
    chosen = [pair for pair in pairs.pairs if pair.case_id in part.case_ids]
    found = _bounded(chosen, part, method)
    settled = [pair for pair in chosen if pair.difference is not None]
    return SliceResult(
        key=part.key,
        value=part.value,
        n=len(settled),
        only_current_right=_lost(settled),
        only_candidate_right=_won(settled),
        difference=None if found is None else 100 * found.value,
        worst=None if found is None else 100 * found.lower,
        best=None if found is None else 100 * found.upper,
        margin=part.margin,
        protect=part.protect,
        vetoes=_vetoes(found, part),
        of=len(part.case_ids) if part.in_full else None,
        could_show=_could_show(len(settled), part, method),
    )


def _could_show(n: int, part: SubTest, method: Method) -> float | None:
    """The smallest loss that so many cases could have shown, points: whole losses and no gain."""
    if part.protect != "alarm" or method == "cluster-t":
        return None
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        lost = Sample(differences=(-1.0,) * middle + (0.0,) * (n - middle))
        shows = _vetoes(_alarming(estimate(lost, method, ALARM_LEVEL), lost, method), part)
        low, high = (low, middle) if shows else (middle, high)
    return round(100 * high / n, 6) if high <= n else None


def _exploratory(
    pairs: Pairs, key: str, value: str, case_ids: frozenset[str], method: Method
) -> SliceResult:
    named = SubTest(key=key, value=value, margin=100.0, protect="alarm", case_ids=case_ids)
    found = slice_result(pairs, named, method)
    update = {"margin": None, "protect": "exploratory", "vetoes": False, "could_show": None}
    return found.model_copy(update=update)


def _bounded(pairs: Sequence[Pair], part: SubTest, method: Method) -> Estimate | None:
    """At the level of a proven part's test; else with the upper bound that shows harm."""
    if part.protect == "proven":
        return bounded(pairs, method, part.proven_level)
    return _alarming(bounded(pairs, method, ALARM_LEVEL), at_best(pairs), method)


def _alarming(found: Estimate | None, best: Sample, method: Method) -> Estimate | None:
    """With the higher of two upper bounds: an alarm needs both to show harm."""
    if found is None or method != "tango":
        return found
    return replace(found, upper=max(found.upper, most_by_losses(best, ALARM_LEVEL)))


def _vetoes(found: Estimate | None, part: SubTest) -> bool:
    """A proven part vetoes until it is shown non-inferior, an alarm once harm is shown."""
    if part.protect == "proven":
        return found is None or found.lower <= -part.margin / 100
    return found is not None and found.upper < -part.margin / 100


def _lost(settled: list[Pair]) -> int | None:
    return _count(settled, -1.0)


def _won(settled: list[Pair]) -> int | None:
    return _count(settled, 1.0)


def _count(settled: list[Pair], difference: float) -> int | None:
    """Disagreements of one direction; None for graded scores."""
    values = [pair.difference for pair in settled]
    return values.count(difference) if set(values) <= {-1.0, 0.0, 1.0} else None


def cascade_arm(
    name: str, cheap: Arm, incumbent: Arm, accepted: Mapping[str, tuple[bool, ...]]
) -> Arm:
    """The arm of a cascade over the cases that both arms were asked.

    `accepted` says for each repeat of a case whether the cheap answer passes the validator; a
    Failed answer does not. A Missing answer stays missing and is not escalated. Imported answers
    may have more repeats for one model: only those that both have count.
    """
    kept = {
        case: _kept(cheap, case, accepted[case])
        for case in cheap.scores
        if case in incumbent.scores and case in accepted
    }
    return Arm(
        option=name,
        scores={case: _scores(cheap, incumbent, case, keeps) for case, keeps in kept.items()},
        failed=_named(cheap.failed, incumbent.failed, kept),
        unlabelled=_named(cheap.unlabelled, incumbent.unlabelled, kept),
        answers={
            case: answer
            for case, keeps in kept.items()
            if (answer := _answer(cheap, incumbent, case, keeps)) is not None
        },
    )


def _kept(cheap: Arm, case: str, accepted: tuple[bool, ...]) -> tuple[bool, ...]:
    labelled = case not in cheap.unlabelled
    return tuple(
        accepts or (score is None and labelled)
        for accepts, score in zip(accepted, cheap.scores[case], strict=True)
    )


def _scores(
    cheap: Arm, incumbent: Arm, case: str, keeps: tuple[bool, ...]
) -> tuple[float | None, ...]:
    return tuple(
        ours if kept else theirs
        for kept, ours, theirs in zip(
            keeps, cheap.scores[case], incumbent.scores[case], strict=False
        )
    )


def _named(
    cheap: frozenset[str], incumbent: frozenset[str], kept: Mapping[str, tuple[bool, ...]]
) -> frozenset[str]:
    """The named cases of the arm whose answer is used."""
    return frozenset(
        case
        for case, keeps in kept.items()
        if (case in cheap and any(keeps)) or (case in incumbent and not all(keeps))
    )


def _answer(cheap: Arm, incumbent: Arm, case: str, keeps: tuple[bool, ...]) -> str | None:
    """The common normal form of all repeats; None if they differ or have none."""
    sources = [arm for arm, stands in ((cheap, any(keeps)), (incumbent, not all(keeps))) if stands]
    answers = {arm.answers.get(case) for arm in sources}
    return answers.pop() if len(answers) == 1 else None
