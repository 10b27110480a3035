"""Whether a server answered as the model that was asked, whatever forms of its name are in use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.record.parts import Target

_ROUTE = re.compile(
    r"^(?:[a-z-]+\.)?(?:amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\."
)
_REVISION = re.compile(r"-v\d+(?::\d+)?$")
_SNAPSHOT = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d|\d{4}|0\d\d)$")
_NEWEST = "-latest"


def others_served(target: Target) -> list[str]:
    """The names that answered and are another model or version than the one that was asked.

    A vendor answers an alias by the dated version behind it; a server that we start answers by the
    name of its weights.
    """
    asked = {target.version, *([target.served_as] if target.served_as else ())}
    return [name for name in target.served_versions if not any(_same(one, name) for one in asked)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    model: str
    snapshot: str | None
    """As digits; None: an alias, which stands for any."""


def _same(asked: str, served: str) -> bool:
    one, other = _name(asked), _name(served)
    alike = one.snapshot is None or other.snapshot is None or one.snapshot == other.snapshot
    return one.model == other.model and alike


def _name(text: str) -> _Name:
    """The name without its route: a folder before it, a cloud's region, maker and revision."""
    bare = text.strip().lower().rpartition("/")[2].replace("@", "-")
    bare = _REVISION.sub("", _ROUTE.sub("", bare)).removesuffix(_NEWEST)
    found = _SNAPSHOT.search(bare)
    if found is None:
        return _Name(model=bare, snapshot=None)
    return _Name(model=bare[: found.start()], snapshot=found[1].replace("-", ""))
