"""What a page says of an eval set: the figures, and each of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.record.base import Reason
from harness.record.trust import FloorFacts
from harness.tell.pages import to_document
from reports.render import render
from tests.support.document_text import texts
from tests.support.floors import UNKNOWN, a_floor, a_hopeless_floor, a_low_floor, an_alike_floor
from tests.support.records import NOW, an_evidence, downgrade_record, record_for

GRADED = {"right": None, "constant_right": None}


def page(floor: FloorFacts) -> str:
    """Page one of a downgrade; of an undecided record where the floor is not cleared."""
    evidence = an_evidence(floor=floor)
    record = (
        record_for(Reason.EVALSET_CANNOT_TELL, evidence=evidence)
        if floor.clears is False
        else downgrade_record(evidence=evidence)
    )
    return render(to_document(record, NOW), to="md")


@pytest.mark.parametrize(
    ("floor", "words"),
    [
        (a_floor(), 'right on 531 of 560 invoices; always answering "paid" would be right on 203'),
        (
            a_low_floor(),
            'right on 18 of 120 invoices; always answering "paid" would be right on 40',
        ),
        (a_low_floor(), "At worst today's model scores 9.9 of 100; at least 36.3 of 100 is needed"),
        (a_floor(label=None, constant="empty answer"), "giving no answer at all would be right on"),
        (a_floor(**GRADED), 'scored 94.8 of 100 on 560 invoices; always answering "paid" would'),
        (a_floor(assumed=True), "would be right on 203 (assumed)"),
        (
            a_floor(assumed=True, label=None, constant="empty answer", constant_right=None),
            "an empty answer is taken to score nothing",
        ),
        (a_hopeless_floor(), "right on 58 of 60 invoices, 96.7 of 100"),
        (a_hopeless_floor(), "at worst score 95.1 of 100, and the limit is 3"),
        (a_hopeless_floor(constant_right=None), '"paid" would score 96.7 of 100 on 60 invoices. A'),
        (
            a_hopeless_floor(unlabelled=2),
            "at least 58 of 60 invoices (2 without a label), at least",
        ),
        (
            a_floor(unlabelled=1),
            "1 of the cases has no label: it counts as wrong for today's model and as right for",
        ),
        (
            a_low_floor(unlabelled=3),
            "3 of the cases have no label: they count as right for today's model and as wrong for",
        ),
        (
            a_low_floor(level_lower=None),
            "invoices all come in one group: how much of that is chance, nobody can tell.",
        ),
        (an_alike_floor(), "one and the same answer to 98.5 % of the invoices"),
        (
            a_floor(cases=30, sampled=True, right=29, level=96.666667, constant_right=None),
            "29 of 30 invoices drawn at random and labelled",
        ),
        (a_floor(right=560, level=100.0, all_right=True), "too easy to show a difference"),
    ],
)
def test_a_page_says_what_the_cases_can_tell(floor: FloorFacts, words: str) -> None:
    assert words in page(floor)


def test_the_appendix_says_whether_the_cases_can_tell() -> None:
    assert "| can tell models apart | yes |" in page(a_floor())
    assert "| can tell models apart | no |" in page(a_low_floor())


def test_without_a_level_the_page_claims_nothing() -> None:
    text = page(a_floor(**UNKNOWN))
    assert "Can these cases tell" not in text
    assert "| today's level | not known |" in text


@pytest.mark.parametrize(
    "over",
    [
        {"cases": 1120, "right": 1062, "constant_right": 406},
        {"right": 530, "level": 94.642857},
        {"level": 94.8, "right": None},
        {"level_lower": 91.1},
        {"constant_right": 204, "constant_score": 36.428571},
        {"constant_right": None, "constant_score": 36.3},
        {"label": "open"},
        {"sampled": True},
        {"assumed": True},
        {"all_right": True, "right": 560, "level": 100.0},
    ],
)
def test_each_figure_of_a_floor_is_read(over: dict[str, object]) -> None:
    records = [
        downgrade_record(evidence=an_evidence(floor=f)) for f in (a_floor(), a_floor(**over))
    ]
    one, other = (texts(to_document(record, NOW)) for record in records)
    assert one != other


@pytest.mark.parametrize(
    "over",
    [
        {"clears": False},
        {"level_lower": 39.0},
        {"margin": 57.0},
        {"right": 530},
        {"constant_right": 204},
        {"level": None},
        {"all_right": True},
        {"clears": None},
        {"level_lower": None},
    ],
)
def test_a_floor_whose_figures_disagree_cannot_be_made(over: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="floor"):
        a_floor(**over)
