"""What each kind of file calls its values."""

from __future__ import annotations

import pytest

from harness.workspace.scan.python_source import python_words
from harness.workspace.scan.texts import (
    hash_words,
    pair_words,
    source_words,
    toml_words,
    yaml_words,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model = 'x'", "model"),
        ("self.model = 'x'", "model"),
        ("config['llm'] = 'x'", "llm"),
        ("run(model='x')", "model"),
        ("class A:\n def f(self, a, model='x'): pass", "A.f.model"),
        ("def f(*, first, model='x'): pass", "f.model"),
        ("@use('x')\ndef f(): pass", ""),
        ("f(**{'a': 'x'})", "a"),
        ("{**other, 'a': {'b': 'x'}}", "a.b"),
        ("model: str = 'x'", "model"),
        ("a, b = 'x', 1", ""),
        ("names[0]('x')", ""),
    ],
)
def test_python(text: str, key: str) -> None:
    assert [(word.key, word.text) for word in python_words(text)] == [(key, "x")]


@pytest.mark.parametrize(
    "text",
    [
        "'x'",
        "if a == 'x': pass",
        "a in ('x', 'y')",
        "a.startswith('x')",
        "A = Literal['x']",
        "a: Literal['x']",
        "match a:\n case 'x': pass",
        "# 'x'",
        "class A:\n 'x'",
        "{'x': 1}",
    ],
)
def test_python_that_only_looks_or_tells(text: str) -> None:
    assert list(python_words(text)) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("const model = 'x';", "model"),
        ("let model: string = `x`;", "model"),
        ("{ model: 'x' }", "model"),
        ('{ "model": "x" }', "model"),
        ('model := "x"', "model"),
        ("a = env.MODEL || 'x'", "MODEL"),
        ("a = env.MODEL ?? 'x'", "MODEL"),
        ("a = b ? 'x' : c", "a"),
        ("model: b ? c : 'x'", "model"),
        ("model: openai('x')", "model"),
        ("openai('x')", "openai"),
        ("sdk.openai('x')", "openai"),
        ("call(sdk.openai('x'))", "call"),
        ("models: ['x']", "models"),
        ("'x'", ""),
        ("function ask() {\n  return 'x';\n}", "ask"),
        ("class A {\n  b() {\n    const model = 'x';\n  }\n}", "A.b.model"),
    ],
)
def test_source(text: str, key: str) -> None:
    assert [(word.key, word.text) for word in source_words(text)] == [(key, "x")]


@pytest.mark.parametrize(
    "text",
    [
        "// 'x'",
        "/* 'x'\n'x' */",
        "a === 'x'",
        "a != 'x'",
        "case 'x':",
        "a.includes('x')",
        "type A = 'x' | 'y'",
        "{ 'x': 1 }",
        "don't",
    ],
)
def test_source_that_only_looks_or_tells(text: str) -> None:
    assert [word for word in source_words(text) if word.text == "x"] == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model = 'x'", "model"),
        ("[a.b]\nmodel = 'x'", "a.b.model"),
        ('[[a."b"]]  # c\nmodel = "x"', "a.b.model"),
        ("[a]\nb = { c = { model = 'x' } }", "a.b.c.model"),
        ("a = [\n 'x',\n]", "a"),
        ("'x'", ""),
    ],
)
def test_toml(text: str, key: str) -> None:
    assert [(word.key, word.text) for word in toml_words(text)] == [(key, "x")]


def test_hash_comments() -> None:
    assert [word.key for word in hash_words("# 'x'\nMODEL = 'x' # 'x'")] == ["MODEL"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model: x", "model"),
        ("a: {b: x}", "a.b"),
        ("a: [x]", "a[0]"),
        ("a:\n - name: n\n   value: x", "a[n].value"),
        ("a: [M=x]", "a.M"),
        ("a: [--m=x]", "a.m"),
        ("a: |\n  # c\n  m = x\n", "a.m"),
        ("a: 1\n---\nb: x", "b"),
        ('{"a": {"b": "x"}}', "a.b"),
        ("x", ""),
    ],
)
def test_yaml(text: str, key: str) -> None:
    assert (key, "x") in [(word.key, word.text) for word in yaml_words(text)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("M=x", "M"),
        ("export M='x'", "M"),
        ("ENV M=x", "M"),
        ('m = "x"  # y', "m"),
        ("[a]\nm: x", "a.m"),
        ('"m": "x",', "m"),
    ],
)
def test_pairs(text: str, key: str) -> None:
    assert [(word.key, word.text) for word in pair_words(text)] == [(key, "x")]


@pytest.mark.parametrize("text", ["# M=x", "M", "M=x y", "M = ", "M='x"])
def test_lines_that_are_no_pairs(text: str) -> None:
    assert list(pair_words(text)) == []
