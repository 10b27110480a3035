"""What the answers cost, projected to production: one option's measured cost and saving."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.economics.monthly import cost_from_traffic, measured_cost, to_option_cost, unknown_cost
from harness.economics.workload import NoUsageError, UsagePair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.economics.monthly import MonthlyCost
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.record.parts import OptionCost, Quality
    from harness.review.feature_run import FeatureRun
    from harness.review.scores import Scored
    from harness.trials import Attempt
    from providers.completion import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An option's production cost; `cost` is None while its usage is unknown."""

    cost: MonthlyCost | None
    pairs: tuple[UsagePair, ...]
    clusters: tuple[str, ...]

    def option_cost(self, rung: Rung) -> OptionCost:
        """For the record."""
        return to_option_cost(self.cost) if self.cost else unknown_cost(rung.rates, "measured")


def measure(run: FeatureRun, rung: Rung, quality: Quality | None) -> Measured:
    """An option's cost by the tokens it took where the incumbent took so many."""
    traffic = run.plan.config.traffic
    pairs, clusters = usage_pairs(run, rung.option)
    if traffic is None:
        return Measured(cost=None, pairs=pairs, clusters=clusters)
    success = None
    if quality is not None:
        own = rung.option == run.incumbent.option
        success = (quality.current if own else quality.candidate) / 100
    try:
        cost = measured_cost(pairs, traffic, rung.priced(), success=success)
    except NoUsageError:
        return Measured(cost=None, pairs=pairs, clusters=clusters)
    return Measured(cost=cost, pairs=pairs, clusters=clusters)


def usage_pairs(run: FeatureRun, option: str) -> tuple[tuple[UsagePair, ...], tuple[str, ...]]:
    """Usage of both models on the cases where both reported it, and the cluster of each."""
    found: list[UsagePair] = []
    clusters: list[str] = []
    for case_id, cluster in zip(run.design.order, run.design.clusters, strict=True):
        theirs = _usages(run.board.scored(option, [case_id]))
        ours = _usages(run.board.scored(run.incumbent.option, [case_id]))
        for one, other in zip(theirs, ours, strict=False):
            found.append(UsagePair(option=one, incumbent=other))
            clusters.append(cluster)
    return tuple(found), tuple(clusters)


def _usages(scored: Iterable[Scored]) -> list[TokenUsage]:
    """Usage of the attempts that brought an answer."""
    return [
        attempt.usage
        for read in scored
        for attempt in read.attempts[-1:]
        if attempt.usage is not None and attempt.error is None
    ]


def planned_cost(plan: FeaturePlan, rung: Rung) -> OptionCost:
    """Before any call: production's tokens at the model's rates."""
    if plan.config.traffic is None or rung.rates is None:
        return unknown_cost(rung.rates, "traffic")
    return to_option_cost(cost_from_traffic(plan.config.traffic, rung.rates))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """USD of attempts: known, and kept aside where the usage stayed unknown."""

    known_usd: Decimal
    possibly_usd: Decimal
    trials: int


def bill(attempts: Sequence[Attempt], *, trials: int = 0) -> Bill:
    """What attempts cost, every one of them."""
    return Bill(
        known_usd=sum((a.cost_usd for a in attempts if a.cost_usd is not None), Decimal(0)),
        possibly_usd=sum((a.reserve_usd for a in attempts if a.cost_usd is None), Decimal(0)),
        trials=trials,
    )
