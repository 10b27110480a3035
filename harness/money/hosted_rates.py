"""A self-hosted model's price per call at a feature's own traffic, as rates like any other.

It follows from the model's probe file and the feature's hourly traffic. The break-even volume is
where self-hosting becomes no dearer than a hosted option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal

from harness.money.amounts import exact, plain, rounded
from harness.money.hosting import Capacity, HostingCost, HostingPlan, curve_of, hosting_cost
from harness.money.prices.rate_tables import Rates
from harness.money.prices.rates import PriceMissingError
from harness.money.traffic import read_weeks, together
from harness.money.workload import cost_per_request_from_traffic
from harness.record.money import BreakEvenVolume, HostingFacts
from harness.wording import percent
from harness.workspace.feature_file import Traffic
from harness.workspace.model_file import HostingConfig, ModelConfig
from harness.workspace.policy_file import GpuPrice
from harness.workspace.probe_file import ProbeResult, read_probe
from harness.workspace.workspace import Workspace

_MOST = 10**9
_ROUNDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """A model, its hardware and plan: enough to price any volume; `shares` is the week's shape."""

    capacity: Capacity
    gpu: GpuPrice
    plan: HostingPlan
    shares: Sequence[int | Decimal] | None = None

    def monthly(self, requests: int) -> Decimal:
        """USD a month at a volume."""
        curve = curve_of(requests, self.shares)
        return hosting_cost(curve, self.capacity, self.gpu, self.plan).monthly


def break_even_volume(hosting: Hosting, *, api_per_request: Decimal) -> int | None:
    """Fewest requests a month at which hosting costs no more than the API.

    Hosting never gets cheaper with volume. So the volume that the API serves for what hosting
    costs at a volume below the break-even is itself not above it: starting from one request and
    taking that volume again and again climbs to the break-even and stops there.

    Returns:
        None when none was found up to 10^9 requests a month: hosting stays dearer, or so close to
        the API's price that the volume decides nothing.
    """
    if api_per_request <= 0:
        return None
    volume = 1
    for _ in range(_ROUNDS):
        paid_for = hosting.monthly(volume) / api_per_request
        needed = int(paid_for.to_integral_value(rounding=ROUND_CEILING))
        if needed <= volume:
            return volume
        if needed > _MOST:
            return None
        volume = needed
    return None


_SHOWN = 12
_SHARE_PLACES = 6


def capacity_of(probe: ProbeResult) -> Capacity:
    """Read a replica's capacity off a probe's result.

    A replica without GPUs of its own counts as one of the price book's units.
    """
    return Capacity(
        goodput_per_s=exact(probe.goodput.per_s),
        gpus_per_replica=max(probe.gpus_per_replica, 1),
        load_s=None if probe.load_s is None else exact(probe.load_s),
        source=f"probe {probe.sha256[:_SHOWN]} of {probe.measured_at[:10]}",
    )


def hosting_plan(config: HostingConfig, *, incumbent_per_request: Decimal | None) -> HostingPlan:
    """The plan that a workspace states; overflow to the incumbent needs the incumbent's price."""
    plan = HostingPlan(
        availability_replicas=config.replicas,
        peak=exact(config.peak),
        term=config.term,
        managed=config.managed,
    )
    if config.overflow == "on-demand":
        return plan
    return replace(plan, api_per_request=incumbent_per_request)


def month_of_hosting(traffic: Traffic, way: Hosting) -> HostingCost:
    """Price a month of hosting at a feature's traffic, retries included.

    Raises:
        NoCapacityError: a replica serves nothing within the SLOs.
    """
    calls = traffic.requests_per_month * (1 + exact(traffic.retry_rate))
    return hosting_cost(curve_of(calls, way.shares), way.capacity, way.gpu, way.plan)


def break_even_volumes(
    hosting: Hosting, traffic: Traffic, per_call: Mapping[str, Decimal]
) -> tuple[BreakEvenVolume, ...]:
    """The requests a month from which hosting is no dearer than each hosted option.

    Args:
        hosting: the way of hosting.
        traffic: production's; its retried calls are served too.
        per_call: USD of one call, by hosted option.
    """
    calls_a_request = 1 + exact(traffic.retry_rate)
    found: list[BreakEvenVolume] = []
    for option, price in sorted(per_call.items()):
        calls = break_even_volume(hosting, api_per_request=price)
        requests = None if calls is None else (calls / calls_a_request)
        whole = None if requests is None else int(requests.to_integral_value(ROUND_CEILING))
        found.append(BreakEvenVolume(option=option, requests_per_month=whole))
    return tuple(found)


def hosting_facts(
    cost: HostingCost, capacity: Capacity, break_even: tuple[BreakEvenVolume, ...] = ()
) -> HostingFacts:
    """Write a month of hosting into the record."""
    return HostingFacts(
        goodput_per_s=capacity.goodput_per_s,
        gpus_per_replica=capacity.gpus_per_replica,
        committed_replicas=cost.committed_replicas,
        fewest_replicas=min(cost.replicas),
        most_replicas=max(cost.replicas),
        committed_usd=plain(cost.committed_usd),
        on_demand_usd=plain(cost.on_demand_usd),
        scale_up_usd=plain(cost.scale_up_usd),
        overflow_usd=plain(cost.api_usd),
        idle_usd=plain(cost.idle_usd),
        utilisation=rounded(cost.utilisation, _SHARE_PLACES),
        load_s=None if capacity.load_s is None else plain(capacity.load_s),
        source=cost.source,
        break_even=break_even,
    )


def hosted_rates(cost: HostingCost, gpu: GpuPrice, facts: HostingFacts) -> Rates:
    """A month of hosting as a price per call: tokens cost nothing more.

    The price holds at this volume only; at another one the month must be worked out again.
    """
    nothing = Decimal(0)
    return Rates(
        input=nothing,
        output=nothing,
        cache_read=nothing,
        cache_write=nothing,
        cache_write_1h=nothing,
        per_request=cost.per_request,
        source=f"{cost.source}; {percent(cost.utilisation)} used",
        valid_from=gpu.as_of,
        as_of=gpu.as_of,
        hosting=facts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The options that a self-hosted model is compared with: `hosted` rates by option.

    `incumbent` prices overflow back to the incumbent's API; None: it has no price.
    """

    incumbent: Rates | None = None
    hosted: Mapping[str, Rates] = field(default_factory=dict[str, "Rates"])


def rates_of_hosting(
    workspace: Workspace,
    feature_id: str,
    model: str,
    *,
    rivals: Rivals,
    traffic: Traffic | None = None,
) -> Rates:
    """Price a self-hosted model at one feature's traffic.

    Args:
        workspace: the probe file lies under its `probes/`.
        feature_id: whose prompts were probed, and whose traffic is served.
        model: an entry of `models/` with `gpu:` and no `price:`.
        rivals: the hosted options that it is compared with.
        traffic: another volume than the one that the feature states.

    Raises:
        PriceMissingError: the probe file or the traffic is missing.
        NoCapacityError: the probe found no rate at which the SLOs are met.
    """
    traffic = traffic or workspace.features[feature_id].traffic
    way = way_of_hosting(workspace, feature_id, model, rivals=rivals, traffic=traffic)
    if traffic is None:
        raise PriceMissingError(_NEEDS_TRAFFIC.format(model))
    cost = month_of_hosting(traffic, way)
    per_call = {option: per_call_at(traffic, rates) for option, rates in rivals.hosted.items()}
    even = break_even_volumes(way, traffic, per_call)
    return hosted_rates(cost, way.gpu, hosting_facts(cost, way.capacity, even))


_NEEDS_TRAFFIC = "{}: a GPU's price per request needs the feature's traffic"


def way_of_hosting(
    workspace: Workspace,
    feature_id: str,
    model: str,
    *,
    rivals: Rivals,
    traffic: Traffic | None,
) -> Hosting:
    """How a self-hosted model serves one feature, by its probe, its plan and its traffic's week.

    Raises:
        PriceMissingError: the probe file or the traffic is missing.
    """
    config = workspace.models[model]
    if traffic is None or not traffic.requests_per_month:
        raise PriceMissingError(_NEEDS_TRAFFIC.format(model))
    path = workspace.root / "probes" / f"{model}.{feature_id}.json"
    if not path.is_file():
        raise PriceMissingError(
            f"{model}: no probes/{path.name}; `rightsize probe {model} --feature {feature_id}` "
            f"measures what a replica serves"
        )
    overflow = None if rivals.incumbent is None else per_call_at(traffic, rivals.incumbent)
    return Hosting(
        capacity=capacity_of(read_probe(path)),
        gpu=workspace.policy.gpus[config.gpu or ""],
        plan=hosting_plan(config.hosting, incumbent_per_request=overflow),
        shares=shares_of(workspace, feature_id, traffic),
    )


def priced_by_gpu(config: ModelConfig) -> bool:
    """Whether a model is priced by its GPU hours."""
    return config.gpu is not None and not config.price


def per_call_at(traffic: Traffic, rates: Rates) -> Decimal:
    """USD of one call after discounts, which is what own hardware competes with."""
    once = traffic.model_copy(update={"retry_rate": 0})
    return cost_per_request_from_traffic(once, rates) * (1 - rates.discount)


def shares_of(
    workspace: Workspace, feature_id: str, traffic: Traffic
) -> Sequence[int | Decimal] | None:
    """The week's shape from the feature's traffic file; None when it states none."""
    if traffic.curve is None:
        return None
    file = f"traffic/{traffic.curve}"
    weeks = read_weeks((workspace.root / file).read_text(encoding="utf-8-sig"), file=file)
    own = tuple(week for week in weeks if week.feature == feature_id)
    if not own:
        raise PriceMissingError(f"{file}: has no rows of {feature_id}")
    return together(own).shares
