"""Promptfoo's tests, wherever they stand, as plain rows of variables and assertions."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any, cast

from evalsets.source import KeyPath, Source, SourceError, read_yaml
from harness.bring.intake.promptfoo_assertions import short
from harness.bring.intake.values import (
    a_list,
    a_number,
    a_text,
    an_object,
    warning,
    whole_texts,
)
from harness.errors import Problem

_READ = frozenset({"vars", "assert", "description", "metadata", "options", "threshold"})
_HARMLESS_OPTIONS = frozenset(
    {"disableDefaultAsserts", "provider", "rubricPrompt", "runSerially", "repeat", "factuality"}
)
_NO_TEXTS = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")
_PROGRAMS = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb")
_ELSEWHERE = ("https://", "http://", "huggingface://", "az://", "s3://")
_SHEETS = (".xlsx", ".xls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One test: its variables and its assertions, each with where it stands."""

    __test__ = False  # no test of pytest's

    values: dict[str, Any]
    assertions: tuple[tuple[Any, str, int | None], ...]
    """(entry, file, line)."""
    defaults: bool
    """Whether the defaults' assertions hold too."""
    at: str
    """Its file and line."""
    threshold: float | None = None
    """What the mean of the assertions must reach; None: every one must hold."""
    description: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        """What people call it: its description, else where it stands."""
        return self.at if self.description is None else repr(self.description)


def no_names(_pattern: str) -> Sequence[str]:
    """No file fits a pattern."""
    return ()


@dataclass(slots=True, kw_only=True)
class Tests:
    """Reads tests; what it cannot read gathers in `problems`.

    `read` gives a file's text, `names` the files that fit a pattern.
    """

    __test__ = False

    read: Callable[[str], str | None]
    names: Callable[[str], Sequence[str]] = no_names
    problems: list[Problem] = field(default_factory=list[Problem])

    def of(self, value: object, source: Source, path: tuple[str | int, ...]) -> Iterator[Test]:
        """The tests of a configuration's key: a list, or the name of a file."""
        if isinstance(value, str):
            yield from self.of_file(value, source, path)
            return
        if a_text(an_object(value).get("path")):
            yield from self.of_file(an_object(value)["path"], source, path)
            return
        for number, entry in enumerate(a_list(value)):
            here = (*path, number)
            place = entry if isinstance(entry, str) else a_text(an_object(entry).get("path"))
            if place is not None:
                yield from self.of_file(place, source, here)
            else:
                yield from self.of_entry(an_object(entry), source, here)

    def of_entry(
        self, entry: dict[str, Any], source: Source, path: tuple[str | int, ...]
    ) -> Iterator[Test]:
        """A test written out in place."""
        for key in sorted(set(entry) - _READ):
            self.tell(source.file, source.line((*path, key)), key, "key of a test is not read")
        options = an_object(entry.get("options"))
        for key in sorted(set(options) - _HARMLESS_OPTIONS - {"disableVarExpansion"}):
            line = source.line((*path, "options", key))
            self.tell(source.file, line, f"options.{key}", "option is not read")
        listed = tuple(
            (each, source.file, source.line((*path, "assert", number)))
            for number, each in enumerate(a_list(entry.get("assert")))
        )
        expand = not options.get("disableVarExpansion")
        given = self.variables(entry.get("vars"), source, path)
        combined = self.combinations(given, source, path) if expand else [given]
        line = source.line((*path, next(iter(entry), "")))
        for values in combined:
            yield Test(
                at=source.file if line is None else f"{source.file}:{line}",
                description=a_text(entry.get("description")),
                metadata=an_object(entry.get("metadata")),
                values=values,
                assertions=listed,
                defaults=not options.get("disableDefaultAsserts"),
                threshold=a_number(entry.get("threshold")),
            )

    def variables(
        self, value: object, source: Source, path: tuple[str | int, ...]
    ) -> dict[str, Any]:
        """The variables in place, or those of one or several files."""
        if not isinstance(value, str | list):
            return an_object(value)
        found: dict[str, Any] = {}
        for name in [value] if isinstance(value, str) else cast("list[object]", value):
            for where in self.files(str(name), source, (*path, "vars")):
                read = self.document(where)
                found |= an_object(None if read is None else read.data)
        return found

    def combinations(
        self, values: dict[str, Any], source: Source, path: tuple[str | int, ...]
    ) -> Iterator[dict[str, Any]]:
        """Every combination of the variables that are lists, as promptfoo runs them."""
        names, choices = list(values), [self.choices(v, source, path) for v in values.values()]
        count = prod(map(len, choices))
        if count > _MOST:
            self.tell(source.file, source.line((*path, "vars")), "vars", f"{count:,} combinations")
            return
        for chosen in product(*choices):
            yield dict(zip(names, chosen, strict=True))

    def choices(self, value: object, source: Source, path: tuple[str | int, ...]) -> list[Any]:
        """What a variable may be: each text of a list, each file of a pattern."""
        if isinstance(value, str) and value.startswith("file://"):
            found = self.files(value, source, (*path, "vars"))
            return [self.content(name) for name in found] or [value]
        items = a_list(value)
        if items and isinstance(items[0], str):
            return [each for item in items for each in self.choices(item, source, path)]
        return [value]

    def content(self, name: str) -> object:
        """A file as a variable's value: text, or the value of YAML and JSON."""
        text = self.read(name) or ""
        if not name.endswith((".yaml", ".yml", ".json")):
            return text.strip()
        found = self.document(name)
        return text if found is None else found.data

    def files(self, name: str, source: Source, path: tuple[str | int, ...]) -> list[str]:
        """The files that a name or pattern means; told where it means none that can be read."""
        where = name.removeprefix("file://")
        reason = _unread(where)
        found = [where] if reason is None and self.read(where) is not None else []
        if reason is None and not found and any(sign in where for sign in "*?[{"):
            found = sorted(each for each in self.names(where) if self.read(each) is not None)
        if not found:
            message = reason or f"no such file: {where}"
            key = next((part for part in reversed(path) if isinstance(part, str)), "tests")
            self.tell(source.file, source.line(path), key, message)
        return found

    def of_file(self, name: str, source: Source, path: tuple[str | int, ...]) -> Iterator[Test]:
        """Tests of other files, by their endings."""
        for where in self.files(name, source, path):
            if where.endswith(".csv"):
                yield from self.of_table(self.read(where) or "", where)
            elif where.endswith((".yaml", ".yml", ".json")):
                yield from self.of_document(where)
            elif where.endswith(".jsonl"):
                yield from self.of_lines(self.read(where) or "", where)
            else:
                self.tell(source.file, source.line(path), "tests", f"not read: {where}")

    def of_document(self, where: str) -> Iterator[Test]:
        """Tests of a YAML or JSON file: a list, or one."""
        inner = self.document(where)
        if inner is None:
            return
        if isinstance(inner.data, dict):
            yield from self.of_entry(an_object(cast("object", inner.data)), inner, ())
        else:
            yield from self.of(inner.data, inner, ())

    def document(self, where: str) -> Source | None:
        """A YAML or JSON file; None when it is broken, which is told."""
        try:
            return read_yaml(self.read(where) or "", file=where, foreign=True)
        except SourceError as error:
            for fault in error.faults:
                self.tell(where, fault.line, fault.key, fault.message)
        return None

    def of_lines(self, text: str, where: str) -> Iterator[Test]:
        """Tests of JSON Lines."""
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                entry = an_object(whole_texts(json.loads(line)))
            except (ValueError, RecursionError) as error:
                self.tell(where, number, "", f"broken JSON: {str(error).splitlines()[0]}")
                continue
            lines: dict[KeyPath, int] = {(key,): number for key in entry}
            yield from self.of_entry(entry, Source(file=where, data=entry, lines=lines), ())

    def of_table(self, text: str, where: str) -> Iterator[Test]:
        """Tests of a CSV file: columns are variables, `__expected...` assertions."""
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            for name in reader.fieldnames or ():
                if name.startswith("__") and not _read_column(name):
                    self.tell(where, 1, name, "column is not read")
            for row in reader:
                yield self.of_row(row, where, reader.line_num)
        except csv.Error as error:
            self.tell(where, reader.line_num, "", f"broken table: {error}")

    def of_row(self, row: dict[str | Any, str | Any], where: str, line: int) -> Test:
        """One row of a table."""
        if None in row or None in row.values():
            self.tell(where, line, "", "another number of cells than the header; read as it is")
        cells = {str(name).strip(): text or "" for name, text in row.items() if name is not None}
        entries = [
            short(text.strip())
            for name, text in cells.items()
            if name.startswith("__expected") and text.strip()
        ]
        for name, text in cells.items():
            _configure(entries, name, text)
        values = {name: text for name, text in cells.items() if not name.startswith("__")}
        return Test(
            at=f"{where}:{line}",
            description=cells.get("__description") or None,
            metadata={
                name.removeprefix(_METADATA).removesuffix("[]"): text
                for name, text in cells.items()
                if name.startswith(_METADATA) and text
            },
            values=values,
            assertions=tuple((entry, where, line) for entry in entries),
            defaults=True,
            threshold=a_number(cells.get("__threshold")),
        )

    def tell(self, file: str, line: int | None, key: str, message: str) -> None:
        """Note what could not be read."""
        self.problems.append(warning(file, line, key, message))


_MOST = 100_000
_METADATA = "__metadata:"
_COLUMN = re.compile(
    r"__expected.*|__description|__metric|__threshold|__metadata:.*|__config:__expected\d*:threshold"
)


def _read_column(name: str) -> bool:
    return _COLUMN.fullmatch(name.strip()) is not None


def _configure(entries: list[dict[str, Any]], name: str, text: str) -> None:
    """`__config:__expected2:threshold` is the second assertion's threshold."""
    found = re.fullmatch(r"__config:__expected(\d*):threshold", name)
    if found is None or a_number(text) is None:
        return
    at = int(found[1] or 1) - 1
    if 0 <= at < len(entries):
        entries[at]["threshold"] = a_number(text)


def _unread(where: str) -> str | None:
    """Why a file's tests are not read; None when they may be."""
    if where.startswith(_ELSEWHERE):
        return f"not fetched: {where}"
    if where.lower().endswith(_NO_TEXTS):
        part = "document" if where.lower().endswith(".pdf") else "image"
        return (
            f"{where} is no text: make the case's input messages with a part "
            f'{{"type": "{part}", "{part}": "FILE"}} (evalsets/README.md)'
        )
    if where.partition(":")[0].endswith(_PROGRAMS):
        return (
            f"{where} is a program that makes them: run `promptfoo eval` and import its results "
            "(`rightsize import outcomes`), or write them out"
        )
    if where.partition("#")[0].endswith(_SHEETS):
        return f"{where} is a workbook; save it as CSV"
    return None
