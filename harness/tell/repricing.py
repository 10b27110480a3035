"""A record priced again at other rates, without a call.

All money is computed again from what the record holds: tokens by length, traffic, quality. The
finding stays as it was made at the old rates. A record whose money changed is marked exploratory
and cannot be accepted: the next `review` decides at the new rates, from the journal.

`rates_on` and `hosted_rates_on` find the rates of a day, from the workspace and the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from harness.money.amounts import plain
from harness.money.cascade import (
    CascadeCost,
    cascade_again,
    cascade_bridge,
    cascade_option_cost,
    with_costs,
)
from harness.money.hosted_rates import Rivals, priced_by_gpu, rates_of_hosting
from harness.money.levers import repriced
from harness.money.monthly import MonthlyCost, bridge, to_option_cost
from harness.money.prices.rate_tables import Rates, from_rate_facts, to_rate_facts
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.money.savings import Bar, QualityLoss, error_value, saving_upper_bound, savings
from harness.money.workload import from_record
from harness.record.model import DecisionRecord, seal
from harness.record.money import BreakEven, Bridge, Lever, OptionCost, Savings
from harness.record.parts import OptionRecord
from harness.workspace.feature_file import Traffic
from harness.workspace.model_file import ModelConfig, is_tuned
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.workspace import Workspace


def recorded_rates(record: DecisionRecord) -> dict[str, Rates]:
    """The rates that a record was made with, by option; for a cascade its cheap model's."""
    incumbent = record.current_cost
    lists = {record.current.option: (incumbent.rates, incumbent.hosting)}
    lists |= {one.target.option: (one.price_list, one.hosting) for one in record.options}
    return {
        name: replace(from_rate_facts(rates), hosting=hosting)
        for name, (rates, hosting) in lists.items()
        if rates is not None
    }


def not_repriced(record: DecisionRecord) -> tuple[str, ...]:
    """Options that keep their monthly cost: the record holds no price list for them.

    So do all of a program's: what its calls to other models cost is in their price of a request.
    """
    return tuple(
        option.target.option
        for option in record.options
        if option.cost.monthly is not None
        and (option.price_list is None or record.evidence.program is not None)
    )


def reprice(record: DecisionRecord, rates: Mapping[str, Rates], *, as_of: date) -> DecisionRecord:
    """Compute a record's money again at other rates.

    Args:
        record: any record.
        rates: by option, for a cascade its cheap model's; an option that is absent keeps its own.
        as_of: the day of the rates.

    Returns:
        The same bytes when no rate differs.
    """
    if record.evidence.program is not None:
        return seal(record)
    own = recorded_rates(record)
    at = {**own, **rates}
    if at == own and _is_at_list(record):
        return seal(record)
    money = _Money(record, at).parts()
    if at == own:
        return seal(record.model_copy(update=money))
    marks = (*record.evidence.exploratory, f"re-priced at rates of {as_of.isoformat()}")
    evidence = record.evidence.model_copy(update={"exploratory": marks, "rates_as_of": as_of})
    return seal(record.model_copy(update={**money, "evidence": evidence}))


def _is_at_list(record: DecisionRecord) -> bool:
    """Whether break-even, net saving and bridge rest on list prices, as in older records."""
    evens = [one.error_break_even for one in record.options if one.error_break_even is not None]
    old_even = any(even.saving_after_discounts is None for even in evens)
    return old_even or (record.savings is not None and record.savings.minimum_usd is None)


class _Money:
    """The parts of one record that are money, at given rates."""

    def __init__(self, record: DecisionRecord, rates: Mapping[str, Rates]) -> None:
        self._record, self._rates = record, rates
        self._incumbent = self._month(record.current.option, record.current_cost)
        chosen = (one for one in record.options if one.target.option == record.chosen)
        self._chosen = next(chosen, None)

    def parts(self) -> dict[str, object]:
        return {
            "current_cost": self._cost(self._record.current.option, self._record.current_cost),
            "options": tuple(self._option(option) for option in self._record.options),
            "bridge": self._bridge(),
            "levers": self._levers(),
            "savings": self._savings(),
        }

    def both(self) -> tuple[MonthlyCost | None, MonthlyCost | CascadeCost | None]:
        """The month of today's model, and of the chosen option."""
        return self._incumbent, self._proposed()

    def _month(self, name: str, cost: OptionCost) -> MonthlyCost | None:
        traffic = self._record.traffic
        if traffic is None or name not in self._rates:
            return None
        workload = from_record(cost, traffic)
        if workload is None:
            return None
        return MonthlyCost(
            workload=workload,
            rates=self._rates[name],
            basis=cost.basis,
            success_share=cost.success_share,
        )

    def _cascade(self, option: OptionRecord) -> CascadeCost | None:
        month = option.cascade.month if option.cascade else None
        cheap = self._rates.get(option.target.option)
        dear = self._rates.get(self._record.current.option)
        traffic = self._record.traffic
        if month is None or traffic is None or cheap is None or dear is None:
            return None
        success = option.cost.success_share
        return cascade_again(month, traffic, (cheap, dear), success_share=success)

    def _cost(self, name: str, cost: OptionCost) -> OptionCost:
        month = self._month(name, cost)
        if month is not None:
            return to_option_cost(month)
        rates = self._rates.get(name)
        return cost if rates is None else cost.model_copy(update={"rates": to_rate_facts(rates)})

    def _option_cost(self, option: OptionRecord) -> OptionCost:
        cascade = self._cascade(option)
        if cascade is None:
            return self._cost(option.target.option, option.cost)
        return cascade_option_cost(cascade)

    def _option(self, option: OptionRecord) -> OptionRecord:
        cascade, facts, cost = self._cascade(option), option.cascade, self._option_cost(option)
        return option.model_copy(
            update={
                "cost": cost,
                "error_break_even": self._break_even(option, cost),
                "saving_at_most": self._saving_at_most(option),
                "cascade": None if facts is None else with_costs(facts, cascade),
            }
        )

    def _saving_at_most(self, option: OptionRecord) -> Decimal | None:
        traffic, incumbent = self._record.traffic, self._record.current
        rates_now, rates = self._rates.get(incumbent.option), self._rates.get(option.target.option)
        if option.saving_at_most is None or traffic is None or rates_now is None or rates is None:
            return option.saving_at_most
        first = option.target.option if option.cascade is None else option.cascade.first
        if is_tuned(first) or is_tuned(incumbent.option):
            return option.saving_at_most  # How long a tuned prompt is stands in no record.
        same = option.target.model_id == incumbent.model_id
        bound = saving_upper_bound(traffic, incumbent=rates_now, candidate=rates, same_model=same)
        return bound.monthly

    def _break_even(self, option: OptionRecord, cost: OptionCost) -> BreakEven | None:
        traffic, incumbent = self._record.traffic, self._incumbent
        if option.error_break_even is None or option.quality is None or traffic is None:
            return option.error_break_even
        after = cost.monthly_after_discounts
        if incumbent is None or option.price_list is None or after is None:
            return option.error_break_even
        return error_value(
            incumbent.monthly_after_discounts - after,
            QualityLoss(estimate=-option.quality.told, worst=-option.quality.worst),
            requests_per_month=traffic.requests_per_month,
            error_cost_usd=self._record.feature.error_cost_usd,
            one_off_monthly=option.error_break_even.one_off_monthly,
        )

    def _proposed(self) -> MonthlyCost | CascadeCost | None:
        chosen = self._chosen
        if chosen is None:
            return None
        return self._cascade(chosen) or self._month(chosen.target.option, chosen.cost)

    def _bridge(self) -> tuple[Bridge, ...]:
        proposed = self._proposed()
        if not self._record.bridge or self._incumbent is None or proposed is None:
            return self._record.bridge
        if isinstance(proposed, CascadeCost):
            return cascade_bridge(self._incumbent, proposed)
        return bridge(self._incumbent, proposed)

    def _levers(self) -> tuple[Lever, ...]:
        incumbent = self._incumbent
        if incumbent is None:
            return self._record.levers
        again = (repriced(lever, incumbent) for lever in self._record.levers)
        found = [lever for lever in again if lever is not None]
        return tuple(sorted(found, key=lambda one: (-one.saving_monthly, one.kind)))

    def _savings(self) -> Savings | None:
        """The savings; their interval is of the old rates and stays only where the sums agree."""
        before, proposed = self._record.savings, self._proposed()
        if before is None or self._incumbent is None or proposed is None:
            return before
        options = self._record.options if self._chosen is None else (self._chosen,)
        even = next((self._break_even(one, self._option_cost(one)) for one in options), None)
        again = savings(self._incumbent, proposed, None, bar=_bar(before), even=even)
        same = (again.monthly, again.after_discounts) == (
            plain(before.monthly),
            plain(before.after_discounts),
        )
        bounds = (
            "monthly_lower",
            "monthly_upper",
            "after_discounts_lower",
            "after_discounts_upper",
            "units",
        )
        kept = {
            **{name: getattr(before, name) if same else None for name in bounds},
            "realised": before.realised,
            "verified_at": before.verified_at,
            "realised_months": before.realised_months,
        }
        return again.model_copy(update=kept)


def months(record: DecisionRecord) -> tuple[MonthlyCost, tuple[MonthlyCost, ...]] | None:
    """Today's month, and that of each model that the chosen option asks; None where unknown."""
    today, proposed = _Money(record, recorded_rates(record)).both()
    if today is None or proposed is None:
        return None
    if isinstance(proposed, CascadeCost):
        return today, (proposed.first, proposed.escalation)
    return today, (proposed,)


def _bar(before: Savings) -> Bar:
    return Bar(
        one_off_cost=before.one_off_cost,
        one_off_monthly=before.one_off_monthly,
        minimum_usd=before.minimum_usd,
    )


def rates_on(
    record: DecisionRecord,
    models: Mapping[str, ModelConfig],
    policy: PolicyConfig,
    *,
    on: date,
) -> dict[str, Rates]:
    """Find the rates of the incumbent and of every option, for a cascade its cheap model's.

    An option that never had rates, whose model left the workspace, or whose price is its GPUs'
    hours (`hosted_rates_on`) is left out and keeps what the record says.

    Raises:
        PriceMissingError: a model of the record has no price on that day.
    """
    targets = [record.current, *(option.target for option in record.options)]
    priced = {record.current.option: record.current_cost.rates}
    priced |= {option.target.option: option.price_list for option in record.options}
    found: dict[str, Rates] = {}
    for target in targets:
        config = models.get(target.model_id)
        facts = priced[target.option]
        if config is None or priced_by_gpu(config) or facts is None:
            continue
        try:
            found[target.option] = find_rates(
                target.model_id, config, policy, on=on, service_tier=facts.service_tier
            )
        except PriceMissingError as error:
            raise PriceMissingError(f"{record.decision_id}: {error}") from error
    return found


def hosted_rates_on(
    record: DecisionRecord, workspace: Workspace, rates: Mapping[str, Rates]
) -> dict[str, Rates]:
    """Price the options on own hardware again, with the current price book and probes.

    Args:
        record: its traffic counts, spread over the hours as the workspace says.
        workspace: a feature that left it has no hours: its options keep what the record says.
        rates: the hosted options' rates that they are held against, where they differ.

    Raises:
        UsageError: the probe file is missing, or a replica serves nothing.
    """
    traffic = _traffic(record, workspace)
    if traffic is None:
        return {}
    at = {**recorded_rates(record), **rates}
    ways = {record.current.option: (record.current, record.current_cost.hosting)}
    ways |= {option.target.option: (option.target, option.hosting) for option in record.options}
    found: dict[str, Rates] = {}
    for option, (target, hosting) in ways.items():
        config = workspace.models.get(target.model_id)
        if hosting is None or config is None or not priced_by_gpu(config):
            continue
        against = {one.option for one in hosting.break_even}
        rivals = Rivals(
            incumbent=at.get(record.current.option),
            hosted={name: of for name, of in at.items() if name in against},
        )
        found[option] = rates_of_hosting(
            workspace, record.feature.id, target.model_id, rivals=rivals, traffic=traffic
        )
    return found


def _traffic(record: DecisionRecord, workspace: Workspace) -> Traffic | None:
    """The record's volume at the workspace's hours; None where either is missing."""
    feature = workspace.features.get(record.feature.id)
    if feature is None or feature.traffic is None or record.traffic is None:
        return None
    return feature.traffic.model_copy(update=dict(record.traffic))
