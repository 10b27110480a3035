"""A self-hosted model's price per request at a feature's own traffic, as rates like any other."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from harness.costing.money import exact, plain, rounded
from harness.costing.rates import Rates
from harness.economics.break_even import Hosting, break_even_volume
from harness.economics.curve import curve_of
from harness.economics.hosting import Capacity, HostingPlan, hosting_cost
from harness.record.parts import BreakEvenVolume, HostingFacts
from harness.wording import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config.files import GpuPrice, HostingConfig, Traffic
    from harness.config.probe_file import ProbeResult
    from harness.economics.hosting import HostingCost

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
    """Translate the workspace's wishes; overflow to the incumbent needs the incumbent's price."""
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
    """A month of hosting at a feature's calls, retried ones included.

    Raises:
        NoCapacityError: a replica serves nothing within the SLOs.
    """
    calls = traffic.requests_per_month * (1 + exact(traffic.retry_rate))
    return hosting_cost(curve_of(calls, way.shares), way.capacity, way.gpu, way.plan)


def break_even_volumes(
    hosting: Hosting, traffic: Traffic, per_call: Mapping[str, Decimal]
) -> tuple[BreakEvenVolume, ...]:
    """From how many requests a month on hosting is no dearer than each hosted option.

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
