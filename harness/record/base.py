"""What every part of a record is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Recorded(BaseModel):
    """Base of everything in a record: final, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _is_absent(value: object) -> bool:
    return value is None


LATER = Field(exclude_if=_is_absent)
"""Marks a key that came after records were signed: while it is None it is not written at all, so
that those records and locks keep their bytes and hashes."""
