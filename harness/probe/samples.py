"""One request of a probe, and whether it was good."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Limits in seconds that a good request meets, each of them; at least one is set."""

    first_token_s: float | None = None
    inter_token_s: float | None = None
    total_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that every request would meet."""
        if self.first_token_s is self.inter_token_s is self.total_s is None:
            raise ValueError("an SLO needs at least one limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How one request went. Times are seconds since it was due; None: it never came to that."""

    due_s: float
    """Since the start of the run."""
    first_token_s: float | None = None
    inter_token_s: float | None = None
    """Mean gap between tokens; None with fewer than two."""
    total_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    late_s: float = 0.0
    """How much after its due time the client sent it."""
    error: str | None = None
    """Class of the error; None when an answer came."""

    def meets(self, slo: Slo) -> bool:
        """Did an answer come within every limit? An error is a miss.

        A single token has no gap: it meets any limit on gaps.
        """
        if self.error is not None or self.total_s is None:
            return False
        within = [
            limit is None or (value is not None and value <= limit)
            for value, limit in (
                (self.first_token_s, slo.first_token_s),
                (self.total_s, slo.total_s),
            )
        ]
        gap_met = (
            slo.inter_token_s is None
            or self.inter_token_s is None
            or self.inter_token_s <= slo.inter_token_s
        )
        return all(within) and gap_met
