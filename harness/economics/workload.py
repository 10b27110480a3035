"""An option's tokens in production, from what the evaluation saw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import rounded
from harness.costing.workload import TOKEN_PLACES, Portion, Workload, from_traffic
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config.files import Traffic
    from providers.completion import TokenUsage

EDGES = (32_000, 100_000, 128_000, 200_000, 256_000, 272_000, 512_000, 524_288)
"""Where long-context prices of the catalogue begin: requests are grouped between them."""


class NoUsageError(UsageError):
    """No attempt of the evaluation reported its usage: cost is unknown, not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePair:
    """What the same case took of an option and of the incumbent."""

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
