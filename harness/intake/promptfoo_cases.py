"""Promptfoo's variables to a case: one of them is the input, the others are metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evalsets.cases import Case

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

INPUT_NAMES = (
    "input", "question", "query", "prompt", "text", "message", "content", "user_input", "body",
)  # fmt: skip
"""Names that a main variable commonly has, most telling first."""


def case_id(index: int | None) -> str:
    """The id of promptfoo's test number `index`, counted from 0 as promptfoo does."""
    return "test-unknown" if index is None else f"test-{index}"


def main_variable(names: Collection[str]) -> str | None:
    """The variable that is the input: the only one, a telling name, else the first."""
    for name in INPUT_NAMES:
        if name in names:
            return name
    return next(iter(names), None)


def as_text(value: object) -> str:
    """A variable's value as text: JSON for anything but a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def case_of(
    values: Mapping[str, object],
    *,
    id_: str,
    used: Collection[str] | None = None,
    hidden: Collection[str] = (),
    target: str | None = None,
) -> Case:
    """A case of a test's variables.

    `used` are the ones that the prompts name (None: all): one of them is the input. `hidden` are
    left out: what only an assertion reads is an answer.
    """
    main = main_variable([name for name in values if used is None or name in used])
    metadata = {
        name: as_text(value)
        for name, value in values.items()
        if name != main and name not in hidden
    }
    return Case(
        id=id_,
        input="" if main is None else as_text(values[main]),
        target=target,
        metadata=tuple(sorted(metadata.items())),
    )
