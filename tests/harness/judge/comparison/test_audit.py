from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.judge.comparison.pairs import Arm, Pairs, disagreements, grader_gap, pair_up
from tests.support.decisions import arm

ORDER = ("c0", "c1", "c2")
OUTCOMES = Path(os.environ.get("RIGHTSIZE_OUTCOMES", Path(__file__).parents[5] / "shared" / "data"))


def _pairs(current: list[float], candidate: list[float]) -> Pairs:
    return pair_up(
        arm("a", ORDER, current), arm("b", ORDER, candidate), order=ORDER, clusters=ORDER
    )


def test_losses_come_first_and_agreement_is_left_out() -> None:
    found = disagreements(_pairs([1, 0, 1], [0, 1, 1]))
    assert [(item.case_id, item.difference) for item in found] == [("c0", -1.0), ("c1", 1.0)]


def test_a_second_grader_shows_whom_the_first_one_favours() -> None:
    found = grader_gap(_pairs([0, 1, 1], [1, 1, 1]), _pairs([1, 1, 1], [1, 1, 1]))
    assert found is not None
    assert found.tilt == pytest.approx(-1 / 3)
    assert (found.changed_incumbent, found.changed_candidate) == (("c0",), ())


def test_graders_without_a_common_case_say_nothing() -> None:
    empty = _pairs([], [])
    assert grader_gap(empty, empty) is None


@pytest.mark.skipif(not OUTCOMES.exists(), reason="no shared data")
def test_the_graders_bug_in_routellm_is_visible() -> None:
    """The source reads "$18.00" as 0: the flagship loses 3.2 points, the small model 0.2."""
    rows = pq.read_table(OUTCOMES / "routellm-gsm8k.scores.parquet").to_pylist()
    arms = {
        (model, key): Arm(
            option=model,
            scores={row["item_id"]: (row[key],) for row in rows if row["model"] == model},
        )
        for model in {row["model"] for row in rows}
        for key in ("score", "score_lenient")
    }
    big = next(model for model, _ in arms if "gpt-4" in model)
    small = next(model for model, _ in arms if "gpt-4" not in model)
    order = tuple(arms[big, "score"].scores)
    first, second = (
        pair_up(arms[big, key], arms[small, key], order=order, clusters=order)
        for key in ("score", "score_lenient")
    )
    found = grader_gap(first, second)
    assert found is not None
    assert 100 * (found.incumbent_again - found.incumbent) == pytest.approx(3.2, abs=0.05)
    assert 100 * (found.candidate_again - found.candidate) == pytest.approx(0.2, abs=0.1)
    assert 100 * found.tilt == pytest.approx(-3.0, abs=0.1)
    assert len(found.changed_incumbent) > 30
