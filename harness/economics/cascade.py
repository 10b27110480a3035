"""What a cascade costs: the cheap model always, today's model where its answer did not stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import exact, plain, rounded
from harness.costing.workload import USD_PLACES
from harness.economics.bridge import bridge
from harness.economics.monthly import measured_cost
from harness.economics.workload import UsagePair
from harness.record.parts import Bridge, OptionCost
from providers.completion import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config.files import Traffic
    from harness.costing.tables import Rates
    from harness.economics.monthly import MonthlyCost

_NOTHING = TokenUsage(input_tokens=0, output_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCost:
    """Two models' month. `escalation` is what today's model costs on the requests that go on."""

    first: MonthlyCost
    escalation: MonthlyCost
    escalated: float
    """Share of the cases that went on, in [0, 1]."""
    success_share: Decimal | None = None

    @property
    def per_request(self) -> Decimal:
        """USD a request at list price, both models together."""
        return self.first.per_request + self.escalation.per_request

    @property
    def per_success(self) -> Decimal | None:
        """USD a request that the scorer accepted; None: none was, or it was not measured."""
        if not self.success_share:
            return None
        return rounded(self.per_request / self.success_share, USD_PLACES)

    @property
    def monthly(self) -> Decimal:
        """USD a month at list price."""
        return self.first.monthly + self.escalation.monthly

    @property
    def monthly_after_discounts(self) -> Decimal:
        """USD a month, each provider's discount taken off."""
        return self.first.monthly_after_discounts + self.escalation.monthly_after_discounts


def cascade_cost(
    pairs: Sequence[UsagePair],
    kept: Sequence[bool],
    traffic: Traffic,
    rates: tuple[Rates, Rates],
    *,
    success: float | None,
) -> CascadeCost:
    """Price a cascade on the cases that both models were asked.

    Args:
        pairs: usage of the cheap model and of the incumbent on the same cases.
        kept: parallel to `pairs`: the cheap answer stood.
        traffic: production's volume and mix.
        rates: the cheap model's, the incumbent's.
        success: the cascade's mean score in [0, 1].

    Raises:
        NoUsageError: no pair has usage.
    """
    cheap, dear = rates
    asked = _asked_in_part(dear, Decimal(len(kept) - sum(kept)) / max(len(kept), 1))
    return CascadeCost(
        first=measured_cost(pairs, traffic, cheap),
        escalation=measured_cost(escalations(pairs, kept), traffic, asked),
        escalated=1 - sum(kept) / max(len(kept), 1),
        success_share=None if success is None else exact(success),
    )


def _asked_in_part(rates: Rates, share: Decimal) -> Rates:
    """Rates of which only a share of the requests pays what is charged by the request."""
    return replace(
        rates,
        per_request=rounded(rates.per_request * share, USD_PLACES),
        minimum_per_request=rounded(rates.minimum_per_request * share, USD_PLACES),
    )


def escalations(pairs: Sequence[UsagePair], kept: Sequence[bool]) -> tuple[UsagePair, ...]:
    """What the incumbent is asked on top: all that it took of a case that went on, else nothing."""
    return tuple(
        UsagePair(option=_NOTHING if stays else pair.incumbent, incumbent=pair.incumbent)
        for pair, stays in zip(pairs, kept, strict=True)
    )


def cascade_bridge(incumbent: MonthlyCost, cascade: CascadeCost) -> tuple[Bridge, ...]:
    """From today's month to the cheap model's, and what asking today's model again adds."""
    again = Bridge(term="asked again", usd=plain(cascade.escalation.monthly))
    return (*bridge(incumbent, cascade.first), again)


def cascade_option_cost(cost: CascadeCost) -> OptionCost:
    """For the record. Two models have no one price list: `rates` is None."""
    first, again = cost.first.workload, cost.escalation.workload
    return OptionCost(
        per_request=cost.per_request,
        per_success=cost.per_success,
        monthly=plain(cost.monthly),
        monthly_after_discounts=plain(cost.monthly_after_discounts),
        input_tokens_mean=float(first.input_tokens + again.input_tokens),
        output_tokens_mean=float(first.output_tokens + again.output_tokens),
        rates=None,
        basis="measured",
        success_share=cost.success_share,
    )
