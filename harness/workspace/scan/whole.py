"""Reads one changed file to the last word, whatever it is called and wherever it lies.

Looking for features passes over what people did not write as settings; whoever hides a model id
from the gate puts it exactly there: in a workflow, a Makefile, a script without a name, a notebook,
between NUL bytes or on a line that ends with a bare carriage return.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any, cast

from harness.workspace.scan.python_source import python_words
from harness.workspace.scan.texts import Use, Word, hash_words
from harness.workspace.scan.tree import (
    has_reader,
    kind_of,
    may_name_a_model,
    unescaped,
    uses_of,
    words_of,
)

_MADE = frozenset(
    {
        "Cargo.lock",
        "Gemfile.lock",
        "composer.lock",
        "go.sum",
        "package-lock.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        "rightsizing.lock",
        "uv.lock",
        "yarn.lock",
    }
)
"""Files that programs write and that choose no model."""
_RUN = frozenset({".html", ".ipynb", ".txt"})
"""Elsewhere read as documentation, though a program may read or run them."""
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SAID = re.compile(
    r"""(?P<key>[\w.-]*(?:model|llm|engine|deployment)[\w.-]*)["']?(?:\s*[?:+]?[:=]\s*|\s+)
    \\?["']?(?P<text>[A-Za-z0-9@~][A-Za-z0-9@~._/:-]*)""",
    re.IGNORECASE | re.VERBOSE,
)
"""`--model gpt-5`, `MODEL ?= gpt-5`, `{"model": "gpt-5"}` in any text."""
_ID = r"(?P<text>[A-Za-z0-9@~][A-Za-z0-9@~._/:-]*)"
_IN_MARKUP = re.compile(rf"(?:<(?P<key>[\w.:-]+)(?:\s[^<>]*)?)?>\s*{_ID}\s*</")
_IN_A_TABLE = re.compile(rf"(?P<key>)(?:^|(?<=[,;\t]))\s*\"?{_ID}\"?\s*(?=[,;\t]|$)")
_ALONE = re.compile(rf"^\s*(?:(?P<key>[\w.-]+)(?:\s*[?:+]?=\s*|\s+))?{_ID}\s*;?\s*$")
_LAST = re.compile(
    rf"(?:(?P<key>[\w.-]+)(?:\s*[?:+]?=\s*|\s+))[\"']?(?<![\w.-]){_ID}[\"']?\s*;?\s*$"
)
"""`ENV MODEL gpt-5`, `set M=gpt-5`, `model gpt-5;`: the end of a line that is an order."""
_ORDERS = frozenset({".conf", ".cfg", ".bat", ".cmd", ".ps1", ".sh"})
_MARKUP = frozenset({".xml", ".plist", ".config", ".csproj", ".props", ".resx", ".xaml", ".svg"})
_TABLES = frozenset({".csv", ".tsv"})


def scan_whole(path: str, text: str, ids: Collection[str]) -> tuple[Use, ...]:
    """Every use of the given model ids in one file's text."""
    plain = unescaped(_LINE_ENDS.sub("\n", text.replace("\0", "")))
    place = PurePosixPath(path)
    if place.name in _MADE or not may_name_a_model(plain, ids):
        return ()
    suffix = place.suffix.lower()
    kind = kind_of(str(place.with_suffix(".sh"))) if suffix in _RUN else kind_of(path)
    found = uses_of(path, kind, _every_word(path, suffix, plain), ids)
    return tuple({(use.line, use.written): use for use in found}.values())


def _every_word(path: str, suffix: str, text: str) -> Iterator[Word]:
    if suffix == ".ipynb":
        yield from _notebook(text)
        return
    words = words_of(path, text)
    yield from words
    for word in words:
        if " " in word.text or "\n" in word.text:
            yield from _said(word.text, word.line)
    if not has_reader(path) or suffix in _RUN or _runs_text(path):
        yield from _said(text, 1)
        yield from _matched(_ALONE, text)
    if suffix in _ORDERS or PurePosixPath(path).name.startswith(("Dockerfile", "Procfile")):
        yield from _matched(_LAST, text)
    if suffix in _MARKUP:
        yield from _matched(_IN_MARKUP, text)
    if suffix in _TABLES:
        yield from _matched(_IN_A_TABLE, text)


def _matched(pattern: re.Pattern[str], text: str) -> Iterator[Word]:
    for number, line in enumerate(text.split("\n"), start=1):
        for match in pattern.finditer("" if line.lstrip().startswith("#") else line):
            yield Word(line=number, key=match["key"] or "", text=match["text"])


def _runs_text(path: str) -> bool:
    """A script, or a workflow: its lines are commands."""
    return path.endswith(".sh") or path.startswith((".github/", ".circleci/", ".gitlab"))


def _said(text: str, first: int) -> Iterator[Word]:
    for number, line in enumerate(text.split("\n"), start=first):
        if not line.lstrip().startswith(("#", "//")):
            for match in _SAID.finditer(line):
                yield Word(line=number, key=match["key"].strip("-"), text=match["text"])


def _notebook(text: str) -> Iterator[Word]:
    """The words of a notebook's cells of code, counted by their own lines."""
    try:
        cells = cast("dict[str, Any]", json.loads(text))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield from hash_words(text)
        yield from _said(text, 1)
        return
    for cell in code:
        try:
            yield from list(python_words(cell))
        except (SyntaxError, ValueError, RecursionError):
            yield from hash_words(cell)
        yield from _said(cell, 1)
