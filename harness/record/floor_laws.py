"""The laws of an eval set that cannot tell models apart: nothing in the record rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record.codes import Reason, Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record.content import RecordContent
    from harness.record.trust import FloorFacts

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
