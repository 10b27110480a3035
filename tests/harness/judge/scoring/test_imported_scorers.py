"""The scorers of imported eval sets: assertions of promptfoo, and grades as they were given."""

import json

import pytest

from evalsets.cases import ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.assertions import CHECKS, known
from harness.judge.scoring.catalogue import find_scorer, is_binary
from harness.judge.scoring.custom import envelope
from tests.support.scoring import case, spec

ASSERTIONS = find_scorer(spec("assertions"))


def holds(kind: str, value: object, answer: str) -> float:
    return ASSERTIONS.score(case(json.dumps([{"type": kind, "value": value}])), answer)


@pytest.mark.parametrize(
    ("kind", "value", "right", "wrong"),
    [
        ("equals", "Paris", "Paris", "Paris."),
        ("equals", {"a": 1}, '{"a": 1}', '{"a": 2}'),
        ("equals", {"a": 1}, '{"a": 1}', "no JSON"),
        ("contains", "Par", "Paris", "paris"),
        ("icontains", "par", "PARIS", "Lyon"),
        ("starts-with", "Par", "Paris", "In Paris"),
        ("regex", r"^\d+$", "42", "42 "),
        ("contains-any", ["a", "b"], "b", "c"),
        ("contains-all", ["a", "b"], "ab", "a"),
        ("icontains-any", ["A", "B"], "b", "c"),
        ("icontains-all", ["A", "B"], "ba", "a"),
        ("is-json", None, "[1]", "[1"),
        ("is-json", {"type": "object"}, "{}", "[]"),
        ("contains-any", "a", "a", "b"),
    ],
)
def test_each_type_and_its_opposite(kind: str, value: object, right: str, wrong: str) -> None:
    assert (holds(kind, value, right), holds(kind, value, wrong)) == (1, 0)
    assert (holds(f"not-{kind}", value, right), holds(f"not-{kind}", value, wrong)) == (0, 1)


def test_all_must_hold() -> None:
    both = case(
        json.dumps([{"type": "contains", "value": "a"}, {"type": "not-contains", "value": "b"}])
    )
    assert [ASSERTIONS.score(both, text) for text in ("a", "ab", "c")] == [1, 0, 0]
    assert ASSERTIONS.normalise(" a  b ") == "a b"
    assert not ASSERTIONS.closed


def test_which_types_are_known() -> None:
    assert all(known(kind) and known(f"not-{kind}") for kind in CHECKS)
    assert not known("llm-rubric")


@pytest.mark.parametrize("target", ["billing", "[1]", '[{"value": 1}]', '[{"type": "no"}]', "{"])
def test_a_target_that_is_no_list_of_assertions_names_its_case(target: str) -> None:
    with pytest.raises(UsageError, match="case 'c-1': the target is no list of assertions"):
        ASSERTIONS.score(case(target), "x")


GRADED = spec("graded", by="promptfoo", binary=True)


def test_a_grade_is_taken_as_it_was_given() -> None:
    scorer = find_scorer(GRADED)
    assert scorer.score(case(None), envelope("billing", 0.5)) == 0.5
    assert scorer.normalise(envelope("billing", 1.0)) == "billing"
    assert scorer.normalise(envelope(None, 1.0)) is None
    assert not scorer.needs_target
    assert not scorer.closed


@pytest.mark.parametrize("text", ["billing", "[]", '{"score": 2.0}', '{"score": "1"}'])
def test_an_answer_without_a_grade_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="case 'c-1': the answer was not graded by promptfoo"):
        find_scorer(GRADED).score(case(None), text)


@pytest.mark.parametrize(
    ("which", "binary"),
    [(GRADED, True), (spec("graded", by="x"), False), (spec("assertions"), True)],
)
def test_which_of_them_are_binary(which: ScorerSpec, *, binary: bool) -> None:
    assert is_binary(which) == binary
