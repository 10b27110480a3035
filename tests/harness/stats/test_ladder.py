from __future__ import annotations

import numpy as np
import pytest

from harness.stats.ladder import History, Walk, walk, weigh

ALPHA = 0.05


def _history(levels: list[list[float]], weights: list[float], **changes: object) -> History:
    """One history: per option the smallest passing level at each check."""
    shape = (1, len(levels))
    values: dict[str, object] = {
        "alpha": ALPHA,
        "futility": 0.05,
        "weights": np.array([weights]),
        "levels": np.array([levels]),
        "chances": np.ones((1, len(levels), len(levels[0]))),
        "known": np.ones((1, len(levels), len(levels[0])), dtype=np.bool_),
        "vetoed": np.zeros(shape, dtype=np.bool_),
        "cleared": np.ones(shape, dtype=np.bool_),
    }
    return History(**(values | changes))  # type: ignore[arg-type]


def _accepted(found: Walk) -> list[bool]:
    return found.accepted[0].tolist()


def test_one_option_is_a_plain_group_sequential_test() -> None:
    found = walk(_history([[0.2, 0.04, 0.9]], [1.0]))
    assert (_accepted(found), found.reached[0, 0]) == ([True], 2)
    assert _accepted(walk(_history([[0.2, 0.06, 0.9]], [1.0]))) == [False]


def test_dearer_options_are_not_asked_once_a_cheaper_one_passed() -> None:
    found = walk(_history([[0.01], [0.001]], [0.5, 0.5]))
    assert (_accepted(found), found.reached[0].tolist()) == ([True, False], [1, 0])


def test_an_accepted_options_level_passes_on_to_the_cheaper_ones_which_are_tested_again() -> None:
    found = walk(_history([[0.04], [0.01]], [0.5, 0.5]))
    assert _accepted(found) == [True, True]
    assert found.local[0].tolist() == pytest.approx([0.05, 0.025])


def test_level_goes_down_in_proportion_to_the_weights_and_on_from_there() -> None:
    found = walk(_history([[0.03], [0.02], [0.001]], [0.2, 0.3, 0.5]))
    assert found.local[0].tolist() == pytest.approx([0.05, 0.03, 0.025])
    assert _accepted(found) == [True, True, True]


def test_stopped_options_pass_nothing_on_but_may_be_accepted_later() -> None:
    chances = np.array([[[0.01], [1.0]]])
    found = walk(_history([[0.03], [0.9]], [0.5, 0.5], chances=chances))
    assert (_accepted(found), found.stopped[0].tolist()) == ([False, False], [True, False])
    assert found.local[0].tolist() == pytest.approx([0.025, 0.025])
    later = walk(_history([[0.03], [0.001]], [0.5, 0.5], chances=chances))
    assert _accepted(later) == [True, True]


def test_a_veto_passes_nothing_on_and_takes_nobody_elses_share() -> None:
    vetoed = np.array([[False, True, False]])
    found = walk(_history([[0.9], [0.001], [0.001]], [0.2, 0.3, 0.5], vetoed=vetoed))
    assert _accepted(found) == [False, False, True]
    assert found.local[0].tolist() == pytest.approx([0.01 + 0.01, 0.015 + 0.015, 0.025])


def test_what_passed_waits_to_be_confirmed() -> None:
    cleared = np.zeros((1, 2), dtype=np.bool_)
    found = walk(_history([[0.001], [0.001]], [0.5, 0.5], cleared=cleared))
    assert (found.confirm[0], _accepted(found)) == (0, [False, False])
    assert found.reached[0].tolist() == [1, 0]


def test_it_asks_for_the_next_check_only() -> None:
    known = np.array([[[True, False, False], [False, False, False]]])
    found = walk(_history([[0.9, 0.9, 0.9], [0.9, 0.9, 0.9]], [0.5, 0.5], known=known))
    assert (found.wants[0], found.reached[0].tolist()) == (0, [1, 0])


def test_dropped_options_are_never_asked() -> None:
    found = walk(_history([[0.001], [0.04]], [0.0, 1.0]))
    assert (_accepted(found), found.reached[0].tolist()) == ([False, True], [0, 1])


def test_weights_sum_to_one_and_spare_nobody_a_crumb() -> None:
    weights = weigh(np.array([0.9, 0.9, 0.1, 0.0]), np.array([0.64, 0.16, 1.0, 1.0]), 0.02)
    assert float(weights.sum()) == pytest.approx(1.0)
    assert weights[0] / weights[1] == pytest.approx(2.0)
    assert weights[2] == weights[3] == 0.0
    assert weigh(np.zeros(2), np.ones(2), 0.02).tolist() == [0.0, 0.0]
