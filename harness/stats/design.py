"""How a feature's options will be tested: everything that is fixed before the first call.

Plain values, JSON-able through `dataclasses.asdict`; the plan's hash covers them. Positions
count the deciding cases in their seeded order, from 0; a count of n means the first n of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stats.estimates import Method

Kind: TypeAlias = Literal["ladder", "holm", "fixed-sequence"]


CHECKS = 20
"""Times that futility is looked at."""
FEWEST_PILOT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOption:
    """One option of the ladder. `saving` is its share of the incumbent's cost saved, 0 to 1."""

    name: str
    saving: float


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

    `order` holds the deciding case ids in seeded order (tune cases are not in it), `clusters`
    the cluster of each (equal to the case where there is no cluster key). `pilot` cases come
    first and never enter a test; `looks` and `checks` are counts into `order`, both end at its
    length: efficacy is tested at a look, futility at a check.
    """

    options: tuple[PlannedOption, ...]
    margin: float
    order: tuple[str, ...]
    clusters: tuple[str, ...]
    kind: Kind
    method: Method
    alpha: float
    pilot: int
    looks: tuple[int, ...]
    checks: tuple[int, ...]
    proven: tuple[ProvenPart, ...] = ()
    largest_missing_share: float = 0.02
    exploratory: bool = False
    """Asked although it may be too small to decide; its record cannot be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCases:
    """As `ProvenPart`, by case ids; no ids with a `measure` means every case."""

    name: str
    margin: float
    case_ids: frozenset[str] = frozenset()
    measure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a design is made from; `cases` and `clusters` are parallel, tune cases left out.

    `clusters` are the cases' own ids where there is no cluster key. `binary` says that every
    score is 0 or 1. `seed` is any text; it alone orders the cases.
    """

    options: tuple[PlannedOption, ...]
    margin: float
    cases: tuple[str, ...]
    clusters: tuple[str, ...]
    seed: str
    binary: bool
    kind: Kind = "ladder"
    alpha: float = 0.05
    repeats: int = 1
    looks: int = 5
    pilot_share: float = 0.1
    labelled: bool = True
    """False: no pilot and equal weights, because labels come last."""
    proven: tuple[ProvenCases, ...] = ()


def make_design(setup: Setup) -> Design:
    """Fix order, pilot, looks and method before the first call."""
    places = seeded_order(setup.cases, setup.clusters, setup.seed)
    order = tuple(setup.cases[place] for place in places)
    clusters = tuple(setup.clusters[place] for place in places)
    sequential = setup.kind == "ladder"
    pilot = _pilot(clusters, setup) if sequential else 0
    return Design(
        options=setup.options,
        margin=setup.margin,
        order=order,
        clusters=clusters,
        kind=setup.kind,
        method=choose_method(setup),
        alpha=setup.alpha,
        pilot=pilot,
        looks=_cuts(clusters, pilot, setup.looks if sequential else 1),
        checks=_cuts(clusters, pilot, CHECKS if sequential else 1),
        proven=tuple(_proven(part, order) for part in setup.proven),
    )


def choose_method(setup: Setup) -> Method:
    """The test that these scores allow: fixed by the eval set, never by the answers."""
    if len(set(setup.clusters)) < len(setup.clusters):
        return "cluster-t"
    return "tango" if setup.binary and setup.repeats == 1 else "betting"


def _pilot(clusters: Sequence[str], setup: Setup) -> int:
    if not setup.labelled or setup.pilot_share == 0:
        return 0
    return cut(clusters, max(FEWEST_PILOT, ceil(setup.pilot_share * len(clusters))))


def _cuts(clusters: Sequence[str], pilot: int, number: int) -> tuple[int, ...]:
    rest = len(clusters) - pilot
    ends = (cut(clusters, pilot + ceil(rest * k / number)) for k in range(1, number + 1))
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


def seeded_order(cases: Sequence[str], clusters: Sequence[str], seed: str) -> tuple[int, ...]:
    """Positions of the cases in the order that a seed gives them, whole clusters together."""

    def place(index: int) -> tuple[str, str]:
        return _rank(seed, clusters[index]), _rank(seed, f"case {cases[index]}")

    return tuple(sorted(range(len(cases)), key=place))


def _rank(seed: str, name: str) -> str:
    return hashlib.sha256(f"{seed}\n{name}".encode()).hexdigest()


def cut(clusters: Sequence[str], wanted: int) -> int:
    """Smallest count >= `wanted` that ends a cluster; at most all cases."""
    count = min(max(wanted, 0), len(clusters))
    while 0 < count < len(clusters) and clusters[count] == clusters[count - 1]:
        count += 1
    return count
