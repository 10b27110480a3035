from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.sequential.ladder_walk import History, Walk, walk, weigh, within
from tests.support.laws import law

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
    chances = np.array([[[0.01, 0.01], [1.0, 1.0]]])
    found = walk(_history([[0.03, 0.9], [0.9, 0.9]], [0.5, 0.5], chances=chances))
    assert (_accepted(found), found.stopped[0].tolist()) == ([False, False], [True, False])
    assert (found.reached[0].tolist(), found.last_chance[0, 0]) == ([1, 2], 0.01)
    assert found.local[0].tolist() == pytest.approx([0.025, 0.025])
    later = walk(_history([[0.03, 0.9], [0.001, 0.9]], [0.5, 0.5], chances=chances))
    assert _accepted(later) == [True, True]


@st.composite
def _histories(draw: st.DrawFn) -> History:
    """Several runs of up to three options over up to four checks, of any levels and chances."""
    options, checks = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (50, options)
    raw = rng.random(shape) * rng.integers(0, 2, shape)
    known = checks - rng.integers(0, 2 if draw(st.booleans()) else checks + 1, shape)
    return History(
        alpha=ALPHA,
        futility=0.3,
        weights=raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-12),
        levels=rng.random((*shape, checks)) ** 3,
        chances=rng.random((*shape, checks)) ** 2,
        known=known[..., None] > np.arange(checks),
        vetoed=rng.random(shape) < 0.1,
        cleared=rng.random(shape) < 0.8,
        bought=draw(st.booleans()),
    )


@law
@given(_histories())
def test_no_option_that_reached_the_last_check_is_stopped(history: History) -> None:
    found = walk(history)
    checks = history.levels.shape[2]
    assert not (found.stopped & (found.reached == checks)).any()
    assert (found.last_chance[found.stopped] < history.futility).all()
    assert np.isnan(found.last_chance[~found.stopped]).all()


@law
@given(_histories())
def test_the_chance_at_the_last_check_changes_nothing(history: History) -> None:
    hopeless = history.chances.copy()
    hopeless[..., -1] = 0.0
    other, found = walk(replace(history, chances=hopeless)), walk(history)
    for name in ("local", "smallest", "reached", "stopped", "accepted", "wants", "confirm"):
        assert (getattr(other, name) == getattr(found, name)).all(), name


@law
@given(_histories())
def test_nothing_is_given_up_while_the_next_answers_are_there(history: History) -> None:
    found = walk(replace(history, bought=True))
    for run, option in np.argwhere(found.stopped):
        assert not history.known[run, option, found.reached[run, option]]


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


@law
@given(_histories(), st.lists(st.sampled_from([0.002, 0.01, ALPHA]), min_size=3, max_size=3))
def test_no_level_goes_beyond_its_option_s_limit(history: History, limits: list[float]) -> None:
    most = np.broadcast_to(np.array(limits[: history.weights.shape[1]]), history.weights.shape)
    weights = within(history.weights, most / ALPHA)
    found = walk(replace(history, weights=weights, most_local=most))
    assert (weights.sum(axis=1) <= history.weights.sum(axis=1) + 1e-9).all()
    assert (found.local <= most + 1e-12).all()
    free = walk(replace(history, most_local=np.full(most.shape, ALPHA)))
    assert (free.local == walk(history).local).all()


def test_what_an_option_may_not_take_goes_to_the_others() -> None:
    weights = within(np.array([[0.5, 0.3, 0.2]]), np.array([[0.1, 1.0, 1.0]]))
    assert weights[0].tolist() == pytest.approx([0.1, 0.54, 0.36])
    assert within(np.array([[0.5, 0.5]]), np.array([[0.1, 0.2]]))[0].tolist() == [0.1, 0.2]


def _by_net(nets: list[float], most: list[float], checks: int = 1) -> dict[str, object]:
    return {
        "nets": np.repeat(np.array([nets])[..., None], checks, axis=2),
        "most": np.array([most]),
    }


def test_a_later_option_is_asked_while_it_can_leave_more_than_what_was_accepted() -> None:
    levels, weights = [[0.01], [0.001]], [0.5, 0.5]
    asked = walk(_history(levels, weights, **_by_net([0.2, 0.5], [0.9, 0.5])))
    assert (_accepted(asked), asked.reached[0].tolist()) == ([True, True], [1, 1])
    spared = walk(_history(levels, weights, **_by_net([0.5, 0.5], [0.9, 0.5])))
    assert (_accepted(spared), spared.reached[0].tolist()) == ([True, False], [1, 0])


def test_a_level_goes_through_an_accepted_option_to_those_before_it() -> None:
    """The second was accepted on its own; what the third leaves goes on to the first."""
    history = _history([[0.05], [0.01], [0.001]], [0.2, 0.3, 0.5], **_by_net([0.1] * 3, [0.9] * 3))
    found = walk(history)
    assert _accepted(found) == [False, True, True]
    assert found.local[0].tolist() == pytest.approx([0.05, 0.015, 0.025])


def test_levels_never_sum_to_more_than_alpha_beside_those_accepted() -> None:
    rng = np.random.default_rng(3)
    shape = (400, 5, 3)
    history = History(
        alpha=ALPHA,
        futility=0.05,
        weights=weigh(rng.random(shape[:2]), np.ones(shape[:2]), 0.0),
        levels=rng.random(shape) * 0.1,
        chances=rng.random(shape),
        known=np.ones(shape, dtype=np.bool_),
        vetoed=rng.random(shape[:2]) < 0.1,
        cleared=np.ones(shape[:2], dtype=np.bool_),
        nets=rng.random(shape),
        most=np.ones(shape[:2]),
    )
    found = walk(history)
    assert found.accepted.sum(axis=1).max() > 1
    open_levels = np.where(found.accepted, 0.0, found.local).sum(axis=1)
    assert open_levels.max() <= ALPHA + 1e-12


def test_a_share_of_exactly_the_least_is_kept() -> None:
    assert weigh(np.ones(2), np.ones(2), 0.5).tolist() == [0.5, 0.5]
    assert weigh(np.ones(3), np.ones(3), 0.5).tolist() == [0.0, 0.0, 0.0]


def test_weights_go_by_the_square_of_the_chance_and_the_root_of_the_saving() -> None:
    weights = weigh(np.array([0.9, 0.45]), np.ones(2), 0.0)
    assert weights.tolist() == pytest.approx([0.8, 0.2])
    weights = weigh(np.ones(2), np.array([0.9, 0.1]), 0.0)
    assert weights.tolist() == pytest.approx([0.75, 0.25])


def test_a_level_that_is_only_reached_is_not_passed() -> None:
    assert _accepted(walk(_history([[0.05]], [1.0]))) == [False]
    assert _accepted(walk(_history([[0.05 - 1e-12]], [1.0]))) == [True]
    again = walk(_history([[0.05], [0.001]], [0.5, 0.5]))
    assert (again.local[0, 0], _accepted(again)) == (0.05, [False, True])


def test_a_chance_at_the_threshold_is_none_to_give_up_at() -> None:
    for chance, stopped in ((0.05, False), (0.0499, True)):
        found = walk(_history([[0.9, 0.9]], [1.0], chances=np.array([[[chance, 1.0]]])))
        assert bool(found.stopped[0, 0]) == stopped


def test_where_nothing_is_open_nothing_is_wanted() -> None:
    found = walk(_history([[0.9], [0.9]], [0.5, 0.5]))
    assert (found.wants.tolist(), found.confirm.tolist()) == ([-1], [-1])


def test_what_is_left_of_a_saving_is_read_where_the_option_ended() -> None:
    """0.2 by the first check's cases, 0.6 by the second's: the third cannot leave more."""
    nets = np.array([[[0.2, 0.6, 0.1], [0.5, 0.5, 0.5]]])
    levels = [[0.9, 0.01, 0.9], [0.001, 0.9, 0.9]]
    for most, asked in ((0.55, False), (0.65, True)):
        given = {"nets": nets, "most": np.array([[0.9, most]])}
        found = walk(_history(levels, [0.5, 0.5], **given))
        assert _accepted(found) == [True, asked]


def test_a_level_reaches_every_earlier_option_that_it_lets_pass() -> None:
    """The last leaves 0.0125 to the second, which passes by it and leaves that to the first."""
    levels = [[0.03], [0.012], [0.9], [0.001]]
    found = walk(_history(levels, [0.3, 0.2, 0.3, 0.2]))
    assert found.local[0].tolist() == pytest.approx([0.03125, 0.0125, 0.01875, 0.01])
    assert _accepted(found) == [True, True, False, True]
