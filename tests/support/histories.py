"""Random histories of a ladder, driven through the product's door case by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.judge.comparison.pairs import Missed, Pair, Pairs
from harness.judge.decision.procedure import next_step
from harness.judge.decision.standing import Ask, Confirm, Finished, PairsSoFar
from harness.stats.sequential.histories import Seen, run
from harness.stats.sequential.state import rules_of

if TYPE_CHECKING:
    from harness.judge.decision.standing import Standing
    from harness.stats.sequential.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What became of a history: the standings, and the cases that each option was asked."""

    standings: tuple[Standing, ...]
    asked: dict[str, int]
    incumbent: int
    steps: int
    evidence: PairsSoFar = field(compare=False)


def differences(
    rng: np.random.Generator, truth: list[tuple[float, float]], n: int
) -> dict[str, list[float]]:
    """Per option (gain rate, loss rate) -> n paired differences."""
    return {
        f"o{place}": rng.choice([1.0, -1.0, 0.0], n, p=[gain, loss, 1 - gain - loss]).tolist()
        for place, (gain, loss) in enumerate(truth)
    }


def prefix(design: Design, option: str, values: list[float], count: int) -> Pairs:
    """The first cases of an option, every trial answered."""
    nobody = Missed(trials=count, missing=0, failed=0)
    return Pairs(
        option=option,
        pairs=tuple(
            Pair(
                case_id=design.order[place],
                cluster=design.clusters[place],
                incumbent=0.0 if value > 0 else 1.0,
                candidate=value if value > 0 else 1.0 + value,
                difference=value,
            )
            for place, value in enumerate(values[:count])
        ),
        incumbent=nobody,
        candidate=nobody,
        repeats=1,
    )


def drive(design: Design, values: dict[str, list[float]], vetoed: frozenset[str]) -> Driven:
    """Answer every `Ask` from `values` until the procedure is finished."""
    asked = dict.fromkeys(values, 0)
    evidence, incumbent, steps = PairsSoFar(), 0, 0
    settled: frozenset[str] = frozenset()
    while not isinstance(step := next_step(design, evidence), Finished):
        steps += 1
        if isinstance(step, Confirm):
            settled |= set(step.options)
        else:
            assert isinstance(step, Ask)
            asked |= dict(step.options)
            incumbent = max(incumbent, step.incumbent)
        evidence = PairsSoFar(
            pairs={
                name: prefix(design, name, values[name], count)
                for name, count in asked.items()
                if count
            },
            vetoed=settled & vetoed,
            cleared=settled - vetoed,
        )
    return Driven(
        standings=step.standings,
        asked=asked,
        incumbent=incumbent,
        steps=steps,
        evidence=evidence,
    )


class Decided(NamedTuple):
    """Of each option: the cases that it was asked, and whether it passed."""

    asked: tuple[int, ...]
    passed: tuple[bool, ...]


def decide_both_ways(
    plan: Design, histories: list[dict[str, list[float]]]
) -> tuple[list[Decided], list[Decided]]:
    """How each history ends by the product's steps, and by the benchmark's kernel."""
    names = list(plan.options)
    shape = (len(histories), len(names))
    found = run(
        rules_of(plan),
        Seen(
            differences=np.array([[item[name] for name in names] for item in histories]),
            asked=np.full(shape, len(plan.order)),
            vetoed=np.zeros(shape, dtype=np.bool_),
            cleared=np.ones(shape, dtype=np.bool_),
            clusters=np.unique(np.array(plan.clusters), return_inverse=True)[1],
        ),
    )
    ends = np.array([0, *plan.checks])
    asked = np.where(found.walk.reached > 0, ends[found.walk.reached], found.piloted)
    kernel = [
        Decided(asked=tuple(cases), passed=tuple(passed))
        for cases, passed in zip(asked.tolist(), found.walk.accepted.tolist(), strict=True)
    ]
    return [_by_product(plan, history, names) for history in histories], kernel


def _by_product(plan: Design, history: dict[str, list[float]], names: list[str]) -> Decided:
    driven = drive(plan, history, frozenset())
    return Decided(
        asked=tuple(driven.asked[name] for name in names),
        passed=tuple(item.state == "passes" for item in driven.standings),
    )
