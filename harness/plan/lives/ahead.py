"""The levels of a pair's tests: of each by its number, and of those to come."""

from __future__ import annotations

from harness.plan.model import FeaturePlan

FIRST_SHARE = 0.8
"""Of the promised error, what the first of several planned tests takes."""
DIGITS = 9


def level_of(test: int, planned: int, promised: float) -> float:
    """The error that test number `test`, from 1, may make; 0 beyond the planned ones.

    >>> [level_of(test, 4, 0.05) for test in (1, 2, 5)], level_of(1, 1, 0.05)
    ([0.04, 0.003333333, 0.0], 0.05)
    """
    if test > planned:
        return 0.0
    if planned == 1:
        return promised
    share = FIRST_SHARE if test == 1 else (1 - FIRST_SHARE) / (planned - 1)
    return round(promised * share, DIGITS)


def next_level(plan: FeaturePlan, option: str) -> float:
    """The level of an option's next test on these cases and more, as a share of this test's.

    1 where no test takes a part of the promised error; 0 where nothing is left of it.
    """
    life = next((one.life for one in plan.lives if one.option == option), plan.life)
    if life is None:
        return 1.0
    planned = level_of(life.test + 1, life.planned, life.promised)
    return min(planned, life.left) / life.level


def first_level(plan: FeaturePlan, option: str) -> float:
    """The level of a first test on other cases, as a share of this test's."""
    life = next((one.life for one in plan.lives if one.option == option), plan.life)
    if life is None or not life.level:
        return 1.0
    return level_of(1, life.planned, life.promised) / life.level
