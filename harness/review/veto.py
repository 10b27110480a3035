"""What was found about an option beside its quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.decision.standing import Standing
    from harness.record.codes import Reason
    from harness.record.parts import GuardrailResult, LatencyFacts, SliceResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoes:
    """What was found beside quality; `reasons` veto, `doubts` leave the option undecided.

    `standing` is the option's when it was looked at: its figures rest on the cases of the parts.
    """

    standing: Standing
    slices: tuple[SliceResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    latency: LatencyFacts | None
    reasons: tuple[Reason, ...]
    doubts: tuple[Reason, ...]
