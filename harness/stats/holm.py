"""Plain Holm: every option at one fixed sample, errors controlled over all of them.

Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from harness.stats.arrays import Bools, Floats, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class HolmResult:
    """Per option of the last axis: whether it passed, and the one-sided level that decided."""

    passed: Bools
    level: Floats


def holm(p_values: Numbers, alpha: float) -> HolmResult:
    """Test the options of the last axis together at `alpha`.

    `level` is the local level at which an option passed, or the largest one it was tested at:
    `p < level` exactly when it passed. NaN counts as 1.
    """
    p: Floats = np.nan_to_num(np.asarray(p_values, dtype=np.float64), nan=1.0)
    size = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    step: Floats = alpha / np.arange(size, 0, -1, dtype=np.float64)
    ordered = np.take_along_axis(p, order, axis=-1)
    passes = np.logical_and.accumulate(ordered < step, axis=-1)
    reached = np.minimum(passes.sum(axis=-1, keepdims=True), size - 1)
    level: Floats = np.where(passes, step, step[reached])
    passed = np.empty_like(passes)
    levels = np.empty_like(p)
    np.put_along_axis(passed, order, passes, axis=-1)
    np.put_along_axis(levels, order, level, axis=-1)
    return HolmResult(passed=passed, level=levels)
