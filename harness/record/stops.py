"""Why an option was given up before its last case."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from harness.record.base import Recorded


class StopFacts(Recorded):
    """What was seen, what chance was left, what stopping saved, and how many cases would decide.

    Chances and shares lie between 0 and 1. An option that was asked every case is never given up:
    it passes, is shown to be worse, or is open.
    """

    seen: int
    """Cases that it was given up after, from the first."""
    cases: int
    """All the cases that there were to ask."""
    chance: float
    """Predicted chance of passing at the last case."""
    threshold: float
    """It is given up below this chance."""
    share: float | None
    """Its part of the error allowed, which goes by the chances of all; None: it had its part."""
    least_share: float | None
    """It is given up below this part, too."""
    saved_usd: Decimal | None
    """What its remaining trials would have cost; None: they cost nothing of their own."""
    cases_to_decide: int | None
    """Cases in all that would show it within the limit in four reviews of five, were it as it was
    seen; None: no number of cases is likely to."""
    cost_to_decide_usd: Decimal | None
    """What asking them would still cost, of it and of today's model."""

    @property
    def by_share(self) -> bool:
        """Its chance was not small by itself, only beside those of the others."""
        return self.chance >= self.threshold

    @model_validator(mode="after")
    def _is_early_and_for_a_reason(self) -> Self:
        if not 0 <= self.seen < self.cases:
            raise ValueError(
                f"given up after {self.seen} of {self.cases} cases: not before the end"
            )
        least, share = self.least_share, self.share
        too_small = share is not None and least is not None and share < least
        if self.by_share and not too_small:
            raise ValueError(f"given up at a chance of {self.chance}, not below {self.threshold}")
        return self
