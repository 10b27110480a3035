"""The cells of point 1: every option exactly at the margin, so that each pass is an error."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from tests.benchmarks.decision.rules import ladder_design

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stats.sequential.design import Design

FINE_SIZES = (50, 100, 200, 300, 500, 700, 1000, 1500, 2000)
FINE_DISCORDANCES = (0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4)
FINE_MARGINS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
SIZES = (50, 100, 200, 500, 1000, 2000)
DISCORDANCES = (0.02, 0.05, 0.1, 0.2, 0.4)
MARGINS = (1.0, 2.0, 3.0, 5.0, 10.0)
LADDERS = (1, 3, 8, 20)
LONG, LONG_SIZES, LONG_DISCORDANCES = 8, (200, 500, 2000), (0.1, 0.4)
"""A coarser grid for long ladders, which cost most."""
CLUSTER = 5
CLUSTERED = (
    (0.05, 3.0), (0.05, 5.0), (0.1, 3.0), (0.1, 5.0), (0.1, 10.0), (0.2, 3.0), (0.2, 5.0),
    (0.2, 10.0), (0.4, 5.0), (0.4, 10.0),
)  # fmt: skip
"""Discordance and margin."""
_ROUNDING = 1e-12

Scene = Literal[
    "one look", "looks", "ladder", "graded, one look", "graded", "clustered, one look", "clustered"
]
Shape = Literal["", "rare losses", "half losses", "two-sided", "small losses"]
PARTS: dict[str, tuple[Scene, ...]] = {
    "exact": ("one look", "looks", "graded, one look"),
    "ladders": ("ladder",),
    "graded": ("graded",),
    "clustered": ("clustered, one look", "clustered"),
}
"""Which scenes a part of the command runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: margin in points, discordance a share; `options` all at the margin."""

    scene: Scene
    n: int
    discordance: float
    margin: float
    options: int = 1
    correlated: bool = False
    within: float = 0.0
    """Correlation inside clusters of five."""
    shape: Shape = ""
    """How graded differences are spread; for `rare losses` discordance is that of losses."""

    @property
    def key(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(self.key.encode()))

    @property
    def rates(self) -> tuple[float, float]:
        """Gain and loss rates at which the true difference is minus the margin."""
        worse = self.margin / 100
        return max((self.discordance - worse) / 2, 0.0), (self.discordance + worse) / 2


def cells() -> Iterator[Cell]:
    """Every cell with discordance >= margin; simulated ones on a coarser grid."""
    yield from one_look()
    for n, discordance, margin in _grid(FINE_SIZES, FINE_DISCORDANCES, FINE_MARGINS):
        yield Cell(scene="looks", n=n, discordance=discordance, margin=margin)
    yield from ladders()
    yield from graded()
    for n, (discordance, margin), within in product(SIZES[1:5], CLUSTERED, (0.3, 1.0)):
        for scene in PARTS["clustered"]:
            yield Cell(scene=scene, n=n, discordance=discordance, margin=margin, within=within)


def one_look() -> Iterator[Cell]:
    """A single test of all cases; of several options by plain Holm."""
    for n, discordance, margin in _grid(FINE_SIZES, FINE_DISCORDANCES, FINE_MARGINS):
        yield Cell(scene="one look", n=n, discordance=discordance, margin=margin)
    for n, discordance, margin in _grid(SIZES, DISCORDANCES, MARGINS):
        for options, correlated in product(LADDERS[1:], (False, True)):
            yield Cell(
                scene="one look", n=n, discordance=discordance, margin=margin,
                options=options, correlated=correlated,
            )  # fmt: skip


def ladders() -> Iterator[Cell]:
    """The whole procedure, all options at the margin, independent and correlated."""
    for options in LADDERS:
        grid = _grid(SIZES, DISCORDANCES, MARGINS)
        if options >= LONG:
            grid = _grid(LONG_SIZES, LONG_DISCORDANCES, MARGINS)
        for (n, discordance, margin), correlated in product(grid, (False, True)):
            if options > 1 or not correlated:
                yield Cell(
                    scene="ladder", n=n, discordance=discordance, margin=margin,
                    options=options, correlated=correlated,
                )  # fmt: skip


def graded() -> Iterator[Cell]:
    """Scores between 0 and 1: a mixture of rare total losses and tiny gains, and others."""
    for scene, n, margin in product(("graded, one look", "graded"), SIZES, MARGINS):
        if scene == "graded" and n == SIZES[-1]:
            continue
        rates = [rate for rate in DISCORDANCES if rate >= margin / 100 - _ROUNDING]
        for rate in rates:
            yield Cell(scene=scene, n=n, discordance=rate, margin=margin, shape="rare losses")
        half = min(2 * margin / 100, 0.4)
        yield Cell(scene=scene, n=n, discordance=half, margin=margin, shape="half losses")
        if scene == "graded":
            for shape in ("two-sided", "small losses"):
                yield Cell(scene=scene, n=n, discordance=0.4, margin=margin, shape=shape)
    for n, margin, options in product(SIZES[:4], (5.0, 10.0), LADDERS[1:]):
        yield Cell(
            scene="graded", n=n, discordance=margin / 100, margin=margin,
            options=options, shape="rare losses",
        )  # fmt: skip


def _grid(
    sizes: tuple[int, ...], discordances: tuple[float, ...], margins: tuple[float, ...]
) -> Iterator[tuple[int, float, float]]:
    for n, discordance, margin in product(sizes, discordances, margins):
        if discordance >= margin / 100 - _ROUNDING:
            yield n, discordance, margin


def design_of(cell: Cell) -> Design:
    """The product's default design; plain Holm where there is one look."""
    changes: dict[str, object] = {"margin": cell.margin}
    if "one look" in cell.scene:
        changes["kind"] = "holm"
    if cell.shape:
        changes["method"] = "gaffke"
    if cell.scene.startswith("clustered"):
        clusters = tuple(f"k{place // CLUSTER}" for place in range(cell.n))
        changes |= {"method": "cluster-t", "clusters": clusters}
    return ladder_design(cell.options, cell.n, **changes)
