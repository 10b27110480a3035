"""A feature's options: what they cost at its traffic, which may be asked, and why others not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from evalsets.cases import Case, EvalSet
from evalsets.prompt_writing import length_ratio
from harness.errors import UsageError
from harness.money.hosted_rates import Rivals, priced_by_gpu, rates_of_hosting
from harness.money.monthly import cost_from_traffic
from harness.money.prices.model_catalogue import facts
from harness.money.prices.rate_tables import Rates
from harness.money.prices.rates import PriceMissingError, find_rates, price_age
from harness.money.savings import SavingBound, saving_upper_bound, spread
from harness.plan.abilities import blind, can, gap, unfit_for_cases
from harness.plan.decisions.proposals import gap_of_cascade, proposed_cascades
from harness.record.base import Reason
from harness.workspace.endpoints import endpoint_of, params_sha256, served_identity
from harness.workspace.feature_file import CascadeConfig, FeatureConfig, Traffic
from harness.workspace.model_file import ModelConfig, is_tuned, split_option
from harness.workspace.prompts import PromptFile, prompt_of_option
from harness.workspace.workspace import Workspace, candidate_names
from providers.provider import Endpoint

EXPECTED_ESCALATION = Decimal("0.2")
"""Share of a cascade's requests that are expected to go on to the incumbent, before any answer."""
_WHOLE_USD_FROM = 100
"""Smaller amounts are shown with cents."""
_SAVES_TOO_LITTLE = frozenset({Reason.SAVINGS_BELOW_MINIMUM, Reason.NET_SAVING_BELOW_MINIMUM})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOption:
    """One model as a feature would ask it: a rung of its ladder, the incumbent, or a judge.

    `name` is `model` or `model@effort`, of a cascade its own. `excluded` says why the review does
    not ask it, with `note` in words; None: it may be asked.
    """

    name: str
    model: str
    effort: str | None
    config: ModelConfig
    endpoint: Endpoint
    prompt: PromptFile
    rates: Rates | None
    excluded: Reason | None = None
    note: str = ""
    sends_schema: bool = True
    cascade: CascadeConfig | None = None
    """Its answers are kept if they pass a check, else the incumbent's are used."""
    monthly_usd: Decimal | None = None
    """At the stated traffic; None: not worked out, or no price."""
    saving_bound_usd: Decimal | None = None
    """The most that it can save a month."""
    at_most: float | None = None
    """The most of the test's error that it may take; None: all (`harness.plan.lives.life`)."""
    input_ratio: float = 1.0
    """Length of its questions, with today's as 1; other than 1 where one of both is tuned."""

    @property
    def asked(self) -> bool:
        """Whether the review may ask it."""
        return self.excluded is None

    @property
    def saves_too_little(self) -> bool:
        """Whether its saving alone excludes it: it could be asked, and is not worth it."""
        return self.excluded in _SAVES_TOO_LITTLE

    @property
    def first(self) -> PlannedOption:
        """The model that is asked: for a cascade its cheap model, under that model's own name."""
        if self.cascade is None:
            return self
        return replace(
            self, name=self.cascade.first, cascade=None, monthly_usd=None, saving_bound_usd=None
        )

    @property
    def version(self) -> str:
        """The model's name as its API knows it."""
        return self.config.version or self.model

    @property
    def offline(self) -> bool:
        """Whether it answers the quality pass offline; then it answers every case."""
        return self.config.serve is not None and self.config.serve.offline is not None

    def longest(self, feature: FeatureConfig) -> int:
        """Most output tokens of an answer: as its prompt says, else as the feature does."""
        return self.prompt.settings.max_output_tokens or feature.request.max_output_tokens

    def traffic(self, stated: Traffic) -> Traffic:
        """The feature's traffic, with the input tokens that its own prompt would have."""
        if self.input_ratio == 1:
            return stated
        return stated.model_copy(update={"input_tokens": stated.input_tokens * self.input_ratio})

    def priced(self) -> Rates:
        """The rates of an option that has a price.

        Raises:
            LookupError: it has none; a plan never asks such an option.
        """
        if self.rates is None:
            raise LookupError(f"{self.name} has no price")
        return self.rates

    def served_identity(self) -> dict[str, object]:
        """What determines an answer on the serving side: the address, or what is started here."""
        return served_identity(self.config)

    def params_sha256(self, feature: FeatureConfig) -> str:
        """Digest of how the model is asked, its prompt apart."""
        return params_sha256(self.model, self.config, feature, effort=self.effort)

    def served_at(self, base_url: str) -> PlannedOption:
        """The same option at the address where it was started."""
        return replace(self, endpoint=replace(self.endpoint, base_url=base_url))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The incumbent, and all challengers, excluded ones too, in the order they are named."""

    incumbent: PlannedOption
    rungs: tuple[PlannedOption, ...]


def climb(workspace: Workspace, feature_id: str, *, on: date) -> Ladder:
    """Find the ladder of a feature at the prices of a day.

    Hosted models are priced first, because self-hosted ones are compared with them.

    Raises:
        PriceMissingError: the incumbent has no price.
    """
    feature = workspace.features[feature_id]
    incumbent = plan_option(workspace, feature_id, feature.incumbent, on=on)
    if incumbent.rates is None:
        raise PriceMissingError(incumbent.note)
    names = candidate_names(workspace, feature_id)
    found = {
        name: plan_option(workspace, feature_id, name, on=on)
        for name in names
        if not _on_gpus(workspace, name)
    }
    hosted = {rung.name: rung.rates for rung in (incumbent, *found.values()) if rung.rates}
    own = Rivals(
        incumbent=incumbent.rates,
        hosted={option: rates for option, rates in hosted.items() if rates.hosting is None},
    )
    rungs = (
        found.get(name) or plan_option(workspace, feature_id, name, on=on, rivals=own)
        for name in names
    )
    evalset = workspace.evalsets[feature_id]
    cascades = (
        _before_the_incumbent(
            found.get(cascade.first)
            or plan_option(workspace, feature_id, cascade.first, on=on, rivals=own),
            cascade,
            evalset,
        )
        for cascade in (*feature.cascades, *proposed_cascades(feature, evalset, workspace.models))
    )
    whole = (*rungs, *cascades)
    bought = incumbent.config.capacity
    paid = bought.why_paid(incumbent.model, feature_id, on) if bought else None
    if paid is not None:
        why = Reason.CAPACITY_BOUGHT
        whole = tuple(r if r.excluded else replace(r, excluded=why, note=paid) for r in whole)
    return Ladder(incumbent=incumbent, rungs=whole)


def _before_the_incumbent(
    rung: PlannedOption, cascade: CascadeConfig, evalset: EvalSet
) -> PlannedOption:
    """A model as the first one of a cascade."""
    pair = replace(rung, name=cascade.name, cascade=cascade)
    lacking = None if pair.excluded else gap_of_cascade(cascade, evalset)
    if lacking is None:
        return pair
    return replace(pair, excluded=Reason.CAPABILITY_GAP, note=lacking)


def _on_gpus(workspace: Workspace, option: str) -> bool:
    return priced_by_gpu(workspace.models[split_option(option)[0]])


def plan_option(
    workspace: Workspace, feature_id: str, option: str, *, on: date, rivals: Rivals | None = None
) -> PlannedOption:
    """One option, with its prompt, its rates and the reason that excludes it, if any.

    `rivals` are what a self-hosted model is compared with.
    """
    model, effort = split_option(option)
    config = workspace.models[model]
    if priced_by_gpu(config):
        rates, note = _gpu_rates(workspace, feature_id, model, rivals or Rivals())
    else:
        tier = workspace.features[feature_id].request.service_tier
        rates, note = _rates(workspace, model, on=on, service_tier=tier)
    rung = PlannedOption(
        name=option,
        model=model,
        effort=effort or config.effort,
        config=config,
        endpoint=endpoint_of(config, workspace.root),
        prompt=prompt_of_option(workspace, feature_id, option),
        rates=rates,
        note=note,
        sends_schema=can(model, config, "schema"),
    )
    feature, evalset = workspace.features[feature_id], workspace.evalsets[feature_id]
    excluded = _exclusion(feature, rung, on=on)
    if excluded is None:
        lacking = unfit_for_cases(feature, evalset, config)
        lacking = lacking or blind(evalset, workspace.evalset_folder(feature_id), model, config)
        excluded = None if lacking is None else (Reason.CAPABILITY_GAP, lacking)
    return rung if excluded is None else replace(rung, excluded=excluded[0], note=excluded[1])


def _rates(
    workspace: Workspace, model: str, *, on: date, service_tier: str | None
) -> tuple[Rates | None, str]:
    """A model's prices at the feature's service tier; None if missing or too old, with a note."""
    config, policy = workspace.models[model], workspace.policy
    try:
        rates = find_rates(model, config, policy, on=on, service_tier=service_tier)
    except PriceMissingError as error:
        return None, str(error)
    age = price_age(rates, policy, on=on)
    if age.freshness == "fail":
        return None, f"{model}: its price was last confirmed {age.days} days ago; confirm it"
    return rates, ""


def _gpu_rates(
    workspace: Workspace, feature_id: str, model: str, rivals: Rivals
) -> tuple[Rates | None, str]:
    try:
        return rates_of_hosting(workspace, feature_id, model, rivals=rivals), ""
    except UsageError as error:
        return None, str(error)


def _exclusion(
    feature: FeatureConfig, rung: PlannedOption, *, on: date
) -> tuple[Reason, str] | None:
    if feature.data not in rung.config.may_see:
        return Reason.DATA_NOT_PERMITTED, f"may not see {feature.data} data"
    if rung.rates is None:
        return Reason.PRICE_MISSING, rung.note
    retires_on = facts(rung.model, rung.config).retires_on
    if retires_on is not None and retires_on <= on:
        return Reason.MODEL_RETIRING, f"retires on {retires_on.isoformat()}"
    lacking = gap(feature, rung.model, rung.config)
    return None if lacking is None else (Reason.CAPABILITY_GAP, lacking)


def priced_options(
    workspace: Workspace, feature_id: str, ladder: Ladder
) -> tuple[PlannedOption, ...]:
    """The ladder's options with what they cost and can save, cheapest first.

    With `candidates: auto` those that cannot be asked, or are not cheaper, are left out.
    """
    feature, minimum = workspace.features[feature_id], workspace.policy.minimum_saving_usd
    traffic = feature.traffic
    if traffic is None:
        found = list(ladder.rungs)
    else:
        # What switching costs once, spread over the evidence's life.
        one_off = spread(feature.migration_usd, days=workspace.policy.expires_days.evidence)
        least = _Least(minimum=minimum, one_off=one_off)
        cases, today = workspace.evalsets[feature_id].cases, ladder.incumbent
        found = [
            _priced(_measured(rung, today, cases), today, feature, traffic, least=least)
            for rung in ladder.rungs
        ]
    if feature.candidates == "auto":
        spent = _monthly(feature, traffic, ladder.incumbent) if traffic else None
        found = [
            rung
            for rung in found
            if rung.cascade in feature.cascades or not _left_out_of_auto(rung, spent)
        ]
    return tuple(sorted(found, key=_cheapest_first))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Least:
    """The least saving that is worth a change, and the one-off cost, USD a month."""

    minimum: Decimal
    one_off: Decimal


def _measured(rung: PlannedOption, today: PlannedOption, cases: Sequence[Case]) -> PlannedOption:
    """With the length of its questions beside today's, where one of both prompts is tuned."""
    if not (is_tuned(rung.first.name) or is_tuned(today.name)):
        return rung
    return replace(rung, input_ratio=length_ratio(rung.prompt.text, today.prompt.text, cases))


def _priced(
    rung: PlannedOption,
    incumbent: PlannedOption,
    feature: FeatureConfig,
    traffic: Traffic,
    *,
    least: _Least,
) -> PlannedOption:
    """The option with its cost and the most it can save; excluded where that is too little."""
    if rung.rates is None:
        return rung
    bound = saving_upper_bound(
        traffic,
        incumbent=projected(incumbent, feature),
        candidate=projected(rung, feature),
        same_model=rung.model == incumbent.model,
        input_ratio=rung.input_ratio,
    )
    monthly = _monthly(feature, rung.traffic(traffic), rung)
    if rung.cascade is not None:
        monthly += EXPECTED_ESCALATION * _monthly(feature, traffic, incumbent)
    saved = Decimal(0) if rung.excluded is Reason.CAPACITY_BOUGHT else bound.monthly
    rung = replace(rung, monthly_usd=monthly, saving_bound_usd=saved)
    if rung.excluded is not None:
        return rung
    if bound.monthly < least.minimum or bound.monthly <= 0:
        note = _saves(bound, least.minimum, "")
        return replace(rung, excluded=Reason.SAVINGS_BELOW_MINIMUM, note=note)
    if bound.monthly - least.one_off < least.minimum or bound.monthly <= least.one_off:
        note = _saves(
            bound, least.minimum, f", less {_usd(least.one_off)} a month for switching once"
        )
        return replace(rung, excluded=Reason.NET_SAVING_BELOW_MINIMUM, note=note)
    return rung


def projected(rung: PlannedOption, feature: FeatureConfig) -> Rates:
    """The rates of a month's requests.

    A program's are sums of calls that are shorter each: no long-context price is reached by a sum.
    """
    rates = rung.priced()
    return rates if feature.program is None else replace(rates, tiers=())


def _monthly(feature: FeatureConfig, traffic: Traffic, rung: PlannedOption) -> Decimal:
    return cost_from_traffic(traffic, projected(rung, feature)).monthly_after_discounts


def _saves(bound: SavingBound, minimum: Decimal, less: str) -> str:
    """The largest possible saving in words, with the amounts that it is computed from."""
    then = f", and so cost {_usd(bound.least)}" if bound.monthly else ""
    return (
        f"saves at most {_usd(bound.monthly)} of {_usd(bound.spent)} a month "
        f"({bound.assumption}{then}){less}; the least worth a change is USD {minimum:,}"
    )


def _usd(amount: Decimal) -> str:
    places = 0 if amount >= _WHOLE_USD_FROM or not amount else 2
    return f"USD {amount:,.{places}f}"


def _left_out_of_auto(option: PlannedOption, spent: Decimal | None) -> bool:
    """Whether `candidates: auto` leaves an option out: it cannot be asked, or is not cheaper."""
    if option.monthly_usd is not None and spent is not None and option.monthly_usd >= spent:
        return True
    return option.excluded in {
        Reason.PRICE_MISSING,
        Reason.CAPABILITY_GAP,
        Reason.MODEL_RETIRING,
    }


def _cheapest_first(option: PlannedOption) -> tuple[bool, Decimal | int, str]:
    return (option.monthly_usd is None, option.monthly_usd or 0, option.name)
