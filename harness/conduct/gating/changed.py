"""What a changed file says, and which files the gate could not look into: each is told."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from evalsets.source import NOT_FETCHED, is_pointer
from harness.gate.production import PlaceError
from harness.workspace.scan.tree import as_text, may_name_a_model

LARGEST_BYTES = 50_000_000
"""A larger file is only searched for ids, not read word by word."""
_PIECE_BYTES = 16_000_000
_LONGEST_ID_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedText:
    """A changed file's text; None where it has none to look into, and why."""

    text: str | None = None
    reason: str | None = None
    """Why it was not looked into; None: it was, or there is nothing in it."""
    is_only_told: bool = False
    """Whether a warning is enough: such a file is common, and its content is not in the change."""


def changed_text(
    root: Path, path: str, ids: Collection[str], was_pointer: Callable[[str], bool] = bool
) -> ChangedText:
    """Look into a changed file of a repository, through a link that stays inside it.

    `was_pointer`: whether its path held a pointer, or nothing, before the change.
    """
    file = root / path
    try:
        kind = _kind(root, file)
        if kind is not None:
            return kind
        size = file.stat().st_size
        text = None if size > LARGEST_BYTES else as_text(file.read_bytes())
        if text is None:
            return _searched(file, size, ids)
        told = f"it is {NOT_FETCHED}" if is_pointer(text) else None
        return ChangedText(
            text=None if told else text, reason=told, is_only_told=bool(told) and was_pointer(path)
        )
    except FileNotFoundError:
        return ChangedText(reason="a link to what is not there", is_only_told=True)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "a link to itself"
        return ChangedText(reason=f"it cannot be read ({why})")


def _kind(root: Path, file: Path) -> ChangedText | None:
    """Why a path is not looked into; None for a plain file of the repository."""
    if not file.resolve().is_relative_to(root.resolve()):
        return ChangedText(reason="a link that leads out of the repository", is_only_told=True)
    mode = file.stat().st_mode
    if stat.S_ISREG(mode):
        return None
    if file.is_symlink():
        return ChangedText(reason="a link to what is no plain file", is_only_told=True)
    if stat.S_ISDIR(mode):
        reason = "another repository (a submodule): its own gate judges it"
        return ChangedText(reason=reason, is_only_told=True)
    return ChangedText(reason="no plain file")


def _searched(file: Path, size: int, ids: Collection[str]) -> ChangedText:
    """A huge file, piece by piece; nothing is said of one that holds no model's id."""
    tail = b""
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            if may_name_a_model((tail + piece).decode("latin-1").replace("\0", ""), ids):
                return ChangedText(reason=f"it names a model and has {size:,} bytes, too many")
            tail = piece[-_LONGEST_ID_BYTES:]
    return ChangedText()


def text_of(root: Path, path: str) -> str:
    """A file of production's settings.

    Raises:
        PlaceError: it cannot be read, is no plain file, or leads out of the repository.
    """
    file = root / path
    try:
        if not file.resolve().is_relative_to(root.resolve()):
            raise PlaceError("is a link that leads out of the repository")
        if file.exists() and not file.is_file():
            raise PlaceError("is no plain file")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PlaceError("cannot be read: it is no UTF-8 text") from None
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "a link to itself"
        raise PlaceError(f"cannot be read: {why}") from None
    if is_pointer(text):
        raise PlaceError(f"is {NOT_FETCHED}")
    return text
