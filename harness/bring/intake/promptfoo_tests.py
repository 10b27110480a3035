"""Promptfoo's tests, wherever they stand, as plain rows of variables and assertions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from evalsets.source import KeyPath, Source, SourceError, read_yaml
from harness.bring.intake.promptfoo_cases import short
from harness.bring.intake.values import a_list, a_text, an_object, warning
from harness.errors import Problem

_READ = frozenset({"vars", "assert", "description", "metadata", "options"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One test: its variables and its assertions, each with where it stands."""

    __test__ = False  # no test of pytest's

    values: dict[str, Any]
    assertions: tuple[tuple[Any, str, int | None], ...]
    """(entry, file, line)."""
    defaults: bool
    """Whether the defaults' assertions hold too."""


@dataclass(slots=True, kw_only=True)
class Tests:
    """Reads tests; what it cannot read gathers in `problems`."""

    __test__ = False

    read: Callable[[str], str | None]
    problems: list[Problem] = field(default_factory=list[Problem])

    def of(self, value: object, source: Source, path: tuple[str | int, ...]) -> Iterator[Test]:
        """The tests of a configuration's key: a list, or the name of a file."""
        if isinstance(value, str):
            yield from self.of_file(value, source, path)
            return
        for number, entry in enumerate(a_list(value)):
            here = (*path, number)
            if isinstance(entry, str):
                yield from self.of_file(entry, source, here)
            else:
                yield from self.of_entry(an_object(entry), source, here)

    def of_entry(
        self, entry: dict[str, Any], source: Source, path: tuple[str | int, ...]
    ) -> Iterator[Test]:
        """A test written out in place."""
        for key in sorted(set(entry) - _READ):
            self.tell(source.file, source.line((*path, key)), key, "key of a test is not read")
        options = an_object(entry.get("options"))
        for key in sorted(set(options) - {"disableDefaultAsserts"}):
            line = source.line((*path, "options", key))
            self.tell(source.file, line, f"options.{key}", "option is not read")
        listed = tuple(
            (each, source.file, source.line((*path, "assert", number)))
            for number, each in enumerate(a_list(entry.get("assert")))
        )
        for values in self.combinations(an_object(entry.get("vars")), source, path):
            defaults = not options.get("disableDefaultAsserts")
            yield Test(values=values, assertions=listed, defaults=defaults)

    def combinations(
        self, values: dict[str, Any], source: Source, path: tuple[str | int, ...]
    ) -> Iterator[dict[str, Any]]:
        """Every combination of the variables that are lists, as promptfoo runs them."""
        names, choices = list(values), [self.choices(v, source, path) for v in values.values()]
        for chosen in product(*choices):
            yield dict(zip(names, chosen, strict=True))

    def choices(self, value: object, source: Source, path: tuple[str | int, ...]) -> list[Any]:
        """What a variable may be: each item of a list, files read."""
        items = a_list(value)
        several = items if isinstance(value, list) else [value]
        return [self.content(each, source, path) for each in several]

    def content(self, value: object, source: Source, path: tuple[str | int, ...]) -> object:
        """A variable's value; of `file://` the file's text."""
        if not isinstance(value, str) or not value.startswith("file://"):
            return value
        text = self.read(value.removeprefix("file://"))
        if text is None:
            line = source.line((*path, "vars"))
            self.tell(source.file, line, "vars", f"no such file: {value}")
            return value
        return text

    def of_file(self, name: str, source: Source, path: tuple[str | int, ...]) -> Iterator[Test]:
        """Tests of another file, by its ending."""
        where = name.removeprefix("file://")
        text = self.read(where)
        if text is None:
            self.tell(source.file, source.line(path), "tests", f"no such file: {where}")
        elif where.endswith(".csv"):
            yield from self.of_table(text, where)
        elif where.endswith((".yaml", ".yml", ".json")):
            yield from self.of_document(text, where)
        elif where.endswith(".jsonl"):
            yield from self.of_lines(text, where)
        else:
            self.tell(source.file, source.line(path), "tests", f"not read: {where}")

    def of_document(self, text: str, where: str) -> Iterator[Test]:
        """Tests of a YAML or JSON file."""
        try:
            inner = read_yaml(text, file=where)
        except SourceError as error:
            for fault in error.faults:
                self.tell(where, fault.line, fault.key, fault.message)
            return
        yield from self.of(inner.data, inner, ())

    def of_lines(self, text: str, where: str) -> Iterator[Test]:
        """Tests of JSON Lines."""
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                entry = an_object(json.loads(line))
            except ValueError as error:
                self.tell(where, number, "", f"broken JSON: {error}")
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
        cells = {str(name): text or "" for name, text in row.items() if name is not None}
        listed = tuple(
            (short(text), where, line)
            for name, text in cells.items()
            if name.startswith("__expected") and a_text(text)
        )
        values = {name: text for name, text in cells.items() if not name.startswith("__")}
        return Test(values=values, assertions=listed, defaults=True)

    def tell(self, file: str, line: int | None, key: str, message: str) -> None:
        """Note what could not be read."""
        self.problems.append(warning(file, line, key, message))


def _read_column(name: str) -> bool:
    return name.startswith("__expected") or name == "__description"
