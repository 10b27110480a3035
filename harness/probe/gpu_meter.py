"""Utilisation, memory and power of GPUs, by NVML where its Python package is installed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
