"""Text values of settings: YAML (Helm values too), JSON, `.env`, INI and property files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import yaml

from harness.scan.uses import Word

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    for node in list(yaml.compose_all(text, Loader=_LOADER)):
        yield from _node_words(node, "", listed=False)


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
