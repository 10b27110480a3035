"""Values of a case as a prompt's template sees them: passages, lists and mappings of metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from evalsets.cases import Case, FoundText
from evalsets.jsonl import canonical


class TextWithId(str):  # noqa: SLOT000  # it carries the id
    """A passage as a template sees it: its text, with `id` and `text`."""

    id: str
    text: str


class FoundTexts(tuple[TextWithId, ...]):  # noqa: SLOT001  # a sequence with words of its own
    """The passages of a case: shown, each stands below its id in brackets."""

    @classmethod
    def of(cls, case: Case) -> FoundTexts:
        """Those of a case; one without an id has its place."""
        return cls(_passage(each, at) for at, each in enumerate(case.context or (), start=1))

    def __str__(self) -> str:
        return "\n\n".join(f"[{each.id}]\n{each.text}" for each in self)


def _passage(passage: FoundText, place: int) -> TextWithId:
    found = TextWithId(passage.text)
    found.id, found.text = passage.id or str(place), passage.text
    return found


class JsonText(str):  # noqa: SLOT000  # it carries the value
    """A list or mapping of a case's metadata: its JSON text, which is walked by its values.

    `{{ metadata.documents }}` shows the text, `{% for each in metadata.documents %}` the items.
    """

    value: list[object] | dict[str, object]

    @classmethod
    def of(cls, value: object) -> object:
        """A list or mapping as such a text; anything else as it is."""
        if not isinstance(value, list | dict):
            return value
        found = cls(canonical(cast("object", value)))
        found.value = cast("list[object] | dict[str, object]", value)
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter([JsonText.of(each) for each in self.value])

    def __len__(self) -> int:
        return len(self.value)

    def __contains__(self, item: object) -> bool:
        return item in self.value

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401  # a place or a key
        return JsonText.of(cast("Any", self.value)[key])

    def items(self) -> list[tuple[str, object]]:
        """Keys and values of a mapping."""
        pairs = self.value.items() if isinstance(self.value, dict) else ()
        return [(key, JsonText.of(each)) for key, each in pairs]


def told(text: str) -> object:
    """A metadata value as a template sees it."""
    if not text.startswith(("[", "{")):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = JsonText(text)
    found.value = value
    return found
