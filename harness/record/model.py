"""The record as a whole: held to its laws, sealed by hashes, read and written as text.

No prompt or answer text stands in a record. Written by `conduct`; read by `tell`,
`gate` and the next review.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

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


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """RFC 8785 bytes of a JSON value."""
    return rfc8785.dumps(value)


def sha256(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """Hex SHA-256 of a JSON value's canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


def seal(record: DecisionRecord) -> DecisionRecord:
    """Return the record, held to its laws, with `finding_sha256` and `etag` made anew.

    Raises:
        pydantic.ValidationError: its figures break a law.
    """
    record = DecisionRecord.model_validate(record.model_dump())
    facts = record.model_dump(mode="json", exclude=_DECIDED)
    if record.savings is not None:
        facts["savings"] = record.savings.model_dump(
            mode="json", exclude={"realised", "verified_at"}
        )
    sealed = record.model_copy(update={"finding_sha256": sha256(facts)})
    whole = sealed.model_dump(mode="json", exclude={"etag"})
    return sealed.model_copy(update={"etag": sha256(whole)})


def dump(record: DecisionRecord) -> str:
    """Text of a record's file: sorted keys, two spaces, a final newline."""
    return json.dumps(record.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def load(text: str) -> DecisionRecord:
    """Read a record; raises `pydantic.ValidationError` for anything else."""
    return DecisionRecord.model_validate_json(text)
