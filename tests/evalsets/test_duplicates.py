"""The near-duplicate finder agrees with comparing all pairs."""

from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, Turn
from evalsets.duplicates import NearDuplicate, case_text, near_duplicates


def case(name: str, content: str | tuple[Turn, ...]) -> Case:
    return Case(id=name, input=content, target=None, metadata=())


def all_pairs(cases: list[Case], threshold: float) -> set[tuple[str, str]]:
    words = {each.id: set(re.findall(r"\w+", case_text(each).lower())) for each in cases}
    return {
        (one.id, other.id)
        for one, other in combinations(cases, 2)
        if words[one.id] | words[other.id]
        and len(words[one.id] & words[other.id]) / len(words[one.id] | words[other.id]) >= threshold
    }


sentences = st.lists(st.sampled_from(list("abcdefg")), max_size=10).map(" ".join)


@given(st.lists(sentences, max_size=12), st.sampled_from([0.1, 0.5, 0.75, 0.8, 1.0]))
def test_it_finds_what_comparing_all_pairs_finds(texts: list[str], threshold: float) -> None:
    cases = [case(f"c-{at}", words) for at, words in enumerate(texts)]
    found = near_duplicates(cases, threshold=threshold)
    assert {(pair.first, pair.second) for pair in found} == all_pairs(cases, threshold)


def test_capitals_points_and_turns_do_not_hide_a_double() -> None:
    chat = (Turn(role="user", content="Refund my"), Turn(role="user", content="order, please!"))
    cases = [case("a", "refund MY order please"), case("b", chat), case("c", "refund my order now")]
    assert near_duplicates(cases) == (NearDuplicate(first="a", second="b", similarity=1.0),)


def test_the_threshold_itself_counts() -> None:
    cases = [case("a", "one two three four"), case("b", "one two three four five")]
    assert [pair.similarity for pair in near_duplicates(cases)] == [0.8]


def test_cases_without_words_are_no_doubles() -> None:
    assert near_duplicates([case("a", "?!"), case("b", "...")]) == ()
