"""How sure a model was of its answers, and how often it was right: the calibration curve."""

from __future__ import annotations

from collections.abc import Iterator

from harness.record.model import DecisionRecord
from harness.record.sureness import ReliabilityFacts
from harness.tell.words import count, share, table
from harness.wording import plural
from reports.document import Block, Paragraph


def reliability(record: DecisionRecord) -> Iterator[Block | None]:
    """A paragraph and a table for each model that told how sure it is."""
    for facts in record.evidence.reliability or ():
        yield _in_a_line(facts)
        yield table(
            f"How sure against how right: {facts.option}",
            ("it told", "answers", "told on average", "right", "squared error"),
            (
                (
                    f"{band.low:g} to {band.high:g}",
                    count(band.n),
                    share(band.said),
                    share(band.right),
                    f"{band.squared_error:.4f}",
                )
                for band in facts.bands
            ),
        )


def _in_a_line(facts: ReliabilityFacts) -> Paragraph:
    text = (
        f"{facts.option} told a probability with {plural(facts.answers, 'answer')} that decided. "
        f"Its Brier score is {facts.brier:.4f}: 0 is best, and telling one half each time has "
        f"0.25. What it told and how often it was right differ by {facts.gap:.1f} points on "
        "average."
    )
    return Paragraph(lead="How sure it was.", runs=(text,))
