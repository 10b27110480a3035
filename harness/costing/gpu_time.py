"""What GPUs cost while the evaluation holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.money import exact

if TYPE_CHECKING:
    from decimal import Decimal

    from harness.config.files import GpuPrice

_SECONDS_AN_HOUR = 3600


def gpu_time_cost(seconds: float, gpus: int, gpu: GpuPrice) -> Decimal:
    """USD of holding GPUs for so long, load time included.

    An evaluation can be interrupted and resumed, so the spot price counts where there is one.
    Reserve with the longest time that the server may live, then settle with the time it lived.
    """
    price = gpu.on_demand if gpu.spot is None else gpu.spot
    return exact(seconds) * gpus * price / _SECONDS_AN_HOUR
