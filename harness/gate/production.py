"""Reads production's setting: a place as `used_in` names it, its text, and the lines of a diff.

The diff is that of `git diff --unified=0`: added lines tell which model ids a change adds.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast

import yaml

from harness.errors import UsageError
from harness.workspace.scan.texts import Use
from harness.workspace.scan.tree import scan_text, words_of

_REGEX = re.compile(r"^(?P<path>[^#]+?):/(?P<pattern>.+)/$")
_LINE = re.compile(r"^L(\d+)$")
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


class PlaceError(UsageError):
    """A place that does not say which model production asks."""


class NothingThereError(PlaceError):
    """A place that can be read but holds no model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLocation:
    """`repository:path#key`, or `repository:path:/regex/`; one of `key` and `pattern` is set."""

    repository: str
    path: str
    key: str | None = None
    pattern: str | None = None

    @property
    def shown(self) -> str:
        """The place as a message names it."""
        return f"{self.path}#{self.key}" if self.key else f"{self.path}#/{self.pattern}/"


def place_in(used_in: str) -> CodeLocation:
    """Read a place.

    Raises:
        PlaceError: it is of neither form, or leads out of the repository.
    """
    repository, _, rest = used_in.partition(":")
    regex = _REGEX.match(rest)
    if regex is not None:
        path, key, pattern = regex["path"], None, regex["pattern"]
    else:
        path, _, key = rest.partition("#")
        pattern = None
    named = PurePosixPath(path)
    if not repository or not path or not (key or pattern):
        raise PlaceError(f"{used_in}: not of the form repository:path#key")
    if named.is_absolute() or ".." in named.parts:
        raise PlaceError(f"{used_in}: leads out of the repository")
    return CodeLocation(repository=repository, path=path, key=key, pattern=pattern)


def model_at(place: CodeLocation, text: str) -> str:
    """The text that stands at a place of a file.

    Raises:
        PlaceError: nothing is there, it is no text, or it is more than one.
    """
    found = list(dict.fromkeys(_found(place, text)))
    if not found:
        raise NothingThereError("nothing is there; correct `used_in`, or the file")
    if len(found) > 1:
        raise PlaceError(f"says more than one thing: {', '.join(found[:4])}")
    return found[0]


def _found(place: CodeLocation, text: str) -> Iterator[str]:
    if place.pattern is not None:
        yield from _by_pattern(place.pattern, text)
        return
    key = place.key or ""
    line = _LINE.match(key)
    if line is not None:
        yield from (word.text for word in words_of(place.path, text) if word.line == int(line[1]))
        return
    tree = _tree(place, text)
    value = None if tree is None else _at(tree, key)
    if isinstance(value, str):
        yield value
    elif value is not None:
        raise PlaceError(f"is no text but {json.dumps(value, default=str)[:60]}")
    else:
        yield from (one.text for one in words_of(place.path, text) if one.key == key)


def _by_pattern(pattern: str, text: str) -> Iterator[str]:
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise PlaceError(f"is no regular expression: {error}") from None
    for match in compiled.finditer(text):
        yield match[1] if compiled.groups else match[0]


def _tree(place: CodeLocation, text: str) -> object:
    """The file parsed as JSON, YAML or TOML; None for other formats."""
    suffix = PurePosixPath(place.path).suffix.lower()
    try:
        match suffix:
            case ".toml":
                return tomllib.loads(text)
            case ".json":
                return cast("object", json.loads(text))
            case ".yaml" | ".yml":
                documents = cast("list[object]", list(yaml.safe_load_all(text)))
                return documents[0] if len(documents) == 1 else None
            case _:
                return None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlaceError(f"cannot be read as {suffix[1:].upper()}: {first}") from None


def _at(value: object, key: str) -> object:
    """The value under a dotted key; `[name]` picks an item by `name`, `id` or number."""
    for match in _STEP.finditer(key):
        step = match[1] if match[1] is not None else match[2]
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(step)
        elif isinstance(value, list):
            value = _item(cast("list[object]", value), step)
        else:
            return None
    return value


def _item(items: list[object], step: str) -> object:
    for item in items:
        if isinstance(item, dict):
            facts = cast("dict[str, object]", item)
            if step in {facts.get("name"), facts.get("id")}:
                return facts
    return items[int(step)] if step.isdigit() and int(step) < len(items) else None


_FILE = re.compile(r"^\+\+\+ (?:b/)?(.+?)\t?$")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_NOWHERE = "/dev/null"


def added_lines(diff: str) -> dict[str, frozenset[int]]:
    r"""Numbers of the added lines by path; deleted files have none.

    >>> added_lines("+++ b/a.py\n@@ -1,0 +2,2 @@\n+x\n+y\n")
    {'a.py': frozenset({2, 3})}
    """
    found: dict[str, set[int]] = {}
    path: str | None = None
    left = 0
    for line in diff.split("\n"):
        if left and line.startswith("+"):
            left -= 1
            continue
        if (head := _FILE.match(line)) is not None:
            path = None if head[1] == _NOWHERE else head[1]
        elif path is not None and (hunk := _HUNK.match(line)) is not None:
            start, left = int(hunk[1]), int(hunk[2] or 1)
            found.setdefault(path, set()).update(range(start, start + left))
    return {name: frozenset(lines) for name, lines in found.items() if lines}


def added_uses(
    diff: str, read: Callable[[str], str | None], ids: Collection[str]
) -> tuple[Use, ...]:
    """Known model ids on lines that a change adds.

    Args:
        diff: of `git diff --unified=0`.
        read: a file's text after the change, None where it is no text.
        ids: the model ids to look for.
    """
    found: list[Use] = []
    for path, lines in added_lines(diff).items():
        text = read(path)
        if text is not None:
            found += [use for use in scan_text(path, text, ids) if use.line in lines]
    return tuple(found)
