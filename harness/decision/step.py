"""What goes into a step of the procedure and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from harness.comparison.pairs import Pairs

if TYPE_CHECKING:
    from harness.decision.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
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
