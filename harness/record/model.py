"""The record as a whole: held to its laws, sealed by hashes, read and written as text.

No prompt or answer text stands in a record. Written by `conduct`; read by `tell`,
`gate` and the next review.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

import rfc8785
from pydantic import model_validator

from harness.record.content import RecordContent
from harness.record.laws import broken_laws


class DecisionRecord(RecordContent):
    """One feature's finding, evidence and decision."""

    @model_validator(mode="after")
    def _obeys(self) -> DecisionRecord:
        """Refuse a record that breaks a law; one made before them is read as it is."""
        broken = None if self.laws is None else next(broken_laws(self), None)
        if broken is not None:
            raise ValueError(broken)
        return self


_DECIDED = {"generated_at", "state", "history", "exception", "finding_sha256", "etag"}
_REALISED = {"realised", "verified_at", "realised_months"}


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """RFC 8785 bytes of a JSON value."""
    return rfc8785.dumps(value)


def sha256(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """Hex SHA-256 of a JSON value's canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


class KeyTwiceError(ValueError):
    """A key that stands twice: a reader and a program would take different ones."""


def as_it_stands(text: str) -> object:
    """JSON text as a value, each key once.

    Raises:
        KeyTwiceError: an object states a key twice.
        ValueError: it is no JSON.
    """
    return cast("object", json.loads(text, object_pairs_hook=_once))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise KeyTwiceError(f"{max(names, key=names.count)} stands twice")
    return found


def seal(record: DecisionRecord) -> DecisionRecord:
    """Return the record, held to its laws, with `finding_sha256` and `etag` made anew.

    Raises:
        pydantic.ValidationError: its figures break a law.
    """
    record = DecisionRecord.model_validate(record.model_dump())
    facts = record.model_dump(mode="json")
    sealed = record.model_copy(update={"finding_sha256": finding_sha256(facts)})
    whole = sealed.model_dump(mode="json", exclude={"etag"})
    return sealed.model_copy(update={"etag": sha256(whole)})


def finding_sha256(facts: Mapping[str, Any]) -> str:
    """Digest of what the machine found, from a record's JSON as it stands."""
    found = {key: value for key, value in facts.items() if key not in _DECIDED}
    savings = found.get("savings")
    if isinstance(savings, dict):
        saved = cast("dict[str, Any]", savings)
        found["savings"] = {key: saved[key] for key in saved.keys() - _REALISED}
    return sha256(found)


def dump(record: DecisionRecord) -> str:
    """Text of a record's file: sorted keys, two spaces, a final newline."""
    return json.dumps(record.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def load(text: str) -> DecisionRecord:
    """Read a record; raises `pydantic.ValidationError` for anything else."""
    return DecisionRecord.model_validate_json(text)
