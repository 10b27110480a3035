from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import NoTargetError
from tests.support.scoring import case, spec

TOPICS = find_scorer(spec("label", labels=["billing", "technical", "not spam", "spam"]))


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        pytest.param("billing", "billing", id="the label alone"),
        pytest.param(" Billing.\n", "billing", id="case and punctuation do not matter"),
        pytest.param("Topic: **technical**", "technical", id="within markup"),
        pytest.param("billing, yes: billing", "billing", id="one label twice is one label"),
        pytest.param("billing or technical", None, id="two labels are none"),
        pytest.param("rebilling", None, id="part of a word is none"),
        pytest.param("not spam", "not spam", id="a longer label hides the shorter one"),
        pytest.param("Not\n spam!", "not spam", id="white space does not matter"),
        pytest.param("not spam, spam", None, id="the longer and the shorter are two"),
        pytest.param(
            "bil\N{FULLWIDTH LATIN SMALL LETTER L}ing", "billing", id="a full-width letter"
        ),
        pytest.param("", None, id="nothing"),
        pytest.param("I cannot help with that.", None, id="no label"),
    ],
)
def test_a_label_is_the_one_that_the_reply_names(answer: str, label: str | None) -> None:
    assert TOPICS.normalise(answer) == label
    for target in ("billing", "technical", "not spam", "spam"):
        assert TOPICS.score(case(target), answer) == float(label == target)


def test_a_target_of_another_case_is_the_same_label() -> None:
    assert TOPICS.score(case(" Billing"), "billing") == 1


@pytest.mark.parametrize("labels", [["a"], ["a", "A"], ["a", " "], "ab"])
def test_labels_must_be_at_least_two_distinct_ones(labels: object) -> None:
    with pytest.raises(UsageError, match=r"scorer 'label': option 'labels': "):
        find_scorer(spec("label", labels=labels))


def test_exact_minds_the_case_and_not_the_white_space() -> None:
    scorer = find_scorer(spec("exact"))
    assert scorer.score(case("New  York"), " New York\n") == 1
    assert scorer.score(case("New York"), "new york") == 0
    assert scorer.normalise(" \n") is None
    assert scorer.closed


def test_exact_can_ignore_the_case() -> None:
    scorer = find_scorer(spec("exact", ignore_case=True))
    assert scorer.score(case("STRASSE"), "straße") == 1
    assert scorer.normalise("New York") == scorer.normalise("NEW YORK")


def test_contains_minds_the_case_and_icontains_does_not() -> None:
    assert find_scorer(spec("contains")).score(case("Paris"), "It is Paris, of course") == 1
    assert find_scorer(spec("contains")).score(case("paris"), "It is Paris, of course") == 0
    assert find_scorer(spec("icontains")).score(case("paris"), "It is Paris, of course") == 1
    assert not find_scorer(spec("icontains")).closed
    assert find_scorer(spec("contains")).normalise("  ") is None


@pytest.mark.parametrize(
    ("pattern", "answer", "found"),
    [
        pytest.param(r"Answer: (\w)", "Answer: A. No, Answer: B", "B", id="the last group"),
        pytest.param(r"\d+", "1 and 22", "22", id="the last match"),
        pytest.param(r"Answer: (\w)?", "Answer: ", None, id="a group that took no part"),
        pytest.param(r"Answer: (\w)", "B", None, id="no match"),
    ],
)
def test_a_pattern_extracts_the_answer(pattern: str, answer: str, found: str | None) -> None:
    scorer = find_scorer(spec("regex", pattern=pattern))
    assert scorer.normalise(answer) == found
    assert scorer.score(case("B"), answer) == float(found == "B")
    assert scorer.closed


def test_without_a_pattern_the_target_is_one() -> None:
    scorer = find_scorer(spec("regex"))
    assert scorer.score(case(r"^\d{4}$"), "2026") == 1
    assert scorer.score(case(r"^\d{4}$"), "in 2026") == 0
    assert scorer.normalise("x") == "x"
    assert not scorer.closed


def test_a_broken_pattern_is_told_when_the_scorer_is_made() -> None:
    with pytest.raises(UsageError, match="not a regular expression"):
        find_scorer(spec("regex", pattern="(("))


def test_a_broken_pattern_in_a_target_names_the_case() -> None:
    with pytest.raises(UsageError, match="case 'c-1': the target is not a regular expression"):
        find_scorer(spec("regex")).score(case("(("), "x")


CLOSED = [
    spec("label", labels=["a", "b"]),
    spec("exact"),
    spec("exact", ignore_case=True),
    spec("regex", pattern="[ab]"),
]


@given(
    st.sampled_from(CLOSED),
    st.text(alphabet="abAB .\n", max_size=6),
    st.text(alphabet="abAB .\n", max_size=6),
    st.sampled_from(["a", "b", "B a"]),
)
def test_replies_of_one_normal_form_have_one_score(
    which: ScorerSpec, one: str, other: str, target: str
) -> None:
    scorer = find_scorer(which)
    if scorer.normalise(one) == scorer.normalise(other):
        assert scorer.score(case(target), one) == scorer.score(case(target), other)
    if scorer.normalise(one) is None:
        assert scorer.score(case(target), one) == 0


@pytest.mark.parametrize("name", ["exact", "contains", "regex", "number", "json-fields"])
def test_a_case_without_a_target_is_not_scored(name: str) -> None:
    unlabelled = Case(id="c-9", input="x", target=None, metadata=())
    with pytest.raises(NoTargetError, match="case 'c-9' has no target and no label"):
        find_scorer(spec(name)).score(unlabelled, '{"n": 1}')


@pytest.mark.parametrize("which", [*CLOSED, spec("number"), spec("json-fields")])
def test_a_malformed_answer_is_wrong_without_a_label(which: ScorerSpec) -> None:
    assert find_scorer(which).score(case(None), " ") == 0


def test_any_of_several_right_answers_will_do() -> None:
    for name, options in (("label", {"labels": ["a", "b", "c"]}), ("exact", {}), ("contains", {})):
        scorer = find_scorer(spec(name, **options))
        several = replace(case("a"), also_right=("b",))
        assert [scorer.score(several, answer) for answer in "abc"] == [1, 1, 0]
