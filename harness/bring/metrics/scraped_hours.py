"""Hours of served models and GPUs from samples: vLLM's counters, OpenCost's and DCGM's gauges.

Counters only grow; one that is smaller than before began again at 0. What grew between two samples
belongs to the hour of the later one, and every hour with such a step was paid for whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean

from harness.bring.metrics.hour_parts import HourPart
from harness.bring.metrics.samples import ScrapedValue
from harness.money.amounts import exact
from harness.money.owned.served import ServedModel

_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INPUT, _OUTPUT, _ENDED = "vllm:prompt_tokens", "vllm:generation_tokens", "vllm:request_success"
_COUNTERS = frozenset({_INPUT, _OUTPUT, _ENDED})
_HELD, _PRICE, _THERE = "container_gpu_allocation", "node_gpu_hourly_cost", "node_gpu_count"
_BUSY = "DCGM_FI_DEV_GPU_UTIL"
SCRAPED = _COUNTERS | {_HELD, _PRICE, _THERE, _BUSY}
"""The metrics that are read."""
_PERCENT = 100


@dataclass(slots=True)
class _Steps:
    """What grew in an hour on one server."""

    grown: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def scraped_parts(
    samples: Iterable[ScrapedValue], models: Mapping[str, ServedModel]
) -> Iterator[HourPart]:
    """What samples say of each hour of each served model, pod, and GPU that nobody holds.

    Args:
        samples: in any order; one that is told twice counts once.
        models: by the name under which a server serves them.
    """
    counted, gauges, pods = _added(sorted(samples, key=lambda one: (one.series, one.at_ms)))
    for (model, server, at), steps in sorted(counted.items()):
        yield _served(model, server, at, steps, models)
    yield from _held(gauges, {pod: _named(model, models) for pod, model in pods.items()})


_Counted = dict[tuple[str, str, int], _Steps]
_Gauges = dict[tuple[str, int], dict[tuple[str, ...], list[float]]]


def _added(samples: Iterable[ScrapedValue]) -> tuple[_Counted, _Gauges, dict[str, str]]:
    last: dict[tuple[str, ...], tuple[int, float]] = {}
    counted: _Counted = defaultdict(_Steps)
    gauges: _Gauges = defaultdict(lambda: defaultdict(list))
    pods: dict[str, str] = {}
    for one in samples:
        hour = (one.at_ms - 1) // _HOUR_MS
        if one.name not in _COUNTERS:
            gauges[one.name, one.at_ms // _HOUR_MS][_whose(one)].append(one.value)
            continue
        before = last.get(one.series)
        if before is not None and one.at_ms == before[0]:
            continue
        last[one.series] = (one.at_ms, one.value)
        model, pod = one.labels.get("model_name", ""), _pod(one)
        if pod:
            pods[pod] = model
        if before is not None:
            grown = one.value - before[1] if one.value >= before[1] else one.value
            server = pod or one.labels.get("instance", "")
            counted[model, server, hour].grown[one.name] += grown
    return counted, gauges, pods


def _pod(one: ScrapedValue) -> str:
    return one.labels.get("exported_pod") or one.labels.get("pod", "")


def _whose(one: ScrapedValue) -> tuple[str, ...]:
    """Pod and node of a gauge, and its namespace."""
    node = one.labels.get("node") or one.labels.get("instance", "")
    space = one.labels.get("exported_namespace") or one.labels.get("namespace", "")
    return ("" if one.name in {_PRICE, _THERE} else _pod(one), node, space)


def _at(hour: int) -> datetime:
    return _EPOCH + timedelta(hours=hour)


def _named(model: str, models: Mapping[str, ServedModel]) -> str:
    return models[model].name if model in models else model


def _served(
    model: str, server: str, hour: int, steps: _Steps, models: Mapping[str, ServedModel]
) -> HourPart:
    known = models.get(model)
    whole = {name: round(value) for name, value in steps.grown.items()}
    told = [whole[name] for name in (_INPUT, _OUTPUT) if name in whole]
    # Before its first request ever ended a server has no series of them.
    requests = whole.get(_ENDED, 0 if told and not any(told) else None)
    return HourPart(
        endpoint=_named(model, models),
        at=_at(hour),
        source="price book",
        paid=Decimal(1),
        usd=known.usd_per_hour if known else None,
        gpus=known.gpus if known else None,
        requests=requests,
        tokens=sum(told) if len(told) == len((_INPUT, _OUTPUT)) else None,
        counts=True,
        model=model,
        caller=server,
    )


def _held(gauges: _Gauges, pods: Mapping[str, str]) -> Iterator[HourPart]:
    """GPUs by pod, at their node's price; what no pod of a node holds is idle."""
    hours = sorted({hour for name, hour in gauges if name in {_HELD, _THERE, _BUSY}})
    for hour in hours:
        prices = _means(gauges, _PRICE, hour, 1)
        held: dict[str, float] = defaultdict(float)
        spaces: dict[tuple[str, ...], float] = _means(gauges, _HELD, hour, 3)
        for (pod, node, space), gpus in sorted(spaces.items()):
            held[node] += gpus
            if gpus:
                yield _part(pods.get(pod, pod), hour, gpus, prices.get((node,)), space)
        for (node,), there in sorted(_means(gauges, _THERE, hour, 1).items()):
            free = there - held[node]
            if free > 0:
                name = f"{node}, held by no pod"
                one = _part(name, hour, free, prices.get((node,)), "")
                yield replace(one, requests=0, tokens=0, counts=True)
        for (pod, node, _), busy in sorted(_means(gauges, _BUSY, hour, 3).items()):
            yield HourPart(
                endpoint=pods.get(pod, pod) or node,
                at=_at(hour),
                source="OpenCost's metrics",
                busy=min(exact(round(busy, 4)) / _PERCENT, Decimal(1)),
            )


def _means(gauges: _Gauges, name: str, hour: int, parts: int) -> dict[tuple[str, ...], float]:
    """Means of an hour by pod, node and namespace, or by node alone."""
    found: dict[tuple[str, ...], float] = {}
    for whose, values in gauges.get((name, hour), {}).items():
        key = whose if parts > 1 else (whose[1],)
        found[key] = fmean(values)
    return found


def _part(name: str, hour: int, gpus: float, price: float | None, space: str) -> HourPart:
    amount = exact(round(gpus, 6))
    return HourPart(
        endpoint=name,
        at=_at(hour),
        source="OpenCost's metrics",
        paid=Decimal(1),
        usd=None if price is None else amount * exact(round(price, 6)),
        gpus=amount,
        tags=(f"namespace:{space}",) if space else (),
        caller=space,
    )
