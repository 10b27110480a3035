"""What a wrong value is called, where it stands, and what was meant."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, field_validator

from evalsets.source import SourceError, read_yaml
from evalsets.validation import part_of, shown, suggestion, validated


class Inner(BaseModel, extra="forbid"):
    size: int
    name: str = ""

    @field_validator("name")
    @classmethod
    def lower(cls, value: str) -> str:
        if value != value.lower():
            raise ValueError("must be lower case")
        return value


class Outer(BaseModel, extra="forbid"):
    inner: Inner | None = None
    by_name: dict[str, dict[str, Inner]] = {}
    several: tuple[Inner, ...] = ()
    kind: str | int = Field(default="", alias="type")


class Empty(BaseModel, extra="forbid"):
    pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inner: {siz: 1}", ["a:1: inner.siz: unknown key; did you mean `size`?"]),
        ("by_name: {x: {y: {nam: z, size: 1}}}", ["a:1: by_name.x.y.nam: unknown key; did you "]),
        ("several: [{size: 1}, {size: x}]", ["a:1: several[1].size: must be an integer, got 'x'"]),
        ("several: [1]", ["a:1: several[0]: must be keys with values, got 1"]),
        ("inner: {size: 1, name: ABC}", ["a:1: inner.name: must be lower case"]),
        ("type: []", ["a:1: type: must be a text or an integer, got a list"]),
        ("kind: x", ["a:1: kind: unknown key; known: by_name, inner, several, type"]),
        ("- 1", ["a: must be keys with values, got a list"]),
        ("inner: {}", ["a:1: inner.size: is required and missing"]),
        ("several:\n  - name: x", ["a:2: several[0].size: is required and missing"]),
    ],
)
def test_messages(text: str, expected: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        validated(read_yaml(text, file="a"), Outer)
    lines = [str(fault) for fault in caught.value.faults]
    relevant = [line for line in lines if "is required" not in line or "is required" in expected[0]]
    assert len(relevant) == len(expected)
    for line, start in zip(relevant, expected, strict=True):
        assert line.startswith(start)


def test_a_part_of_a_file_is_read_as_its_own_model() -> None:
    source = read_yaml("one:\n  size: 1\ntwo:\n  size: x\nthree:\n", file="a")
    assert validated(source, Inner, at=("one",)) == Inner(size=1)
    with pytest.raises(SourceError, match=r"^a:4: two\.size: must be an integer, got 'x'$"):
        validated(source, Inner, at=("two",))
    with pytest.raises(SourceError, match=r"^a:5: three: is empty; it needs `size`$"):
        validated(source, Inner, at=("three",))


def test_an_empty_value_for_a_model_that_needs_nothing() -> None:
    with pytest.raises(SourceError, match="is empty; it needs nothing; remove it"):
        validated(read_yaml("", file="a"), Empty)


def test_parts() -> None:
    data = {"a": [{"b": 1}]}
    assert part_of(data, ("a", 0, "b")) == 1
    assert part_of(data, ("a", 1)) is None
    assert part_of(data, ("a", "b")) is None
    assert part_of(data, ("x",)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ({}, "keys with values"),
        ([], "a list"),
        (True, "true"),
        (1.5, "1.5"),
        ("x" * 100, "'" + "x" * 56 + "..."),
    ],
)
def test_a_value_is_shown_short(value: object, text: str) -> None:
    assert shown(value) == text


def test_suggestions() -> None:
    assert suggestion("x", []) == ""
    many = [f"name-{at:02}" for at in range(20)]
    assert suggestion("zzz", many) == f"; known: {', '.join(many[:12])}, ..."
