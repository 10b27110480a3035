"""Mean difference of cases that come in clusters.

Source: A. C. Cameron and D. L. Miller, "A Practitioner's Guide to Cluster-Robust Inference",
Journal of Human Resources 50 (2015) 317-372: the sandwich variance of a mean with the factor
G / (G - 1), and Student's t with G - 1 degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats import tango
from harness.stats.arrays import Bools, Floats, Ints, Numbers, moments_at
from harness.stats.tango import Bounds

FEWEST_CLUSTERS = 20
"""Fewest clusters that carry a test."""
_UNSEEN = 0.25
"""Wholly lost clusters added to the design effect; chosen by simulation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMean:
    """Mean over cases and its standard error; arrays of equal shape."""

    mean: Floats
    error: Floats
    clusters: Ints
    n: Ints


def cluster_mean(differences: Numbers, clusters: Numbers) -> ClusterMean:
    """Mean of the last axis and its cluster-robust standard error.

    `clusters` holds an integer label per case. NaN differences are left out. The error is NaN
    with fewer than two clusters.
    """
    sums, counts = _by_cluster(np.asarray(differences, dtype=np.float64), clusters)
    return from_sums(sums, counts)


def from_sums(sums: Floats, counts: Floats) -> ClusterMean:
    """As `cluster_mean`, from each cluster's sum and number of scored cases (last axis)."""
    n = counts.sum(axis=-1)
    groups = (counts > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(axis=-1) / n
        residuals = sums - counts * mean[..., None]
        error = np.sqrt((residuals**2).sum(axis=-1) * groups / (groups - 1)) / n
    return ClusterMean(
        mean=mean,
        error=np.where(groups > 1, error, np.nan),
        clusters=groups.astype(np.int64),
        n=n.astype(np.int64),
    )


def p_value(found: ClusterMean, margin: Numbers) -> Floats:
    """One-sided p-value against "the candidate is worse by the margin or more"."""
    distance = found.mean + np.asarray(margin, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(distance == 0, 0.0, distance / found.error)
    return np.asarray(special.stdtr(np.maximum(found.clusters - 1, 1), -t))


def robust_p(differences: Numbers, clusters: Numbers, margin: float) -> Floats:
    """The p-value that decides: cluster-robust, and never below Tango's at the design effect.

    NaN with fewer than `FEWEST_CLUSTERS` clusters. Without disagreement the robust error is 0;
    Tango's is not.
    """
    seen = _see(differences, clusters)
    plain = tango.p_value(seen.losses, seen.gains, seen.n, margin)
    larger = np.maximum(p_value(seen.found, margin), plain)
    return np.where(seen.found.clusters < FEWEST_CLUSTERS, np.nan, larger)


def robust_bounds(differences: Numbers, clusters: Numbers, level: float) -> Bounds:
    """Bounds at the one-sided `level` that agree with `robust_p`; NaN with too few clusters."""
    seen = _see(differences, clusters)
    plain = tango.bounds(seen.losses, seen.gains, seen.n, level)
    robust = bounds(seen.found, level)
    few = seen.found.clusters < FEWEST_CLUSTERS
    return Bounds(
        lower=np.where(few, np.nan, np.minimum(robust.lower, plain.lower)),
        upper=np.where(few, np.nan, np.maximum(robust.upper, plain.upper)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effective:
    """The cluster mean, and counts scaled to the effective number of independent cases."""

    found: ClusterMean
    losses: Floats
    gains: Floats
    n: Floats


def _see(differences: Numbers, clusters: Numbers) -> _Effective:
    """Divide counts by the design effect (J. N. K. Rao and A. J. Scott, Biometrics 48 (1992)).

    The effect is the sum of squared cluster sums over the sum of squared differences. A quarter of
    a wholly lost cluster is added to both, because rare losses of whole clusters may be unseen.
    """
    values = np.asarray(differences, dtype=np.float64)
    sums, counts = _by_cluster(values, clusters)
    moments = moments_at(values, 0, (values.shape[-1],))
    with np.errstate(invalid="ignore", divide="ignore"):
        size = (counts**2).sum(axis=-1) / counts.sum(axis=-1)
        together = (sums**2).sum(axis=-1) + _UNSEEN * size**2
        effect = np.maximum(together / (moments.squares[..., 0] + _UNSEEN * size), 1.0)
    return _Effective(
        found=from_sums(sums, counts),
        losses=moments.losses[..., 0] / effect,
        gains=moments.gains[..., 0] / effect,
        n=np.nan_to_num(moments.n[..., 0] / effect),
    )


def _by_cluster(values: Floats, clusters: Numbers) -> tuple[Floats, Floats]:
    """Sum and number of scored cases of each cluster (last axis)."""
    _, labels = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    present = ~np.isnan(values)
    return _totals(np.nan_to_num(values), order, starts), _totals(present, order, starts)


def _totals(values: Floats | Bools, order: Ints, starts: Ints) -> Floats:
    """Sums of the last axis over the runs of `order` that begin at `starts`."""
    return np.add.reduceat(values[..., order].astype(np.float64), starts, axis=-1)


def bounds(found: ClusterMean, level: Numbers) -> Bounds:
    """Lower and upper bound, each at the one-sided `level`."""
    freedom = np.maximum(found.clusters - 1, 1)
    width = -special.stdtrit(freedom, np.asarray(level, dtype=np.float64)) * found.error
    return Bounds(lower=found.mean - width, upper=found.mean + width)
