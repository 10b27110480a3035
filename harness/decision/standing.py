"""How one option stands after its tests; shares, candidate minus incumbent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

QualityState: TypeAlias = Literal[
    "passes",
    "inferior",
    "unlikely",
    "open",
    "vetoed",
    "waiting",
    "incomplete",
    "too-small",
    "not-asked",
]
"""`waiting` lacks labels; `incomplete` has too many missing trials; `not-asked` was not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One look as it was. `worst` is the lower bound at `level`, the look's nominal level."""

    number: int
    n: int
    difference: float | None
    worst: float | None
    level: float | None
    p_value: float | None
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An option's quality so far.

    `worst` is the lower bound at `level`, the level that decided: it lies above minus the margin
    exactly when `state` is `passes` (or was before a veto). `best` is the upper bound at
    one-sided alpha, unadjusted, over all cases, the pilot's too. `asked` counts cases bought.
    """

    option: str
    state: QualityState
    n: int
    asked: int
    difference: float | None
    worst: float | None
    best: float | None
    level: float | None
    worst_missing_as_zero: float | None
    looks: tuple[LookRow, ...]
    cases: tuple[int, int] = (0, 0)
    """The figures rest on the cases of the order from the first to before the second."""
    unlabelled: tuple[str, ...] = ()
    """Case ids whose disagreement needs a label before the next look."""
