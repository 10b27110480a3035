"""What was found about an option beside its quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.record.codes import Reason
    from harness.record.parts import GuardrailResult, LatencyFacts, SliceResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoes:
    """What was found beside quality; `reasons` veto, `doubts` leave the option undecided."""

    slices: tuple[SliceResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    latency: LatencyFacts | None
    reasons: tuple[Reason, ...]
    doubts: tuple[Reason, ...]
