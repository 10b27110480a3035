"""What a feature found in source is called, and which repository it lives in."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SAYS_NOTHING = frozenset(
    {
        *("ai", "anthropic", "app", "args", "chart", "charts", "client", "config", "core"),
        *("create", "data", "default", "defaults", "deployment", "engine", "env", "environment"),
        *("generate", "gemini", "gpt", "get", "id", "index", "ini", "init", "json", "lib", "list"),
        *("litellm", "llm", "main", "model", "models", "name", "openai", "options", "params"),
        *("prod", "production", "pkg", "run", "self", "services", "settings", "src", "the", "use"),
        *("value", "values", "variables", "var", "vars", "yaml"),
    }
)
_MOST_WORDS = 4
_PROJECT_MARKS = (
    "pyproject.toml",
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "setup.py",
    "requirements.txt",
    "Dockerfile",
)


def feature_id(key: str, path: str, repository: str) -> str:
    """A feature's id from what names the model: its key, else its file, else its folder.

    >>> feature_id("llm.invoice.model", "settings.toml", "ap-service")
    'invoice'
    >>> feature_id("model", "src/reviews.tsx", "web-shop")
    'reviews'
    """
    place = PurePosixPath(path)
    folders = reversed(place.parts[:-1])
    for text in (key, place.name.split(".")[0], *folders):
        words = _words(text)
        if words:
            return "-".join(words[-_MOST_WORDS:])
    return _slug(repository) or "feature"


def free_name(wanted: str, path: str, repository: str, taken: Collection[str]) -> str:
    """The wanted id; where it is taken, with its file or repository before or a number behind.

    >>> free_name("summary", "app/invoices.py", "ap-service", {"summary"})
    'invoices-summary'
    """
    before = ["-".join(_words(PurePosixPath(path).name.split(".")[0])), _slug(repository)]
    options = [wanted, *(f"{name}-{wanted}" for name in before if name and name != wanted)]
    options += [f"{wanted}-{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in options if name not in taken)


def repository_of(root: Path, path: str) -> tuple[str, str]:
    """(repository, path inside it) of a scanned file.

    The repository is the nearest folder with a `.git`; without any, the scanned folder where it
    is a project by itself, else the folder directly in it.
    """
    parts = PurePosixPath(path).parts[:-1]
    folders = [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    with_git = [folder for folder in folders if (folder / ".git").exists()]
    without_git = root if _is_project(root) or not parts else folders[1]
    found = with_git[-1] if with_git else without_git
    return found.resolve().name, (root / path).relative_to(found).as_posix()


def place_of(root: Path, path: str, key: str, line: int) -> str:
    """Where production reads a model, as `used_in` says it: `repository:path#key`."""
    repository, inner = repository_of(root, path)
    anchor = re.sub(r"\s+", "_", key) or f"L{line}"
    return re.sub(r"\s", "_", f"{repository}:{inner}") + f"#{anchor}"


def _is_project(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in _PROJECT_MARKS)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _words(text: str) -> list[str]:
    """The words of a text that say something, each once."""
    words = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in _SAYS_NOTHING and not word.isdigit()]
