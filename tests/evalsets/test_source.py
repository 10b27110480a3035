"""YAML is read strictly: plain words stay texts, and every fault has its line."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from evalsets.source import Fault, Source, SourceError, dotted, read_text, read_yaml


def faults(text: str) -> list[str]:
    with pytest.raises(SourceError) as caught:
        read_yaml(text, file="a.yaml")
    assert str(caught.value) == "\n".join(str(fault) for fault in caught.value.faults)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("2026-11-30", date(2026, 11, 30)),
        ("2026-13-30", "2026-13-30"),
        ("2026-11-30T10:00:00Z", "2026-11-30T10:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int x", "x"),
        ("[1, a]", [1, "a"]),
        ("<<", "<<"),
    ],
)
def test_plain_words(text: str, value: object) -> None:
    data = read_yaml(f"key: {text}\n", file="a.yaml").data
    assert data == {"key": value}
    assert isinstance(data, dict)
    assert type(data["key"]) is type(value)


def test_a_number_of_too_many_digits_stays_a_text() -> None:
    assert read_yaml("a: " + "9" * 5000, file="a.yaml").data == {"a": "9" * 5000}


def test_keys_are_texts() -> None:
    assert read_yaml("{yes: 1, 2: 3, null: 4}", file="a.yaml").data == {"yes": 1, "2": 3, "null": 4}


def test_every_key_and_item_has_its_line() -> None:
    source = read_yaml("a:\n  b:\n    - c: 1\n    - d\n", file="a.yaml")
    assert source.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 0, "c"): 3,
        ("a", "b", 1): 4,
    }
    assert source.line(("a", "b", 0, "absent")) == 3
    assert source.line(("absent",)) is None
    assert source.fault(("a", "b", 1), "no") == Fault(
        file="a.yaml", line=4, key="a.b[1]", message="no"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["a.yaml:3: a: stated twice (first on line 1)"]),
        ("a:\n  b: 1\n  b: 2\n", ["a.yaml:3: a.b: stated twice (first on line 2)"]),
        ("a: &x 1\nb: *x\n", ["a.yaml:1: b: aliases (`*name`) are not read; write the value out"]),
        ("a: &x [*x]\n", ["a.yaml:1: a[0]: aliases (`*name`) are not read; write the value out"]),
        ("a: !!binary aGk=\n", ["a.yaml:1: a: the tag !!binary is not read; remove it"]),
        ("a: !thing 1\n", ["a.yaml:1: a: the tag !thing is not read; remove it"]),
        (
            "a: !!python/object/apply:os.system [x]\nb: 1\nb: 2\n",
            [
                "a.yaml:1: a: the tag !!python/object/apply:os.system is not read; remove it",
                "a.yaml:3: b: stated twice (first on line 2)",
            ],
        ),
        ("? [a]\n: 1\n", ["a.yaml:1: a key must be a plain text"]),
        ("a: 1\n---\nb: 2\n", ["a.yaml:2: broken YAML: but found another document"]),
        ("a: [1\nb: 2\n", ["a.yaml:2: broken YAML: did not find expected ',' or ']'"]),
        ("a: é\nb: \x07\n", ["a.yaml:2: broken YAML: control characters are not allowed"]),
    ],
)
def test_faults(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_a_bomb_of_aliases_is_refused() -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert len(faults(text)) == 63


def test_too_deep_is_a_fault_and_no_crash() -> None:
    (line,) = faults("[" * 20_000)
    assert "nested too deeply" in line or "broken YAML" in line


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(plain_values)
def test_what_another_writer_dumps_is_read_back(value: object) -> None:
    text = yaml.safe_dump({"key": value})
    assume("&id" not in text)  # the writer shares equal collections through aliases
    assert read_yaml(text, file="a.yaml").data == {"key": value}


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused_with_a_fault(text: str) -> None:
    with suppress(SourceError):
        assert isinstance(read_yaml(text, file="a.yaml"), Source)


def test_texts(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert read_text(path, shown="a") == "a\nb"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: None, "a: the file is missing"),
        (lambda path: path.mkdir(), "a: cannot be read (Is a directory)"),
        (lambda path: path.write_bytes(b"a\nb\xff"), "a:2: not UTF-8; save it as UTF-8"),
    ],
)
def test_unreadable_files(tmp_path: Path, make: object, expected: str) -> None:
    path = tmp_path / "a"
    assert callable(make)
    make(path)
    with pytest.raises(SourceError) as caught:
        read_text(path, shown="a")
    assert str(caught.value) == expected


def test_a_path_is_written_with_dots_and_brackets() -> None:
    assert dotted(()) == ""
    assert dotted((0, "a", "b", 1)) == "[0].a.b[1]"
