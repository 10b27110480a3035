"""What production asks of a model in a month: tokens per request, cached share, retries, volume.

An option's tokens in production are projected from what it used in the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.errors import UsageError
from harness.money.amounts import exact, rounded
from harness.money.prices.attempts import TokenCounts, call_cost
from harness.money.prices.rate_tables import Rates
from harness.record.money import OptionCost, PortionFacts, TrafficFacts
from harness.workspace.feature_file import Traffic
from providers.completion import TokenUsage

TOKEN_PLACES = 6
USD_PLACES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A number of cases, and the mean tokens of one request among them."""

    cases: int
    input_tokens: Decimal
    output_tokens: Decimal

    def scaled(self, input_factor: Decimal, output_factor: Decimal) -> Portion:
        """Return the portion with its tokens multiplied."""
        return replace(
            self,
            input_tokens=rounded(self.input_tokens * input_factor, TOKEN_PLACES),
            output_tokens=rounded(self.output_tokens * output_factor, TOKEN_PLACES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A month of one option.

    `cached_share` and `written_share` are the parts of the input tokens that are read from and
    written to a prompt cache; `retry_rate` is extra calls a request.
    """

    requests_per_month: int
    portions: tuple[Portion, ...]
    cached_share: Decimal
    retry_rate: Decimal
    written_share: Decimal = Decimal(0)

    @property
    def input_tokens(self) -> Decimal:
        """Mean input tokens a call."""
        return self._mean([one.cases * one.input_tokens for one in self.portions])

    @property
    def output_tokens(self) -> Decimal:
        """Mean output tokens a call."""
        return self._mean([one.cases * one.output_tokens for one in self.portions])

    def scaled(self, input_factor: Decimal, output_factor: Decimal) -> Workload:
        """Return the workload with its tokens multiplied by the factors."""
        scaled = tuple(one.scaled(input_factor, output_factor) for one in self.portions)
        return replace(self, portions=scaled)

    def per_call(self, rates: Rates, *, batch: bool = False) -> Decimal:
        """USD of one call at list price; each portion pays the price of its own length."""
        return self._mean(
            [one.cases * call_cost(self.counts(one), rates, batch=batch) for one in self.portions]
        )

    def per_request(self, rates: Rates, *, batch: bool = False) -> Decimal:
        """USD of one request at list price, its retried calls included."""
        return rounded(self.per_call(rates, batch=batch) * (1 + self.retry_rate), USD_PLACES)

    def monthly(self, rates: Rates, *, batch: bool = False) -> Decimal:
        """USD a month at list price."""
        return self.per_request(rates, batch=batch) * self.requests_per_month

    def _mean(self, weighted: list[Decimal]) -> Decimal:
        return sum(weighted, Decimal(0)) / sum(one.cases for one in self.portions)

    def counts(self, portion: Portion) -> TokenCounts:
        """Tokens of one call in a portion, by price."""
        cached = portion.input_tokens * self.cached_share
        written = portion.input_tokens * self.written_share
        return TokenCounts(
            uncached=portion.input_tokens - cached - written,
            cache_read=cached,
            cache_write=written,
            cache_write_1h=Decimal(0),
            output=portion.output_tokens,
        )


def from_traffic(traffic: Traffic | TrafficFacts) -> Workload:
    """The incumbent's workload as the feature states it: every request has the mean tokens."""
    portion = Portion(
        cases=1,
        input_tokens=exact(traffic.input_tokens),
        output_tokens=exact(traffic.output_tokens),
    )
    return Workload(
        requests_per_month=traffic.requests_per_month,
        portions=(portion,),
        cached_share=exact(traffic.cached_share),
        written_share=exact(traffic.cache_written_share),
        retry_rate=exact(traffic.retry_rate),
    )


def cost_per_request_from_traffic(traffic: Traffic, rates: Rates) -> Decimal:
    """USD of one production request at list price, before any call was made."""
    return from_traffic(traffic).per_request(rates)


def from_record(cost: OptionCost, traffic: TrafficFacts) -> Workload | None:
    """Read an option's workload back from a record, to price it again.

    Returns:
        None when the record has no tokens to price: nothing was known, or it is not priced by them.
    """
    return from_portions(cost.portions, traffic) if cost.portions else None


def from_portions(portions: Sequence[PortionFacts], traffic: TrafficFacts) -> Workload:
    """Tokens of a request as a record has them, at the record's traffic."""
    return Workload(
        requests_per_month=traffic.requests_per_month,
        portions=tuple(
            Portion(cases=one.cases, input_tokens=one.input_tokens, output_tokens=one.output_tokens)
            for one in portions
        ),
        cached_share=exact(traffic.cached_share),
        written_share=exact(traffic.cache_written_share),
        retry_rate=exact(traffic.retry_rate),
    )


EDGES = (32_000, 100_000, 128_000, 200_000, 256_000, 272_000, 512_000, 524_288)
"""Where long-context prices of the catalogue begin: requests are grouped between them."""


class NoUsageError(UsageError):
    """No attempt of the evaluation reported its usage: cost is unknown, not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePair:
    """The usage of an option and of the incumbent on the same case."""

    option: TokenUsage
    incumbent: TokenUsage


def projected(pairs: Sequence[UsagePair], traffic: Traffic) -> Workload:
    """The option's workload in production.

    Production's token means are the incumbent's. Each case is scaled so that the incumbent's mean
    over the cases becomes production's mean; the option keeps its ratio to the incumbent case by
    case. Requests are grouped between the lengths where long-context prices begin, so that a
    request beyond a cliff is priced beyond it although the mean lies before it. Cached share and
    retry rate are production's, never the evaluation's.

    Raises:
        NoUsageError: there is no pair with usage, or the incumbent used no token.
    """
    if not pairs:
        raise NoUsageError("no case has the usage of both models; the cost stays unknown")
    stated = from_traffic(traffic)
    factor_in = _factor(stated.input_tokens, [pair.incumbent.input_tokens for pair in pairs])
    factor_out = _factor(stated.output_tokens, [pair.incumbent.output_tokens for pair in pairs])
    lengths = [Decimal(pair.option.input_tokens) * factor_in for pair in pairs]
    answers = [Decimal(pair.option.output_tokens) * factor_out for pair in pairs]
    return replace(stated, portions=_grouped(lengths, answers))


def _factor(production: Decimal, tokens: list[int]) -> Decimal:
    total = sum(tokens)
    if total == 0:
        raise NoUsageError("the incumbent's usage is zero tokens on every case; check the server")
    return production * len(tokens) / total


def _grouped(lengths: list[Decimal], answers: list[Decimal]) -> tuple[Portion, ...]:
    groups: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        groups.setdefault(sum(length > edge for edge in EDGES), []).append(index)
    return tuple(
        Portion(
            cases=len(members),
            input_tokens=_mean([lengths[index] for index in members]),
            output_tokens=_mean([answers[index] for index in members]),
        )
        for _, members in sorted(groups.items())
    )


def _mean(values: list[Decimal]) -> Decimal:
    return rounded(sum(values, Decimal(0)) / len(values), TOKEN_PLACES)
