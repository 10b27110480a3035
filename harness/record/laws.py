"""What must hold between the figures of a record, whichever way it was made.

A record that is made now is refused where a law is broken (`DecisionRecord`); one that was made
before the laws is read as ever, and its documents say that its figures do not fit together.

Here are the laws of options that were given up, which must say why, and of eval sets that cannot
tell models apart, on which no verdict may rest; quality and money have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain

from harness.record.base import Reason, Result, Verdict
from harness.record.content import RecordContent
from harness.record.money_laws import broken_in_money
from harness.record.parts import OptionRecord
from harness.record.quality_laws import broken_in_quality
from harness.record.trust import FloorFacts

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


_BY_QUALITY = frozenset({Reason.QUALITY_INFERIOR, Reason.UNLIKELY_TO_PASS, Reason.SLICE_REGRESSION})


def broken_in_floor(record: RecordContent) -> Iterator[str]:
    """A line for every finding that its eval set cannot carry."""
    floor = record.evidence.floor
    cannot_tell = Reason.EVALSET_CANNOT_TELL in record.reason_codes
    if cannot_tell and (floor is None or floor.clears is not False):
        yield "EVALSET_CANNOT_TELL, and no figures that say so"
    if floor is not None and floor.margin != record.margin.value:
        yield f"the floor's margin is {floor.margin:g}, the feature's {record.margin.value:g}"
    if floor is not None and floor.clears is False:
        yield from _carried(record, floor)


def _carried(record: RecordContent, floor: FloorFacts) -> Iterator[str]:
    if record.verdict is Verdict.DOWNGRADE:
        yield f"a downgrade on {floor.cases} cases that cannot tell models apart"
    for option in record.options:
        name, codes = option.target.option, set(option.reason_codes)
        if option.result is Result.PASS or codes & _BY_QUALITY:
            yield f"{name}: {option.result.value} on cases that cannot tell models apart"
        if option.result is Result.UNDECIDED and Reason.EVALSET_CANNOT_TELL not in codes:
            yield f"{name}: undecided, and not for cases that cannot tell models apart"


LAWS: tuple[Callable[[RecordContent], Iterator[str]], ...] = (
    broken_in_quality,
    broken_in_floor,
    broken_in_stops,
    broken_in_money,
)
"""Each yields a line for every law that a record breaks."""


def broken_laws(record: RecordContent) -> Iterator[str]:
    """A line for every law that a record breaks, what it found included."""
    return chain.from_iterable(law(record) for law in LAWS)
