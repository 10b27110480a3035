"""The laws of an option that was given up: it says why, in the figures of the whole record."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.record.codes import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record.content import RecordContent
    from harness.record.parts import OptionRecord

_CENT = Decimal("0.01")


def broken_in_stops(record: RecordContent) -> Iterator[str]:
    """A line for every law that some stop breaks; a record made before has none to hold."""
    if record.laws is None:
        return
    for option in record.options:
        for line in _stop(record, option):
            yield f"{option.target.option}: {line}"
    saved = [o.stopped.saved_usd for o in record.options if o.stopped and o.stopped.saved_usd]
    whole = record.evidence.spend.saved_by_stopping_usd
    if sum(saved, Decimal(0)) > whole + _CENT:
        yield f"stopping single options saved more than {whole} in all"


def _stop(record: RecordContent, option: OptionRecord) -> Iterator[str]:
    stop, quality, used = option.stopped, option.quality, record.evidence.eval_set
    if stop is None:
        if Reason.UNLIKELY_TO_PASS in option.reason_codes:
            yield "called unlikely to pass, and nothing says what chance was left"
        return
    whole = used.pilot + used.deciding
    if stop.cases != whole:
        yield f"given up after {stop.seen} of {stop.cases} cases, where there are {whole}"
    if quality is not None and quality.n + (quality.missing_cases or 0) > stop.seen:
        yield f"given up after {stop.seen} cases, but its figures rest on {quality.n}"
