"""Hours of GPUs and endpoints from tables of cost: OpenCost's daily CSV, and FOCUS.

A row of a day, or of any stretch, is spread evenly over its hours; the parts add up to the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from harness.bring.bills.focus_rows import (
    BadRowError,
    Row,
    amount,
    members,
    moment,
    text,
    usd,
)
from harness.bring.metrics.hour_parts import HourPart

OPENCOST_MARKS = frozenset({"Date", "Namespace", "GPUCost"})
_HOUR = timedelta(hours=1)
_DAY_HOURS = 24
_MOST_HOURS = 366 * _DAY_HOURS
_LAST_YEAR = 9999
_OWNED = re.compile(
    r"\bgpus?\b|accelerator|nvidia|\b(?:a10g?|a16|a30|a40|a100|h20|h100|h200|g?b[123]00|l4|l40s?|v100"
    r"|t4|mi\d{3}x?)\b|endpoint|provisioned[\s-]*(?:throughput|managed|model)|\bptus?\b|\bgsus?\b"
    r"|model units?|\bp[345][a-z]*\.|\bg[456][a-z]*\.|\ba[23]-|standard_n[cdv]",
    re.IGNORECASE,
)
_NOT_OWNED = re.compile(
    r"vpc|private[\s-]?(?:link|endpoint)|(?:interface|service|gateway)[\s-]endpoint|notebook|training"
    r"|jupyter|studio",
    re.IGNORECASE,
)
"""Endpoints of networks; notebooks and training are out of scope."""
_AI = "AI and Machine Learning"
"""What FOCUS calls the category of services: their hours serve models."""
_SAYS = (
    *("SkuMeter", "ChargeDescription", "ResourceType", "ServiceSubcategory", "ServiceName"),
    *("x_SkuDescription", "x_SkuMeterName", "x_InstanceType"),
)
_HOURS = re.compile(r"(?:1\s*)?(?:gpu|instance|unit|vm|node)?[\s-]*(?:hours?|hrs?)", re.IGNORECASE)
_NAMES = ("endpoint", "model", "deployment")
"""Tags that name the endpoint of a charge."""


def opencost_parts(row: Row) -> Iterator[HourPart]:
    """A row of OpenCost's CSV; nothing where the pod held no GPU.

    Its GPUs are the mean of the pod's life, its day counts whole.

    Raises:
        BadRowError: a cell that cannot be read.
    """
    gpus, cost = amount(row, "GPUs"), amount(row, "TotalCost")
    if not gpus and not amount(row, "GPUCost"):
        return
    day = _began(row, "Date")
    if gpus is not None and gpus < 0:
        raise BadRowError("GPUs", f"{gpus} is below 0")
    labels = {name.removeprefix("Label_"): row[name] for name in row if name.startswith("Label_")}
    named = next((str(labels[name]) for name in _NAMES if labels.get(name)), "")
    space = text(row, "Namespace")
    name = named or text(row, "ControllerName") or text(row, "Pod") or space
    if not name:
        raise BadRowError("ControllerName", "is empty, and so are Pod and Namespace")
    shared = HourPart(
        endpoint=name,
        at=day,
        source="OpenCost's table",
        paid=Decimal(_DAY_HOURS),
        usd=cost,
        gpus=gpus,
        tags=(f"namespace:{space}", *(f"{key}:{value}" for key, value in labels.items() if value)),
        caller=space,
        environment=str(labels.get("environment") or ""),
    )
    yield from _spread(shared, _DAY_HOURS)


def allocation_parts(row: Row) -> Iterator[HourPart]:
    """An allocation of OpenCost's API; nothing where it held no GPU.

    What a node's pods left is an allocation of its own, `__idle__`: nobody asks it anything.

    Raises:
        BadRowError: a member that cannot be read.
    """
    held, minutes = amount(row, "gpuHours"), amount(row, "minutes")
    if not held and not amount(row, "gpuCost"):
        return
    if not minutes or minutes < 0 or (held is not None and held < 0):
        raise BadRowError(
            "minutes", f"{minutes} minutes with {held} GPU hours are no life of a pod"
        )
    first, end = _began(row, "start"), moment(row, "end")
    hours = 1 if end is None else max(-(-(end - first) // _HOUR), 1)
    if hours > _MOST_HOURS:
        raise BadRowError("end", "more than a year after its start")
    facts = members(row.get("properties"))
    labels = members(facts.get("labels"))
    free = text(row, "name").startswith(_IDLE)
    tagged = next((str(labels[name]) for name in _NAMES if labels.get(name)), "")
    node = text(facts, "node") or text(facts, "cluster")
    name = tagged or text(facts, "controller") or text(facts, "pod") or text(row, "name")
    space = text(facts, "namespace")
    tags = {"namespace": space, **labels}
    paid = minutes / 60
    shared = HourPart(
        endpoint=f"{node or 'nodes'}, held by no pod" if free else name,
        at=first,
        source="OpenCost's table",
        paid=paid,
        usd=amount(row, "totalCost"),
        gpus=None if held is None else held / paid,
        requests=0 if free else None,
        tokens=0 if free else None,
        counts=free,
        tags=tuple(f"{key}:{value}" for key, value in tags.items() if value),
        caller=space,
        environment=str(labels.get("environment") or ""),
    )
    yield from _spread(shared, hours)


_IDLE = "__idle__"


def focus_parts(row: Row) -> Iterator[HourPart]:
    """A row of FOCUS; nothing where it charges no hours of a GPU, endpoint or provisioned unit.

    Raises:
        BadRowError: a cell that cannot be read.
    """
    details = members(row.get("SkuPriceDetails"))
    gpus = amount(details, "GpuCount")
    told = " ".join(text(row, name) for name in _SAYS) + " " + text(details, "InstanceType")
    used = _hours(row)
    if (text(row, "ChargeCategory") or "Usage") != "Usage" or used is None:
        return
    serves = gpus or _OWNED.search(told) or text(row, "ServiceCategory") == _AI
    if not serves or _NOT_OWNED.search(told):
        return
    usd(row, "BillingCurrency")
    first, end = _began(row, "ChargePeriodStart"), moment(row, "ChargePeriodEnd", absent=True)
    last = end if end is not None and end > first else first + _DAY_HOURS * _HOUR
    hours = -(-(last - first) // _HOUR)
    if hours > _MOST_HOURS:
        raise BadRowError("ChargePeriodEnd", "more than a year after its start")
    effective, billed = amount(row, "EffectiveCost"), amount(row, "BilledCost")
    cost = billed if effective is None else effective
    if cost is None:
        raise BadRowError("BilledCost", "is empty")
    tags = members(row.get("Tags"))
    shared = HourPart(
        endpoint=_name(row, tags),
        at=first,
        source="FOCUS",
        paid=used,
        usd=cost,
        gpus=None if not gpus else gpus * used / hours,
        tags=tuple(f"{key}:{'' if value is None else value}" for key, value in tags.items()),
        caller=text(row, "SubAccountId") or text(row, "BillingAccountId"),
        environment=str(tags.get("environment") or ""),
    )
    yield from _spread(shared, hours)


def _began(row: Row, name: str) -> datetime:
    """The full hour in which a row begins."""
    at = moment(row, name)
    if at is None:
        raise BadRowError(name, "is empty")
    if at.year >= _LAST_YEAR:
        raise BadRowError(name, f"{at} is no time of a charge")
    return at.replace(minute=0, second=0, microsecond=0)


def _hours(row: Row) -> Decimal | None:
    """Hours that a row charges; None where it charges something else, or nothing."""
    for unit, quantity in (
        ("ConsumedUnit", "ConsumedQuantity"),
        ("PricingUnit", "PricingQuantity"),
    ):
        value = amount(row, quantity)
        if _HOURS.fullmatch(text(row, unit)) and value:
            if value < 0:
                raise BadRowError(quantity, f"{value} hours: give the bill as it was corrected")
            return value
    return None


def _name(row: Row, tags: Mapping[str, object]) -> str:
    tagged = next((str(tags[name]) for name in _NAMES if tags.get(name)), "")
    named = tagged or text(row, "ResourceName") or text(row, "ResourceId")
    if not named:
        raise BadRowError("ResourceId", "is empty, and no tag names the endpoint")
    return named


def _spread(whole: HourPart, hours: int) -> Iterator[HourPart]:
    """Even parts by hour, each so exact that all add up to the row."""
    told_paid = told_usd = Decimal(0)
    for number in range(1, hours + 1):
        paid = _share(whole.paid or Decimal(0), number, hours)
        usd_upto = None if whole.usd is None else _share(whole.usd, number, hours)
        yield replace(
            whole,
            at=whole.at + (number - 1) * _HOUR,
            paid=paid - told_paid,
            usd=None if usd_upto is None else usd_upto - told_usd,
        )
        told_paid, told_usd = paid, usd_upto or Decimal(0)


_PLACES = Decimal("0.000000001")


def _share(whole: Decimal, number: int, of: int) -> Decimal:
    return whole if number == of else (whole * number / of).quantize(_PLACES)
