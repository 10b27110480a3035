"""The composed ladder beside the rules that others use, on the same resampled eval sets.

A rule takes differences (runs, options, cases) and says which option it picks (-1: stays), and
how many cases of each option and of the incumbent it bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from harness.stats import gaffke, tango
from harness.stats.sequential.design import DesignInput, make_design
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.levels import holm
from harness.stats.sequential.state import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.stats.sequential.design import Design

ALPHA = 0.05
SCREEN = 0.2
PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Resampled eval sets of one ladder; `margin` is a share."""

    differences: np.ndarray
    savings: np.ndarray
    margin: float
    binary: bool
    current: np.ndarray
    """The incumbent's mean score in each run."""

    @property
    def shape(self) -> tuple[int, int, int]:
        runs, options, cases = self.differences.shape
        return runs, options, cases

    def first(self, count: int) -> Sampled:
        """The first cases only."""
        return Sampled(
            differences=self.differences[..., :count],
            savings=self.savings,
            margin=self.margin,
            binary=self.binary,
            current=self.current,
        )

    def p_values(self) -> np.ndarray:
        """One look at everything, by the method the scores allow."""
        values = self.differences
        if self.binary:
            losses, gains = (values < 0).sum(axis=-1), (values > 0).sum(axis=-1)
            return tango.p_value(losses, gains, values.shape[-1], self.margin)
        return gaffke.p_at(values, self.margin, (values.shape[-1],))[..., 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The pick per run, and the cases bought: (runs, options) and (runs,)."""

    option: np.ndarray
    asked: np.ndarray
    incumbent: np.ndarray


def ladder_design(count: int, cases: int, **changes: object) -> Design:
    """The product's own default design over numbered cases."""
    names = tuple(f"c{place}" for place in range(cases))
    values: dict[str, object] = {
        "options": tuple(f"o{k}" for k in range(count)),
        "savings": (0.5,) * count,
        "margin": 5.0,
        "cases": names,
        "clusters": names,
        "method": "tango",
    }
    return make_design(DesignInput(**(values | changes)))  # type: ignore[arg-type]


def composed(sample: Sampled, alpha: float = ALPHA) -> Picked:
    """The product's procedure: the same kernel that decides a review."""
    runs, options, cases = sample.shape
    design = ladder_design(
        options,
        cases,
        margin=100 * sample.margin,
        alpha=alpha,
        method="tango" if sample.binary else "gaffke",
        savings=tuple(map(float, sample.savings)),
    )
    nothing = np.zeros((runs, options), dtype=np.bool_)
    found = run(
        rules_of(design),
        Seen(
            differences=sample.differences,
            asked=np.full((runs, options), cases),
            vetoed=nothing,
            cleared=~nothing,
        ),
    )
    ends = np.array([0, *design.checks])
    reached = found.walk.reached
    asked = np.where(reached > 0, ends[reached], found.piloted)
    return Picked(option=_first(found.walk.accepted), asked=asked, incumbent=asked.max(axis=1))


def plain_holm(sample: Sampled) -> Picked:
    return _everything(sample, holm(sample.p_values(), ALPHA).passed)


def point(sample: Sampled) -> Picked:
    """The cheaper model's mean is within the margin."""
    return _everything(sample, sample.differences.mean(axis=-1) > -sample.margin)


def wald(sample: Sampled) -> Picked:
    """Paired Wald bound at an uncorrected 5 %."""
    values = sample.differences
    error = values.std(axis=-1) / np.sqrt(values.shape[-1])
    return _everything(sample, values.mean(axis=-1) - Z * error > -sample.margin)


def screen_holm(sample: Sampled) -> Picked:
    """The first fifth of the cases drops what looks bad, Holm tests the rest on the others."""
    _runs, options, cases = sample.shape
    cut = int(SCREEN * cases)
    early = sample.differences[..., :cut]
    error = early.std(axis=-1) / np.sqrt(cut)
    kept = early.mean(axis=-1) + PATIENCE * error > -sample.margin
    late = Sampled(
        differences=sample.differences[..., cut:],
        savings=sample.savings,
        margin=sample.margin,
        binary=sample.binary,
        current=sample.current,
    )
    p = np.where(kept, late.p_values(), np.nan)
    # Holm over the survivors: their number, not that of all, sets the levels.
    order = np.argsort(np.nan_to_num(p, nan=2.0), axis=-1)
    ranked = np.take_along_axis(np.nan_to_num(p, nan=2.0), order, axis=-1)
    left = kept.sum(axis=-1, keepdims=True) - np.arange(options)
    good = np.logical_and.accumulate(ranked < ALPHA / np.maximum(left, 1), axis=-1)
    passed = np.empty_like(good)
    np.put_along_axis(passed, order, good, axis=-1)
    asked = np.where(kept, cases, cut)
    return Picked(option=_first(passed), asked=asked, incumbent=asked.max(axis=1))


def unpaired_z(sample: Sampled) -> Picked:
    """Two independent proportions, as most reports compare them."""
    cases = sample.shape[2]
    difference = sample.differences.mean(axis=-1)
    now = sample.current[:, None]
    new = np.clip(now + difference, 0, 1)
    error = np.sqrt((now * (1 - now) + new * (1 - new)) / cases)
    return _everything(sample, difference - Z * error > -sample.margin)


Z = float(-special.ndtri(ALPHA))
RULES: dict[str, Callable[[Sampled], Picked]] = {
    "composed": composed,
    "Holm": plain_holm,
    "screen + Holm": screen_holm,
    "point": point,
    "unpaired z": unpaired_z,
    "Wald": wald,
}


def _everything(sample: Sampled, passed: np.ndarray) -> Picked:
    runs, options, cases = sample.shape
    return Picked(
        option=_first(passed),
        asked=np.full((runs, options), cases),
        incumbent=np.full(runs, cases),
    )


def _first(passed: np.ndarray) -> np.ndarray:
    return np.where(passed.any(axis=1), passed.argmax(axis=1), -1)
