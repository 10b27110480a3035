"""P-values against a true difference of `delta` or less, from their papers.

Tango (1998) and, without gains, Clopper-Pearson; Cameron-Miller for clusters; the random weights of
N. Gaffke, Mathematical Methods of Statistics 14 (2005) 451-467.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, ndtr, stdtr

NODES, REACH = 400, 10.0


def tango(lost: float, won: float, n: float, delta: float) -> float:
    """P-value against a true difference of `delta` or less."""
    b, c = -won - lost + (2 * n - won + lost) * delta, -lost * delta * (1 - delta)
    q = max((math.sqrt(max(b * b - 8 * n * c, 0)) - b) / (4 * n), 0)
    variance, far = n * max(2 * q + delta * (1 - delta), 0), won - lost - n * delta
    p = float(ndtr(-far / math.sqrt(variance))) if variance else 0.5 - 0.5 * np.sign(far)
    if won:
        return p
    return 1.0 if n == lost else max(p, float(betainc(n - lost, lost + 1, 1 + delta)))


def clustered(d: np.ndarray, labels: np.ndarray, delta: float) -> float:
    _, at = np.unique(labels, return_inverse=True)
    sums, counts, n = np.bincount(at, d), np.bincount(at), len(d)
    error = math.sqrt(((sums - counts * d.mean()) ** 2).sum() * len(sums) / (len(sums) - 1)) / n
    size, far = (counts**2).sum() / n, d.mean() - delta
    effect = max(((sums**2).sum() + 0.25 * size**2) / ((d**2).sum() + 0.25 * size), 1)
    plain = tango((d < 0).sum() / effect, (d > 0).sum() / effect, n / effect, delta)
    return max(float(stdtr(len(sums) - 1, -far / error if error else -np.sign(far) * 1e9)), plain)


def weighted(d: np.ndarray, _: np.ndarray, delta: float) -> float:
    """P(weighted mean <= delta), weights uniform on the simplex, and a further case at -1.

    The weights are Exp(1) variables over their sum: P(sum of E y <= 0) for y = d - delta, by the
    inverse transform on a line beside 0 that lies near the saddle point.
    """
    y = np.append(d - delta, -1 - delta)
    if y.max() <= 0:
        return 1.0
    left = y.sum() > 0
    end = 1 / (y.min() if left else y.max())
    saddle = brentq(lambda at: (y / (1 - at * y)).sum(), *sorted((end * (1 - 1e-9), 0.0)))
    least = np.sign(end) * max(abs(saddle), 0.5 / np.sqrt((y**2).sum()))
    at = (saddle + end) / 2 if abs(least) > 0.9 * abs(end) else least
    width = 1 / np.sqrt(((y / (1 - at * y)) ** 2).sum())
    x = (np.arange(NODES) + 0.5) * REACH / NODES
    s = at + 1j * width * np.sinh(x)
    value = np.exp(-np.log(1 - s[:, None] * y).sum(axis=1)) / s
    area = float((value.real * np.cosh(x)).sum() * width * REACH / NODES / np.pi)
    return min(max(-area if left else 1 - area, 0.0), 1.0)


def plain(d: np.ndarray, _: np.ndarray, delta: float) -> float:
    return tango(float((d < 0).sum()), float((d > 0).sum()), len(d), delta)


METHODS = {"cluster-t": clustered, "gaffke": weighted, "tango": plain}
"""By the design's name: of the differences, the labels of their clusters, and `delta`."""
