"""Text to values, strictly: every fault of a file with its line and key, and nothing guessed.

YAML is read as YAML 1.2 reads plain words: only `true` and `false` are booleans (a slice called
`yes` stays a text), keys are texts, a key stated twice is a fault, tags and aliases are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a file: where, and what to do. `key` is dotted; empty for the file."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        """`evalset.yaml:3: tune: ...`."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class SourceError(ValueError):
    """Every fault found in what was read, one line each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A YAML file's value, and on which line each key stands."""

    file: str
    data: object
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int | None:
        """Line of a key path, else of the nearest key around it that is there."""
        for end in range(len(path), 0, -1):
            if (line := self.lines.get(path[:end])) is not None:
                return line
        return None

    def fault(self, path: KeyPath, message: str) -> Fault:
        """A fault at a key path."""
        return Fault(file=self.file, line=self.line(path), key=dotted(path), message=message)


def dotted(path: KeyPath) -> str:
    """A key path as people write it.

    >>> dotted(("price", 0, "from"))
    'price[0].from'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_POINTER = re.compile(
    r"(?:\ufeff)?\s*(?:version https?://(?:git-lfs|hawser)\.github\.com/spec/|/annex/objects/\S)"
)
LARGEST_POINTER = 1024
"""Bytes; a pointer of Git LFS is smaller by its specification."""


def is_pointer(text: str) -> bool:
    """Whether a text only says where the file is: a pointer of Git LFS or of git-annex.

    >>> is_pointer("version https://git-lfs.github.com/spec/v1"), is_pointer("version: 1")
    (True, False)
    """
    return _POINTER.match(text) is not None


NOT_FETCHED = (
    "only a pointer of Git LFS or git-annex, not the file itself; fetch it (`git lfs pull`)"
)


def is_pointer_file(path: Path) -> bool:
    """Whether a file on disk is a pointer."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_POINTER:
            return False
        return is_pointer(path.read_bytes().decode("utf-8", errors="replace"))
    except OSError:
        return False


def read_text(path: Path, *, shown: str) -> str:
    """A file's text, UTF-8; `shown` is its name in messages.

    Raises:
        SourceError: the file is missing, a folder, unreadable, a pointer, or not UTF-8.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe or a device would be waited for, or read without end.
            raise SourceError([Fault(file=shown, line=None, key="", message="no plain file")])
        text = path.read_text(encoding="utf-8-sig")
        if not is_pointer(text):
            return text
        message = NOT_FETCHED
    except FileNotFoundError:
        message = "the file is missing"
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SourceError(
            [Fault(file=shown, line=line, key="", message="not UTF-8; save it as UTF-8")]
        ) from None
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
    raise SourceError([Fault(file=shown, line=None, key="", message=message)])


def read_yaml(text: str, *, file: str, foreign: bool = False) -> Source:
    """Read one YAML document.

    `foreign`: another tool's file. Aliases and merged keys are read there, a date is the text that
    it is, and so is a number that JSON cannot hold.

    Raises:
        SourceError: the text is no YAML, or states a key twice, or uses tags or (ours) aliases.
    """
    if _deepest(text) > DEEPEST:
        message = f"nested too deeply: more than {DEEPEST} levels"
        raise SourceError([Fault(file=file, line=None, key="", message=message)])
    try:
        loader = _PlainLoader(text)
    except yaml.YAMLError as error:
        raise SourceError([_syntax_fault(error, text, file)]) from None
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise SourceError([_syntax_fault(error, text, file)]) from None
    except RecursionError:
        raise SourceError(
            [Fault(file=file, line=None, key="", message="nested too deeply")]
        ) from None
    finally:
        cast("Any", loader).dispose()
    walk = _Walk(file=file, foreign=foreign)
    try:
        data = None if node is None else walk.value(node, ())
    except RecursionError:
        raise SourceError(
            [Fault(file=file, line=None, key="", message="nested too deeply")]
        ) from None
    if walk.faults:
        raise SourceError(walk.faults)
    return Source(file=file, data=data, lines=walk.lines)


DEEPEST = 100
"""Largest nesting of a YAML file: reading recurses once a level, and Python's stack is finite."""
_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}
_LEADING = re.compile(r"^(?: *-(?= ))* *", re.MULTILINE)


def _deepest(text: str) -> int:
    """About how deep a text is nested at most: open brackets, and steps of indentation."""
    if text.count("[") + text.count("{") > DEEPEST:
        levels = accumulate(_BRACKETS[each] for each in text if each in _BRACKETS)
        if (most := max(levels, default=0)) > DEEPEST:
            return most
    dashes = max((match[0].count("-") for match in _LEADING.finditer(text)), default=0)
    indents = {len(match[0]) for match in _LEADING.finditer(text)}
    return max(dashes, len(indents) if len(indents) > DEEPEST else 0)


class _PlainLoader(cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
    """The safe loader with the plain words of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name and type


def _resolve(name: str, pattern: str, first: str) -> None:
    cast("Any", _PlainLoader).add_implicit_resolver(
        _tag(name), re.compile(f"^(?:{pattern})$"), [*first, ""] if name == "null" else [*first]
    )


def _tag(name: str) -> str:
    return f"tag:yaml.org,2002:{name}"


_resolve("null", "~|null|Null|NULL|", "~nN")
_resolve("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
_resolve("int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789")
_resolve(
    "float",
    r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
    "-+.0123456789",
)
_resolve("timestamp", "[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789")

_SCALARS: Mapping[str, Callable[[str], object]] = {
    _tag("null"): lambda _: None,
    _tag("bool"): lambda text: text.lower() == "true",
    _tag("int"): int,
    _tag("float"): float,
    _tag("timestamp"): date.fromisoformat,
    _tag("str"): str,
}
_MOST_AGAIN = 50_000
"""Aliases of aliases could make any number of values of a short text."""
_COLLECTIONS = frozenset({_tag("seq"), _tag("map")})


@dataclass(slots=True)
class _Walk:
    """Turns nodes into values, and remembers the lines and the faults on its way."""

    file: str
    foreign: bool = False
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    faults: list[Fault] = field(default_factory=list[Fault])
    seen: set[int] = field(default_factory=set[int])
    read: set[int] = field(default_factory=set[int])
    again: int = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        if id(node) in self.seen:
            return self.fault(node, path, "aliases (`*name`) are not read; write the value out")
        self.again += id(node) in self.read
        if self.again > _MOST_AGAIN:
            return None if self.faults else self.fault(node, path, "aliases mean too many values")
        self.seen.add(id(node))
        self.read.add(id(node))
        found = self.plain(node, path)
        if self.foreign:
            # An alias may come again, only not inside itself.
            self.seen.discard(id(node))
        return found

    def plain(self, node: yaml.Node, path: KeyPath) -> object:
        if node.tag not in _SCALARS and node.tag not in _COLLECTIONS:
            return self.fault(node, path, f"the tag {_short(node.tag)} is not read; remove it")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.item(item, (*path, at)) for at, item in enumerate(_items(node))]
        return _scalar(cast("yaml.ScalarNode", node), foreign=self.foreign)

    def item(self, node: yaml.Node, path: KeyPath) -> object:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in _pairs(node):
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, path, "a key must be a plain text")
                continue
            key = str(cast("object", key_node.value))
            here = (*path, key)
            if key == "<<" and self.foreign:
                found = self.merged(value_node, here) | found
                continue
            if key in found and here in self.lines:
                first = self.lines[here]
                self.fault(key_node, here, f"stated twice (first on line {first})")
                continue
            self.lines[here] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, here)
        return found

    def merged(self, node: yaml.Node, path: KeyPath) -> dict[str, object]:
        """What `<<` brings: a mapping, or several of which the first counts."""
        given = self.value(node, path)
        several = cast("list[object]", given if isinstance(given, list) else [given])
        found: dict[str, object] = {}
        for each in reversed(several):
            if not isinstance(each, dict):
                self.fault(node, path, "only keys with values can be merged")
                continue
            found |= cast("dict[str, object]", each)
        return found

    def fault(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(Fault(file=self.file, line=line, key=dotted(path), message=message))


def _pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    return cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def _items(node: yaml.SequenceNode) -> list[yaml.Node]:
    return cast("list[yaml.Node]", node.value)


def _scalar(node: yaml.ScalarNode, *, foreign: bool) -> object:
    text = str(cast("object", node.value))
    if foreign and node.tag == _tag("timestamp"):
        return text
    try:
        found = _SCALARS[node.tag](text)
    except (KeyError, ValueError):
        # A 13th month, or a number of 5,000 digits: the type check says what was expected.
        return text
    infinite = foreign and isinstance(found, float) and not math.isfinite(found)
    return text if infinite else found


def _short(tag: str) -> str:
    return tag.replace(_tag(""), "!!")


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    mark = cast("yaml.Mark | None", getattr(error, "problem_mark", None))
    position = cast("int | None", getattr(error, "position", None))
    if mark is not None:
        line: int | None = mark.line + 1
    elif position is not None:
        line = text.encode()[:position].count(b"\n") + 1
    else:
        line = None
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return Fault(file=file, line=line, key="", message=f"broken YAML: {problem}")
