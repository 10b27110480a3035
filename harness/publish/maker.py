"""What makes the pages: code and templates."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def maker_stamp() -> str:
    """A short hash of all that words and renders pages: another stamp, other pages."""
    digest = hashlib.sha256()
    for package in ("harness.publish", "reports"):
        folder = files(package)
        for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if item.is_file():
                digest.update(item.read_bytes())
    for item in sorted((files("reports") / "templates").iterdir(), key=lambda entry: entry.name):
        digest.update(item.read_bytes())
    return digest.hexdigest()[:12]
