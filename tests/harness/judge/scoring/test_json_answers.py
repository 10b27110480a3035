import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.json_answers import read_json
from harness.judge.scoring.scorer import Setting
from tests.support.scoring import case, spec

DATE = find_scorer(spec("json-fields", fields=["date"]))
ALL_FIELDS = find_scorer(spec("json-fields"))
TARGET = case('{"date": "2026-08-31"}')


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        pytest.param('{"date": "2026-08-31"}', 1, id="as asked"),
        pytest.param('```json\n{"date": "2026-08-31"}\n```', 1, id="in a code fence"),
        pytest.param('\n```\n{"date": "2026-08-31"}```\n', 1, id="in a bare fence"),
        pytest.param('{"date": "2026/8/31"}', 1, id="other separators, no padding"),
        pytest.param('{"date": "2026-08-31T00:00:00Z"}', 1, id="with midnight"),
        pytest.param('{"date": "2026-08-31T09:00:00Z"}', 0, id="with another time"),
        pytest.param('{"date": "31.08.2026"}', 0, id="day first is not read"),
        pytest.param('{"date": "2026-02-30"}', 0, id="no such day"),
        pytest.param('{"date": "2026-08-31", "note": "x"}', 1, id="another field beside"),
        pytest.param('{"date": null}', 0, id="null"),
        pytest.param("{}", 0, id="absent"),
        pytest.param('The date is {"date": "2026-08-31"}', 0, id="prose around it"),
    ],
)
def test_a_field_is_compared_by_value(answer: str, score: float) -> None:
    assert DATE.score(TARGET, answer) == score


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="nothing"),
        pytest.param("2026-08-31", id="no JSON"),
        pytest.param('["2026-08-31"]', id="a list"),
        pytest.param('{"date": "2026-08-31"', id="cut short"),
        pytest.param('{"date": NaN}', id="NaN"),
        pytest.param('{"date": Infinity}', id="infinity"),
        pytest.param('{"date": 1e999999}', id="a number out of range"),
        pytest.param('{"date": ' + "9" * 5000 + "}", id="a number too long"),
        pytest.param("[" * 100_000, id="nested too deeply"),
    ],
)
def test_anything_but_an_object_is_malformed(answer: str) -> None:
    assert DATE.normalise(answer) is None
    assert DATE.score(TARGET, answer) == 0


INVOICE = case('{"number": "007", "total": {"amount": 18}, "lines": [{"sku": "a b"}], "tax": null}')
PATHS = ["number", "total.amount", "lines.0.sku", "tax"]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        pytest.param(
            {"number": "007", "total": {"amount": "18.00"}, "lines": [{"sku": " a  b "}]}, 4
        ),
        pytest.param({"number": "7", "total": {"amount": 18.0}, "lines": [{"sku": "a b"}]}, 3),
        pytest.param({"number": "007", "total": 18, "lines": [], "tax": 1}, 1),
        pytest.param({"lines": [{"sku": "A B"}], "tax": False}, 0),
    ],
)
def test_nested_fields_count_all_or_by_share(answer: object, right: int) -> None:
    text = json.dumps(answer)
    share = find_scorer(spec("json-fields", fields=PATHS, **{"pass": "share"}))
    assert share.score(INVOICE, text) == right / 4
    assert find_scorer(spec("json-fields", fields=PATHS)).score(INVOICE, text) == (right == 4)


def test_without_fields_the_target_s_own_fields_count() -> None:
    scorer = find_scorer(spec("json-fields"))
    assert scorer.score(case('{"a": true, "b": [1, 2.0]}'), '{"b": [1.0, 2], "a": true}') == 1
    assert scorer.score(case('{"a": true}'), '{"a": 1}') == 0
    assert find_scorer(spec("json-fields", **{"pass": "share"})).score(case("{}"), "{}") == 1


def test_a_target_that_is_no_object_is_an_error() -> None:
    with pytest.raises(UsageError, match="case 'c-1': the target is not a JSON object"):
        DATE.score(case("2026-08-31"), "{}")


def test_an_unknown_way_to_pass_is_refused() -> None:
    with pytest.raises(UsageError, match=r"option 'pass'.*options: fields, pass"):
        find_scorer(spec("json-fields", **{"pass": "most"}))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("abc"), values))
def test_layout_and_fences_change_nothing(value: dict[str, object]) -> None:
    scorer = find_scorer(spec("json-fields", fields=["a", "b.c"]))
    plain, fenced = json.dumps(value), f"```json\n{json.dumps(value, indent=2)}\n```"
    assert scorer.normalise(plain) == scorer.normalise(fenced)
    assert scorer.score(case(plain), fenced) == 1


@given(st.dictionaries(st.sampled_from(["a", "b"]), values))
def test_a_normal_form_can_be_a_target_and_is_its_own(value: dict[str, object]) -> None:
    for scorer in (find_scorer(spec("json-fields", fields=["a", "b.c"])), ALL_FIELDS):
        form = scorer.normalise(json.dumps(value))
        assert form is not None
        assert scorer.normalise(form) == form
        assert scorer.score(case(form), json.dumps(value)) == 1


@given(st.text(max_size=60))
def test_no_reply_breaks_the_reader(text: str) -> None:
    try:
        read_json(text)
    except ValueError:
        assert DATE.normalise(text) is None


SCHEMA = {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}


def test_a_reply_is_valid_or_not(tmp_path: Path) -> None:
    (tmp_path / "n.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    scorer = find_scorer(spec("json-schema", schema="n.schema.json"), Setting(folder=tmp_path))
    assert scorer.score(case(None), '{"n": 1.5}') == 1
    assert scorer.score(case(None), '{"n": "1.5"}') == 0
    assert scorer.score(case(None), '{"n": 1') == 0
    assert scorer.normalise('{"n": [1.5]}') is None
    assert scorer.normalise('{"n": 1.50}') == scorer.normalise('```\n{"n":1.5}\n```')
    assert not scorer.needs_target


def test_a_schema_may_stand_in_place_or_not_at_all() -> None:
    assert find_scorer(spec("json-schema", schema=SCHEMA)).score(case(None), "[]") == 0
    assert find_scorer(spec("json-schema")).score(case(None), "[1.5]") == 1
    assert find_scorer(spec("json-schema")).normalise("null") == "null"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "no such file", id="absent"),
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param('{"type": 7}', "broken schema", id="not a schema"),
        pytest.param("[]", "broken schema", id="a list"),
    ],
)
def test_a_bad_schema_file_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        find_scorer(spec("json-schema", schema="x.json"), Setting(folder=tmp_path))


def test_a_schema_file_needs_a_folder() -> None:
    with pytest.raises(UsageError, match="no folder"):
        find_scorer(spec("json-schema", schema="x.json"))


def test_a_schema_elsewhere_is_never_fetched() -> None:
    with pytest.raises(UsageError, match=r"refers to 'http://127\.0\.0\.1:9/x\.json'"):
        find_scorer(spec("json-schema", schema={"$ref": "http://127.0.0.1:9/x.json"}))
