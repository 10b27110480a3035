"""Every answer of a case gets a repeat of its own, and none takes one that says something else."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from harness.bring.onramp.known_cases import Brought, place
from harness.journal.rows import Settled

texts = st.sampled_from("abc")


def brought(text: str) -> Brought:
    return Brought(kind="answered", text=text, reason=None, usage=None)


def settled(text: str) -> Settled:
    return Settled(
        kind="answered", attempts=(), text=text, finish="stop", tool_calls=None, reason=None
    )


@given(
    st.lists(texts, max_size=6),
    st.dictionaries(st.integers(0, 5), texts, max_size=5),
    st.integers(0, 3),
    st.integers(1, 8),
)
def test_answers_are_there_or_fresh_or_differing_or_too_many(
    answers: list[str], known: dict[int, str], missing: int, repeats: int
) -> None:
    known = {repeat: text for repeat, text in known.items() if repeat < repeats}
    placed = place(
        [brought(text) for text in answers],
        {repeat: settled(text) for repeat, text in known.items()},
        missing=missing,
        repeats=repeats,
    )
    found = placed.there + len(placed.fresh) + len(placed.differing) + placed.too_many
    assert found == len(answers)
    taken = [*placed.fresh.values(), *placed.differing.values()]
    assert len(set(taken)) == len(taken)
    assert not set(placed.fresh.values()) & set(known)
    assert all(known[repeat] != answers[at] for at, repeat in placed.differing.items())
    assert all(0 <= repeat < repeats for repeat in taken)


@given(st.lists(texts, min_size=1, max_size=6), st.integers(0, 3), st.randoms())
def test_the_same_file_again_is_all_there_in_whatever_order(
    answers: list[str], missing: int, random: Random
) -> None:
    repeats = len(answers) + missing
    first = place([brought(a) for a in answers], {}, missing=missing, repeats=repeats)
    known = {repeat: settled(answers[at]) for at, repeat in first.fresh.items()}
    assert len(known) == len(answers)
    assert (0 in known) is (missing == 0)
    shuffled = random.sample(answers, len(answers))
    again = place([brought(a) for a in shuffled], known, missing=missing, repeats=repeats)
    assert (again.there, again.fresh, again.differing) == (len(answers), {}, {})
