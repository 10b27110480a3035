"""The appendix on cascades: what is kept, what goes on, and what each part costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.tables import table
from harness.publish.words import DASH, count, usd
from reports.document import Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import CascadeFacts
    from reports.document import Block

_CHECKS = {
    "schema": "is JSON by the feature's schema",
    "format": "has an answer in the form asked for",
    "not-unsure": "has an answer and does not say that it is unsure",
}


def cascades(record: DecisionRecord) -> list[Block | None]:
    """A line and a row for each cascade; nothing without one."""
    found = [(o.target.option, o.cascade) for o in record.options if o.cascade is not None]
    return [
        *(_line(name, facts) for name, facts in found),
        table(
            "A cheap model first, today's model where its answer did not pass",
            (
                "cascade",
                "first",
                "kept when the answer",
                "goes on to",
                "answers checked",
                "did not pass",
                "cases in the price",
                "first, a request, list",
                "asked again, a request, list",
            ),
            (
                (
                    name,
                    facts.first,
                    _CHECKS.get(facts.accept_when, facts.accept_when),
                    facts.escalates_to,
                    count(facts.answers),
                    DASH if facts.escalated is None else f"{facts.escalated:.1f} %",
                    _priced_on(facts),
                    usd(facts.first_per_request),
                    usd(facts.escalation_per_request),
                )
                for name, facts in found
            ),
        ),
    ]


def _priced_on(facts: CascadeFacts) -> str:
    """The cases whose tokens make the price, and how many of them went on."""
    month = facts.month
    return DASH if month is None else f"{count(month.cases)}, {count(month.gone_on)} went on"


def _line(name: str, facts: CascadeFacts) -> Paragraph:
    if facts.escalated is None:
        text = f"No answer of {facts.first} was checked."
    else:
        text = (
            f"{facts.escalated:.1f} % of the answers of {facts.first} did not pass and went on to "
            f"{facts.escalates_to}. It was tried on stored answers, without a further call."
        )
    return Paragraph(lead=f"{name}.", runs=(text,))
