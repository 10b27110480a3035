from __future__ import annotations

import pytest

from harness.judge.comparison.parts import SubTest, guardrail_result, slice_result, weakest_unnamed
from tests.support.decisions import design, pairs

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
