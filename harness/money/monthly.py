"""What an option costs a month, and the terms of the difference between two options' months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.money.amounts import exact, plain, rounded
from harness.money.prices.rate_tables import Rates, to_rate_facts
from harness.money.workload import USD_PLACES, UsagePair, Workload, from_traffic, projected
from harness.record.money import Bridge, OptionCost, PortionFacts
from harness.workspace.feature_file import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyCost:
    """One option in production. `success_share` is its mean score in [0, 1], None: not measured."""

    workload: Workload
    rates: Rates
    basis: str
    """`measured`, `traffic` (before any call) or `capacity` (self-hosted)."""
    success_share: Decimal | None = None

    @property
    def per_request(self) -> Decimal:
        """USD a request at list price, retries included."""
        return self.workload.per_request(self.rates)

    @property
    def per_success(self) -> Decimal | None:
        """USD a request that the scorer accepted; None: none was, or it was not measured."""
        if not self.success_share:
            return None
        return rounded(self.per_request / self.success_share, USD_PLACES)

    @property
    def monthly(self) -> Decimal:
        """USD a month at list price."""
        return self.workload.monthly(self.rates)

    @property
    def monthly_after_discounts(self) -> Decimal:
        """USD a month, the provider's discount taken off."""
        return self.monthly * (1 - self.rates.discount)

    @property
    def per_million_tokens(self) -> Decimal | None:
        """USD per million tokens of this mix, input and output together; None without tokens."""
        tokens = self.workload.input_tokens + self.workload.output_tokens
        if not tokens:
            return None
        return rounded(self.workload.per_call(self.rates) * 1_000_000 / tokens, USD_PLACES)


def cost_from_traffic(traffic: Traffic, rates: Rates) -> MonthlyCost:
    """A model's cost at the incumbent's token counts: all that is known before any call."""
    return MonthlyCost(workload=from_traffic(traffic), rates=rates, basis=_basis(rates, "traffic"))


def measured_cost(
    pairs: Sequence[UsagePair], traffic: Traffic, rates: Rates, *, success: float | None = None
) -> MonthlyCost:
    """An option's cost in production, from its token counts relative to the incumbent's.

    Args:
        pairs: usage of the option and of the incumbent on the same cases (the answering attempt of
            each trial); for the incumbent itself, each usage with itself.
        traffic: production's volume and mix.
        rates: the option's.
        success: the option's mean score in [0, 1], for the cost per success.

    Raises:
        NoUsageError: no pair has usage.
    """
    return MonthlyCost(
        workload=projected(pairs, traffic),
        rates=rates,
        basis=_basis(rates, "measured"),
        success_share=None if success is None else exact(success),
    )


def _basis(rates: Rates, otherwise: str) -> str:
    """GPU hours are shared out by measured capacity, whatever the tokens."""
    return "capacity" if rates.hosting else otherwise


def to_option_cost(cost: MonthlyCost) -> OptionCost:
    """Write an option's cost into the record: enough to price it again at other rates."""
    return OptionCost(
        per_request=cost.per_request,
        per_success=cost.per_success,
        monthly=plain(cost.monthly),
        monthly_after_discounts=plain(cost.monthly_after_discounts),
        input_tokens_mean=float(cost.workload.input_tokens),
        output_tokens_mean=float(cost.workload.output_tokens),
        rates=to_rate_facts(cost.rates),
        basis=cost.basis,
        success_share=cost.success_share,
        per_million_tokens=cost.per_million_tokens,
        portions=portion_facts(cost.workload),
        hosting=cost.rates.hosting,
    )


def portion_facts(workload: Workload) -> tuple[PortionFacts, ...]:
    """A workload's tokens for the record: beside the traffic, all that a price list needs."""
    return tuple(
        PortionFacts(
            cases=one.cases, input_tokens=one.input_tokens, output_tokens=one.output_tokens
        )
        for one in workload.portions
    )


def unknown_cost(rates: Rates | None, basis: str) -> OptionCost:
    """An option whose cost is not known: no traffic, no price or no usage."""
    return OptionCost(
        per_request=None,
        per_success=None,
        monthly=None,
        monthly_after_discounts=None,
        input_tokens_mean=None,
        output_tokens_mean=None,
        rates=None if rates is None else to_rate_facts(rates),
        basis=basis,
    )


def bridge(incumbent: MonthlyCost, option: MonthlyCost) -> tuple[Bridge, ...]:
    """Split the difference after discounts, option minus incumbent, into terms that sum to it.

    First the months without retries: one thing changes at a time, the price, then the input
    tokens (another tokenizer), the output tokens (verbosity), the cached share, and the terms
    telescope. The last term is what the retried calls cost more or less. Each model's discount is
    part of its price. A month is a whole multiple of a fixed fraction of a dollar, so no digit is
    lost and the sum is exact.
    """
    old, new = _once(incumbent.workload), _once(option.workload)
    habits = replace(new, cached_share=old.cached_share, written_share=old.written_share)
    months = (
        _paid(old, incumbent.rates),
        _paid(old, option.rates),
        _paid(_with_answers_of(old, habits), option.rates),
        _paid(habits, option.rates),
        _paid(new, option.rates),
    )
    names = ("price", "input tokens", "output tokens", "cache")
    terms = [
        Bridge(term=name, usd=plain(after - before))
        for name, before, after in zip(names, months, months[1:], strict=False)
    ]
    more = option.monthly_after_discounts - months[-1]
    retries = more - (incumbent.monthly_after_discounts - months[0])
    return (*terms, Bridge(term="retries", usd=plain(retries)))


def _paid(workload: Workload, rates: Rates) -> Decimal:
    return workload.monthly(rates) * (1 - rates.discount)


def _once(workload: Workload) -> Workload:
    return replace(workload, retry_rate=Decimal(0))


def _with_answers_of(old: Workload, new: Workload) -> Workload:
    """Return `new` with answers that are on average as long as those of `old`."""
    mean = new.output_tokens
    if mean:
        return new.scaled(Decimal(1), old.output_tokens / mean)
    portions = tuple(replace(one, output_tokens=old.output_tokens) for one in new.portions)
    return replace(new, portions=portions)
