from __future__ import annotations

import pytest

from harness.judge.comparison.pairs import Arm, labels, missing_as_zero, pair_up, sample
from harness.judge.comparison.parts import baseline
from tests.support.decisions import arm

ORDER = ("c0", "c1", "c2", "c3")


def test_difference_is_candidate_minus_incumbent() -> None:
    found = pair_up(
        arm("a", ORDER, [1, 1, 0, 0]), arm("b", ORDER, [1, 0, 1, 0]), order=ORDER, clusters=ORDER
    )
    assert [pair.difference for pair in found.pairs] == [0.0, -1.0, 1.0, 0.0]


def test_repeats_are_averaged_per_case_and_a_missing_repeat_left_out() -> None:
    one = Arm(option="a", scores={"c0": (1.0, 0.0, None), "c1": (1.0, 1.0, 1.0)})
    two = Arm(option="b", scores={"c0": (1.0, 1.0, 1.0), "c1": (0.0, 0.0, 1.0)})
    found = pair_up(one, two, order=ORDER, clusters=ORDER)
    assert [pair.difference for pair in found.pairs] == [0.5, pytest.approx(-2 / 3)]
    assert (found.incumbent.missing, found.incumbent.trials, found.repeats) == (1, 6, 3)


def test_missing_in_one_arm_drops_the_pair_and_counts_as_wrong_beside() -> None:
    found = pair_up(
        arm("a", ORDER, [1, 1, None, 0]),
        arm("b", ORDER, [1, None, 1, 0]),
        order=ORDER,
        clusters=ORDER,
    )
    assert sample(found.pairs).differences == (0.0, 0.0)
    assert missing_as_zero(found.pairs).differences == (0.0, -1.0, 1.0, 0.0)
    assert (found.incumbent.missing, found.candidate.missing) == (1, 1)


def test_failed_is_a_score_of_zero_and_counted() -> None:
    found = pair_up(
        arm("a", ORDER, [1, 1, 1, 1]),
        arm("b", ORDER, [0, 1, 1, 1], failed=frozenset({"c0"})),
        order=ORDER,
        clusters=ORDER,
    )
    assert (found.candidate.failed, found.candidate.missing) == (1, 0)
    assert sample(found.pairs).differences[0] == -1.0


def test_only_the_asked_part_of_the_order_is_paired() -> None:
    found = pair_up(
        arm("a", ORDER, [1, 1, 1]), arm("b", ORDER, [1, 1]), order=ORDER, clusters=ORDER
    )
    assert len(found.pairs) == 2


def test_equal_answers_settle_a_case_without_a_label() -> None:
    waiting = frozenset({"c0", "c1"})
    found = pair_up(
        arm("a", ORDER, [None, None], unlabelled=waiting, answers={"c0": "x", "c1": "x"}),
        arm("b", ORDER, [None, None], unlabelled=waiting, answers={"c0": "x", "c1": "y"}),
        order=ORDER,
        clusters=ORDER,
    )
    first, second = found.pairs
    assert (first.difference, first.agreed, first.unlabelled) == (0.0, True, False)
    assert (second.difference, second.unlabelled, second.missing) == (None, True, False)
    assert (found.incumbent.missing, found.candidate.missing) == (0, 0)
    assert missing_as_zero(found.pairs).differences == (0.0,)


def test_labels_number_names_by_appearance() -> None:
    assert labels(["x", "y", "x"]) == (0, 1, 0)


def test_the_incumbents_bar() -> None:
    order = tuple(f"c{index}" for index in range(200))
    scores = [1, 1, 0, 1] * 50
    found = pair_up(arm("a", order, scores), arm("b", order, scores), order=order, clusters=order)
    held = baseline(found.pairs)
    assert held is not None
    assert held.value == 75.0
    assert held.fails(90.0)
    assert not held.fails(76.0)
    assert not held.fails(None)
    assert baseline([]) is None
