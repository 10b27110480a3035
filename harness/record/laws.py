"""What must hold between the figures of a record, whichever way it was made.

A record that is made now is refused where a law is broken (`DecisionRecord`); one that was made
before the laws is read as ever, and its documents say that its figures do not fit together.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from harness.record.floor_laws import broken_in_floor
from harness.record.money_laws import broken_in_money
from harness.record.quality_laws import broken_in_quality
from harness.record.stop_laws import broken_in_stops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.record.content import RecordContent

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
