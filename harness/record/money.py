"""The parts of a record that are money: `Decimal`, USD, written as text; null where unknown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from harness.record.base import LATER, Recorded

_RECORDED = Decimal("0.000001")
"""What `net_of_one_off` is rounded to."""


class TierFacts(Recorded):
    """Prices of a whole request with at least `from_input_tokens`, USD per million tokens."""

    from_input_tokens: int
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal


class RateFacts(Recorded):
    """USD per million tokens, as they were on the review's date."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    per_request: Decimal
    batch_share: Decimal | None
    source: str
    valid_from: date | None
    discount: Decimal
    """Share taken off catalogue prices."""
    tiers: tuple[TierFacts, ...] = ()
    """Long-context prices of the whole request."""
    batch_bands: tuple[TierFacts, ...] = ()
    """Batch prices where they are no plain share of the list price."""
    as_of: date | None = None
    """Day on which the price was last known to hold."""
    minimum_per_request: Decimal = Decimal(0)
    """Least that one request costs, USD."""
    service_tier: str | None = None
    """Vendor's service tier; None: the standard one."""


class PortionFacts(Recorded):
    """So many cases between two long-context limits, and their mean tokens in production."""

    cases: int
    input_tokens: Decimal
    output_tokens: Decimal


class BreakEvenVolume(Recorded):
    """From how many requests a month on own hardware is no dearer than a hosted option."""

    option: str
    requests_per_month: int | None
    """None: at no volume that was tried."""


class HostingFacts(Recorded):
    """A month on GPUs of one's own, USD: reserved cost, not busy time."""

    goodput_per_s: Decimal
    """Requests a second that one replica serves within the promised times, as probed."""
    gpus_per_replica: int
    committed_replicas: int
    fewest_replicas: int
    """Replicas of the quietest hour."""
    most_replicas: int
    """Replicas of the busiest hour."""
    committed_usd: Decimal
    on_demand_usd: Decimal
    scale_up_usd: Decimal
    """Paid while replicas load."""
    overflow_usd: Decimal
    """Paid to the hosted API for what no replica serves."""
    idle_usd: Decimal
    """Part of the GPUs' cost that no request used."""
    utilisation: Decimal
    """Requests served over those that the running replicas could have served, in [0, 1]."""
    load_s: Decimal | None
    """Seconds from a replica's start to its first answer; None: not seen, and not paid."""
    source: str
    break_even: tuple[BreakEvenVolume, ...] = ()


class CascadeMonth(Recorded):
    """What prices a cascade again: the tokens of its two models, and the cheap one's prices.

    Today's model has its prices in the record already.
    """

    first: tuple[PortionFacts, ...]
    """The cheap model's tokens of a request, by length."""
    again: tuple[PortionFacts, ...]
    """Today's model's tokens over all requests: none where the cheap answer stood."""
    cases: int
    gone_on: int
    """Cases of them whose cheap answer did not stand."""
    first_rates: RateFacts
    first_hosting: HostingFacts | None = None
    """How the cheap model would run on own hardware; None: somebody else hosts it."""


class OptionCost(Recorded):
    """What an option costs in production, USD."""

    per_request: Decimal | None
    per_success: Decimal | None
    monthly: Decimal | None
    monthly_after_discounts: Decimal | None
    input_tokens_mean: float | None
    output_tokens_mean: float | None
    rates: RateFacts | None
    basis: str
    """`measured`, `traffic` (before any call) or `capacity` (self-hosted)."""
    success_share: Decimal | None = None
    """Mean score in [0, 1] that the cost per success divides by."""
    per_million_tokens: Decimal | None = None
    """USD per million tokens of this mix, input and output together."""
    portions: tuple[PortionFacts, ...] = ()
    """Tokens of a request, by length: what a price list needs."""
    hosting: HostingFacts | None = None
    """How it would run on own hardware; None: somebody else hosts it."""

    @property
    def request_after_discounts(self) -> Decimal | None:
        """USD a request as it is paid; `per_request` is at list price."""
        return self._paid(self.per_request)

    @property
    def success_after_discounts(self) -> Decimal | None:
        """USD a request that the scorer accepted, as it is paid."""
        return self._paid(self.per_success)

    def _paid(self, listed: Decimal | None) -> Decimal | None:
        """None where it is not known what is taken off."""
        if listed is None:
            return None
        if self.rates is not None:
            return listed * (1 - self.rates.discount)
        if self.monthly_after_discounts is None or not self.monthly:
            return None
        return listed * self.monthly_after_discounts / self.monthly


class BreakEven(Recorded):
    """USD per additional error at which the swap stops paying; None: it costs no quality.

    Better quality is not credited: it counts as no additional error.
    """

    at_estimate: Decimal | None
    at_worst: Decimal | None
    more_errors_per_month: float | None
    more_errors_per_month_worst: float | None
    net_saving_estimate: Decimal | None
    net_saving_worst: Decimal | None
    saving_after_discounts: Annotated[Decimal | None, LATER] = None
    """USD a month saved on the bill: all figures here rest on it. None: the record is older than
    this key, and they rest on list prices."""
    net_of_one_off: Annotated[Decimal | None, LATER] = None
    """USD a month, expected, the one-off cost spread over the evidence's life: what must reach the
    policy's least saving. Without a stated cost of an error it is of the bill alone."""

    @property
    def one_off_monthly(self) -> Decimal | None:
        """The one-off cost's part of a month; None where the record has none."""
        if self.net_of_one_off is None or self.saving_after_discounts is None:
            return None
        net = self.net_saving_estimate
        before = self.saving_after_discounts if net is None else net
        return (before - self.net_of_one_off).quantize(_RECORDED)


class Bridge(Recorded):
    """Where the monthly difference after discounts comes from; the terms sum exactly to it.

    In records whose `Savings` has no `net_of_one_off` they sum to the difference at list price.
    """

    term: str
    """`price`, `input tokens`, `output tokens`, `retries`, `cache`; of a cascade `asked again`."""
    usd: Decimal


class LeverBasis(Recorded):
    """What a lever changes in the incumbent's month: all that its price needs."""

    batch: bool
    output_factor: Decimal
    cached_share: Decimal
    cache_written_share: Decimal


class Lever(Recorded):
    """A saving that needs no other model; levers exclude each other."""

    kind: str
    """`batch`, `caching`, `effort`, `shorter-output`."""
    saving_monthly: Decimal
    monthly: Decimal
    possible: bool
    needs: str
    basis: LeverBasis | None = None
    """None: it changes nothing, or its price is not made from tokens."""


class Savings(Recorded):
    """What the chosen option saves, USD a month."""

    monthly: Decimal
    """At list price."""
    monthly_lower: Decimal | None
    monthly_upper: Decimal | None
    percentage: float
    """Of today's month, both at list price."""
    after_discounts: Decimal
    """Saved on the bill."""
    one_off_cost: Decimal
    payback_months: float | None
    """Of the one-off cost, by what is left after expected errors where their cost is stated."""
    realised: Decimal | None = None
    verified_at: datetime | None = None
    after_discounts_lower: Annotated[Decimal | None, LATER] = None
    after_discounts_upper: Annotated[Decimal | None, LATER] = None
    net_monthly: Annotated[Decimal | None, LATER] = None
    """After discounts, minus the expected further errors at the feature's cost of one; None: the
    feature states no cost of an error."""
    net_monthly_worst: Annotated[Decimal | None, LATER] = None
    """The same at the quality bound that decided."""
    one_off_monthly: Annotated[Decimal | None, LATER] = None
    """The one-off cost spread over the evidence's life."""
    net_of_one_off: Annotated[Decimal | None, LATER] = None
    """`net_monthly`, or `after_discounts` where no cost of an error is stated, minus
    `one_off_monthly`: what must reach the policy's least saving."""
    minimum_usd: Annotated[Decimal | None, LATER] = None
    """The policy's least saving a month."""
    realised_months: Annotated[tuple[str, ...] | None, LATER] = None
    """Months of the bill that `realised` is the mean of, as 2027-01."""
    units: Annotated[str | None, LATER] = None
    """What the interval was drawn from: tokens of each case, or of each cluster of cases, in the
    order of the draws, with a space between: the option's input/output and today's model's
    input/output; of a cascade once more for the requests that go on. As many of them are drawn
    2,000 times (numpy's default generator seeded by the evidence's `seed`, one multinomial); each
    time the month is priced with the option's tokens over today's; the interval leaves out 50 at
    each end."""


class TrafficFacts(Recorded):
    """Production's volume and token mix."""

    requests_per_month: int
    input_tokens: float
    output_tokens: float
    cached_share: float
    cache_written_share: float = 0.0
    retry_rate: float
    source: str
    growth_per_month: float = 0.0
    """Expected change of the volume a month, 0.02 for 2 %."""
