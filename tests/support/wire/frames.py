"""Server-sent events."""

from __future__ import annotations

import json


def frame(data: object, event: str | None = None) -> str:
    """One SSE frame."""
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data)}\n\n"


def pieces(text: str) -> list[str]:
    """A text in streamed pieces: words with the blank before them."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]
