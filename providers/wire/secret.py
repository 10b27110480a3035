"""A key in what a server says: it is masked before anything of it is kept.

Servers echo keys as model, request id, batch id, finish word or in an error's text, by a proxy's
bug or on purpose; what they say reaches the journal, records, logs and the terminal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TypeVar

from providers.answer import Answer
from providers.completion import Completion
from providers.errors import ProviderError, UnknownFinishError

MASK = "(masked: the server sent the key)"
_KEY_PART = 12
"""Consecutive letters of a key that are masked; a shorter key is masked only as a whole."""
_SHORTEST_KEY = 8
"""Shorter ones are the placeholders of local servers, and words of many a model's name."""

E = TypeVar("E", bound=ProviderError)
R = TypeVar("R", Answer, Completion)


@dataclass(frozen=True, slots=True)
class Secret:
    """A key, and what it looks like where a server sends it back, in whatever case."""

    _key: str = field(repr=False)
    _parts: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Cut it into the parts that tell it."""
        key = self._key.lower()
        starts = range(max(len(key) - _KEY_PART + 1, 1)) if len(key) >= _SHORTEST_KEY else ()
        object.__setattr__(self, "_parts", frozenset(key[at : at + _KEY_PART] for at in starts))

    def is_in(self, text: str) -> bool:
        """Whether a text tells the key, or enough of it."""
        text = text.lower()
        return any(part in text for part in self._parts)

    def fact(self, text: str | None) -> str | None:
        """A short fact, masked as a whole."""
        return MASK if text is not None and self.is_in(text) else text

    def content(self, text: str) -> str:
        """An answer's text, with the whole key masked in it."""
        if not self._parts or self._key.lower() not in text.lower():
            return text
        return re.sub(re.escape(self._key), MASK, text, flags=re.IGNORECASE)

    def reply(self, found: R) -> R:
        """An answer without it."""
        calls = tuple(
            replace(
                call,
                id=self.fact(call.id) or "",
                name=self.content(call.name),
                arguments=self.content(call.arguments),
            )
            for call in found.tool_calls
        )
        changed = {
            "text": self.content(found.text),
            "tool_calls": calls,
            "served_model": self.fact(found.served_model),
            "service_tier": self.fact(found.service_tier),
        }
        if isinstance(found, Completion):
            document = None if found.document is None else self.content(found.document)
            request_id = self.fact(found.request_id)
            return replace(found, request_id=request_id, document=document, **changed)
        return replace(found, reply_id=self.fact(found.reply_id), **changed)

    def error(self, error: E) -> E:
        """The same error without it."""
        error.args = tuple(
            self.fact(part) if isinstance(part, str) else part for part in error.args
        )
        error.request_id = self.fact(error.request_id)
        error.said = self.fact(error.said)
        if isinstance(error, UnknownFinishError) and self.is_in(error.word):
            error.word = "masked"
        return error
