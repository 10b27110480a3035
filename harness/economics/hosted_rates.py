"""A self-hosted model's price per request at a feature's own traffic, as rates like any other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import exact
from harness.costing.rates import Rates
from harness.economics.curve import curve_of
from harness.economics.hosting import Capacity, HostingPlan, hosting_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config.files import GpuPrice, HostingConfig, Traffic
    from harness.config.probe_file import ProbeResult
    from harness.economics.hosting import HostingCost

_SHOWN = 12


def capacity_of(probe: ProbeResult) -> Capacity:
    """Read a replica's capacity off a probe's result; a load time that was not seen costs nothing.

    A replica without GPUs of its own counts as one of the price book's units.
    """
    return Capacity(
        goodput_per_s=exact(probe.goodput.per_s),
        gpus_per_replica=max(probe.gpus_per_replica, 1),
        load_s=exact(probe.load_s or 0),
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


def month_of_hosting(
    traffic: Traffic,
    shares: Sequence[int] | None,
    *,
    capacity: Capacity,
    gpu: GpuPrice,
    plan: HostingPlan,
) -> HostingCost:
    """A month of hosting at a feature's calls, retried ones included.

    Args:
        traffic: production's volume.
        shares: requests by hour of the week; None spreads them evenly.
        capacity: what a replica serves.
        gpu: a row of the price book.
        plan: how it would run.

    Raises:
        NoCapacityError: a replica serves nothing within the SLOs, or the feature has no traffic.
    """
    calls = traffic.requests_per_month * (1 + exact(traffic.retry_rate))
    return hosting_cost(curve_of(calls, shares), capacity, gpu, plan)


def hosted_rates(cost: HostingCost, gpu: GpuPrice) -> Rates:
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
        source=f"{cost.source}; {cost.utilisation:.0%} used",
        valid_from=gpu.as_of,
        as_of=gpu.as_of,
        hosted=True,
    )
