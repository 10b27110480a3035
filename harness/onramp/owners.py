"""Who owns a file, by its repository's CODEOWNERS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The first e-mail address and the first team of a rule; None where it names none."""

    email: str | None = None
    team: str | None = None


def owner_of(repository: Path, path: str) -> Owner:
    """The owner of a file of a repository: the last rule that fits it counts."""
    text = next(
        (
            (repository / place).read_text(encoding="utf-8", errors="replace")
            for place in _PLACES
            if (repository / place).is_file()
        ),
        "",
    )
    found = Owner()
    for line in text.splitlines():
        pattern, *names = line.partition("#")[0].split() or [""]
        if pattern and _fits(pattern, path):
            found = _owner(names)
    return found


def _owner(names: list[str]) -> Owner:
    emails = [name for name in names if "@" in name and not name.startswith("@")]
    teams = [name.rpartition("/")[2] for name in names if name.startswith("@") and "/" in name]
    return Owner(email=emails[0] if emails else None, team=teams[0] if teams else None)


def _fits(pattern: str, path: str) -> bool:
    """Whether a rule of the form that `.gitignore` has fits a path."""
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    expression = "".join(_part(part) for part in re.split(r"(\*\*/?|\*|\?)", body))
    start = "" if anchored else "(?:.*/)?"
    return re.fullmatch(f"{start}{expression}(?:/.*)?", path) is not None


def _part(part: str) -> str:
    return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
