"""Keys and passwords that stand in a file where only the name of a variable belongs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalsets.source import Fault, KeyPath, Source

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|secret(?:[_-]?key)?|passw(?:or)?d|authorization|credentials?"
    r"|(?:access|auth|bearer|api)[_-]?token)$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{20,}\."
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|[Bb]earer [A-Za-z0-9._-]{16,}"
)
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_ADVICE = "looks like a secret; put it in an environment variable and its name in `key:`"


def secrets_in(source: Source) -> Iterator[Fault]:
    """A fault for each value that looks like a secret; the value itself is never shown."""
    for path, value in _texts(source.data, ()):
        name = path[-1] if path else ""
        named = isinstance(name, str) and _SECRET_NAME.search(name) is not None
        if _SECRET_VALUE.search(value) or (named and value):
            yield source.fault(path, _ADVICE)


def is_environment_name(text: str) -> bool:
    """Whether a text can be the name of an environment variable rather than a key itself.

    >>> is_environment_name("ANTHROPIC_API_KEY_EVAL"), is_environment_name("sk-abc")
    (True, False)
    """
    return _ENVIRONMENT_NAME.fullmatch(text) is not None and len(text) <= 80  # noqa: PLR2004


def _texts(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(cast("list[object]", value)):
            yield from _texts(inner, (*path, at))
