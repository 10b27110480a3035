"""What a feature's cases can tell: copies among them, and the floor of a constant answer.

Uses neither numpy nor scipy, because `check` runs without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from evalsets.cases import Case, Distinct, EvalSet
from evalsets.duplicates import NearCopies, near_copies
from evalsets.prompts import check_template, metadata_named
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer, needs_target
from harness.judge.scoring.constants import best_constant, is_assumed, runs_here
from harness.judge.scoring.scorer import Setting
from harness.record.trust import FloorFacts
from harness.wording import in_points, plural


def near_copies_of(evalset: EvalSet, prompts: Path) -> NearCopies | None:
    """Near-copies by input and by the metadata that the folder's prompts show; None: hardly any."""
    texts = [
        path.read_text(encoding="utf-8-sig", errors="replace")
        for path in sorted(prompts.glob("*.j2"))
    ]
    return near_copies(evalset.cases, keys=metadata_shown(texts))


def metadata_shown(prompts: Iterable[str]) -> frozenset[str] | None:
    """The metadata keys that the prompts show; None if one may show any."""
    found = [metadata_named(text) for text in prompts if check_template(text) is None]
    named = [keys for keys in found if keys is not None]
    return None if len(named) < len(found) else frozenset[str]().union(*named)


def copies_line(found: EvalSet | Distinct) -> str | None:
    """`200 rows, 1 case: ...`, for repeated rows of the case file; None without any."""
    if not found.copies:
        return None
    copy, case = found.copies[0]
    rows = len(found.cases) + len(found.copies)
    return (
        f"{plural(rows, 'row')}, {plural(len(found.cases), 'case')}: rows with equal "
        f"input and metadata are one case, which is asked and counted once (first: {copy!r} is "
        f"{case!r} again)"
    )


def near_copies_line(found: NearCopies | None) -> str | None:
    """`180 cases, worth about 37 independent ones: ...`; None if hardly any are alike."""
    if found is None:
        return None
    worth = plural(max(round(found.worth), 1), "independent one")
    one, other = found.pair
    return (
        f"{plural(found.n, 'case')}, worth about {worth}: many say nearly the same "
        f"(look at {one!r} and {other!r})"
    )


LEVEL = 0.05
"""One-sided level of the lower bound."""
_DIGITS = 6


def hopeless(
    evalset: EvalSet, cases: Sequence[Case], *, folder: Path, margin: float
) -> FloorFacts | None:
    """The floor if not even a model that is right on every case clears the best constant.

    A case without a target counts against the constant, whose score is then a least one. None: a
    model could clear it, or it is unknown because no case has a target or the scorer runs the
    team's code.
    """
    if not cases or not runs_here(evalset.primary):
        return None
    bare = needs_target(evalset.primary)
    told = [case for case in cases if not bare or case.target is not None]
    if not told:
        return None
    try:
        scorer = find_scorer(evalset.primary, Setting(folder=folder))
        constant = best_constant(scorer, told)
    except UsageError:
        # A broken scorer or target is reported by the check of scorers.
        return None
    best, score = points(all_right_lower(len(cases))), points(sum(constant.scores) / len(cases))
    if clears(best, score, margin):
        return None
    return FloorFacts(
        cases=len(cases),
        sampled=False,
        right=None,
        level=None,
        level_lower=None,
        best_lower=best,
        constant=constant.constant.kind,
        label=constant.constant.label,
        constant_right=constant.right,
        constant_score=score,
        assumed=is_assumed(scorer),
        margin=margin,
        clears=False,
        all_right=False,
        alike=None,
        unlabelled=len(cases) - len(told) or None,
    )


def all_right_lower(cases: int) -> float:
    """Clopper-Pearson lower bound for a model that was right on all n cases: the largest bound.

    >>> round(all_right_lower(60), 3)
    0.951
    """
    return LEVEL ** (1 / cases)


def clears(lower: float, constant: float, margin: float) -> bool:
    """Whether a bound exceeds the constant's score by the margin; all in points."""
    return round(lower - constant, _DIGITS) >= margin


def points(share: float) -> float:
    """A share as points, rounded to what a record keeps."""
    return round(100 * share, _DIGITS)


def floor_note(floor: FloorFacts, unit: str) -> str:
    """One line for a plan or a check about why these cases cannot decide."""
    least = "at least " if floor.unlabelled else ""
    return (
        f"{constant_words(floor)} scores {least}{floor.constant_score:.1f} of 100 on "
        f"{floor.cases:,} {unit} by itself: not even a model that is right on all of them could be "
        f"told from it with a margin of {in_points(floor.margin)}; add cases with other targets"
    )


def constant_words(floor: FloorFacts) -> str:
    """What the constant answer is: "always answering 'billing'"."""
    if floor.label is not None:
        return f"always answering {floor.label!r}"
    return {
        "empty answer": "an empty answer to everything",
        "commonest target": "always giving the commonest answer",
    }.get(floor.constant or "", "the same short text to everything")
