"""The sorted views of the portfolio: one anchor each, no script."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.publish.facts import chosen_option, decided_without_a_call, saving_at_most
from harness.publish.portfolio_spend import spend_section
from harness.publish.store import file_name
from harness.publish.words import DASH, REASONS, count, day, person, points, reasons_text, usd
from harness.record.codes import Finding, State, Verdict
from reports.document import Column, Link, Paragraph, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.publish.facts import Facts
    from harness.publish.next_quarter import Since
    from harness.record.model import DecisionRecord
    from reports.document import Block

_TOP = 10


def views(facts: Sequence[Facts], since: Sequence[Since] | None) -> Iterable[Section]:
    """Every view, also the empty ones: that nothing is there is news too.

    `since` is None when there is no earlier cycle to compare with.
    """
    records = [fact.record for fact in facts]
    yield _view("drivers", f"Top {_TOP} savings", _drivers(records))
    yield _view("open", "Waiting for a decision", _waiting(facts))
    yield _view("undecided", "Undecided, by what deciding is worth", _undecided(records))
    yield _view("unevaluated", "Not evaluated, and why", _unevaluated(records))
    yield _view("free", "Decided without a call", _free(records))
    yield _view("exceptions", "Reasons to stay, by expiry", _exceptions(records))
    if since is not None:
        yield _view("since", "Since last quarter, by what a new look may be worth", _since(since))
    yield _view("teams", "By team and product", _teams(records))
    yield spend_section(records)
    yield _view("features", "All features", _features(records))


def _view(anchor: str, title: str, table: Table | None) -> Section:
    block: Block = table or Paragraph(lead=None, runs=("None.",))
    return Section(anchor=anchor, title=title, blocks=(block,))


def _table(
    caption: str, names: Sequence[str], rows: Iterable[tuple[str | Link, ...]], numeric: str = ""
) -> Table | None:
    made = tuple(Row(cells=cells) for cells in rows)
    columns = tuple(
        Column(text=name, numeric=at < len(numeric) and numeric[at] == "n")
        for at, name in enumerate(names)
    )
    return Table(caption=caption, columns=columns, rows=made) if made else None


def _link(record: DecisionRecord) -> Link:
    return Link(text=record.feature.name, page=f"documents/{file_name(record.feature.id)}")


def _monthly(record: DecisionRecord) -> Decimal:
    return record.current_cost.monthly or Decimal(0)


def _saving(record: DecisionRecord) -> Decimal:
    return record.savings.after_discounts if record.savings is not None else Decimal(0)


def _drivers(records: Sequence[DecisionRecord]) -> Table | None:
    proposed = [record for record in records if record.verdict is Verdict.DOWNGRADE]
    proposed.sort(key=lambda record: (-_saving(record), record.feature.id))
    return _table(
        "The largest proposed savings, after discounts",
        ("feature", "owner", "from", "to", "saves a month", "quality at worst (limit)", "state"),
        (
            (
                _link(record),
                person(record.feature.owner),
                record.current.option,
                record.chosen or record.lever,
                usd(_saving(record)),
                _worst(record),
                record.state.value,
            )
            for record in proposed[:_TOP]
        ),
        "----n",
    )


def _worst(record: DecisionRecord) -> str:
    option = chosen_option(record)
    if option is None or option.quality is None:
        return "the same model"
    return f"{points(option.quality.worst)} (-{option.quality.margin:g})"


def _waiting(facts: Sequence[Facts]) -> Table | None:
    waiting = [fact for fact in facts if fact.state is State.PROPOSED]
    waiting.sort(key=lambda fact: (fact.record.decide_by, fact.record.feature.id))
    return _table(
        "Proposals without a human decision, by date",
        ("feature", "owner", "verdict", "decide by", "saves a month"),
        (
            (
                _link(fact.record),
                person(fact.record.feature.owner),
                fact.record.verdict.value,
                f"{day(fact.record.decide_by)}{' (overdue)' if fact.overdue else ''}",
                usd(_saving(fact.record)) if fact.record.savings else DASH,
            )
            for fact in waiting
        ),
        "----n",
    )


def _undecided(records: Sequence[DecisionRecord]) -> Table | None:
    found = [record for record in records if record.verdict is Verdict.UNDECIDED]
    found.sort(key=lambda record: (-_worth(record), record.feature.id))
    return _table(
        "What is missing, what it costs, and what deciding is worth",
        ("feature", "owner", "worth a month", "cases", "labels", "cost", "why"),
        (_undecided_cells(record) for record in found),
        "--nnnn",
    )


def _undecided_cells(record: DecisionRecord) -> tuple[str | Link, ...]:
    needed = record.still_needed
    return (
        _link(record),
        person(record.feature.owner),
        usd(needed.worth_monthly_usd if needed else None),
        count(needed.cases if needed else None),
        count(needed.labels if needed else None),
        usd(needed.cost_usd if needed else None),
        reasons_text(record.reason_codes),
    )


def _worth(record: DecisionRecord) -> Decimal:
    needed = record.still_needed
    return (needed.worth_monthly_usd if needed else None) or Decimal(0)


def _unevaluated(records: Sequence[DecisionRecord]) -> Table | None:
    found = [record for record in records if record.finding is Finding.UNAVAILABLE]
    return _table(
        "Blocked features: nothing of them was asked",
        ("feature", "owner", "a month today", "why"),
        (
            (
                _link(record),
                person(record.feature.owner),
                usd(record.current_cost.monthly),
                _why(record),
            )
            for record in found
        ),
        "--n",
    )


def _why(record: DecisionRecord) -> str:
    words = "; ".join(f"{REASONS[code]} ({code.value})" for code in record.reason_codes)
    return words or DASH


def _free(records: Sequence[DecisionRecord]) -> Table | None:
    found = [
        record
        for record in records
        if decided_without_a_call(record) and record.finding is not Finding.UNAVAILABLE
    ]
    found.sort(key=lambda record: (-_monthly(record), record.feature.id))
    return _table(
        "Answered before a cent was spent",
        ("feature", "team", "a month today", "could save at most", "verdict", "why"),
        (
            (
                _link(record),
                record.feature.team,
                usd(record.current_cost.monthly),
                usd(saving_at_most(record)),
                record.verdict.value,
                _why(record),
            )
            for record in found
        ),
        "--nn",
    )


def _exceptions(records: Sequence[DecisionRecord]) -> Table | None:
    found = [record for record in records if record.verdict is Verdict.JUSTIFY]
    found.sort(key=lambda record: (_exception_end(record), record.feature.id))
    return _table(
        "Every reason to stay ends by itself",
        ("feature", "owner", "a month today", "reason", "signed by", "expires"),
        (
            (
                _link(record),
                person(record.feature.owner),
                usd(record.current_cost.monthly),
                reasons_text(record.reason_codes),
                record.exception.approver if record.exception else "nobody yet",
                _exception_end(record),
            )
            for record in found
        ),
        "--n",
    )


def _since(found: Sequence[Since]) -> Table | None:
    return _table(
        "What changed; a dash: nothing more can be saved, or it is not known",
        ("feature", "owner", "worth a month, at most", "what changed"),
        (
            (
                item.record.feature.name,
                person(item.record.feature.owner),
                usd(item.worth),
                "; ".join(item.changes),
            )
            for item in found
        ),
        "--n",
    )


def _exception_end(record: DecisionRecord) -> str:
    return day(record.exception.expires_at if record.exception else record.expires_at)


def _teams(records: Sequence[DecisionRecord]) -> Table | None:
    groups: dict[tuple[str, str], list[DecisionRecord]] = defaultdict(list)
    for record in records:
        groups[record.feature.team, record.feature.product].append(record)
    ordered = sorted(groups.items(), key=lambda item: (-sum(map(_saving, item[1])), item[0]))
    return _table(
        "Monthly cost at list price, and proposed saving after discounts",
        ("team", "product", "features", "a month today", "saves a month"),
        (
            (
                team,
                product,
                count(len(group)),
                usd(sum(map(_monthly, group), start=Decimal(0))),
                usd(sum(map(_saving, group), start=Decimal(0))),
            )
            for (team, product), group in ordered
        ),
        "--nnn",
    )


def _features(records: Sequence[DecisionRecord]) -> Table | None:
    ordered = sorted(records, key=lambda record: (-_monthly(record), record.feature.id))
    return _table(
        "By monthly cost at list price; savings after discounts; a dash: not known, or none",
        ("feature", "team", "verdict", "state", "today", "to", "a month today", "saves a month"),
        (
            (
                _link(record),
                record.feature.team,
                record.verdict.value,
                record.state.value,
                record.current.option,
                record.chosen or DASH,
                usd(record.current_cost.monthly),
                usd(_saving(record)) if record.savings else DASH,
            )
            for record in ordered
        ),
        "------nn",
    )
