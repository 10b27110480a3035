"""A design rehearsed before the first call: the code that decides, on made-up answers.

What the chance of a downgrade is and which share of the calls is bought, when every option is
what somebody expects: power with the pilot, looks, futility and lazy asking in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.course import Seen, run
from harness.stats.single import rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stats.design import Design
    from harness.stats.power import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Shares over the rehearsed runs.

    `decided` is that of runs in which some option passed, `calls` the mean share of all
    (1 + options) x n calls that was bought, `calls_most` its 95th percentile.
    """

    decided: float
    calls: float
    calls_most: float
    runs: int


def rehearse(
    design: Design, truths: Sequence[Truth], rng: np.random.Generator, *, runs: int = 400
) -> Rehearsal:
    """Run a ladder on answers drawn from `truths`, one for each of its options.

    Raises:
        ValueError: a truth is impossible, or their number is not that of the options.
    """
    if len(truths) != len(design.options) or not all(truth.possible for truth in truths):
        raise ValueError("rehearse needs one possible truth for each option")
    shape = (runs, len(truths))
    size = len(design.order)
    gains = np.array([truth.gains for truth in truths])[:, None]
    either = np.array([truth.discordance for truth in truths])[:, None]
    draws = rng.random((*shape, size))
    differences = np.where(draws < gains, 1.0, np.where(draws < either, -1.0, 0.0))
    found = run(
        rules_of(design),
        Seen(
            differences=differences,
            asked=np.full(shape, size),
            vetoed=np.zeros(shape, dtype=np.bool_),
            cleared=np.ones(shape, dtype=np.bool_),
            clusters=np.unique(np.array(design.clusters), return_inverse=True)[1],
        ),
    )
    ends = np.array([0, *design.checks])
    reached = found.walk.reached
    asked = np.where(reached > 0, ends[reached], found.piloted)
    calls = (asked.sum(axis=1) + asked.max(axis=1)) / ((1 + len(truths)) * size)
    return Rehearsal(
        decided=float(found.walk.accepted.any(axis=1).mean()),
        calls=float(calls.mean()),
        calls_most=float(np.quantile(calls, 0.95)),
        runs=runs,
    )
