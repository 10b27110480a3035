"""A server's own `/metrics`, under the series names of several engines, and GPU use by NVML.

GPU utilisation, memory and power are read where NVML's Python package is installed.
"""

from __future__ import annotations

import http.client
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

PACKAGE = "pynvml"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """All GPUs of this machine at one moment; None: one of them does not say (a MIG part)."""

    utilisation: float | None
    """Mean share of time in which a kernel ran."""
    memory_mib: float | None
    """In use, summed."""
    power_w: float | None
    """Summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuLoad:
    """GPUs over one run; None: they do not say."""

    mean_utilisation: float | None
    most_memory_mib: float | None
    mean_power_w: float | None


class GpuMeter:
    """Reads the GPUs; `open_meter` makes one where there are any."""

    def __init__(self, nvml: Any, only: Sequence[str]) -> None:  # noqa: ANN401  # NVML has no types
        self._nvml = nvml
        self._handles = [
            nvml.nvmlDeviceGetHandleByIndex(index)
            for index in range(nvml.nvmlDeviceGetCount())
            if not only or str(index) in only
        ]

    def read(self) -> GpuReading:
        """The GPUs now."""
        nvml = self._nvml
        shares = self._each(lambda handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
        memory = self._each(lambda handle: nvml.nvmlDeviceGetMemoryInfo(handle).used / 2**20)
        power = self._each(lambda handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000)
        return GpuReading(
            utilisation=fmean(shares) if shares else None,
            memory_mib=sum(memory) if memory else None,
            power_w=sum(power) if power else None,
        )

    def _each(self, read: Callable[[Any], float]) -> list[float]:
        """A reading of every GPU; none where one has no such sensor."""
        try:
            return [read(handle) for handle in self._handles]
        except self._nvml.NVMLError:
            return []

    def __bool__(self) -> bool:
        """Is there a GPU to read?"""
        return bool(self._handles)


def open_meter(package: str = PACKAGE, only: Sequence[str] = ()) -> GpuMeter | str:
    """A meter of this machine's GPUs; else why there is none: no package, driver or GPU.

    `only`: numbers of those that the model has; empty: of all.
    """
    try:
        nvml: Any = importlib.import_module(package)
    except ImportError:
        return "NVML's Python package is not installed (`pip install nvidia-ml-py`)"
    try:
        nvml.nvmlInit()
        meter = GpuMeter(nvml, only)
    except nvml.NVMLError as error:
        return f"NVML does not answer here ({error})"
    return meter or "NVML lists no GPU here"


def summarise_gpus(readings: Sequence[GpuReading]) -> GpuLoad | None:
    """One run's load; None without a reading."""
    if not readings:
        return None
    shares = [one.utilisation for one in readings if one.utilisation is not None]
    memory = [one.memory_mib for one in readings if one.memory_mib is not None]
    power = [one.power_w for one in readings if one.power_w is not None]
    return GpuLoad(
        mean_utilisation=fmean(shares) if shares else None,
        most_memory_mib=max(memory, default=None),
        mean_power_w=fmean(power) if power else None,
    )


MetricName: TypeAlias = Literal[
    "running", "waiting", "kv_cache", "prefix_hits", "prefix_queries", "output_tokens"
]
Combine: TypeAlias = Literal["sum", "max"]

SERIES: Mapping[MetricName, tuple[Combine, tuple[str, ...]]] = MappingProxyType(
    {
        "running": (
            "sum",
            (
                "vllm:num_requests_running",
                "sglang:num_running_reqs",
                "llamacpp:requests_processing",
            ),
        ),
        "waiting": (
            "sum",
            ("vllm:num_requests_waiting", "sglang:num_queue_reqs", "llamacpp:requests_deferred"),
        ),
        "kv_cache": (
            "max",
            (
                "vllm:kv_cache_usage_perc",
                "vllm:gpu_cache_usage_perc",
                "sglang:token_usage",
                "llamacpp:kv_cache_usage_ratio",
            ),
        ),
        "prefix_hits": (
            "sum",
            (
                "vllm:prefix_cache_hits_total",
                "vllm:gpu_prefix_cache_hits_total",
                "vllm:prefix_cache_hits",
                "sglang:cached_tokens_total",
                "llamacpp:prompt_tokens_cached_total",
            ),
        ),
        "prefix_queries": (
            "sum",
            (
                "vllm:prefix_cache_queries_total",
                "vllm:gpu_prefix_cache_queries_total",
                "vllm:prefix_cache_queries",
                "sglang:prompt_tokens_total",
            ),
        ),
        "output_tokens": (
            "sum",
            (
                "vllm:generation_tokens_total",
                "sglang:generation_tokens_total",
                "llamacpp:tokens_predicted_total",
            ),
        ),
    }
)
"""What we call a reading: how its label sets combine, and its names, the newest first.

`kv_cache` is a share of the cache; `prefix_hits` and `prefix_queries` count tokens.
"""

LLAMA_UNCACHED = "llamacpp:prompt_tokens_total"
"""llama.cpp counts what it had to read; read plus cached is what was asked."""

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)(?:\s+-?\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLoad:
    """A run as the server saw it; None: it does not say."""

    most_running: float | None = None
    most_waiting: float | None = None
    most_kv_cache: float | None = None
    """Share of the KV cache in use, at its fullest."""
    prefix_hit_share: float | None = None
    """Share of the input tokens that came from the prefix cache."""
    output_tokens: float | None = None


def parse_metrics(text: str) -> dict[MetricName, float]:
    """Readings in a Prometheus text; a series that is absent gives none."""
    series: dict[str, list[float]] = {}
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if found is not None:
            series.setdefault(found[1], []).append(float(found[2]))
    readings: dict[MetricName, float] = {}
    for reading, (combine, names) in SERIES.items():
        values = next((series[name] for name in names if name in series), None)
        if values is not None:
            readings[reading] = sum(values) if combine == "sum" else max(values)
    uncached = series.get(LLAMA_UNCACHED)
    if uncached is not None and "prefix_hits" in readings and "prefix_queries" not in readings:
        readings["prefix_queries"] = sum(uncached) + readings["prefix_hits"]
    return readings


def fetch_metrics(host: str, port: int, *, timeout_s: float = 2.0) -> dict[MetricName, float]:
    """Readings of a server now; none where it has no `/metrics`."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        text = reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return {}
    else:
        return parse_metrics(text) if reply.status == http.client.OK else {}
    finally:
        connection.close()


def summarise_load(readings: Sequence[Mapping[MetricName, float]]) -> ServerLoad:
    """Highest gauges and grown counters over the readings of one run, in order."""
    hits, queries = _growth(readings, "prefix_hits"), _growth(readings, "prefix_queries")
    return ServerLoad(
        most_running=_most(readings, "running"),
        most_waiting=_most(readings, "waiting"),
        most_kv_cache=_most(readings, "kv_cache"),
        prefix_hit_share=None if hits is None or not queries else hits / queries,
        output_tokens=_growth(readings, "output_tokens"),
    )


def _most(readings: Sequence[Mapping[MetricName, float]], name: MetricName) -> float | None:
    return max((each[name] for each in readings if name in each), default=None)


def _growth(readings: Sequence[Mapping[MetricName, float]], name: MetricName) -> float | None:
    """Last minus first; None with fewer than two, or when the server was started anew between."""
    values = [each[name] for each in readings if name in each]
    if len(values) < 2 or values[-1] < values[0]:  # noqa: PLR2004  # a difference needs two
        return None
    return values[-1] - values[0]
