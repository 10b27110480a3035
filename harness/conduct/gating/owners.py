"""Who owns a path by a CODEOWNERS file, as far as it names people by their e-mail.

A handle or a team is the forge's to map to a person; its own review rule enforces those.
"""

from __future__ import annotations

import re

OWNERS_FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where a forge looks for it, the first of them first."""


def owners_of(text: str, path: str) -> tuple[str, ...]:
    r"""E-mails of the owners of a path: of the last line that fits; none where one has no e-mail.

    >>> owners_of("* @team\\n/reviews/ a@example.com b@example.com # both", "reviews/a.json")
    ('a@example.com', 'b@example.com')
    >>> owners_of("* a@example.com @team", "reviews/a.json")
    ()
    """
    found: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and not words[0].startswith("[") and _fits(words[0], path):
            found = tuple(words[1:])
    by_mail = all("@" in name[1:] for name in found)
    return found if by_mail else ()


def _fits(pattern: str, path: str) -> bool:
    """Whether a pattern of gitignore's kind covers a path."""
    anchored = "/" in pattern.rstrip("/")
    parts = [_part(part) for part in re.split(r"(\*\*/?|\*|\?)", pattern.strip("/"))]
    start = "" if anchored else "(?:.*/)?"
    return re.fullmatch(f"{start}{''.join(parts)}(?:/.*)?", path) is not None


def _part(part: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(part, re.escape(part))
