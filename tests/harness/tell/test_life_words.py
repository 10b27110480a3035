"""What a page says of the tests on an eval set, and of when its limit was fixed."""

from __future__ import annotations

from datetime import date

import pytest

from harness.tell.facts import read_facts
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import a_life, a_margin, a_proof, an_eval_set, an_evidence
from tests.support.records import NOW, downgrade_record


def page(**life: object) -> str:
    evidence = an_evidence(eval_set=an_eval_set(life=a_life(**life)))
    return render(to_document(downgrade_record(evidence=evidence), NOW), to="md")


def test_what_is_left_is_told() -> None:
    text = page()
    assert (
        "; first test on this set; of the 5 % risk of a wrong swap that all tests on it "
        "share, 1 % is left." in text
    )
    assert "5 %: test 1, 4 are planned; this one takes 4 %, 1 % left" in text


def test_a_third_test_and_the_last_one() -> None:
    third = page(test=3, level=0.333333, left=0.333334)
    assert (
        "third test on this set; of the 5 % risk of a wrong swap that all tests on it "
        "share, 0.33 % is left" in third
    )
    last = page(test=4, level=0.333333, left=0.0)
    assert "fourth test on this set; the 5 % risk of a wrong swap" in last


def test_the_same_test_again_is_said_to_be_one() -> None:
    again = page(again=True)
    assert (
        "first test on this set again, in the same order; of the 5 % risk of a wrong swap" in again
    )


EARNED = [
    ({}, False, "you agreed on a limit of 3 points on 2026-09-14, before anything was run"),
    ({}, True, "on 2026-09-14; the answers had been seen before"),
    ({"fixed_on": None, "fixed_at": None}, False, "on 2026-09-14."),
    (
        {"fixed_at": 2.0},
        False,
        "on 2026-09-14; it was 2 points when these cases were first asked, on 2026-10-01",
    ),
    (
        {"agreed_on": date(2026, 10, 2)},
        False,
        "on 2026-10-02, after these cases were first asked, on 2026-10-01",
    ),
]


@pytest.mark.parametrize(("margin", "imported", "words"), EARNED)
def test_before_anything_was_run_is_earned(
    margin: dict[str, object],
    imported: bool,  # noqa: FBT001  # a parameter of the table
    words: str,
) -> None:
    record = downgrade_record(margin=a_margin(**margin), evidence=an_evidence(imported=imported))
    text = render(to_document(record, NOW), to="md").partition("## Appendix")[0]
    assert words in text
    assert ("before anything was run" in text) is (not margin and not imported)


def test_a_long_proof_is_not_cut() -> None:
    """A page is made of a cleaned record, which holds to the same laws."""
    record = downgrade_record()
    (chosen, *others) = record.options
    ends = "1" * 3000
    proof = a_proof(outcomes=ends, measures=(("format", ends),))
    long = record.model_copy(
        update={"options": (chosen.model_copy(update={"proof": proof}), *others)}
    )
    option = read_facts(long, NOW).record.options[0]
    assert option.proof == proof
