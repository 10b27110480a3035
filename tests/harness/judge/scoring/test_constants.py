"""What an answer that never changes scores, under every scorer, without a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, FoundText, ScorerSpec
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.constants import ConstantScore, best_constant, is_assumed, runs_here
from harness.judge.scoring.scorer import GradeBook, Setting

OWN = """
def never_empty(answer, target, metadata):
    if not answer:
        raise ValueError("empty")
    return 0.5 if answer == target else 0.0


def refuses(answer, target, metadata):
    raise ValueError("always")
"""


def cases(*targets: str | None, **more: tuple[str, ...]) -> list[Case]:
    return [
        Case(id=str(at), input=f"case {at}", target=target, metadata=(), **more)
        for at, target in enumerate(targets)
    ]


def best(
    scorer: str, asked: list[Case], folder: Path | None = None, **options: object
) -> ConstantScore:
    spec = ScorerSpec(scorer=scorer, options=json.dumps(options))
    return best_constant(find_scorer(spec, Setting(folder=folder, grades=GradeBook())), asked)


@pytest.mark.parametrize(
    ("scorer", "options", "targets", "kind", "mean"),
    [
        ("label", {"labels": ["a", "b", "c"]}, ["a", "B", "b", "c"], "label", 0.5),
        ("label", {"labels": ["a", "b"]}, ["x", "y"], "empty answer", 0.0),
        ("exact", {}, ["one", "two", "two "], "commonest target", 2 / 3),
        ("exact", {}, ["one", "two", "three"], "commonest target", 1 / 3),
        ("number", {}, ["18", "18.00", "7"], "commonest target", 2 / 3),
        ("number", {"tolerance": 1}, ["18", "18", "19", "7"], "commonest target", 0.75),
        ("contains", {}, ["yes", "yes", "no idea"], "commonest target", 2 / 3),
        ("icontains", {}, ["YES", "yes", "other"], "commonest target", 2 / 3),
        ("contains", {}, ["", "", "x"], "empty answer", 2 / 3),
        ("regex", {"pattern": r"ANSWER: (\w+)"}, ["a", "a", "b", "c"], "commonest target", 0.5),
        ("regex", {}, ["^$", "^.{0,3}$", "long text"], "empty answer", 2 / 3),
        ("regex", {}, [r"^\{", r"^\{", "x"], "fixed text", 2 / 3),
        ("json-schema", {}, [None, None], "fixed text", 1.0),
        (
            "json-schema",
            {"schema": {"type": "object", "required": ["a"]}},
            [None],
            "empty answer",
            0,
        ),
    ],
)
def test_the_best_constant_of_each_scorer(
    scorer: str, options: dict[str, object], targets: list[str | None], kind: str, mean: float
) -> None:
    found = best(scorer, cases(*targets), **options)
    assert (found.constant.kind, found.mean) == (kind, pytest.approx(mean))
    assert found.right == round(mean * len(targets))


def test_only_a_label_of_the_scorer_s_own_list_is_named() -> None:
    label = best("label", cases("a", "a", "b"), labels=["a", "b"])
    assert (label.constant.label, best("exact", cases("a", "a")).constant.label) == ("a", None)


def test_fields_are_put_together_from_the_commonest_values() -> None:
    targets = [
        json.dumps({"topic": topic, "spam": spam})
        for topic, spam in (("a", "no"), ("a", "yes"), ("b", "no"), ("c", "no"))
    ]
    shared = best("json-fields", cases(*targets), **{"pass": "share"})
    assert (shared.constant.kind, shared.mean, shared.right) == ("commonest target", 0.625, None)
    assert best("json-fields", cases(*targets)).mean == 0.25
    empty = best("json-fields", cases("{}", "{}", '{"a": 1}'), fields=["a"])
    assert empty.mean == pytest.approx(2 / 3)


def test_assertions_are_met_by_the_texts_that_they_ask_for() -> None:
    def asserted(*listed: tuple[str, object]) -> str:
        return json.dumps([{"type": kind, "value": value} for kind, value in listed])

    targets = [
        asserted(("icontains", "Refund"), ("contains-any", ["today", "now"])),
        asserted(("icontains", "refund"), ("contains-all", ["today"])),
        asserted(("equals", "no")),
        asserted(("is-json", None)),
    ]
    assert best("assertions", cases(*targets)).mean == 0.5
    refusals = asserted(("not-contains", "sorry"))
    assert best("assertions", cases(refusals, refusals)).constant.kind == "empty answer"
    assert best("assertions", cases("no list")).mean == 0.0


def test_what_others_grade_is_assumed() -> None:
    judged = find_scorer(ScorerSpec(scorer="judge", options='{"model": "m", "rubric": "good"}'))
    graded = find_scorer(ScorerSpec(scorer="graded", options='{"by": "promptfoo"}'))
    assert (is_assumed(judged), is_assumed(graded)) == (True, True)
    assert best_constant(judged, cases("a", "a")).mean == 0.0
    assert best_constant(graded, cases("a", "a", "b")).mean == pytest.approx(2 / 3)
    assert best_constant(graded, cases("be polite", "be polite")).mean == 0.0
    assert best_constant(graded, cases(None)).mean == 0.0


def test_the_team_s_own_scorer_may_refuse_a_constant(tmp_path: Path) -> None:
    (tmp_path / "own_scorer.py").write_text(OWN)
    found = best("own_scorer:never_empty", cases("a", "a", "b"), tmp_path)
    assert (found.constant.kind, found.mean) == ("commonest target", pytest.approx(1 / 3))
    assert best("own_scorer:refuses", cases("a"), tmp_path).mean == 0.0
    assert not runs_here(ScorerSpec(scorer="own_scorer:refuses"))
    assert runs_here(ScorerSpec(scorer="label"))


def test_what_no_label_rules_out_counts_for_the_constant() -> None:
    asked = [*cases("a", "a"), *cases(None, ruled_out=("a",)), *cases(None, ruled_out=("b",))]
    found = best("label", asked, labels=["a", "b"])
    assert (found.constant.label, found.scores) == ("a", (1.0, 1.0, 0.0, 1.0))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_no_label_does_better_than_the_one_that_is_found(targets: list[str]) -> None:
    found = best("label", cases(*targets), labels=list("abcd"))
    assert found.right == max(targets.count(label) for label in "abcd")
    assert len(found.scores) == len(targets)


def test_what_a_context_grounds_is_scored_by_the_context_of_each_case() -> None:
    """`1` stands in the first passage alone: the others are not scored as that one is."""
    asked = [
        Case(
            id=str(at),
            input="How many?",
            target=None,
            metadata=(),
            context=(FoundText(id="a", text=f"It takes {at} days."),),
        )
        for at in range(1, 41)
    ]
    found = best("groundedness", asked)
    assert found.right == 1
    assert found.scores == tuple(float(case.id == found.constant.text) for case in asked)
