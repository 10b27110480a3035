"""What a scan finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["production", "test", "docs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A text value of a file and what it is called there. `listed`: one of many, no choice."""

    line: int
    key: str
    text: str
    listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place that names a model.

    `path` is relative to the scanned folder; `key` is what the file calls the value, dotted and
    empty where nothing names it; `written` is the text there, `model_id` the id that it means.
    """

    path: str
    line: int
    key: str
    written: str
    model_id: str
    kind: Kind
    listed: bool = False
    """One of a list of many models: a catalogue or an allow-list, not a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file that could not be looked into, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Everything that was found, by path and line."""

    files: int
    uses: tuple[Use, ...]
    unread: tuple[Unread, ...]
