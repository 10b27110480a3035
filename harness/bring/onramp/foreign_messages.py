"""Chat messages as vendors and data sets write them, in the form of a case file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.bring.intake.values import a_list, a_text, an_object

_ROLES: Mapping[str, str] = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    "developer": "system",
    "model": "assistant",
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "function": "tool",
}
_TEXTS = frozenset({"text", "input_text", "output_text", ""})


def messages_in(value: object) -> object:
    """The messages of a cell or key, as a case holds them; any other value as it is.

    >>> messages_in('[{"role": "developer", "content": "Be brief."}]')
    [{'role': 'system', 'content': 'Be brief.'}]
    """
    given = _parsed(value) if isinstance(value, str) else value
    listed = a_list(an_object(given).get("messages")) or a_list(given)
    turns = [_turn(an_object(each)) for each in listed]
    return value if not turns or any(turn is None for turn in turns) else turns


def _parsed(text: str) -> object:
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _turn(message: Mapping[str, Any]) -> dict[str, Any] | None:
    role = _ROLES.get(str(message.get("role") or message.get("from") or "").lower())
    if role is None:
        return None
    content = next((message[key] for key in ("content", "value", "parts") if key in message), "")
    found: dict[str, Any] = {"role": role, "content": _content(content)}
    return found | {key: message[key] for key in ("tool_calls", "tool_call_id") if key in message}


def _content(value: object) -> object:
    if value is None or isinstance(value, str):
        return value or ""
    parts = [_part(each) for each in a_list(value)]
    texts = [part["text"] for part in parts if set(part) == {"type", "text"}]
    return "\n".join(texts) if len(texts) == len(parts) else parts


def _part(part: object) -> dict[str, Any]:
    """A part in our form; one that has no counterpart as it is, so that its fault is told."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    known = an_object(part)
    text = a_text(known.get("text"))
    if text is not None and str(known.get("type") or "") in _TEXTS:
        return {"type": "text", "text": text}
    file = _file(known)
    if file is None:
        return dict(known)
    kind = "document" if file.startswith("data:application/pdf") else "image"
    return {"type": kind, kind: file}


def _file(part: Mapping[str, Any]) -> str | None:
    """The image or PDF: a data URL, or an image file's name."""
    named = part.get("image_url")
    found = a_text(named) or a_text(an_object(named).get("url"))
    if found is not None:
        return found
    given = a_text(part.get("file_data")) or a_text(an_object(part.get("file")).get("file_data"))
    if given is not None:
        return given if given.startswith("data:") else f"data:application/pdf;base64,{given}"
    for key in ("source", "inline_data", "inlineData"):
        inline = an_object(part.get(key))
        kind = inline.get("media_type") or inline.get("mime_type") or inline.get("mimeType")
        if a_text(inline.get("data")) and a_text(kind):
            return f"data:{kind};base64,{inline['data']}"
    return None
