"""On how many cases a candidate of equal quality is expected to disagree with today's model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.record.stored import read_past

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from harness.record.parts import Quality

EXPECTED_DISAGREEMENT = 0.08
"""Share of cases on which a candidate of equal quality disagrees with the incumbent."""
_FEWEST = 50
"""Cases that a measured disagreement must rest on."""
_LEAST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A share of disagreeing cases, and where it comes from."""

    discordance: float
    source: str


ASSUMED = Expectation(discordance=EXPECTED_DISAGREEMENT, source="assumed")


def expectations(root: Path, cycle: str) -> Mapping[str, Expectation]:
    """By feature: what its newest record of an earlier quarter measured.

    Raises:
        UsageError: a record there cannot be read.
    """
    found: dict[str, Expectation] = {}
    for record in read_past(root / "reviews" / cycle):
        measured = _measured(record)
        if measured is not None:
            found[record.feature.id] = measured
    return found


def _measured(record: DecisionRecord) -> Expectation | None:
    """The disagreement of the option that came nearest to today's model; None without one."""
    tested = [option.quality for option in record.options if option.quality is not None]
    enough = [quality for quality in tested if quality.n >= _FEWEST]
    if not enough:
        return None
    nearest = max(enough, key=lambda quality: quality.difference)
    share = _discordance(nearest)
    if share is None:
        return None
    source = f"as measured in {record.cycle}"
    return Expectation(discordance=max(share, _LEAST), source=source)


def _discordance(quality: Quality) -> float | None:
    """Share of the cases on which one alone was right; None for graded scores."""
    lost, won = quality.only_current_right, quality.only_candidate_right
    return None if lost is None or won is None else (lost + won) / quality.n
