"""What a cascade costs: the cheap model always, the incumbent where its answer is escalated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.money.amounts import exact, plain, rounded
from harness.money.monthly import MonthlyCost, bridge, measured_cost, portion_facts
from harness.money.prices.rate_tables import Rates, to_rate_facts
from harness.money.workload import USD_PLACES, UsagePair, from_portions
from harness.record.money import Bridge, CascadeMonth, OptionCost, TrafficFacts
from harness.record.trust import CascadeFacts
from harness.workspace.feature_file import Traffic
from providers.completion import TokenUsage

_NOTHING = TokenUsage(input_tokens=0, output_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCost:
    """Two models' month; `escalation` is the incumbent's cost on the escalated requests."""

    first: MonthlyCost
    escalation: MonthlyCost
    cases: int
    gone_on: int
    """How many of the cases escalated."""
    success_share: Decimal | None = None

    @property
    def escalated(self) -> float:
        """Share of the cases that escalated, in [0, 1]."""
        return 1 - (self.cases - self.gone_on) / self.cases

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
        kept: parallel to `pairs`: whether the cheap answer was kept.
        traffic: production's volume and mix.
        rates: the cheap model's, the incumbent's.
        success: the cascade's mean score in [0, 1].

    Raises:
        NoUsageError: no pair has usage.
    """
    cheap, dear = rates
    first, gone_on = measured_cost(pairs, traffic, cheap), len(kept) - sum(kept)
    asked = _asked_in_part(dear, Decimal(gone_on) / len(kept))
    return CascadeCost(
        first=first,
        escalation=measured_cost(escalations(pairs, kept), traffic, asked),
        cases=len(kept),
        gone_on=gone_on,
        success_share=None if success is None else exact(success),
    )


def cascade_again(
    month: CascadeMonth,
    traffic: TrafficFacts,
    rates: tuple[Rates, Rates],
    *,
    success_share: Decimal | None,
) -> CascadeCost:
    """Price a cascade of a record again.

    Args:
        month: both models' tokens.
        traffic: the record's.
        rates: the cheap model's, the incumbent's.
        success_share: the cascade's mean score in [0, 1].
    """
    cheap, dear = rates
    asked = _asked_in_part(dear, Decimal(month.gone_on) / month.cases)
    first, again = (from_portions(one, traffic) for one in (month.first, month.again))
    return CascadeCost(
        first=MonthlyCost(workload=first, rates=cheap, basis="measured"),
        escalation=MonthlyCost(workload=again, rates=asked, basis="measured"),
        cases=month.cases,
        gone_on=month.gone_on,
        success_share=success_share,
    )


def _asked_in_part(rates: Rates, share: Decimal) -> Rates:
    """Rates whose charges per request apply only to the share of requests that escalates."""
    return replace(
        rates,
        per_request=rounded(rates.per_request * share, USD_PLACES),
        minimum_per_request=rounded(rates.minimum_per_request * share, USD_PLACES),
    )


def escalations(pairs: Sequence[UsagePair], kept: Sequence[bool]) -> tuple[UsagePair, ...]:
    """The incumbent's usage per case: its own where the case escalated, else zero."""
    return tuple(
        UsagePair(option=_NOTHING if stays else pair.incumbent, incumbent=pair.incumbent)
        for pair, stays in zip(pairs, kept, strict=True)
    )


def cascade_bridge(incumbent: MonthlyCost, cascade: CascadeCost) -> tuple[Bridge, ...]:
    """The terms from the incumbent's month to the cheap model's, and what escalating adds."""
    again = Bridge(term="asked again", usd=plain(cascade.escalation.monthly_after_discounts))
    return (*bridge(incumbent, cascade.first), again)


def cascade_option_cost(cost: CascadeCost) -> OptionCost:
    """A cascade's cost for the record; `rates` is None, as two models have no one price list."""
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


def with_costs(facts: CascadeFacts, cost: CascadeCost | None) -> CascadeFacts:
    """A cascade's facts for the record, with each model's cost and tokens."""
    if cost is None:
        return facts
    month = CascadeMonth(
        first=portion_facts(cost.first.workload),
        again=portion_facts(cost.escalation.workload),
        cases=cost.cases,
        gone_on=cost.gone_on,
        first_rates=to_rate_facts(cost.first.rates),
        first_hosting=cost.first.rates.hosting,
    )
    return facts.model_copy(
        update={
            "first_per_request": cost.first.per_request,
            "escalation_per_request": cost.escalation.per_request,
            "month": month,
        }
    )
