from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.base import Reason, Result
from harness.tell import words

D = Decimal


@pytest.mark.parametrize(
    ("whole", "part", "texts"),
    [
        ("3115.71", "632.61", ("3,116", "633", "2,483")),
        ("3115.4", "632.6", ("3,115.40", "632.60", "2,482.80")),
        ("69.3", "20.5", ("69.30", "20.50", "48.80")),
        ("20.5", "69.3", ("20.50", "69.30", "-48.80")),
        ("0.0152", "0.0011", ("0.0152", "0.0011", "0.0141")),
        ("0", "0", ("0.000000", "0.000000", "0.000000")),
    ],
)
def test_amounts_add_up_as_printed(whole: str, part: str, texts: tuple[str, str, str]) -> None:
    assert words.adding_up(D(whole), D(part)) == texts


@given(st.decimals(0, 10**6, places=6), st.decimals(0, 10**6, places=6))
def test_any_amounts_add_up_as_printed(whole: D, part: D) -> None:
    first, second, left = (D(text.replace(",", "")) for text in words.adding_up(whole, part))
    assert first - second == left
    assert abs(left - (whole - part)) <= 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.36, "-0.4"), (1.25, "+1.2"), (-0.01, "0.0"), (None, "\u2013"), (float("nan"), "\u2013")],
)
def test_points(value: float | None, text: str) -> None:
    assert words.points(value) == text


@given(st.floats(min_value=-100, max_value=100))
def test_points_never_show_a_negative_zero(value: float) -> None:
    assert words.points(value) != "-0.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (342.9, "340"), (2016, "2,000"), (8640, "8,600"), (7.2, "7"), (0.34, "0.3")],
)
def test_about_keeps_two_digits(value: float, text: str) -> None:
    assert words.about(value) == text


def test_seconds() -> None:
    assert words.seconds(2.94) == "2.9 s"
    assert words.seconds(0.234) == "0.23 s"
    assert words.seconds(None) == "\u2013"


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        ("invoices", "invoice"),
        ("queries", "query"),
        ("classes", "class"),
        ("boxes", "box"),
        ("tickets", "ticket"),
        ("mail", "mail"),
        ("glass", "glass"),
    ],
)
def test_singular(unit: str, one: str) -> None:
    assert words.singular(unit) == one


@pytest.mark.parametrize(
    ("address", "name"),
    [("dana.ruiz@example.com", "Dana Ruiz"), ("ops-team", "Ops Team"), ("@x", "@x")],
)
def test_person(address: str, name: str) -> None:
    assert words.person(address) == name


def test_texts_within_sentences() -> None:
    assert words.spoken("Invoice extraction") == "invoice extraction"
    assert words.spoken("FAQ answers") == "FAQ answers"
    assert words.series(["a", "b", "c"]) == "a, b and c"
    assert words.series([]) == ""
    assert words.sentence("go back") == "Go back."
    assert words.sentence("Done!") == "Done!"
    assert words.sentence(" ") == ""
    assert words.day(None) == "\u2013"
    assert words.day(date(2026, 1, 2)) == "2026-01-02"
    assert words.count(None) == "\u2013"
    assert words.share(None) == "\u2013"


def test_every_reason_has_words() -> None:
    assert set(words.REASONS) == set(Reason)
    assert words.of_option("nano", Reason.DATA_NOT_PERMITTED) == "nano may not see this data"
    assert words.of_option("nano", Reason.PRICE_MISSING) == "nano: a price is missing"


def test_results() -> None:
    assert words.result_word(Result.NOT_RUN, (Reason.CHEAPER_ONE_PASSED,)) == "NOT NEEDED"
    assert words.result_word(Result.NOT_RUN, (Reason.DATA_NOT_PERMITTED,)) == "NOT RUN"
    assert words.result_word(Result.PASS, ()) == "PASS"
