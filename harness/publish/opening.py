"""The answer to "will users notice?": the risk, before the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import chosen_option
from harness.publish.in_cases import groups_text, harm_text
from harness.publish.opening_stay import justify_opening
from harness.publish.opening_undecided import undecided_opening
from harness.publish.quality_words import agreed, counts_text
from harness.record.codes import Verdict
from reports.document import Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord


def opening(record: DecisionRecord) -> list[Paragraph]:
    """The first paragraphs: the risk before the money."""
    match record.verdict:
        case Verdict.DOWNGRADE:
            return _downgrade_opening(record)
        case Verdict.JUSTIFY:
            return justify_opening(record)
        case Verdict.UNDECIDED:
            return undecided_opening(record)


def _downgrade_opening(record: DecisionRecord) -> list[Paragraph]:
    option = chosen_option(record)
    if option is None or option.quality is None:
        text = "No: the same model answers with the same prompt; only the way it is billed changes."
        return [Paragraph(lead="Will users notice?", runs=(text,))]
    counts = counts_text(record, option.quality).removesuffix(".")
    groups = groups_text(record, option.quality)
    text = f"{harm_text(record, option.quality)} {counts}; {agreed(record)}.{groups}"
    return [Paragraph(lead="Will users notice?", runs=(text,))]
