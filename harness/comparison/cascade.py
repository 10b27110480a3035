"""A cascade, for free from stored answers: the cheap model first, the incumbent when it must.

An answer of the cheap model is kept when a checkable validator accepts it (format, schema, not
"unsure"); else the incumbent's stored answer of the same case stands. So a cascade is one more arm
over the same cases, tested like any candidate; every case costs the cheap call, an escalated one
the incumbent's, too, and takes both times one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.comparison.arms import Arm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCost:
    """What a cascade costs and takes, per case: USD and seconds, in the order of the cases."""

    usd: tuple[Decimal, ...]
    seconds: tuple[float, ...]
    escalated: float
    """Share of the cases that went to the incumbent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One stored answer's cost and time; `seconds` is None where no live call was measured."""

    usd: Decimal
    seconds: float | None


def cascade_arm(name: str, cheap: Arm, incumbent: Arm, accepted: Mapping[str, bool]) -> Arm:
    """The arm of a cascade over the cases that both arms were asked.

    `accepted` says of each case whether the cheap answer passes the validator; a case that the
    cheap model failed (Failed) is escalated, a missing one stays missing.
    """
    cases = [case for case in cheap.scores if case in incumbent.scores and case in accepted]
    kept = {case: _keeps(cheap, case, accepted) for case in cases}
    source = {case: cheap if kept[case] else incumbent for case in cases}
    return Arm(
        option=name,
        scores={case: source[case].scores[case] for case in cases},
        failed=frozenset(case for case in cases if case in source[case].failed),
        unlabelled=frozenset(case for case in cases if case in source[case].unlabelled),
        answers={
            case: source[case].answers[case] for case in cases if case in source[case].answers
        },
    )


def cascade_cost(
    cheap: Mapping[str, Spent], incumbent: Mapping[str, Spent], accepted: Mapping[str, bool]
) -> CascadeCost | None:
    """Cost and latency mixture of the same cases; None when no case has both answers."""
    cases = [case for case in accepted if case in cheap and case in incumbent]
    if not cases:
        return None
    usd = [cheap[c].usd + (0 if accepted[c] else incumbent[c].usd) for c in cases]
    times = [_time(cheap[c], None if accepted[c] else incumbent[c]) for c in cases]
    return CascadeCost(
        usd=tuple(usd),
        seconds=tuple(seconds for seconds in times if seconds is not None),
        escalated=sum(not accepted[case] for case in cases) / len(cases),
    )


def _keeps(cheap: Arm, case: str, accepted: Mapping[str, bool]) -> bool:
    """A case that only the world lost is not escalated: it is missing in the cascade as well."""
    lost = cheap.score(case) is None and case not in cheap.unlabelled
    return lost or (accepted[case] and case not in cheap.failed)


def _time(first: Spent, second: Spent | None) -> float | None:
    if second is None:
        return first.seconds
    if first.seconds is None or second.seconds is None:
        return None
    return first.seconds + second.seconds
