"""Whom a CODEOWNERS file names for a path, by the rules of the forges that enforce it.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
https://docs.gitlab.com/user/project/codeowners/reference/
"""

from __future__ import annotations

import re

OWNERS_FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where a forge looks for it, the first of them first."""
_SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?P<names>.*)")
"""GitLab's section heading; its owners apply to lines of the section that name no owner."""


def owners_of(text: str, path: str) -> tuple[str, ...]:
    r"""The names on the last line that fits a path; a line may name nobody.

    >>> owners_of("* @team\n/reviews/ a@example.com b@example.com # both", "reviews/a.json")
    ('a@example.com', 'b@example.com')
    """
    found: tuple[str, ...] = ()
    in_section: tuple[str, ...] = ()
    for each in text.splitlines():
        line = each.partition("#")[0].strip()
        heading = _SECTION.fullmatch(line)
        if heading:
            in_section = tuple(heading["names"].split())
        elif line:
            pattern, *names = line.split()
            if _fits(pattern, path):
                found = tuple(names) or in_section
    return found


def _fits(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path: as in `.gitignore`, but `folder/*` ends at its children."""
    anchored = "/" in pattern.rstrip("/")
    parts = [_part(part) for part in re.split(r"(\*\*/?|\*|\?)", pattern.strip("/"))]
    start = "" if anchored else "(?:.*/)?"
    below = "/.*" if pattern.endswith("/") else "(?:/.*)?"
    rest = "" if pattern.endswith("/*") else below
    return re.fullmatch(f"{start}{''.join(parts)}{rest}", path) is not None


def _part(part: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(part, re.escape(part))
