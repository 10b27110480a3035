"""How one option stands after its tests; shares, candidate minus incumbent.

What goes into a step of the procedure and what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.judge.comparison.pairs import Pairs

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
"""`waiting` lacks labels; `incomplete` has too many missing trials; `not-asked` was not needed.

`unlikely` was given up before its last case; `open` was asked every case, or waits its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why an option was given up before its last case.

    `chance` is the predicted chance that it would pass at the end. It lies below `threshold`; or
    its `share` of the error allowed, which goes by the chances of all, lies below `least_share`.
    """

    seen: int
    size: int
    chance: float
    threshold: float
    share: float | None = None
    least_share: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seen < self.size:
            raise ValueError(f"given up after {self.seen} of {self.size} cases: not before the end")
        if not (self.chance < self.threshold or self.short_of_share):
            raise ValueError(f"given up at a chance of {self.chance}, not below {self.threshold}")

    @property
    def short_of_share(self) -> bool:
        """The others had so much better chances that too small a share was left for it."""
        return (
            self.share is not None
            and self.least_share is not None
            and self.share < self.least_share
        )


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
    """An option's quality so far; every figure rests on `cases`.

    `worst` is the lower bound at `level`, the level that decided: it lies above minus the margin
    exactly when `state` is `passes` (or was before a veto). `best` is the upper bound at
    one-sided alpha, unadjusted. `asked` counts cases bought.
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
    """From the first to before the second of the order.

    The deciding ones; of an option that is `inferior`, or harmful to a part, all of them, and of
    one that the pilot dropped the pilot's.
    """
    stop: Stop | None = None
    """None unless `state` is `unlikely`."""
    unlabelled: tuple[str, ...] = ()
    """Case ids whose disagreement needs a label before the next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsSoFar:
    """What is known so far: per option its pairs; per option and measure, proven guardrails.

    `vetoed` options are out; `cleared` ones passed on quality and were looked at for vetoes.
    """

    pairs: Mapping[str, Pairs] = field(default_factory=dict[str, Pairs])
    measures: Mapping[str, Mapping[str, Pairs]] = field(
        default_factory=dict[str, Mapping[str, Pairs]]
    )
    vetoed: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()

    def asked(self, option: str) -> int:
        """Cases of the order that both arms were asked."""
        return len(self.pairs[option].pairs) if option in self.pairs else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Cases to be answered before the next step: counts into the design's order."""

    options: tuple[tuple[str, int], ...]
    incumbent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """These options passed on quality: is there a veto (slice, guardrail, latency)?"""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Nothing more is asked; how each option of the design stands, cheapest first."""

    standings: tuple[Standing, ...]


Step: TypeAlias = Ask | Confirm | Finished
