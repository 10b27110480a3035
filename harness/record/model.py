"""The record as a whole: sealed by hashes, read and written as text.

No prompt or answer text stands in a record. Written by `decision` and `review`; read by
`publish`, `gate`, the plugin and the next review.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime  # pydantic reads them at run time
from typing import Any, Literal

import rfc8785

from harness.record.codes import Finding, Reason, State, Verdict
from harness.record.parts import (
    Bridge,
    Evidence,
    FeatureFacts,
    HistoryEntry,
    LatencyFacts,
    Lever,
    Margin,
    NoiseFacts,
    OptionCost,
    OptionRecord,
    Recorded,
    Savings,
    SignedException,
    StillNeeded,
    Target,
    TrafficFacts,
)

SCHEMA_VERSION: Literal["rightsizing-decision/v1"] = "rightsizing-decision/v1"


class DecisionRecord(Recorded):
    """One feature's finding, evidence and decision."""

    schema_version: Literal["rightsizing-decision/v1"] = SCHEMA_VERSION
    decision_id: str
    cycle: str
    generated_at: datetime
    feature: FeatureFacts
    margin: Margin
    traffic: TrafficFacts | None
    finding: Finding
    reason_codes: tuple[Reason, ...]
    verdict: Verdict
    lever: str
    """`model-swap`, `self-host`, `cascade`, `batch`, `caching`, `effort` or `none`."""
    chosen: str | None
    """The chosen option's name."""
    current: Target
    current_quality: float | None
    """Incumbent's own score on the deciding cases, points."""
    current_cost: OptionCost
    current_latency: LatencyFacts | None
    noise: NoiseFacts | None = None
    """Today's model against itself; None: one answer per case."""
    options: tuple[OptionRecord, ...]
    """Cheapest first."""
    bridge: tuple[Bridge, ...]
    levers: tuple[Lever, ...]
    still_needed: StillNeeded | None
    decide_by: date
    expires_at: date
    trigger: str | None
    not_known: tuple[str, ...]
    savings: Savings | None
    evidence: Evidence
    state: State = State.PROPOSED
    history: tuple[HistoryEntry, ...] = ()
    exception: SignedException | None = None
    finding_sha256: str = ""
    """Everything the machine found: what the lock holds."""
    etag: str = ""
    """The whole record: against concurrent edits."""


_DECIDED = {"generated_at", "state", "history", "exception", "finding_sha256", "etag"}


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """RFC 8785 bytes of a JSON value."""
    return rfc8785.dumps(value)


def sha256(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """Hex SHA-256 of a JSON value's canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


def seal(record: DecisionRecord) -> DecisionRecord:
    """Return the record with `finding_sha256` and `etag` made anew."""
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
