"""What somebody has to bring before an undecided feature can have an answer."""

from __future__ import annotations

from collections.abc import Mapping

from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.tell.words import sentence

UNKNOWN = "The record does not say how many cases or labels would decide."
_PROVIDE: Mapping[Reason, str] = {
    Reason.PRICE_MISSING: "Add a dated price beside the model in models/.",
    Reason.TRAFFIC_MISSING: "Say how often production asks, and with how many tokens: `traffic` in "
    "the feature's file, or `rightsize import traffic LOG`.",
    Reason.RUN_INCOMPLETE: "Get the answers that did not come; what was answered is not asked "
    "twice.",
    Reason.LATENCY_NOT_MEASURED: "Measure the time of at least 60 live requests.",
    Reason.JUDGE_UNRELIABLE: "Take a judge that agrees with people, or labels made by people.",
    Reason.USAGE_NOT_REPORTED: "Make the server report its usage: without it the cost is unknown.",
    Reason.EVALSET_CANNOT_TELL: "Mend the cases, so that a working model is clearly better on them "
    "than an answer that never changes: see that the prompt holds the case, that the targets are "
    "what a right answer says, and that they are not nearly all the same.",
    Reason.EVALSET_SPENT: "Bring cases that nobody has asked yet, in a set of their own: a test on "
    "them has the whole chance of error again, and what was seen on the old ones can favour "
    "nobody.",
    Reason.BASELINE_FAILS_OWN_BAR: "Mend today's model or its prompt first, so that it passes its "
    "own bar.",
}


def provide(record: DecisionRecord) -> list[str]:
    """What somebody has to bring before there can be an answer, reason by reason."""
    return [_PROVIDE[reason] for reason in record.reason_codes if reason in _PROVIDE]


def way_on(record: DecisionRecord) -> str:
    """The first thing to do where neither cases nor labels alone would bring an answer."""
    needed = record.still_needed
    noted = sentence(needed.note) if needed is not None and needed.note else ""
    return next(iter(provide(record)), noted) or UNKNOWN
