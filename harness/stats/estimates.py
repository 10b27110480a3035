"""One paired difference by the method that was fixed beforehand.

`tango` for binary scores, `gaffke` for graded ones, `cluster-t` where cases come in clusters;
`betting` for graded ones at looks that nobody planned. The product's one door to the kernels: plain
sequences in, plain floats out.

Student's t and BCa are not offered for graded scores. Where a candidate gains a little everywhere
and loses a few cases in whole, they err 6 to 14 % instead of 5 % at 100 to 1,000 cases and margin
5 (`tests/benchmarks/decision`, exact); every difference is non-zero there, so that no rule on the
number of cases and of non-zero differences tells it from a harmless sample.

That an *option* is worse than the margin is shown by `gaffke` also for binary scores: where losses
are few, Tango's score test errs several times its level in this direction, and most at small
levels. A slice's alarm has a test of its own (`harness.judge.comparison.parts`).

`stratified` estimates at a mix of strata that the policy fixes (W. G. Cochran, "Sampling
Techniques" (1977), section 5.3). Each stratum's bound is taken at its share of the level (union
bound), so the result is valid for any interval inside. It can be wider than one bound on the
weighted differences; then fixing the mix costs certainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from harness.stats import betting, clusters, gaffke, tango
from harness.stats.arrays import Floats
from harness.stats.reliability import share_lower

Method: TypeAlias = Literal["tango", "gaffke", "betting", "cluster-t"]


_BY_VALUES = {"gaffke": gaffke, "betting": betting}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Paired differences, candidate minus incumbent, with their clusters; shares."""

    differences: tuple[float, ...]
    clusters: tuple[int, ...] = ()
    """A label per difference for `cluster-t`; else unused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Mean difference and its bounds, each at the one-sided `level`; shares."""

    value: float
    lower: float
    upper: float
    level: float
    n: int
    method: Method


def estimate(sample: Sample, method: Method, level: float) -> Estimate | None:
    """Estimate the mean difference; None without a case (or with fewer than two clusters)."""
    values = np.asarray(sample.differences, dtype=np.float64)
    if values.size == 0:
        return None
    found = _bounds(values, sample.clusters, method, level)
    if found is None:
        return None
    return Estimate(
        value=float(values.mean()),
        lower=max(float(found.lower), -1.0),
        upper=min(float(found.upper), 1.0),
        level=level,
        n=values.size,
        method=method,
    )


def p_value(sample: Sample, method: Method, margin: float) -> float | None:
    """One-sided p-value against a loss of `margin` or more; None where nothing can be tested."""
    values = np.asarray(sample.differences, dtype=np.float64)
    if values.size == 0:
        return None
    if method == "tango":
        return float(tango.p_value(*_table(values), margin))
    if method in _BY_VALUES:
        return _BY_VALUES[method].p_value(values, margin)
    found = float(clusters.robust_p(values, sample.clusters, margin))
    return None if np.isnan(found) else found


def harm_p_value(sample: Sample, method: Method, margin: float) -> float | None:
    """One-sided p-value against "the loss is `margin` at most"; None: nothing can be tested."""
    values = -np.asarray(sample.differences, dtype=np.float64)
    if values.size == 0:
        return None
    if method != "cluster-t":
        return gaffke.p_value(values, -margin)
    found = float(clusters.robust_p(values, sample.clusters, -margin))
    return None if np.isnan(found) else found


def least_loss(sample: Sample, method: Method, level: float) -> float | None:
    """Upper bound of the difference: below -margin exactly when `harm_p_value` is below `level`."""
    values = np.asarray(sample.differences, dtype=np.float64)
    if values.size == 0:
        return None
    if method != "cluster-t":
        return float(gaffke.bounds(values, level).upper)
    found = float(clusters.robust_bounds(values, sample.clusters, level).upper)
    return None if np.isnan(found) else found


def most_by_losses(sample: Sample, level: float) -> float:
    """Upper bound of a difference by its losses alone, after Clopper and Pearson (1934)."""
    lost, _, n = _table(np.asarray(sample.differences, dtype=np.float64))
    return -share_lower(int(lost), int(n), confidence=1 - level)


def level_estimate(sample: Sample, level: float) -> Estimate | None:
    """Mean of scores in [0, 1] by betting, wider where cases come in clusters; None without one."""
    values = np.asarray(sample.differences, dtype=np.float64)
    if values.size == 0:
        return None
    unit = betting.bounds(2 * values - 1, level)
    found = tango.Bounds(lower=(1 + unit.lower) / 2, upper=(1 + unit.upper) / 2)
    if len(set(sample.clusters)) < len(sample.clusters):
        robust = clusters.bounds(clusters.cluster_mean(values, sample.clusters), level)
        found = tango.Bounds(
            lower=np.fmin(robust.lower, found.lower), upper=np.fmax(robust.upper, found.upper)
        )
    return Estimate(
        value=float(values.mean()),
        lower=max(float(found.lower), 0.0),
        upper=min(float(found.upper), 1.0),
        level=level,
        n=values.size,
        method="betting",
    )


def smallest_sample(method: Method, margin: float, level: float) -> int:
    """Fewest cases at which a candidate that never differs would clear the margin at `level`."""
    if method in _BY_VALUES:
        return _BY_VALUES[method].smallest_sample(margin, level)
    return tango.smallest_sample(margin, level)


def _bounds(
    values: Floats, labels: Sequence[int], method: Method, level: float
) -> tango.Bounds | None:
    if method == "tango":
        return tango.bounds(*_table(values), level)
    if method in _BY_VALUES:
        return _BY_VALUES[method].bounds(values, level)
    found = clusters.robust_bounds(values, labels, level)
    return None if np.isnan(found.lower) else found


def _binary(values: Floats) -> bool:
    return bool(np.isin(values, (-1.0, 0.0, 1.0)).all())


def _table(values: Floats) -> tuple[float, float, float]:
    """Losses, gains, n; refuses what is not binary."""
    if not _binary(values):
        raise ValueError("Tango's interval needs scores of 0 or 1; use the method `gaffke`")
    return float((values < 0).sum()), float((values > 0).sum()), float(values.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A part of production: its share of the traffic, and its cases."""

    share: float
    sample: Sample


def stratified(strata: Sequence[Stratum], method: Method, level: float) -> Estimate | None:
    """Mean difference at the production mix; None when a stratum has no case.

    Raises:
        ValueError: the shares do not sum to 1.
    """
    if abs(sum(stratum.share for stratum in strata) - 1) > 1e-9:  # noqa: PLR2004  # rounding
        raise ValueError("the strata's shares must sum to 1")
    parts = [
        (stratum.share, estimate(stratum.sample, method, level / len(strata))) for stratum in strata
    ]
    found = [(share, part) for share, part in parts if part is not None]
    if len(found) < len(parts):
        return None
    return Estimate(
        value=sum(share * part.value for share, part in found),
        lower=sum(share * part.lower for share, part in found),
        upper=sum(share * part.upper for share, part in found),
        level=level,
        n=sum(part.n for _, part in found),
        method=method,
    )
