from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scipy.stats import binom

from harness.judge.comparison.parts import SubTest, guardrail_result, slice_result, weakest_unnamed
from tests.support.decisions import design, pairs

if TYPE_CHECKING:
    from harness.judge.comparison.pairs import Pairs
    from harness.stats.sequential.design import Design

PLAN = design(n=100)
GERMAN = frozenset(PLAN.order[:40])


def _pairs(lost: int) -> object:
    return pairs(PLAN, "o0", [-1.0] * lost + [0.0] * (100 - lost))


def _part(**changes: object) -> SubTest:
    values = {"key": "language", "value": "de", "margin": 6.0, "protect": "alarm"}
    return SubTest(**(values | {"case_ids": GERMAN} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("lost", "vetoes"), [(0, False), (3, False), (12, True)])
def test_an_alarm_vetoes_only_when_harm_is_shown(lost: int, *, vetoes: bool) -> None:
    found = slice_result(_pairs(lost), _part(), "tango")  # type: ignore[arg-type]
    assert found.vetoes is vetoes
    assert (found.n, found.only_current_right, found.only_candidate_right) == (40, lost, 0)
    assert found.worst is not None
    assert found.worst < 0


@pytest.mark.parametrize("margin", [1.0, 3.0, 5.0, 30.0])
@pytest.mark.parametrize("n", [30, 41, 80, 150, 200])
def test_a_part_at_its_limit_is_alarmed_falsely_in_five_of_100_at_most(
    n: int, margin: float
) -> None:
    """By the binomial distribution: it truly loses its limit, and gains nothing.

    Tango's bound alone alarmed 200 cases at a limit of 3 from ten losses on: in 8 of 100.
    """
    plan = design(n=n)
    whole = _part(case_ids=frozenset(plan.order), margin=margin)
    rail = _part(key="format", margin=margin)
    told = slice_result(_none_lost(plan), whole, "tango").could_show
    assert told is not None
    first = round(told * n / 100)
    assert binom.sf(first - 1, n, margin / 100) <= 0.05
    for lost, shown in ((first - 1, False), (first, True)):
        found = pairs(plan, "o0", [-1.0] * lost + [0.0] * (n - lost))
        part = slice_result(found, whole, "tango")
        assert part.best is not None
        assert (part.vetoes, part.best < -margin) == (shown, shown)
        assert guardrail_result(found, rail, "tango").vetoes is shown


def _none_lost(plan: Design) -> Pairs:
    return pairs(plan, "o0", [0.0] * len(plan.order))


@pytest.mark.parametrize(("lost", "margin", "vetoes"), [(0, 8.0, False), (0, 5.0, True)])
def test_a_proven_slice_vetoes_until_it_is_shown(lost: int, margin: float, *, vetoes: bool) -> None:
    part = _part(protect="proven", margin=margin)
    found = slice_result(_pairs(lost), part, "tango")  # type: ignore[arg-type]
    assert found.vetoes is vetoes


def test_an_empty_slice_is_absent_and_not_zero() -> None:
    found = slice_result(_pairs(0), _part(case_ids=frozenset()), "tango")  # type: ignore[arg-type]
    assert (found.n, found.difference, found.worst, found.vetoes) == (0, None, None, False)


def test_a_guardrail_is_a_second_measure() -> None:
    found = guardrail_result(_pairs(20), _part(key="schema", margin=1.0), "tango")  # type: ignore[arg-type]
    assert (found.current, found.candidate, found.difference) == (100.0, 80.0, pytest.approx(-20.0))
    assert found.vetoes


def test_the_weakest_unnamed_slices_are_exploratory() -> None:
    groups = {
        ("layout", "scan"): frozenset(PLAN.order[:30]),
        ("layout", "typed"): frozenset(PLAN.order[30:]),
        ("layout", "tiny"): frozenset(PLAN.order[:5]),
    }
    found = weakest_unnamed(_pairs(10), groups, "tango")  # type: ignore[arg-type]
    assert [(item.value, item.protect, item.vetoes, item.margin) for item in found] == [
        ("scan", "exploratory", False, None)
    ]
