"""Known model names, and the ones that look like a mistyped one."""

from __future__ import annotations

from difflib import get_close_matches

from harness.costing.pricebook import model_ids

_SHOWN = 3
_LIKENESS = 0.6


def near_names(model: str, vendor: str | None = None) -> tuple[str, ...]:
    """Up to three names of the catalogue that look like this one, nearest first."""
    known = model_ids(None if vendor is None else frozenset({vendor}))
    return tuple(get_close_matches(model.lower(), sorted(known), n=_SHOWN, cutoff=_LIKENESS))
