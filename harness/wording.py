"""A number beside its noun, as every terminal line and every page says it."""

from __future__ import annotations


def plural(number: int, noun: str, several: str | None = None) -> str:
    """A count and its noun; `several` where an s does not make the plural.

    >>> plural(1, "case"), plural(1200, "case"), plural(0, "entry", "entries")
    ('1 case', '1,200 cases', '0 entries')
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"
