"""Slices and guardrails: named parts and second measures that must hold by themselves.

`alarm` vetoes when harm beyond the margin is shown at one-sided 5 %; what could not be excluded
is printed beside it. `proven` must itself be shown non-inferior, which the procedure tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.comparison.samples import sample
from harness.record.parts import GuardrailResult, SliceResult
from harness.stats.estimates import Estimate, Method, estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.comparison.pairs import Pair, Pairs

ALARM_LEVEL = 0.05
FEWEST_TO_NAME = 20
"""A slice that nobody named is shown from so many cases on."""
Protect: TypeAlias = Literal["alarm", "proven"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A slice (`key` = `value`) or a guardrail (`key` is its name), with its margin in points.

    `proven_level` is the level at which a proven part was tested (the option's own), and
    `case_ids` the cases of a slice.
    """

    key: str
    value: str
    margin: float
    protect: Protect
    case_ids: frozenset[str] = frozenset()
    proven_level: float = ALARM_LEVEL


def slice_results(pairs: Pairs, parts: Sequence[Part], method: Method) -> tuple[SliceResult, ...]:
    """What each named slice shows on the pairs that are given."""
    return tuple(_slice(pairs, part, method) for part in parts)


def guardrail_result(pairs: Pairs, part: Part, method: Method) -> GuardrailResult:
    """What a second measure shows; `pairs` are paired scores of that measure."""
    found = estimate(sample(pairs.pairs), method, _level(part))
    scored = [
        (pair.current, pair.candidate)
        for pair in pairs.pairs
        if pair.current is not None and pair.candidate is not None
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
    )


def weakest_unnamed(
    pairs: Pairs, groups: Mapping[tuple[str, str], frozenset[str]], method: Method, *, most: int = 3
) -> tuple[SliceResult, ...]:
    """The slices nobody named that lost most, at least 20 cases each; exploratory, no veto."""
    found = [
        _exploratory(pairs, key, value, case_ids, method)
        for (key, value), case_ids in sorted(groups.items())
    ]
    worse = [item for item in found if item.n >= FEWEST_TO_NAME and (item.difference or 0.0) < 0]
    return tuple(
        sorted(worse, key=lambda item: (item.difference or 0.0, item.key, item.value))[:most]
    )


def _slice(pairs: Pairs, part: Part, method: Method) -> SliceResult:
    chosen = [pair for pair in pairs.pairs if pair.case_id in part.case_ids]
    found = estimate(sample(chosen), method, _level(part))
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
    )


def _exploratory(
    pairs: Pairs, key: str, value: str, case_ids: frozenset[str], method: Method
) -> SliceResult:
    named = Part(key=key, value=value, margin=100.0, protect="alarm", case_ids=case_ids)
    found = _slice(pairs, named, method)
    return found.model_copy(update={"margin": None, "protect": "exploratory", "vetoes": False})


def _level(part: Part) -> float:
    return part.proven_level if part.protect == "proven" else ALARM_LEVEL


def _vetoes(found: Estimate | None, part: Part) -> bool:
    """A proven part vetoes until it is shown; an alarm when harm is shown."""
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
