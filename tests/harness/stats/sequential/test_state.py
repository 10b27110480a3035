from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from harness.stats.sequential.design import DesignInput, make_design
from harness.stats.sequential.histories import HistoryStates, LadderRules, Seen, run
from harness.stats.sequential.state import rules_of

SAVINGS = (0.9, 0.8, 0.5)
RUNS, CASES = 300, 240


def some_rules(error_worth: float | None) -> LadderRules:
    cases = tuple(map(str, range(CASES)))
    return rules_of(
        make_design(
            DesignInput(
                options=tuple(map(str, range(len(SAVINGS)))),
                savings=SAVINGS,
                margin=5,
                cases=cases,
                clusters=cases,
                method="tango",
                error_worth=error_worth,
            )
        )
    )


def some_answers(losses: tuple[float, ...]) -> Seen:
    """Every option loses such a share of the cases and gains 2 % of them."""
    rng = np.random.default_rng(11)
    draws = rng.random((RUNS, len(losses), CASES))
    lost = np.array(losses)[:, None]
    shape = draws.shape[:2]
    return Seen(
        differences=np.where(draws < lost, -1.0, np.where(draws > 0.98, 1.0, 0.0)),
        asked=np.full(shape, CASES),
        vetoed=np.zeros(shape, dtype=np.bool_),
        cleared=np.ones(shape, dtype=np.bool_),
    )


def same(one: HistoryStates, other: HistoryStates) -> bool:
    return all(
        np.array_equal(
            getattr(one.walk, field.name), getattr(other.walk, field.name), equal_nan=True
        )
        for field in fields(one.walk)
    )


def test_errors_that_cost_nothing_change_nothing() -> None:
    seen = some_answers((0.06, 0.02, 0.01))
    rules = some_rules(None)
    assert rules.error_worth is None
    assert same(run(rules, seen), run(replace(rules, error_worth=0.0), seen))


def test_where_errors_cost_much_the_better_option_is_found_beside_a_cheaper_one() -> None:
    """The cheapest is within the margin and loses 2 of 100; the dearest loses none of them."""
    seen = some_answers((0.04, 0.3, 0.0))
    by_price = run(some_rules(None), seen).walk.accepted
    by_net = run(some_rules(20.0), seen).walk.accepted
    assert by_price[:, 2].mean() < by_net[:, 2].mean()
    assert by_net[:, 2].mean() > 0.75


@pytest.mark.parametrize("error_worth", [0.5, 5.0, 50.0])
def test_at_the_margin_errors_stay_within_the_promise(error_worth: float) -> None:
    """All three at the margin: 300 histories, so at most 5 % and three standard errors."""
    seen = some_answers((0.07, 0.07, 0.07))
    accepted = run(some_rules(error_worth), seen).walk.accepted.any(axis=1).mean()
    assert accepted <= 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
