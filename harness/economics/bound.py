"""The most that a candidate can save, before any call."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.workload import from_traffic
from harness.wording import percent

if TYPE_CHECKING:
    from harness.config.files import Traffic
    from harness.costing.rates import Rates
    from harness.record.parts import TrafficFacts

TOKENIZER_FLOOR = Decimal("0.7")
"""Tokenizers differ by about 30 % on the same text: a candidate may need so few input tokens."""
VERBOSITY_FLOOR = Decimal("0.5")
"""An answer of the same content may be half as long; shorter would be another answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingBound:
    """USD a month after discounts that a candidate cannot save more than, and why not."""

    monthly: Decimal
    assumption: str
    today: Decimal
    """What is spent."""

    @property
    def least(self) -> Decimal:
        """What the candidate would cost then."""
        return self.today - self.monthly


def saving_upper_bound(
    traffic: Traffic | TrafficFacts,
    *,
    incumbent: Rates,
    candidate: Rates,
    same_model: bool = False,
) -> SavingBound:
    """Bound a candidate's monthly saving by what is known before a call.

    The candidate's tokenizer and verbosity are unknown. It is given the benefit of the doubt: 0.7
    of the incumbent's input tokens and half of its output tokens, every cached token still
    cached. Another effort of the same model reads the same tokens, and may answer without any
    reasoning at all, so its output is not charged. Nothing saves more than is spent.

    Args:
        traffic: production's volume and the incumbent's token mix.
        incumbent: the incumbent's rates.
        candidate: the candidate's rates.
        same_model: it is the incumbent itself at another effort.
    """
    today = from_traffic(traffic)
    spent = today.monthly(incumbent) * (1 - incumbent.discount)
    input_floor = Decimal(1) if same_model else TOKENIZER_FLOOR
    output_floor = Decimal(0) if same_model else VERBOSITY_FLOOR
    least = today.scaled(input_floor, output_floor)
    saving = spent - least.monthly(candidate) * (1 - candidate.discount)
    read, wrote = percent(1 - input_floor), percent(1 - output_floor)
    fewer = f"it read {read} fewer tokens and wrote {wrote} fewer"
    assumption = f"even if {'it did not reason at all' if same_model else fewer}"
    return SavingBound(monthly=max(saving, Decimal(0)), assumption=assumption, today=spent)
