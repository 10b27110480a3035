"""Answers as models give them, and numbers as the world writes them, each with its right reading.

`awkward_answers.jsonl`: those named `blind-` were written before the scorers were read. Two of them
were set right afterwards: prose around JSON is malformed, and a target must be a number.
`numbers.jsonl`: made by Babel (`python -m tests.benchmarks.intake.babel_numbers`).
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.numbers import column_locale, last_number, whole_quantity
from harness.judge.scoring.replies import answer_in, without_reasoning
from harness.judge.scoring.scorer import checked_score
from harness.workspace.patterns import time_limit
from tests.support.scoring import case, spec

HERE = Path(__file__).parent
MORE_THAN_BABEL = {"1 234", "1 234,5"}
"""A plain space between groups: Babel takes only the space of CLDR."""
ANYWHERE_FOR_BABEL = {"12.50", "1.234", "1.23", "0.5"}
"""Babel reads a point in French, where it has no meaning; to us it is not understood."""


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def test_awkward_answers_have_the_right_reading() -> None:
    rows = lines("awkward_answers.jsonl")
    wrong: list[str] = []
    for row in rows:
        options = dict(row["spec"])
        scorer = find_scorer(spec(options.pop("scorer"), **options))
        if checked_score(scorer, case(row["target"]), row["answer"]) != row["right"]:
            wrong.append(row["id"])
    assert len(rows) >= 200
    assert sum(str(row["id"]).startswith("blind") for row in rows) >= 100
    assert not wrong


def test_numbers_are_read_as_babel_reads_them() -> None:
    rows = lines("numbers.jsonl")
    assert len(rows) >= 300
    assert len({row["locale"] for row in rows}) == 6
    for row in rows:
        text, locale = str(row["text"]), str(row["locale"])
        found = whole_quantity(text, locale)
        if row["value"] is None and text in MORE_THAN_BABEL:
            continue
        if locale == "fr" and text in ANYWHERE_FOR_BABEL:
            assert found is None
            continue
        wanted = None if row["value"] is None else Fraction(str(row["value"]))
        assert (None if found is None else found.value) == wanted, row


def test_the_locale_of_a_column_is_found_from_all_of_it() -> None:
    for texts, locale in (
        (["18,9", "3,0"], "de"),
        (["1.204,50", "3"], "de"),
        (["1\u202f204,50", "3"], "de"),
        (["1'204.50", "1"], "de-CH"),
        (["1,23,456"], "en-IN"),
        (["\u0661\u066b\u0665"], "en"),
        (["12", "7"], "en"),
        (["1,234.5"], "en"),
    ):
        found = column_locale(texts)
        assert found is not None
        assert found.locale == locale, texts
    both = column_locale(["1,234", "17"])
    assert both is not None
    assert (both.locale, both.otherwise["de"]) == ("en", "1,234")
    assert column_locale(["12,5", "12.5"]) is None
    assert column_locale(["007"]) is None
    assert column_locale([]) is None


def test_a_set_with_decimal_commas_tells_wrong_answers_from_right_ones() -> None:
    scorer = find_scorer(spec("number", locale="de"))
    for wrong, right in (("28,9", "18,9"), ("99,50", "12,50"), ("1.234,00", "1.999,00")):
        assert scorer.score(case(right), wrong) == 0
        assert scorer.score(case(right), f"Es sind {right} \u20ac.") == 1
    assert scorer.normalise("1.234,50 \u20ac") == "1234,5 \u20ac"
    assert scorer.normalise("1234,5 \u20ac") == "1234,5 \u20ac"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("a" * 60_000, None),
        ("." * 60_000, None),
        ("_" * 60_000, None),
        ("1 " * 30_000, "1"),
        ("-1" * 30_000, None),
        ("<" * 60_000, None),
    ],
    ids=["letters", "points", "underscores", "numbers", "signs", "brackets"],
)
def test_long_texts_come_to_an_end(text: str, last: str | None) -> None:
    """Reading that backtracks would take hours on these; the limit only makes that one line."""
    with time_limit("reading", 60):
        found = last_number(text)
        assert (None if found is None else found.text()) == last
        assert without_reasoning(text) == text
        assert answer_in("```\n" + text) == "```\n" + text
