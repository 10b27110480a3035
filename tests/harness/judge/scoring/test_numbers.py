from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.numbers import last_number
from harness.judge.scoring.text import number_text, whole_number
from tests.support.scoring import case, spec


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("so it is 18.", "18", id="a full stop is no decimal point"),
        pytest.param(
            "She makes $18.00", "18 $", id="decimals: the bug that favours the cheap model"
        ),
        pytest.param("$1,234.50 a day", "1234.5 $", id="thousands separators and currency"),
        pytest.param("1,2345", None, id="a comma elsewhere is not understood"),
        pytest.param("3-5", None, id="a range is no number"),
        pytest.param("-5", "-5", id="a sign"),
        pytest.param("$-5 or -$5", "-5 $", id="a sign on either side of the currency"),
        pytest.param("the answer is \N{MINUS SIGN}7", "-7", id="a typographic minus"),
        pytest.param("10 - 4", "4", id="a minus between spaces is no sign"),
        pytest.param("=> .5", "0.5", id="no leading zero"),
        pytest.param("+3", "3", id="a plus"),
        pytest.param("50%", "50 %", id="a percent sign is kept beside"),
        pytest.param("**42**", "42", id="markup"),
        pytest.param("no idea", None, id="none"),
        pytest.param(
            "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT EIGHT}", "18", id="full-width digits"
        ),
    ],
)
def test_the_last_number_is_read_by_value(text: str, value: str | None) -> None:
    found = last_number(text)
    assert (None if found is None else found.text()) == value
    assert find_scorer(spec("number")).normalise(text) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 3))
def test_equal_values_have_one_text(value: Decimal, zeros: int) -> None:
    longer = Decimal(format(value, "f") + "0" * zeros)
    assert number_text(longer) == number_text(value)
    assert Decimal(number_text(value)) == value


def test_long_numbers_are_not_rounded() -> None:
    scorer = find_scorer(spec("number"))
    one, other = "1" * 50 + "1", "1" * 50 + "2"
    assert scorer.normalise(one) != scorer.normalise(other)
    assert scorer.score(case(one), other) == 0


@pytest.mark.parametrize(
    ("answer", "score"), [("3.14", 1), ("3.15", 1), ("3.151", 0), ("3.13", 1), ("pi", 0)]
)
def test_the_tolerance_is_inclusive(answer: str, score: float) -> None:
    assert find_scorer(spec("number", tolerance=0.01)).score(case("3.14"), answer) == score


def test_a_target_without_a_number_is_an_error() -> None:
    with pytest.raises(UsageError, match="case 'c-1': the target holds no number"):
        find_scorer(spec("number")).score(case("none"), "1")


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(UsageError, match=r"option 'tolerance'.*options: locale, tolerance"):
        find_scorer(spec("number", tolerance=-1))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.50", "1234.50"), ("-0.5", "-0.5"), ("007", None), ("+49", None), ("$5", None)],
)
def test_a_text_is_a_number_only_as_a_whole(text: str, value: str | None) -> None:
    assert whole_number(text) == (None if value is None else Decimal(value))
