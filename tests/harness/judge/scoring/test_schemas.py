"""A schema that no answer could be held against is refused when the scorer is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.json_answers import BrokenSchemaError, too_deep, validator_of

SOUND: tuple[dict[str, Any], ...] = (
    {},
    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    {"$schema": "http://nowhere.example/dialect"},
    {"type": "object", "properties": {"child": {"$ref": "#"}}},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"next": {"$ref": "#"}}}]},
    {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "string"}}},
    {"$anchor": "x", "properties": {"a": {"$ref": "#x"}}},
    {"$dynamicAnchor": "n", "type": "object", "properties": {"c": {"$dynamicRef": "#n"}}},
    {
        "$id": "http://own.example/a",
        "properties": {"a": {"$ref": "b"}},
        "$defs": {"b": {"$id": "b", "type": "string"}},
    },
)
BROKEN: tuple[tuple[object, str], ...] = (
    ([], "a schema must be an object"),
    (5, "a schema must be an object"),
    (True, "a schema must be an object"),
    ({"$schema": 5}, "`$schema` must be a text"),
    ({"type": "strng"}, "'strng' is not valid"),
    ({"$ref": 5}, "5 is not of type"),
    ({"properties": {"a": {"pattern": "("}}}, "'(' is not a 'regex'"),
    ({"patternProperties": {"(": {}}}, "'(' is not a 'regex'"),
    ({"$ref": "#"}, "leads back to itself"),
    ({"allOf": [{"if": {"not": {"$ref": "#"}}}]}, "leads back to itself"),
    (
        {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
        "leads back to itself",
    ),
    ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "refers to '#/$defs/b'"),
    ({"properties": {"a": {"$ref": "https://other.example/x"}}}, "refers to 'https://other"),
    ({"properties": {"a": {"$dynamicRef": "#nobody"}}}, "refers to '#nobody'"),
    ({"$ref": "#/else where", "else where": {"type": "strng"}}, "'strng' is not valid"),
)
ANSWERS = ("", "{}", "[]", "5", "1e400", '{"a": "x", "b": [1], "child": {}}', "[" * 500 + "]" * 500)


@pytest.mark.parametrize("schema", SOUND)
def test_what_is_let_pass_judges_every_answer(schema: dict[str, Any]) -> None:
    scorer = find_scorer(ScorerSpec(scorer="json-schema", options=json.dumps({"schema": schema})))
    case = Case(id="1", input="i", target=None, metadata=())
    assert {scorer.score(case, answer) for answer in ANSWERS} <= {0.0, 1.0}


@pytest.mark.parametrize(("schema", "said"), BROKEN)
def test_a_schema_that_could_end_a_review(schema: object, said: str) -> None:
    with pytest.raises(BrokenSchemaError) as caught:
        validator_of(schema)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nesting_is_bounded_the_same_everywhere() -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"allOf": [deep]}
    with pytest.raises(BrokenSchemaError, match="nested more than 64 deep"):
        validator_of(deep)
    assert not too_deep(json.loads("[" * 64 + "]" * 64))
    assert too_deep(json.loads("[" * 65 + "]" * 65))


def test_a_number_that_the_validator_cannot_count_with_is_a_wrong_answer() -> None:
    options = json.dumps({"schema": {"multipleOf": 0.5}})
    scorer = find_scorer(ScorerSpec(scorer="json-schema", options=options))
    case = Case(id="1", input="i", target=None, metadata=())
    assert scorer.score(case, "1e400") == scorer.score(case, "9" * 4000) == 0.0


REFERENCES = st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/properties/p", "#/nowhere"])
NODES = st.recursive(
    st.one_of(
        st.just({}),
        st.just({"type": "string"}),
        st.builds(lambda to: {"$ref": to}, REFERENCES),
    ),
    lambda inner: st.one_of(
        st.builds(lambda each: {"properties": {"p": each}}, inner),
        st.builds(lambda each: {"items": each}, inner),
        st.builds(lambda each: {"not": each}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(root=NODES, a=NODES, b=NODES)
def test_no_schema_that_is_let_pass_fails_on_an_answer(
    root: dict[str, Any], a: dict[str, Any], b: dict[str, Any]
) -> None:
    schema = {**root, "$defs": {"a": a, "b": b}}
    spec = ScorerSpec(scorer="json-schema", options=json.dumps({"schema": schema}))
    try:
        scorer = find_scorer(spec)
    except UsageError:
        return
    case = Case(id="1", input="i", target=None, metadata=())
    for answer in (*ANSWERS, '{"p": {"p": ["x", {"p": 1}]}}'):
        assert scorer.score(case, answer) in {0.0, 1.0}
