"""The finder of near-copies agrees with comparing all pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, Turn
from evalsets.duplicates import near_copies
from tests.support.near_copies import similar_pairs


def case(name: str, content: str | tuple[Turn, ...]) -> Case:
    return Case(id=name, input=content, target=None, metadata=())


sentences = st.lists(st.sampled_from(list("abcdefg")), max_size=10).map(" ".join)


@given(st.lists(sentences, max_size=12))
def test_it_finds_what_comparing_all_pairs_finds(texts: list[str]) -> None:
    cases = [case(f"c-{at}", words) for at, words in enumerate(texts)]
    pairs = similar_pairs(cases)
    found = near_copies(cases)
    worth = len(cases) / (1 + 2 * sum(pairs.values()) / max(len(cases), 1))
    if worth >= 0.95 * len(cases):
        assert found is None
    else:
        assert found is not None
        assert found.worth == pytest.approx(worth)
        assert found.pair in pairs


def test_capitals_points_and_turns_do_not_hide_a_double() -> None:
    chat = (Turn(role="user", content="Refund my"), Turn(role="user", content="order, please!"))
    cases = [case("a", "refund MY order please"), case("b", chat), case("c", "refund my order now")]
    found = near_copies(cases)
    assert found is not None
    assert (found.pair, found.worth) == (("a", "b"), pytest.approx(3 / (1 + 2 / 3)))


def test_the_threshold_itself_counts() -> None:
    cases = [case("a", "one two three four"), case("b", "one two three four five")]
    found = near_copies(cases)
    assert found is not None
    assert found.worth == pytest.approx(2 / 1.8)


def test_cases_without_words_are_no_doubles() -> None:
    assert near_copies([case("a", "?!"), case("b", "...")]) is None


def test_where_nearly_all_are_alike_two_that_are_still_are_named() -> None:
    words = " ".join(f"w{at}" for at in range(30))
    cases = [case(f"c-{at}", f"{words} {at}") for at in range(2_100)]
    found = near_copies(cases)
    assert found is not None
    one, other = found.pair
    assert one != other
    assert found.worth < 2
