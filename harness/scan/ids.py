"""Which texts name a model: a known id, maybe with a vendor before it or a version behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TOKEN = re.compile(r"[A-Za-z0-9@~][A-Za-z0-9@~._/:-]*")
_REGION = re.compile(r"^(?:us|eu|apac|global|us-gov)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere|google|openai|deepseek)\.")
_VERSION = re.compile(
    r"(?:[-@]20\d{6}|-20\d{2}-\d{2}-\d{2}|[-@]latest|@default|-v\d+(?::\d+)?|-\d{3})$"
)
_MODEL_WORDS = ("model", "llm", "engine", "deployment")
_SHORT = 3


def model_named(text: str, key: str, ids: Collection[str]) -> str | None:
    """The id that a text names, None when it names none.

    An id that is also a plain word (`command`) or very short (`o1`) counts only under a key that
    speaks of a model.
    """
    if "://" in text:
        return None
    found = next((form for form in _forms(text.strip().strip("/:")) if form in ids), None)
    if found is None or (_is_plain(found) and not _speaks_of_a_model(key)):
        return None
    return found


def may_name_a_model(text: str, ids: Collection[str]) -> bool:
    """A quick look: whether any word of a file could be an id."""
    words = {word.strip(".:/-") for word in _TOKEN.findall(text)}
    return any(form in ids for word in words for form in _forms(word))


def _forms(text: str) -> Iterator[str]:
    """The text, without a vendor before it, and without a version behind it."""
    yield text
    bare = text
    for separator in ("/", ":"):
        head, found, tail = bare.rpartition(separator)
        if found and head and not tail.isdigit():
            bare = tail
            yield bare
    bare = _VENDOR.sub("", _REGION.sub("", bare))
    yield bare
    while (shorter := _VERSION.sub("", bare)) != bare:
        bare = shorter
        yield bare


def _is_plain(model_id: str) -> bool:
    return len(model_id) <= _SHORT or model_id.isalpha()


def _speaks_of_a_model(key: str) -> bool:
    lower = key.lower()
    return any(word in lower for word in _MODEL_WORDS)
