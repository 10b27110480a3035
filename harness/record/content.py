"""What stands in a record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from harness.record.base import LATER, Finding, Reason, Recorded, State, Verdict
from harness.record.life import AnchorFacts
from harness.record.money import Bridge, Lever, OptionCost, Savings, TrafficFacts
from harness.record.parts import (
    Evidence,
    FeatureFacts,
    HistoryEntry,
    LatencyFacts,
    Margin,
    OptionRecord,
    SignedException,
    StillNeeded,
    Target,
)
from harness.record.trust import NoiseFacts

SCHEMA_VERSION: Literal["rightsizing-decision/v2"] = "rightsizing-decision/v2"
"""Of what is made now; a record of before it is read, and keeps its bytes and hashes."""


class RecordContent(Recorded):
    """One feature's finding, evidence and decision."""

    schema_version: Literal["rightsizing-decision/v1", "rightsizing-decision/v2"] = SCHEMA_VERSION
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
    """Incumbent's own score on every case that it was asked, points."""
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
    current_cases: Annotated[int | None, LATER] = None
    """Cases that `current_quality` rests on; None: there is none, or the record is older."""
    anchor: Annotated[AnchorFacts | None, LATER] = None
    """None: the record is older than this key."""
    etag: str = ""
    """The whole record: against concurrent edits."""
    laws: Annotated[Literal[1] | None, LATER] = None
    """Its figures were held to the laws when it was made; None: it was made before them."""
