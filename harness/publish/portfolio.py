"""All records of a cycle to the page that a review meeting is run from."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.economics.portfolio import lever_saving
from harness.publish.facts import (
    cheapest_failed,
    chosen_option,
    decided_without_a_call,
    open_option,
    read_facts,
    saving_at_most,
)
from harness.publish.next_quarter import since_last
from harness.publish.portfolio_views import views
from harness.publish.track_record import track_record
from harness.publish.words import count, usd
from harness.record.codes import State, Verdict
from harness.record.model import sha256
from harness.wording import plural
from reports.document import Column, Paragraph, Portfolio, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from harness.publish.facts import Facts
    from harness.record.model import DecisionRecord
    from reports.document import Block

_REACHED = {
    "accepted": {State.ACCEPTED, State.IMPLEMENTED, State.VERIFIED},
    "implemented": {State.IMPLEMENTED, State.VERIFIED},
    "verified": {State.VERIFIED},
}


def to_portfolio(
    records: Sequence[DecisionRecord], now: datetime, past: Sequence[DecisionRecord] = ()
) -> Portfolio:
    """Word the index over the newest records of a cycle; `past` are those of earlier cycles."""
    facts = [read_facts(record, now) for record in records]
    earlier = [read_facts(record, now).record for record in past]
    tame = [fact.record for fact in facts]
    cycles = sorted({record.cycle for record in tame})
    known = [c for record in tame if (c := record.current_cost.monthly) is not None]
    total = usd(sum(known, start=Decimal(0))) if known else "not known"
    return Portfolio(
        title=f"Right-sizing {', '.join(cycles) or 'review'}: {plural(len(tame), 'feature')}, "
        f"{total} a month today",
        status=_verdicts(tame),
        page=tuple(_page(facts, track_record(earlier, now.date()))),
        views=tuple(views(facts, since_last(earlier, tame, now.date()) if earlier else None)),
        stamp=sha256([f"{fact.record.etag} {fact.expired} {fact.overdue}" for fact in facts]),
    )


def _verdicts(records: Sequence[DecisionRecord]) -> str:
    counts = [
        f"{verdict.value.upper()} {sum(record.verdict is verdict for record in records)}"
        for verdict in Verdict
    ]
    return " \u00b7 ".join(counts)


def _page(facts: Sequence[Facts], kept: str) -> Iterable[Block]:
    records = [fact.record for fact in facts]
    yield Paragraph(lead="What can be saved.", runs=(_saving_text(records),))
    yield _funnel(records)
    yield Paragraph(lead="What the review cost.", runs=(_cost_text(records),))
    yield Paragraph(lead="How sure this is.", runs=(_risk_text(records),))
    if kept:
        yield Paragraph(lead="What became of earlier ones.", runs=(kept,))


def saving(record: DecisionRecord) -> Decimal:
    """USD a month after discounts that the record proposes to save; 0 when it proposes nothing."""
    return record.savings.after_discounts if record.savings is not None else Decimal(0)


def _saving_text(records: Sequence[DecisionRecord]) -> str:
    proposed = [record for record in records if record.verdict is Verdict.DOWNGRADE]
    others = (record for record in records if record.verdict is not Verdict.DOWNGRADE)
    free = sum((lever_saving(record) for record in others), start=Decimal(0))
    more = f" Without another model, batch or caching would save {usd(free)} more." if free else ""
    return f"{_proposed_text(proposed)}{_bound_text(records)}{more}"


def _proposed_text(proposed: Sequence[DecisionRecord]) -> str:
    if not proposed:
        return "No downgrade is proposed."
    total = sum((saving(record) for record in proposed), start=Decimal(0))
    return f"{usd(total)} a month after discounts, on {plural(len(proposed), 'feature')}."


def _bound_text(records: Sequence[DecisionRecord]) -> str:
    """What was known before any call: each feature's largest possible saving, added up."""
    most = sum((saving_at_most(record) or Decimal(0) for record in records), start=Decimal(0))
    if not most:
        return ""
    return f" Known before any call: other models could save {usd(most)} at most."


def _funnel(records: Sequence[DecisionRecord]) -> Table:
    proposed = [record for record in records if record.verdict is Verdict.DOWNGRADE]
    rows = [("identified", proposed)]
    rows += [
        (name, [record for record in proposed if record.state in states])
        for name, states in _REACHED.items()
    ]
    return Table(
        caption="Downgrades, from identified to verified; USD a month after discounts",
        columns=(
            Column(text="stage"),
            Column(text="features", numeric=True),
            Column(text="USD a month", numeric=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    name,
                    count(len(group)),
                    usd(sum((saving(record) for record in group), start=Decimal(0))),
                )
            )
            for name, group in rows
        ),
    )


def _cost_text(records: Sequence[DecisionRecord]) -> str:
    spent = sum((record.evidence.spend.total_usd for record in records), start=Decimal(0))
    stopped = sum(
        (record.evidence.spend.saved_by_stopping_usd for record in records), start=Decimal(0)
    )
    saved = sum((saving(record) for record in records), start=Decimal(0))
    free = sum(decided_without_a_call(record) for record in records)
    text = (
        f"{usd(spent)}; stopping early saved {usd(stopped)}; "
        f"{plural(free, 'feature')} decided without a call."
    )
    if spent > 0 and saved > 0:
        times = plural(round(saved / spent), "time")
        return f"{text} One month of the proposed saving pays for it {times}."
    return text


def _risk_text(records: Sequence[DecisionRecord]) -> str:
    tested = [r for r in records if chosen_option(r) or open_option(r) or cheapest_failed(r)]
    tested = [r for r in tested if any(o.quality is not None for o in r.options)]
    most = sum(1 - record.evidence.confidence for record in tested)
    return (
        f"{plural(len(tested), 'feature')} tested; at most {most:.2f} wrong downgrades are to be "
        "expected among them (a wrong one is truly worse than its limit)."
    )
