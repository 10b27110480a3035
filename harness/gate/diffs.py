"""Which lines a change adds: the text of `git diff --unified=0` to numbers by file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.scan.tree import scan_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from harness.scan.uses import Use

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
