"""The steps of a test and the standing of its options; shares, candidate minus incumbent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from harness.judge.comparison.pairs import Pairs
from harness.stats.estimates import Estimate


class QualityState(StrEnum):
    """What the tests found of an option's quality."""

    PASSES = "passes"
    INFERIOR = "inferior"
    UNLIKELY = "unlikely"
    """Given up before its last case."""
    OPEN = "open"
    """Asked every case, or still to be asked."""
    VETOED = "vetoed"
    WAITING = "waiting"
    """Needs labels."""
    INCOMPLETE = "incomplete"
    """It depends on answers that are missing, or both models failed on too many cases."""
    TOO_SMALL = "too-small"
    NOT_ASKED = "not-asked"
    """Not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why an option was stopped before its last case.

    `chance` is the predicted chance that it would pass at the end. Either it lies below
    `threshold`, or the option's `share` of alpha lies below `least_share`.

    Raises:
        ValueError: neither holds, or the option had reached its last case.
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
        """Whether its share of alpha was too small, as the other options had better chances."""
        return (
            self.share is not None
            and self.least_share is not None
            and self.share < self.least_share
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One look that was taken. `worst` is the lower bound at `level`, its nominal level."""

    number: int
    n: int
    difference: float | None
    worst: float | None
    level: float | None
    p_value: float | None
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What an option's pairs show on one set of cases, as shares.

    `cases` counts into the order, from the first to before the second. `tested` is the estimate at
    `level`, the level that decided; None: nothing can be estimated. `best` is the upper bound at
    one-sided alpha, unadjusted; where it shows harm, at `best_level`, the level that showed it.
    """

    cases: tuple[int, int]
    level: float
    tested: Estimate | None
    best: float | None
    worst_missing_as_zero: float | None
    best_level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one option stands so far. `asked` counts the cases bought.

    `figures` rest on the cases that decided; for an option that is harmful to a guardrail on all of
    them; for one that the pilot dropped, on the pilot's. None: nothing was tested.
    """

    option: str
    state: QualityState
    asked: int = 0
    figures: Figures | None = None
    looks: tuple[LookRow, ...] = ()
    stop: Stop | None = None
    """None unless `state` is `unlikely`."""
    unlabelled: tuple[str, ...] = ()
    """Case ids whose disagreement needs a label before it is decided."""
    fewest: int = 0
    """Fewest labels or answers that can decide it; 0: it depends on none, or not on them alone."""
    local: float | None = None
    """Its local level in a ladder; None where each option is tested once."""

    @property
    def cases(self) -> tuple[int, int]:
        """The cases that every figure rests on; (0, 0) without figures."""
        return (0, 0) if self.figures is None else self.figures.cases

    @property
    def level(self) -> float | None:
        """The level of `worst`."""
        return None if self.figures is None else self.figures.level

    @property
    def n(self) -> int:
        """Cases that count in the figures."""
        return 0 if self._tested is None else self._tested.n

    @property
    def difference(self) -> float | None:
        """Mean difference, candidate minus incumbent."""
        return None if self._tested is None else self._tested.value

    @property
    def worst(self) -> float | None:
        """Lower bound: above minus the margin exactly when the option passes, vetoes apart."""
        return None if self._tested is None else self._tested.lower

    @property
    def best(self) -> float | None:
        """Upper bound at one-sided alpha, unadjusted; of an `inferior` one at `best_level`."""
        return None if self.figures is None else self.figures.best

    @property
    def best_level(self) -> float | None:
        """The level at which harm was shown; None unless it was."""
        return None if self.figures is None else self.figures.best_level

    @property
    def worst_missing_as_zero(self) -> float | None:
        """As `worst`, with every missing answer counted as wrong."""
        return None if self.figures is None else self.figures.worst_missing_as_zero

    @property
    def _tested(self) -> Estimate | None:
        return None if self.figures is None else self.figures.tested


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsSoFar:
    """The evidence so far: pairs per option, and per option and measure for proven guardrails.

    `vetoed` options are out; `cleared` ones passed on quality and have no veto.
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

    def unasked(self, options: Iterable[str], size: int) -> tuple[tuple[str, int], ...]:
        """The options that are neither vetoed nor asked `size` cases, as `Ask` names them."""
        return tuple(
            (one, size) for one in options if one not in self.vetoed and self.asked(one) < size
        )

    def under(self, option: str, measure: str | None) -> Pairs:
        """An option's pairs under a second measure; None: under the primary one."""
        return self.pairs[option] if measure is None else self.measures[option][measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Cases to be answered before the next step, as counts into the design's order.

    `also` names cases beyond the counts that every model here is to answer.
    """

    options: tuple[tuple[str, int], ...]
    incumbent: int
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """These options passed on quality; look for vetoes (slice, guardrail, latency)."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Nothing more is to be asked; the standing of each option, cheapest first."""

    standings: tuple[Standing, ...]


Step: TypeAlias = Ask | Confirm | Finished
