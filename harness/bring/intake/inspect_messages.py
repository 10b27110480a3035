"""The messages of an inspect_ai log in the form of a case: texts, images, tool calls and results.

Long contents stand once in a sample, under `attachments`; a message then says `attachment://HASH`.
Reasoning is no part of a conversation that is asked again. What a case cannot hold (audio, video,
other documents than PDFs, a file that is no part of the log) is counted by its kind, to be told.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from evalsets.cases import Turn
from evalsets.documents import decoded, refused_unread
from evalsets.jsonl import canonical
from evalsets.samples import tool_call
from harness.bring.intake.values import Object, a_list, a_text, an_object
from providers.request import Role

_ATTACHED = re.compile(r"attachment://([0-9a-f]+)")
_INLINE = re.compile(r"data:(?:image/[a-z0-9.+-]+|application/pdf);base64,[A-Za-z0-9+/=]+")
_FILES = frozenset({"image", "document"})
_UNSAID = frozenset({"reasoning", "tool_use"})
"""Parts that a vendor made for itself: neither text nor a call of a team's tool."""


@dataclass(slots=True)
class MessageReader:
    """Reads the messages of one log; `lost` counts by kind the samples that lack something."""

    lost: Counter[str] = field(default_factory=Counter[str])
    _missing: set[str] = field(default_factory=set[str])

    def input(self, data: Object) -> str | tuple[Turn, ...] | None:
        """What a sample asks; None where it is no text and no messages."""
        value = self._resolved(data.get("input"), an_object(data.get("attachments")))
        self._missing.clear()
        found = self._input(value)
        self.lost.update(self._missing)
        return found

    def _input(self, value: object) -> str | tuple[Turn, ...] | None:
        if isinstance(value, str):
            return value if value.strip() else None
        turns = [an_object(turn) for turn in a_list(value)]
        if not turns or any(turn.get("role") not in get_args(Role) for turn in turns):
            return None
        return tuple(map(self._turn, turns))

    def _turn(self, message: Object) -> Turn:
        content = message.get("content")
        files = tuple(self._files(content))
        images = tuple(file for kind, file in files if kind == "image")
        documents = tuple(file for kind, file in files if kind == "document")
        called = [tool_call(each) for each in a_list(message.get("tool_calls"))]
        if None in called:
            self._missing.add("a tool call without id, name or arguments")
        calls = [call for call in called if call is not None]
        answered = message.get("tool_call_id")
        return Turn(
            role=message["role"],
            content=text_of(content) or _failure(message),
            images=images,
            image_sha256=tuple(hashlib.sha256(each.encode()).hexdigest() for each in images),
            documents=documents,
            document_sha256=tuple(map(_sha256, documents)),
            tool_calls=canonical(calls) if calls else None,
            tool_call_id=str(answered) if answered is not None else None,
        )

    def _files(self, content: object) -> Iterator[tuple[str, str]]:
        """The images and PDFs of a message that are in the log; what it cannot keep is noted."""
        for part in map(an_object, a_list(content)):
            kind = str(part.get("type"))
            file = a_text(part.get(kind)) if kind in _FILES else None
            if file is not None and _is_inline(kind, file):
                yield kind, file
            elif kind in _FILES:
                article = "an image" if kind == "image" else "a document"
                self._missing.add(f"{article} that is not in the log")
            elif kind != "text" and kind not in _UNSAID:
                self._missing.add(f"{kind} content")

    def _resolved(self, value: Any, attached: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The value with the attachments in their places."""
        if isinstance(value, str):
            return _ATTACHED.sub(lambda at: a_text(attached.get(at[1])) or at[0], value)
        if isinstance(value, list):
            return [self._resolved(each, attached) for each in a_list(cast("object", value))]
        if isinstance(value, dict):
            pairs = an_object(cast("object", value)).items()
            return {key: self._resolved(each, attached) for key, each in pairs}
        return value


def _is_inline(kind: str, file: str) -> bool:
    """Whether the file itself is in the log, of a kind that a case can hold."""
    is_pdf = file.startswith("data:application/pdf")
    if _INLINE.fullmatch(file) is None or is_pdf != (kind == "document"):
        return False
    return not is_pdf or refused_unread(decoded(file)) is None


def _sha256(address: str) -> str:
    """Of a document's own bytes, as a case file's reader takes it."""
    return hashlib.sha256(decoded(address)).hexdigest()


def _failure(message: Object) -> str:
    """What a tool said when it failed; inspect_ai keeps it beside an empty result."""
    return a_text(an_object(message.get("error")).get("message")) or ""


def text_of(value: object) -> str | None:
    """A message's text; of several parts, the texts."""
    if isinstance(value, str):
        return value or None
    parts = [a_text(an_object(part).get("text")) for part in a_list(value)]
    return "".join(part for part in parts if part) or None


def calls_of(message: Object) -> str | None:
    """The tool calls of an answer, as the journal keeps them; None where it makes none."""
    found = [tool_call(each) for each in a_list(message.get("tool_calls"))]
    calls = [call for call in found if call is not None]
    return json.dumps(calls) if calls else None


@dataclass(slots=True)
class ToolsSeen:
    """The tools that a log's samples were asked with."""

    by_name: dict[str, Object] = field(default_factory=dict[str, Object])
    differing: set[str] = field(default_factory=set[str])
    """Names that two samples declare differently: the first one counts."""

    def take(self, data: Object) -> None:
        """Read the tools of a sample's model calls."""
        for event in map(an_object, a_list(data.get("events"))):
            if event.get("event") == "model":
                for tool in map(an_object, a_list(event.get("tools"))):
                    self._add(tool)

    def _add(self, tool: Object) -> None:
        name = a_text(tool.get("name"))
        if name is None:
            return
        kept = {key: tool[key] for key in ("name", "description", "parameters") if tool.get(key)}
        kept["parameters"] = _without_nulls(kept.get("parameters") or {})
        if self.by_name.setdefault(name, kept) != kept:
            self.differing.add(name)

    def text(self) -> str | None:
        """The tools as a file of tools; None where there are none."""
        if not self.by_name:
            return None
        return json.dumps(list(self.by_name.values()), indent=1, ensure_ascii=False) + "\n"


def _without_nulls(value: Any) -> Any:  # noqa: ANN401
    """A schema without the keys that inspect_ai writes as null: they say nothing."""
    if isinstance(value, dict):
        pairs = an_object(cast("object", value)).items()
        return {
            key: each if key in {"default", "enum", "const"} else _without_nulls(each)
            for key, each in pairs
            if each is not None
        }
    if isinstance(value, list):
        return [_without_nulls(each) for each in a_list(cast("object", value))]
    return value
