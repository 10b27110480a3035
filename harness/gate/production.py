"""Reads production's setting: a place as `used_in` names it, its text, and what a change adds."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast

import yaml

from harness.errors import UsageError
from harness.record.model import as_it_stands
from harness.workspace.patterns import TooLongError, pattern_limit
from harness.workspace.scan.texts import Use, bounded_yaml
from harness.workspace.scan.tree import words_of
from harness.workspace.scan.whole import scan_whole

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
    except (re.error, RecursionError, OverflowError) as error:
        raise PlaceError(f"is no regular expression: {error}") from None
    try:
        with pattern_limit("the pattern"):
            found = [match[1] if compiled.groups else match[0] for match in compiled.finditer(text)]
    except TooLongError as error:
        raise PlaceError(str(error)) from None
    yield from (one for one in found if one is not None)


def _tree(place: CodeLocation, text: str) -> object:
    """The file parsed as JSON, YAML or TOML; None for other formats."""
    suffix = PurePosixPath(place.path).suffix.lower()
    try:
        match suffix:
            case ".toml":
                return tomllib.loads(text)
            case ".json":
                return as_it_stands(text)
            case ".yaml" | ".yml":
                bounded_yaml(text)
                _refuse_twice(text)
                documents = cast("list[object]", list(yaml.safe_load_all(text)))
                return documents[0] if len(documents) == 1 else None
            case _:
                return None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlaceError(f"cannot be read as {suffix[1:].upper()}: {first}") from None


def _refuse_twice(text: str) -> None:
    """Refuse a key that stands twice: readers differ in which of the two they take."""
    composed = cast("Iterator[yaml.Node | None]", yaml.compose_all(text, Loader=yaml.SafeLoader))
    waiting = [node for node in composed if node is not None]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += cast("list[yaml.Node]", node.value)
        if isinstance(node, yaml.MappingNode):
            pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
            names = Counter(str(key.value) for key, _ in pairs if isinstance(key, yaml.ScalarNode))
            if (twice := next((name for name in names if names[name] > 1), None)) is not None:
                raise ValueError(f"{twice} stands twice")
            waiting += [part for pair in pairs for part in pair]


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


def added_uses(path: str, before: str | None, after: str, ids: Collection[str]) -> tuple[Use, ...]:
    r"""Model ids that a file names now and did not name before, or names more often.

    >>> [use.model_id for use in added_uses("a.py", 'M = "x-1"\n', 'M = "x-2"\n', {"x-1", "x-2"})]
    ['x-2']
    """
    left = Counter(_named(use) for use in scan_whole(path, before or "", ids))
    found: list[Use] = []
    for use in scan_whole(path, after, ids):
        if left[_named(use)] > 0:
            left[_named(use)] -= 1
        else:
            found.append(use)
    return tuple(found)


def _named(use: Use) -> tuple[str, str]:
    return (use.key, use.written)
