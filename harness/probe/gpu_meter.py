"""Utilisation, memory and power of GPUs, by NVML where its Python package is installed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "pynvml"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """All GPUs of this machine at one moment."""

    utilisation: float
    """Mean share of time in which a kernel ran."""
    memory_mib: float
    """In use, summed."""
    power_w: float
    """Summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuLoad:
    """GPUs over one run."""

    mean_utilisation: float
    most_memory_mib: float
    mean_power_w: float


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
        return GpuReading(
            utilisation=fmean(
                nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100 for handle in self._handles
            ),
            memory_mib=sum(
                nvml.nvmlDeviceGetMemoryInfo(handle).used / 2**20 for handle in self._handles
            ),
            power_w=sum(nvml.nvmlDeviceGetPowerUsage(handle) / 1000 for handle in self._handles),
        )

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
    return GpuLoad(
        mean_utilisation=fmean(reading.utilisation for reading in readings),
        most_memory_mib=max(reading.memory_mib for reading in readings),
        mean_power_w=fmean(reading.power_w for reading in readings),
    )
