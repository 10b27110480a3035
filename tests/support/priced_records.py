"""Records whose money comes from the economics room, at given rates: nothing is typed in."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from harness.money.amounts import exact
from harness.money.cascade import cascade_bridge, cascade_cost, cascade_option_cost, with_costs
from harness.money.interval import ModelShare, saving_interval
from harness.money.levers import Observed, levers
from harness.money.monthly import bridge, cost_from_traffic, measured_cost, to_option_cost
from harness.money.savings import Bar, QualityLoss, error_value, saving_upper_bound, savings, spread
from harness.money.workload import UsagePair
from harness.record.trust import CascadeFacts
from tests.support.money import HAIKU, OPUS, a_feature, a_model, some_facts, some_rates
from tests.support.record_parts import a_not_run_option, a_quality, a_target, a_traffic, an_option
from tests.support.records import a_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.money.prices.rate_tables import Rates
    from harness.record.model import DecisionRecord
    from harness.record.money import BreakEven
    from harness.record.quality_parts import Quality
    from harness.workspace.feature_file import Traffic

TODAY = "claude-opus-4-5"
CHOSEN = "claude-haiku-4-5"
OTHER = "claude-sonnet-5"
CASCADE = f"{CHOSEN}+format"

BAR = Bar(
    one_off_cost=Decimal(500),
    one_off_monthly=spread(Decimal(500), days=100),
    minimum_usd=Decimal(200),
)
LIST = {
    TODAY: some_rates(OPUS, batch_share=Decimal("0.5"), discount=Decimal("0.1")),
    CHOSEN: some_rates(HAIKU, discount=Decimal("0.1")),
    OTHER: some_rates({"input": "3", "output": "15"}),
    CASCADE: some_rates(HAIKU, discount=Decimal("0.1")),
}


def a_priced_record(
    traffic: Traffic,
    cases: Sequence[UsagePair],
    rates: Mapping[str, Rates] | None = None,
    *,
    sure: bool = True,
) -> DecisionRecord:
    """The reference downgrade: one option measured and chosen, another known by its price only.

    Without `sure` the saving has no interval, which takes a while to draw.
    """
    at = {**LIST, **(rates or {})}
    own = [UsagePair(option=one.incumbent, incumbent=one.incumbent) for one in cases]
    today = measured_cost(own, traffic, at[TODAY], success=0.948)
    chosen = measured_cost(cases, traffic, at[CHOSEN], success=0.945)
    other = cost_from_traffic(traffic, at[OTHER])
    rng = np.random.default_rng(5)
    interval = (
        saving_interval([ModelShare(pairs=cases, cost=chosen)], today, rng=rng) if sure else None
    )
    quality = a_quality()
    saving = today.monthly_after_discounts - chosen.monthly_after_discounts
    even = _break_even(saving, quality, traffic.requests_per_month)
    observed = Observed(prefix_tokens=4200, reasoning_share=Decimal("0.25"))
    return a_record(
        traffic=a_traffic(**traffic.model_dump(include=set(type(a_traffic()).model_fields))),
        current=a_target(TODAY),
        current_cost=to_option_cost(today),
        chosen=CHOSEN,
        options=(
            an_option(
                CHOSEN,
                cost=to_option_cost(chosen),
                quality=quality,
                saving_at_most=saving_upper_bound(
                    traffic, incumbent=at[TODAY], candidate=at[CHOSEN]
                ).monthly,
                error_break_even=even,
            ),
            a_not_run_option(OTHER, cost=to_option_cost(other)),
        ),
        bridge=bridge(today, chosen),
        levers=levers(
            a_feature(mode="deferrable"),
            a_model(efforts=("low", "high")),
            today,
            some_facts(cache_min_tokens=4096),
            observed,
        ),
        savings=savings(today, chosen, interval, bar=BAR, even=even),
    )


def a_cascade_record(
    traffic: Traffic,
    cases: Sequence[UsagePair],
    kept: Sequence[bool],
    rates: Mapping[str, Rates] | None = None,
) -> DecisionRecord:
    """The reference downgrade with a cascade as its choice, on these cases; no interval."""
    at = {**LIST, **(rates or {})}
    base = a_priced_record(traffic, cases, {TODAY: at[TODAY], OTHER: at[OTHER]}, sure=False)
    own = [UsagePair(option=one.incumbent, incumbent=one.incumbent) for one in cases]
    today = measured_cost(own, traffic, at[TODAY], success=0.948)
    cost = cascade_cost(cases, kept, traffic, (at[CASCADE], at[TODAY]), success=0.945)
    facts = CascadeFacts(
        first=CHOSEN,
        accept_when="format",
        unsure=None,
        escalates_to=TODAY,
        answers=len(kept),
        escalated=100 * cost.escalated,
        first_per_request=None,
        escalation_per_request=None,
    )
    saving = today.monthly_after_discounts - cost.monthly_after_discounts
    even = _break_even(saving, a_quality(), traffic.requests_per_month)
    chosen = an_option(
        CHOSEN,
        target=a_target(CASCADE, model_id=CHOSEN, version=f"{CHOSEN}-20251001"),
        lever="cascade",
        cost=cascade_option_cost(cost),
        saving_at_most=saving_upper_bound(
            traffic, incumbent=at[TODAY], candidate=at[CASCADE]
        ).monthly,
        error_break_even=even,
        cascade=with_costs(facts, cost),
    )
    return a_record(
        **{
            **dict(base),
            "chosen": CASCADE,
            "lever": "cascade",
            "options": (chosen, base.options[1]),
            "bridge": cascade_bridge(today, cost),
            "savings": savings(today, cost, None, bar=BAR, even=even),
        }
    )


def _break_even(saving: Decimal, quality: Quality, requests: int) -> BreakEven:
    return error_value(
        exact(saving),
        QualityLoss(estimate=-quality.difference, worst=-quality.worst),
        requests_per_month=requests,
        error_cost_usd=a_record().feature.error_cost_usd,
        one_off_monthly=BAR.one_off_monthly,
    )
