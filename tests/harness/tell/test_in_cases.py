"""A difference in cases promises no more than the bound, in whatever unit it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tell.words import harm
from tests.support.record_parts import a_quality

TOLD = [
    ((-3.6, -9.3, 10.0),
     "About 4 more of 100 tickets go wrong; up to 9.3 cannot be excluded", "10"),
    ((-0.4, -2.1, 3.0),
     "About 4 more of 1,000 tickets go wrong; up to 21 cannot be excluded", "30"),
    ((0.0, -2.1, 5.0),
     "By what was seen not one more of 100 tickets goes wrong; up to 2.1 cannot be excluded", "5"),
    ((1.2, -1.1, 5.0),
     "About 1 fewer of 100 tickets goes wrong; up to 1.1 more cannot be excluded", "5"),
    ((3.0, 1.6, 5.0), "About 3 fewer of 100 tickets go wrong; 1.6 fewer even at worst", "5"),
    ((3.0, 0.0, 5.0), "About 3 fewer of 100 tickets go wrong; not one more even at worst", "5"),
    ((-1.5, -2.2, 2.5),
     "About 15 more of 1,000 tickets go wrong; up to 22 cannot be excluded", "25"),
]  # fmt: skip


@pytest.mark.parametrize(("figures", "text", "allowed"), TOLD)
def test_right_or_wrong_is_told_in_cases(
    figures: tuple[float, float, float], text: str, allowed: str
) -> None:
    difference, worst, margin = figures
    found = harm(a_quality(difference=difference, worst=worst, best=5.0, margin=margin))
    assert (found.text("tickets"), found.limit) == (text, allowed)


GRADED = {"both_right": None, "only_current_right": None, "only_candidate_right": None,
          "neither_right": None}  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "worst", "text"),
    [
        (-3.6, -9.3, "An answer scores about 3.6 of 100 points lower; up to 9.3 lower cannot be"),
        (2.0, -1.0, "An answer scores about 2.0 of 100 points higher; up to 1.0 lower cannot be"),
        (2.0, 0.4, "An answer scores about 2.0 of 100 points higher; at least 0.4 higher even at"),
        (2.0, 0.0, "An answer scores about 2.0 of 100 points higher; no lower even at worst"),
        (0.0, -1.0, "By what was seen an answer scores as much as today's; up to 1.0 lower"),
    ],
)
def test_grades_are_told_in_points(difference: float, worst: float, text: str) -> None:
    found = harm(a_quality(**GRADED, difference=difference, worst=worst))
    assert found.text("tickets").startswith(text)


@given(
    difference=st.floats(-40, 40),
    below=st.floats(0, 40),
    margin=st.floats(0.5, 20).map(lambda value: round(value, 1)),
)
def test_what_cannot_be_excluded_is_never_rounded_down(
    difference: float, below: float, margin: float
) -> None:
    worst = difference - below
    found = harm(a_quality(difference=difference, worst=worst, margin=margin))
    assert found.of is not None
    assert found.most / found.of * 100 >= -worst - 1e-6
    assert found.most / found.of * 100 < -worst + 100 / found.of
    assert found.seen <= found.most
    assert abs(found.seen / found.of * 100 + difference) <= 50 / found.of + 1e-6
    assert found.allowed / found.of * 100 == pytest.approx(margin)
