"""The base class of a record's parts, and its closed vocabularies."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field

from evalsets.files import Described

LONGEST_ID = 120
"""Letters of a feature's id: files, pages and decisions are called after it."""


class Recorded(Described):
    """Base of everything in a record: final, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_absent(value: object) -> bool:
    return value is None


LATER = Field(exclude_if=_is_absent)
"""Marks a key that came after records were signed: while it is None it is not written at all, so
that those records and locks keep their bytes and hashes."""


class Finding(StrEnum):
    """What the machine found."""

    OVER_PROVISIONED = "over-provisioned"
    RIGHT_SIZED = "right-sized"
    UNDER_PROVISIONED = "under-provisioned"
    INSUFFICIENT_EVIDENCE = "insufficient-evidence"
    UNAVAILABLE = "unavailable"


class Verdict(StrEnum):
    """What the finding leads to."""

    DOWNGRADE = "downgrade"
    JUSTIFY = "justify"
    UNDECIDED = "undecided"


class State(StrEnum):
    """Where a decision stands."""

    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    DEFERRED = "DEFERRED"
    IMPLEMENTED = "IMPLEMENTED"
    VERIFIED = "VERIFIED"
    SUPERSEDED = "SUPERSEDED"
    EXPIRED = "EXPIRED"


class Result(StrEnum):
    """What became of one option."""

    PASS = "PASS"  # noqa: S105  # not a password
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    NOT_RUN = "NOT_RUN"


class Reason(StrEnum):
    """Closed reason codes."""

    NON_INFERIOR_AND_CHEAPER = "NON_INFERIOR_AND_CHEAPER"
    SUPERIOR_AND_CHEAPER = "SUPERIOR_AND_CHEAPER"
    SELF_HOST_BELOW_BREAK_EVEN = "SELF_HOST_BELOW_BREAK_EVEN"
    SAME_MODEL_CHEAPER = "SAME_MODEL_CHEAPER"
    QUALITY_INFERIOR = "QUALITY_INFERIOR"
    UNLIKELY_TO_PASS = "UNLIKELY_TO_PASS"  # noqa: S105
    SLICE_REGRESSION = "SLICE_REGRESSION"
    GUARDRAIL_FAILED = "GUARDRAIL_FAILED"
    LATENCY_SLO_MISSED = "LATENCY_SLO_MISSED"
    CAPABILITY_GAP = "CAPABILITY_GAP"
    DATA_NOT_PERMITTED = "DATA_NOT_PERMITTED"
    SAVINGS_BELOW_MINIMUM = "SAVINGS_BELOW_MINIMUM"
    NO_CHEAPER_CANDIDATE = "NO_CHEAPER_CANDIDATE"
    MODEL_RETIRING = "MODEL_RETIRING"
    QUALITY_UNDECIDED = "QUALITY_UNDECIDED"
    SAMPLE_TOO_SMALL = "SAMPLE_TOO_SMALL"
    LABELS_MISSING = "LABELS_MISSING"
    RUN_INCOMPLETE = "RUN_INCOMPLETE"
    BASELINE_FAILS_OWN_BAR = "BASELINE_FAILS_OWN_BAR"
    JUDGE_UNRELIABLE = "JUDGE_UNRELIABLE"
    PRICE_MISSING = "PRICE_MISSING"
    USAGE_NOT_REPORTED = "USAGE_NOT_REPORTED"
    TRAFFIC_MISSING = "TRAFFIC_MISSING"
    LATENCY_NOT_MEASURED = "LATENCY_NOT_MEASURED"
    EVALSET_CANNOT_TELL = "EVALSET_CANNOT_TELL"
    CHEAPER_ONE_PASSED = "CHEAPER_ONE_PASSED"
    NET_SAVING_BELOW_MINIMUM = "NET_SAVING_BELOW_MINIMUM"
    EVALSET_SPENT = "EVALSET_SPENT"
    DRIFT_BUDGET_SPENT = "DRIFT_BUDGET_SPENT"
    CAPACITY_BOUGHT = "CAPACITY_BOUGHT"
