"""Text values of settings and of source files, each under the name that it stands at.

Settings are YAML (Helm values too), JSON, `.env`, INI and property files. Source files are read
without a grammar: a small reader knows quotes and comments, and names a value by what stands before
it on its line and by the less indented lines above it. It serves TypeScript, JavaScript, Go, Java,
TOML and what cannot be parsed otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import yaml

Kind: TypeAlias = Literal["production", "test", "docs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A text value of a file and what it is called there. `listed`: one of many, no choice."""

    line: int
    key: str
    text: str
    listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place that names a model.

    `path` is relative to the scanned folder; `key` is what the file calls the value, dotted and
    empty where nothing names it; `written` is the text there, `model_id` the id that it means.
    """

    path: str
    line: int
    key: str
    written: str
    model_id: str
    kind: Kind
    listed: bool = False
    """One of a list of many models: a catalogue or an allow-list, not a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFile:
    """A file that could not be looked into, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Everything that was found, by path and line."""

    files: int
    uses: tuple[Use, ...]
    unread: tuple[UnreadFile, ...]


_STRING = r"""(?P<quote>["'`])(?P<text>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"""
_C_LIKE = re.compile(
    rf"(?P<comment>//[^\n]*|/\*.*?\*/)|{_STRING}",
    re.DOTALL,
)
_HASH = re.compile(rf"(?P<comment>\#[^\n]*)|{_STRING}")
_LOOKS = re.compile(
    r"(?:[=!]==?|\bcase|\.(?:startsWith|endsWith|includes|indexOf|has|equals|HasPrefix)\(|(?<!\|)\|)\s*$"
)
_CALL = re.compile(r"[\w$.]*\(\s*$")
_TERNARY = re.compile(r"([\w$]+)\s*(?::\s*[\w$]+\s*)?(?:=(?![=>])|:)[^=;{?]*\?(?![?.])[^;{]*$")
_FUNCTION = re.compile(r"\b(?:function|class|func|def)\s+([\w$]+)")
_FIRST = re.compile(r"""^\s*(?:-\s+)?["']?([\w$.-]+)["']?\s*[:=]""")
_INLINE = re.compile(r"""["']?([\w$.-]+)["']?\s*[:=]\s*\{(?!\{|[^{]*\})""")
_TYPED = re.compile(r"([\w$]+)\s*\??:\s*[\w$<>\[\]| .]+=\s*$")
_NAMED = re.compile(r"""["']?([\w$.-]+)["']?\s*\??\s*(?::=|=>|:|=|\?\?|\|\||,)\s*\[?\s*$""")
_OUTER = re.compile(
    r"""^\s*(?:(?:export|default|async|public|private|static|func|function|class|const|let|var|def)
    \s+)*["']?([\w$.-]+)["']?\s*(?:\(|:|=|\{)""",
    re.VERBOSE,
)
_TOML_SECTION = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:\#.*)?$")


@dataclass(frozen=True, slots=True)
class _Place:
    """One quoted text with the rest of its line around it."""

    line: int
    before: str
    text: str
    after: str


def source_words(text: str) -> Iterator[Word]:
    """Quoted texts of a language with `//` comments."""
    yield from _words(text, _C_LIKE)


def hash_words(text: str) -> Iterator[Word]:
    """Quoted texts of a language with `#` comments."""
    yield from _words(text, _HASH)


def toml_words(text: str) -> Iterator[Word]:
    """Quoted texts of a TOML file, by section and key."""
    lines = text.split("\n")
    for place in _places(text, _HASH):
        if _TOML_SECTION.match(lines[place.line - 1]) is not None:
            continue
        inline = _INLINE.findall(place.before)
        key = _key_before(place.before) or _key_above(lines, place.line)
        parts = [_section(lines, place.line), *inline, key]
        yield Word(line=place.line, key=".".join(part for part in parts if part), text=place.text)


def _words(text: str, pattern: re.Pattern[str]) -> Iterator[Word]:
    lines = text.split("\n")
    for place in _places(text, pattern):
        if _is_key(place) or _LOOKS.search(place.before) or place.after.startswith("|"):
            continue
        inline = _INLINE.findall(place.before)
        names = [*_around(lines, place.line), *inline, _key_before(place.before)]
        key = ".".join(name for name in names if name)
        yield Word(line=place.line, key=key, text=place.text)


def _places(text: str, pattern: re.Pattern[str]) -> Iterator[_Place]:
    for match in pattern.finditer(text):
        if match["comment"] is not None:
            continue
        start, end = match.span()
        begin = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", end)
        after = text[end : len(text) if stop < 0 else stop].strip()
        line = text.count("\n", 0, start) + 1
        yield _Place(line, text[begin:start], match["text"], after)


def _is_key(place: _Place) -> bool:
    """`"gpt-4o": 2.5` names a row of a table; `x ? "gpt-4o" : y` chooses."""
    return place.after.startswith(":") and not place.before.rstrip().endswith("?")


def _key_before(before: str) -> str:
    """What the line calls a value that stands behind this text."""
    if (ternary := _TERNARY.search(before)) is not None:
        return ternary[1]
    head = before
    while (call := _CALL.search(head)) is not None and call.group() != "":
        name, head = call.group().strip(" ("), head[: call.start()]
        if not head.strip():
            return name.rpartition(".")[2]
    found = _TYPED.search(head) or _NAMED.search(head) or _FIRST.search(head)
    return found[1].rpartition(".")[2] if found else ""


def _key_above(lines: Sequence[str], line: int) -> str:
    """The key of a list that began on a line above."""
    for above in reversed(lines[: line - 1]):
        if (found := re.match(r"""\s*["']?([\w.-]+)["']?\s*=\s*\[""", above)) is not None:
            return found[1]
    return ""


def _section(lines: Sequence[str], line: int) -> str:
    for above in reversed(lines[:line]):
        if (found := _TOML_SECTION.match(above)) is not None:
            return found[1].replace('"', "").replace("'", "")
    return ""


def _around(lines: Sequence[str], line: int) -> list[str]:
    """Names of the less indented lines above, outermost first: functions, classes, objects."""
    names: list[str] = []
    depth = _indent(lines[line - 1])
    for above in reversed(lines[: line - 1]):
        if depth == 0:
            break
        if above.strip() and _indent(above) < depth:
            depth = _indent(above)
            found = _FUNCTION.search(above) or _OUTER.match(above)
            if found is not None and above.rstrip().endswith(("{", "(", "[", ":", "=>", "=")):
                names.append(found[1].rpartition(".")[2])
    return names[::-1]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


MOST_VALUES = 1_000_000
"""More than this in one YAML text is nothing that people keep in a repository."""
MANY = 3
"""More texts than this in one list are a catalogue, not a choice."""
_LOADER = cast("Any", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_PAIR = re.compile(
    r"""^\s*(?:-\s+)?(?:export\s+|ENV\s+|ARG\s+|set\s+)?(?P<key>["']?[\w.-]+["']?)\s*[=:]\s*
    (?P<quote>["']?)(?P<text>[^"'\#;\s,]+)(?P=quote)\s*,?\s*(?:[\#;].*)?$""",
    re.VERBOSE,
)
_SECTION = re.compile(r"^\s*\[([^\]]+)\]\s*$")
_ASSIGNED = re.compile(r"^(?:--)?([\w.-]+)=(\S+)$")


def yaml_words(text: str) -> Iterator[Word]:
    """Text values of every document of a YAML or JSON file, by dotted key.

    Raises:
        yaml.YAMLError: the text is no YAML, as a template with `{{ }}` is not.
    """
    for node in bounded_yaml(text):
        yield from _node_words(node, "", listed=False)


def bounded_yaml(text: str) -> list[yaml.Node]:
    """The documents of a YAML text as nodes.

    Raises:
        yaml.YAMLError: it is none, or its aliases make more of it than anybody wrote.
    """
    nodes = list(yaml.compose_all(text, Loader=_LOADER))
    sizes: dict[int, int] = {}
    if sum(_expanded(node, sizes) for node in nodes) > MOST_VALUES:
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_VALUES:,} values")
    return nodes


def _expanded(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node is with its aliases written out; an alias to itself is too many."""
    if id(node) not in sizes:
        sizes[id(node)] = MOST_VALUES + 1
        size = 1
        if isinstance(node, yaml.CollectionNode):
            for part in cast("list[Any]", node.value):
                pair = cast("tuple[yaml.Node, ...]", part if isinstance(part, tuple) else (part,))
                size += sum(_expanded(one, sizes) for one in pair)
        sizes[id(node)] = size
    return sizes[id(node)]


def pair_words(text: str) -> Iterator[Word]:
    """Text values of lines `key = value` or `key: value`, by section."""
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if (head := _SECTION.match(line)) is not None:
            section = head[1].strip()
        elif (pair := _PAIR.match(line)) is not None:
            key = pair["key"].strip("\"'")
            named = f"{section}.{key}" if section else key
            yield Word(line=number, key=named, text=pair["text"])


def _node_words(node: yaml.Node, key: str, *, listed: bool) -> Iterator[Word]:
    if isinstance(node, yaml.MappingNode):
        for name, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            part = str(cast("object", name.value))
            yield from _node_words(value, f"{key}.{part}" if key else part, listed=listed)
    elif isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        many = sum(isinstance(item, yaml.ScalarNode) for item in items) > MANY
        for at, item in enumerate(items):
            yield from _node_words(item, f"{key}[{_item_name(item, at)}]", listed=listed or many)
    else:
        yield from _scalar_words(cast("yaml.ScalarNode", node), key, listed=listed)


def _scalar_words(node: yaml.ScalarNode, key: str, *, listed: bool) -> Iterator[Word]:
    text = str(cast("object", node.value))
    line = node.start_mark.line + 1
    if "\n" in text.strip():
        # A file inside a file: a ConfigMap, a script.
        for inner in pair_words(text):
            yield Word(line=line + inner.line, key=f"{key}.{inner.key}", text=inner.text)
    elif (assigned := _ASSIGNED.match(text)) is not None:
        parent = key.partition("[")[0]
        yield Word(line=line, key=f"{parent}.{assigned[1]}", text=assigned[2], listed=listed)
    else:
        yield Word(line=line, key=key, text=text, listed=listed)


def _item_name(item: yaml.Node, at: int) -> str:
    """An item's own `name` or `id`, as the variables of a container have; else its number."""
    if isinstance(item, yaml.MappingNode):
        for name, value in cast("list[tuple[yaml.Node, yaml.Node]]", item.value):
            if cast("object", name.value) in {"name", "id"} and isinstance(value, yaml.ScalarNode):
                return str(cast("object", value.value))
    return str(at)
