"""What a page says of a loss, said of a gain: no word of direction stays where it is false."""

from __future__ import annotations

import re

import pytest

from harness.record.base import Reason
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import a_failed_option, a_quality, an_option
from tests.support.records import NOW, a_margin, downgrade_record, justify_record

GRADED = {"both_right": None, "only_current_right": None, "only_candidate_right": None}
ONE = {"agreed_without_label": 0, "neither_right": None, **GRADED}


def page_one(**over: object) -> str:
    record = downgrade_record(options=(an_option(quality=a_quality(**over)),))
    return render(to_document(record, NOW), to="md").partition("\n## Appendix")[0]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        pytest.param(
            {"corrected": -1.2},
            "(As seen 0.4 more of 100; the loss is set higher, as what is picked for looking good",
            id="a loss",
        ),
        pytest.param(
            {"difference": 4.0, "corrected": 2.0},
            "About 2 fewer of 100 invoices go wrong; up to 2.1 more cannot be excluded; you "
            "allowed 3 of 100 (3 points). (As seen 4.0 fewer of 100; the gain is set lower, as",
            id="a gain",
        ),
        pytest.param(
            {"difference": 1.0, "corrected": -1.0},
            "(As seen 1.0 fewer of 100; no gain is counted on, as what",
            id="a gain that may be none",
        ),
        pytest.param(
            {**ONE, "difference": 4.0, "corrected": 2.0},
            "(As seen 4.0 of 100 points higher; the gain is set lower, as",
            id="a gain of a graded score",
        ),
        pytest.param(
            {**ONE, "corrected": -1.2},
            "(As seen 0.4 of 100 points lower; the loss is set higher, as what",
            id="a loss of a graded score",
        ),
    ],
)
def test_a_correction_makes_a_loss_larger_and_a_gain_smaller(
    over: dict[str, object], words: str
) -> None:
    assert words in page_one(**{"best": 9.0, **over})


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"worst": -2.1}, "at worst 2.1 in 100; limit 3 in 100"),
        ({"difference": 4.0}, "at worst 2.1 more in 100; limit 3 in 100"),
        ({"difference": 4.0, "worst": 1.0}, "at worst none more; limit 3 in 100"),
        ({**ONE, "difference": -1.0}, "at worst 2.1; 3 points are allowed"),
        ({**ONE, "difference": 4.0}, "at worst 2.1 lower; 3 points are allowed"),
        ({**ONE, "difference": 4.0, "worst": 1.0}, "at worst no lower; 3 points are allowed"),
    ],
)
def test_beside_a_gain_what_is_lost_at_worst_is_said_to_be_lost(
    over: dict[str, object], words: str
) -> None:
    assert words in page_one(**{"difference": -2.0, "best": 9.0, **over})


def test_one_is_one() -> None:
    """One case, one point: `1 more of 100 goes wrong`, `a limit of 1 point`, `1 is allowed`."""
    one = a_quality(difference=-1.0, worst=-1.0, best=9.0, margin=1.0)
    option = a_failed_option(quality=one, reason_codes=(Reason.SLICE_REGRESSION,))
    margin = a_margin(value=1.0)
    stay = render(to_document(justify_record(options=(option,), margin=margin), NOW), to="md")
    assert "about 1 more of 100 goes wrong, at worst 1, where 1 is allowed." in stay
    assert "you agreed on a limit of 1 point on" in stay
    swap = downgrade_record(options=(an_option(quality=one),), margin=margin)
    text = render(to_document(swap, NOW), to="md")
    assert (
        "About 1 more of 100 invoices goes wrong; up to 1 cannot be excluded; you allowed 1" in text
    )
    assert "of 100 (1 point)." in text
    assert not re.search(r"(?<![\d.])1 points", text + stay)
