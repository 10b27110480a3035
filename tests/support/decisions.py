"""Arms, pairs and designs for the tests of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.judge.comparison.pairs import Arm, Pairs, pair_up
from harness.stats.sequential.design import Design, DesignInput, make_design

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stats.sequential.design import Kind


def design(*, n: int = 200, options: int = 2, kind: Kind = "holm", **changes: object) -> Design:
    """A design over cases c0, c1 ... with options o0 (cheapest), o1 ..."""
    cases = tuple(f"c{index}" for index in range(n))
    values: dict[str, object] = {
        "options": tuple(f"o{index}" for index in range(options)),
        "savings": tuple(0.9 - 0.5 * index / max(options, 1) for index in range(options)),
        "margin": 5.0,
        "cases": cases,
        "clusters": cases,
        "method": "tango",
        "kind": kind,
    }
    return make_design(DesignInput(**(values | changes)))  # type: ignore[arg-type]


def arm(
    option: str, order: Sequence[str], scores: Sequence[float | None], **changes: object
) -> Arm:
    """One score per case, in the order given."""
    held = {case: (score,) for case, score in zip(order, scores, strict=False)}
    return Arm(option=option, scores=held, **changes)  # type: ignore[arg-type]


def pairs(plan: Design, option: str, differences: Sequence[float]) -> Pairs:
    """Pairs with the given differences, the incumbent right wherever it can be."""
    incumbent = [0.0 if value > 0 else 1.0 for value in differences]
    candidate = [now + value for now, value in zip(incumbent, differences, strict=True)]
    return pair_up(
        arm("incumbent", plan.order, incumbent),
        arm(option, plan.order, candidate),
        order=plan.order,
        clusters=plan.clusters,
    )


def several(plan: Design, by_option: Mapping[str, Sequence[float]]) -> dict[str, Pairs]:
    """`pairs` for several options."""
    return {name: pairs(plan, name, values) for name, values in by_option.items()}
