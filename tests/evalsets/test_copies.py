"""Rows that ask the same are one case; near-copies are worth less than their number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, Turn, content, distinct
from evalsets.duplicates import near_copies
from evalsets.loading import load_evalset
from evalsets.prompts import metadata_named
from evalsets.source import SourceError
from tests.support.near_copies import similar_pairs

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "source: {kind: written}\nprimary: {scorer: exact}\n"


def case(name: str, text: str = "hello", *, target: str | None = "yes", **metadata: str) -> Case:
    return Case(id=name, input=text, target=target, metadata=tuple(sorted(metadata.items())))


def folder_with(tmp_path: Path, *rows: dict[str, object], **files: str) -> Path:
    (tmp_path / "evalset.yaml").write_text(CONFIG)
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in files.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "other",
    ["hello ", "\nhello", "hello\r\n", "  hello\t"],
    ids=["a blank behind", "a line before", "another platform's line end", "blanks around"],
)
def test_white_space_at_the_ends_makes_no_case(other: str) -> None:
    assert distinct([case("a"), case("b", other)]).copies == (("b", "a"),)


def test_two_ways_to_write_one_letter_make_no_case() -> None:
    assert distinct([case("a", "caf\u00e9"), case("b", "cafe\u0301")]).copies == (("b", "a"),)


@pytest.mark.parametrize(
    "other",
    [
        case("b", "hello!"),
        case("b", "Hello"),
        case("b", "hel lo"),
        case("b", layout="typed"),
        Case(id="b", input="hello", target="yes", metadata=(), choices=("x", "y")),
        Case(id="b", input=(Turn(role="user", content="hello"),), target="yes", metadata=()),
    ],
    ids=["text", "capital", "inner blank", "metadata", "choices", "a conversation"],
)
def test_what_differs_in_what_is_asked_is_another_case(other: Case) -> None:
    assert distinct([case("a"), other]).copies == ()


def test_images_are_compared_by_their_bytes() -> None:
    def shown(name: str, sha256: str) -> Case:
        turn = Turn(role="user", content="read", images=(name,), image_sha256=(sha256,))
        return Case(id=name, input=(turn,), target=None, metadata=())

    found = distinct([shown("a.png", "1"), shown("b.png", "1"), shown("c.png", "2")])
    assert found.copies == (("b.png", "a.png"),)


rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "x"])), max_size=12)


@given(rows, st.data())
def test_copies_of_any_rows_add_no_case(texts: list[tuple[str, str]], data: st.DataObject) -> None:
    base = [case(f"c-{at}", text, kind=kind) for at, (text, kind) in enumerate(texts)]
    picked = data.draw(st.lists(st.sampled_from(base), max_size=9)) if base else []
    again = [
        Case(id=f"k-{at}", input=one.input, target=one.target, metadata=one.metadata)
        for at, one in enumerate(picked)
    ]
    found = distinct([*base, *again])
    assert found.cases == distinct(base).cases
    assert len(found.cases) + len(found.copies) == len(base) + len(again)
    assert len({content(one) for one in found.cases}) == len(found.cases)


def test_a_file_with_copies_is_the_eval_set_without_them(tmp_path: Path) -> None:
    first: dict[str, object] = {"id": "a", "input": "hello", "target": "yes"}
    other: dict[str, object] = {"id": "z", "input": "bye", "target": "no"}
    loaded = load_evalset(folder_with(tmp_path, first, {**first, "id": "b"}, other), "f")
    assert [each.id for each in loaded.cases] == ["a", "z"]
    assert loaded.copies == (("b", "a"),)
    assert loaded.rows == 3


def test_a_copy_without_a_target_takes_the_other_s(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path, {"id": "a", "input": "x"}, {"id": "b", "input": "x", "target": ["1", "2"]}
    )
    (only,) = load_evalset(folder, "f").cases
    assert (only.id, only.target, only.also_right) == ("a", "1", ("2",))


def test_copies_with_two_targets_contradict_each_other(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        {"id": "a", "input": "x", "target": "1"},
        {"id": "b", "input": "x ", "target": "2"},
    )
    with pytest.raises(SourceError) as caught:
        load_evalset(folder, "f", shown="evalsets/f")
    assert [str(fault) for fault in caught.value.faults] == [
        (
            "evalsets/f/cases.jsonl:2: target: asks the same as 'a' on line 1 and has another "
            "target; correct one of them, or list every right answer in both"
        )
    ]


def test_labels_and_grades_of_a_copy_are_its_case_s(tmp_path: Path) -> None:
    label = {"case": "b", "answer": "yes", "by": "d", "at": "2026-10-02T09:14:00Z"}
    grade = {"case": "b", "answer_sha256": "9", "grade": "pass", "rubric_sha256": "3"}
    loaded = load_evalset(
        folder_with(
            tmp_path,
            {"id": "a", "input": "x"},
            {"id": "b", "input": "x"},
            labels=json.dumps(label),
            grades=json.dumps({**grade, "by": "d", "at": "2026-10-02T09:14:00Z"}),
        ),
        "f",
    )
    assert [each.target for each in loaded.cases] == ["yes"]
    assert [each.case for each in (*loaded.labels, *loaded.grades)] == ["a", "a"]


def test_an_eval_set_cannot_be_made_with_a_copy_among_its_cases(tmp_path: Path) -> None:
    loaded = load_evalset(folder_with(tmp_path, {"id": "a", "input": "x"}), "f")
    with pytest.raises(ValueError, match="cases 'a' and 'b' ask the same"):
        type(loaded)(
            **{
                name: getattr(loaded, name)
                for name in loaded.__dataclass_fields__
                if name != "cases"
            },
            cases=(*loaded.cases, case("b", "x")),
        )


sentences = st.lists(st.sampled_from(list("abcdefg")), min_size=3, max_size=9).map(" ".join)


@given(st.lists(sentences, min_size=2, max_size=12))
def test_what_near_copies_are_worth_is_kish_s_number(texts: list[str]) -> None:
    cases = [case(f"c-{at}", text) for at, text in enumerate(texts)]
    correlation = np.eye(len(cases))
    for (first, second), similarity in similar_pairs(cases).items():
        one, other = int(first[2:]), int(second[2:])
        correlation[one, other] = correlation[other, one] = similarity
    weights = np.full(len(cases), 1 / len(cases))
    expected = 1 / (weights @ correlation @ weights)
    found = near_copies(cases)
    assert (found.worth if found else len(cases)) == pytest.approx(expected, rel=0.0527)
    if found:
        assert found.worth == pytest.approx(expected)


def test_a_large_set_of_one_template_is_worth_about_as_many_as_it_has_templates() -> None:
    words = [f"w{n}" for n in range(40 * 25)]
    cases = [
        case(f"c-{at}", " ".join(words[at % 40 * 25 : at % 40 * 25 + 25]) + f" {at}")
        for at in range(4000)
    ]
    found = near_copies(cases)
    assert found is not None
    assert 35 < found.worth < 60


def test_metadata_that_the_models_see_tells_cases_apart() -> None:
    cases = [
        case(f"c-{at}", "Summarise the page", page=" ".join(f"p{at}n{n}" for n in range(9)))
        for at in range(20)
    ]
    assert near_copies(cases, keys=("page",)) is None
    found = near_copies(cases, keys=())
    assert found is not None
    assert found.worth == pytest.approx(1)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("{{ input }}", frozenset[str]()),
        ("{{ metadata.page }} {{ metadata['tone'] }}", frozenset({"page", "tone"})),
        ("=== system ===\n{{ metadata.page }}\n=== user ===\n{{ input }}", frozenset({"page"})),
        ("{% for key in metadata %}{{ metadata[key] }}{% endfor %}", None),
        ("{{ metadata.page }} {{ metadata }}", None),
    ],
)
def test_the_metadata_that_a_prompt_shows(template: str, named: frozenset[str] | None) -> None:
    assert metadata_named(template) == named
