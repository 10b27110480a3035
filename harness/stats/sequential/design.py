"""The design of a feature's test: everything that is fixed before the first call.

Plain values, JSON-able through `dataclasses.asdict`; the plan's hash covers them. Positions
count the deciding cases in their seeded order, from 0; a count of n means the first n of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import Method
from harness.stats.sequential.steering import Steering, look_count, steer

Kind: TypeAlias = Literal["ladder", "holm", "fixed-sequence"]


CHECKS = (0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Checks for futility, as shares of the deciding cases; closer at the start."""
FEWEST_PILOT = 20
STEERING = Steering()
GIVES_UP_NONE = Steering(drop_below=0.0, futile_below=0.0, least_weight=0.0)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPart:
    """A slice or second measure that must itself be shown non-inferior.

    `measure` names the second measure; None: the primary one on the cases at `positions`.
    """

    name: str
    margin: float
    positions: tuple[int, ...]
    measure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The plan of one feature's test. Margins are points, levels one-sided shares.

    `options` are named cheapest first; `savings` are their shares of the incumbent's cost saved,
    0 to 1. `order` holds the deciding case ids in seeded order (tune cases are not in it),
    `clusters` the cluster of each (equal to the case where there is no cluster key). `pilot` cases
    come first and never enter a test; `looks` and `checks` are counts into `order`, both end at its
    length: efficacy is tested at a look, futility at a check.
    """

    options: tuple[str, ...]
    savings: tuple[float, ...]
    margin: float
    order: tuple[str, ...]
    clusters: tuple[str, ...]
    kind: Kind
    method: Method
    alpha: float
    pilot: int
    looks: tuple[int, ...]
    checks: tuple[int, ...]
    stages: tuple[int, ...] = ()
    """Counts at which a pilot drops options; the last one is `pilot`."""
    steering: Steering = STEERING
    proven: tuple[ProvenPart, ...] = ()
    largest_missing_share: float = 0.02
    exploratory: bool = False
    """Run although it may be too small to decide; its record cannot be accepted."""
    error_worth: float | None = None
    """The cost of one more error in every answer, as a share of the incumbent's cost; None: the
    cost of an error is not stated."""
    at_most: tuple[float | None, ...] | None = None
    """Of alpha, the most that each option may ever be tested at; None: all."""

    def __post_init__(self) -> None:
        if len(self.savings) != len(self.options):
            raise ValueError(f"{len(self.savings)} savings of {len(self.options)} options")

    @property
    def limits(self) -> tuple[float, ...]:
        """The most that each option may be tested at."""
        most = self.at_most or (None,) * len(self.options)
        return tuple(self.alpha if one is None else min(one, self.alpha) for one in most)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCases:
    """As `ProvenPart`, by case ids; no ids with a `measure` means every case."""

    name: str
    margin: float
    case_ids: frozenset[str] = frozenset()
    measure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignInput:
    """What a design is made from; `options`, `savings` and `at_most` are `Design`'s.

    `cases` come in their seeded order, whole clusters together and tune
    cases left out; `clusters` are parallel to them, the cases' own ids where there is no cluster
    key. `method` is the test that the eval set's form allows.
    """

    options: tuple[str, ...]
    savings: tuple[float, ...]
    margin: float
    cases: tuple[str, ...]
    clusters: tuple[str, ...]
    method: Method
    kind: Kind = "ladder"
    alpha: float = 0.05
    looks: int = 5
    """The largest number; a small eval set gets fewer (`steering.look_count`)."""
    pilot_share: float = 0.04
    labelled: bool = True
    """False: no pilot and equal weights, because labels come last."""
    proven: tuple[ProvenCases, ...] = ()
    exploratory: bool = False
    error_worth: float | None = None
    at_most: tuple[float | None, ...] | None = None
    at_hand: bool = False
    """Every answer is there already: no option is given up, for that would spare none."""


def make_design(setup: DesignInput) -> Design:
    """Fix pilot, looks and checks before the first call."""
    clusters = setup.clusters
    sequential = setup.kind == "ladder"
    stages = _stages(setup) if sequential else ()
    pilot = stages[-1] if stages else 0
    looks = _looks(clusters, pilot, setup) if sequential else (len(clusters),)
    checks = _cuts(clusters, pilot, CHECKS) if sequential else ()
    return Design(
        options=setup.options,
        savings=setup.savings,
        margin=setup.margin,
        order=setup.cases,
        clusters=clusters,
        kind=setup.kind,
        method=setup.method,
        alpha=setup.alpha,
        pilot=pilot,
        looks=looks,
        checks=tuple(sorted({*looks, *checks})),
        stages=stages,
        steering=GIVES_UP_NONE if setup.at_hand else steer(len(set(clusters))),
        proven=tuple(_proven(part, setup.cases) for part in setup.proven),
        exploratory=setup.exploratory,
        error_worth=setup.error_worth,
        at_most=setup.at_most,
    )


def _stages(setup: DesignInput) -> tuple[int, ...]:
    """Half of the pilot and all of it; empty where labels come last.

    A small eval set gives a tenth of its cases at most.
    """
    if not setup.labelled or setup.pilot_share == 0:
        return ()
    size = len(setup.cases)
    pilot = max(min(FEWEST_PILOT, size // 10), ceil(setup.pilot_share * size), 1)
    halves = (max(pilot // 2, 1), pilot)
    return tuple(dict.fromkeys(cut(setup.clusters, count) for count in halves))


def _looks(clusters: Sequence[str], pilot: int, setup: DesignInput) -> tuple[int, ...]:
    """Looks with enough clusters to carry a test; the last one always stays."""
    count = look_count(len(set(clusters)), setup.looks)
    ends = _cuts(clusters, pilot, [k / count for k in range(1, count + 1)])
    if setup.method != "cluster-t":
        return ends
    enough = [end for end in ends if len(set(clusters[pilot:end])) >= FEWEST_CLUSTERS]
    return tuple(enough) or ends[-1:]


def _cuts(clusters: Sequence[str], pilot: int, shares: Sequence[float]) -> tuple[int, ...]:
    rest = len(clusters) - pilot
    ends = (cut(clusters, pilot + ceil(rest * share - _ROUNDING)) for share in shares)
    return tuple(dict.fromkeys(ends))


def _proven(part: ProvenCases, order: Sequence[str]) -> ProvenPart:
    whole = not part.case_ids and part.measure is not None
    return ProvenPart(
        name=part.name,
        margin=part.margin,
        measure=part.measure,
        positions=tuple(
            place for place, case in enumerate(order) if whole or case in part.case_ids
        ),
    )


def cut(clusters: Sequence[str], wanted: int) -> int:
    """Smallest count >= `wanted` that ends a cluster; at most all cases."""
    count = min(max(wanted, 0), len(clusters))
    while 0 < count < len(clusters) and clusters[count] == clusters[count - 1]:
        count += 1
    return count
