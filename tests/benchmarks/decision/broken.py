"""Point 3: three errors that people make with ladders, each shown to break the promise.

Every option stands exactly at the margin, so that each acceptance is an error.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from harness.stats import tango
from harness.stats.sequential.levels import gaussian, holm

ALPHA = 0.05
GIVE_UP = 0.3


def holm_at_full_alpha_boundaries(rng: np.random.Generator, runs: int) -> float:
    """At each look, the whole alpha's nominal level shared out by Holm.

    Twenty options at the margin, ten looks, statistics in their normal limit. A share of the
    boundary of alpha is more than the boundary of a share of alpha.
    """
    options, looks = 20, 10
    steps = rng.normal(size=(runs, options, looks)).cumsum(axis=-1)
    p = special.ndtr(-steps / np.sqrt(np.arange(1, looks + 1)))
    table = gaussian(tuple((k + 1) / looks for k in range(looks)), 0.8)
    wrong = np.zeros(runs, dtype=np.bool_)
    for look in range(looks):
        wrong |= holm(p[..., look], float(table.at(ALPHA, look))).passed.any(axis=1)
    return float(wrong.mean())


def boundaries_of_the_share(rng: np.random.Generator, runs: int) -> float:
    """The same options at the boundaries of their own level, as the product does it."""
    options, looks = 20, 10
    steps = rng.normal(size=(runs, options, looks)).cumsum(axis=-1)
    p = special.ndtr(-steps / np.sqrt(np.arange(1, looks + 1)))
    table = gaussian(tuple((k + 1) / looks for k in range(looks)), 0.8)
    levels = np.min([table.sequential(p[..., look], look) for look in range(looks)], axis=0)
    return float((levels < ALPHA / options).any(axis=1).mean())


def passing_on_futile_levels(rng: np.random.Generator, runs: int) -> float:
    """A stopped option hands its level to those that are left, as if it had been accepted.

    Eight options at the margin; at half of the cases those that look bad are given up and their
    levels go to the others: the best-looking of eight is tested at nearly the whole alpha.
    """
    cases, margin, options = 1000, 0.05, 8
    gain, loss = (0.1 - margin) / 2, (0.1 + margin) / 2
    halves = rng.multinomial(cases // 2, [gain, loss, 1 - gain - loss], (2, runs, options))
    first, whole = halves[0], halves.sum(axis=0)
    given_up = tango.p_value(first[..., 1], first[..., 0], cases // 2, margin) > GIVE_UP
    left = np.maximum((~given_up).sum(axis=1, keepdims=True), 1)
    p = tango.p_value(whole[..., 1], whole[..., 0], cases, margin)
    return float((~given_up & (p < ALPHA / left)).any(axis=1).mean())


def adding_cases_until_it_passes(rng: np.random.Generator, runs: int, tries: int) -> float:
    """One option, tested again at the whole alpha each time a few more cases were added."""
    margin, start, more = 0.05, 400, 100
    gain, loss = (0.1 - margin) / 2, (0.1 + margin) / 2
    shares = [gain, loss, 1 - gain - loss]
    counts = rng.multinomial(start, shares, runs)
    passed = np.zeros(runs, dtype=np.bool_)
    for attempt in range(tries):
        n = start + attempt * more
        passed |= tango.p_value(counts[:, 1], counts[:, 0], n, margin) < ALPHA
        counts = counts + rng.multinomial(more, shares, runs)
    return float(passed.mean())
