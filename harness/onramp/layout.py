"""`rightsize init`: the layout of a workspace, with comments. What is there already stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.config.schemas import write_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

EXAMPLE = "example"
_DOTTED = {"gitignore": ".gitignore"}
"""Files whose own name would take effect where they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Files by their path in the workspace: those written now, those that were there."""

    created: tuple[str, ...]
    kept: tuple[str, ...]


def write_layout(root: Path, *, templates: Path, example: bool) -> Written:
    """Write what a workspace lacks; no file that is there is touched but the JSON Schemas.

    Args:
        root: the workspace.
        templates: the folder with the files to write, as the package ships it.
        example: whether to write the example feature and its models too.
    """
    created = [f"schemas/{path.name}" for path in write_schemas(root / "schemas")]
    kept: list[str] = []
    for source, name in _templates(templates, example=example):
        (created if write_new(root / name, source.read_text(encoding="utf-8")) else kept).append(
            name
        )
    return Written(created=tuple(sorted(created)), kept=tuple(sorted(kept)))


def write_new(path: Path, text: str) -> bool:
    """Write a file that is not there; False, and nothing done, when it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _templates(folder: Path, *, example: bool) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and (example or not _is_example(parts)):
            yield path, "/".join([*parts[:-1], _DOTTED.get(parts[-1], parts[-1])])


def _is_example(parts: Iterable[str]) -> bool:
    """The example feature's own files, and the models that it names."""
    names = list(parts)
    return EXAMPLE in names or names[-1].startswith(f"{EXAMPLE}.") or names[0] == "models"
