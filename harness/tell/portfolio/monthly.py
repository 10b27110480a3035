"""A month's page for the cost review: drivers, decisions due, what changed, what was verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from harness.errors import UsageError
from harness.money.portfolio.change import DecisionEvent, Driver, change_since, costs, moves, stood
from harness.money.portfolio.overview import Overview, overview
from harness.money.portfolio.progress import Kept, kept_promises, run_rate_of_all
from harness.money.portfolio.to_do import Action, Task, to_do
from harness.record.model import DecisionRecord, sha256
from harness.tell.facts import read_facts
from harness.tell.portfolio.pictures import change_blocks
from harness.tell.portfolio.spend import (
    bare,
    run_rate_basis,
    saved_by,
    spend_text,
    verdict_counts,
)
from harness.tell.portfolio.tasks import due_text, link_to, owners_of, task_table, what_text
from harness.tell.words import count, day, person
from harness.wording import DASH, percent, plural, usd
from reports.document import (
    Block,
    Column,
    Fold,
    Headline,
    Headlines,
    Link,
    Paragraph,
    Portfolio,
    Row,
    Section,
    Table,
)

_DRIVERS = 10
_SOON = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A calendar month; `last` is its last day, or today where the month is not over."""

    first: date
    last: date
    over: bool

    @property
    def name(self) -> str:
        """`November 2026`."""
        return f"{self.first:%B %Y}"


def month_of(first: date, today: date) -> Period:
    """The month that begins on a day.

    Raises:
        UsageError: it has not begun.
    """
    following = (first + timedelta(days=32)).replace(day=1)
    if first > today:
        raise UsageError(f"--month {first:%Y-%m}: it has not begun; the newest is {today:%Y-%m}")
    end = following - timedelta(days=1)
    return Period(first=first, last=min(end, today), over=end < today)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    month: Period
    now: Overview
    before: Overview
    tasks: tuple[Task, ...]
    made: tuple[DecisionRecord, ...]
    """Records that the month's reviews wrote."""
    events: tuple[DecisionEvent, ...]


def monthly_page(records: Sequence[DecisionRecord], month: Period, now: datetime) -> Portfolio:
    """Word a month's page over every record of every cycle.

    Raises:
        UsageError: no record is that old.
    """
    plain = [read_facts(record, now).record for record in records]
    figures = overview(stood(plain, month.last), month.last)
    if not figures.features:
        oldest = min((record.generated_at.date() for record in records), default=None)
        known = "there are no records" if oldest is None else f"the oldest is of {day(oldest)}"
        raise UsageError(f"--month {month.first:%Y-%m}: no record is that old; {known}")
    yesterday = month.first - timedelta(days=1)
    told = _Told(
        month=month,
        now=figures,
        before=overview(stood(plain, yesterday), yesterday),
        tasks=to_do(figures),
        made=tuple(r for r in plain if month.first <= r.generated_at.date() <= month.last),
        events=moves(plain, month.first, month.last),
    )
    so_far = "" if month.over else " so far"
    return Portfolio(
        title=f"Cost review, {month.name}{so_far}: {plural(len(figures.features), 'feature')}, "
        f"{spend_text(figures.total)}",
        status=f"As it stood on {day(month.last)}",
        page=tuple(_page(told)),
        views=tuple(_sections(told)),
        stamp=sha256([record.etag for record in records] + [str(month.last)]),
    )


def _page(told: _Told) -> Iterator[Block]:
    late = [task for task in told.tasks if task.overdue]
    soon = _due_soon(told)
    both = [*late, *soon]
    waiting = f"{plural(len(late), 'thing')} overdue, {len(soon)} due by {day(_until(told))}"
    kinds = f": {_by_kind(both)}. Waiting for {owners_of(both)}" if both else ""
    yield _headlines(told)
    yield Paragraph(lead="Due.", runs=(f"{waiting}{kinds}.",))
    yield _drivers(told)
    nothing = _nothing_in(told)
    if nothing:
        yield Paragraph(lead="No entries under:", runs=(f"{'; '.join(nothing)}.",))


def _by_kind(tasks: Sequence[Task]) -> str:
    """`decide on the switch 3, sign the reason to stay 2`."""
    found = Counter(task.action for task in tasks)
    return ", ".join(f"{action.value} {found[action]}" for action in Action if found[action])


def _headlines(told: _Told) -> Headlines:
    now, before = run_rate_of_all(told.now), run_rate_of_all(told.before)
    checked = _checked(told)
    realised = sum((one.realised for one in checked), Decimal(0))
    forecast = sum((one.forecast for one in checked), Decimal(0))
    known = told.before.total.spend_known
    month_before = f"{usd(before.now)} at the end of the month before"
    return Headlines(
        caption="USD a month after discounts, on this day",
        items=(
            Headline(
                label="run-rate",
                value=f"{usd(now.now)} a month",
                notes=(
                    *_from_review(told.now),
                    month_before if known else "nothing was reviewed before this month",
                ),
            ),
            Headline(
                label="can be had",
                value=f"{usd(told.now.total.proposed)} a month",
                notes=(f"on {plural(told.now.total.proposed_on, 'feature')}, not in production",),
            ),
            Headline(
                label="verified in this month",
                value=f"{usd(realised)} a month" if checked else "nothing",
                notes=(f"forecast {usd(forecast)}, on {plural(len(checked), 'feature')}",)
                if checked
                else ("no bill was checked",),
            ),
        ),
    )


def _from_review(figures: Overview) -> Iterator[str]:
    """How the run-rate follows from the spend as reviewed, where they differ."""
    rate = run_rate_of_all(figures)
    if rate.reviewed != rate.now:
        off = usd(rate.reviewed - rate.now)
        yield f"{usd(rate.reviewed)} as reviewed, minus {off}{run_rate_basis(figures.total)[1:]}"


def _until(told: _Told) -> date:
    return told.month.last + _SOON


def _due_soon(told: _Told) -> list[Task]:
    last = _until(told)
    return [
        one for one in told.tasks if one.due is not None and not one.overdue and one.due <= last
    ]


def _drivers(told: _Told) -> Table:
    """The ten features that cost most as production runs, each with whoever answers for it."""
    found = costs(told.now, told.before)
    whole = sum((one.now for one in found), Decimal(0))
    first: dict[str, Task] = {}
    for task in told.tasks:
        first.setdefault(task.feature.record.feature.id, task)
    rows = [Row(cells=_driver_cells(one, whole, first)) for one in found[:_DRIVERS]]
    rest = sum((one.now for one in found[_DRIVERS:]), Decimal(0))
    if found[_DRIVERS:]:
        name = plural(len(found) - _DRIVERS, "other")
        rows.append(Row(cells=(name, "", "", bare(rest), _share(rest, whole), "", "", "")))
    rows.append(Row(cells=("all", "", "", bare(whole), DASH, "", "", ""), strong=True))
    names = (
        *("feature", "owner", "team", "USD a month", "share", "since last month"),
        *("next", "by"),
    )
    return Table(
        caption="The ten drivers: what costs most as production runs, after discounts",
        columns=tuple(Column(text=name, numeric=at in {3, 4, 5}) for at, name in enumerate(names)),
        rows=tuple(rows),
        stacked=True,
    )


def _driver_cells(cost: Driver, whole: Decimal, first: dict[str, Task]) -> tuple[str | Link, ...]:
    feature = cost.one.record.feature
    task = first.get(feature.id)
    since = "new" if cost.before is None else f"{cost.now - cost.before:+,.2f}"
    return (
        *(link_to(cost.one, beside=True), person(feature.owner), feature.team),
        *(bare(cost.now), _share(cost.now, whole), since),
        "nothing" if task is None else what_text(task),
        DASH if task is None else due_text(task),
    )


def _share(part: Decimal, whole: Decimal) -> str:
    return percent(part / whole) if whole else DASH


def _sections(told: _Told) -> Iterator[Section]:
    """What has rows; `_nothing_in` names the rest."""
    for anchor, name, title, tasks in _waiting(told):
        if tasks:
            yield Section(anchor=anchor, title=title, blocks=tuple(_tasks(name, tasks)))
    changed = tuple(_changed(told))
    if changed:
        yield Section(anchor="changed", title=_CHANGED, blocks=changed)
    checked = _checked(told)
    if checked:
        yield Section(anchor="verified", title=_VERIFIED, blocks=(_verified(checked),))


def _tasks(name: str, tasks: Sequence[Task]) -> Iterator[Block]:
    """What money hangs on in the open; the rest folded where there is both."""
    paid = [task for task in tasks if task.usd is not None]
    rest = [task for task in tasks if task.usd is None]
    if paid:
        yield task_table(f"{name}; USD a month after discounts", paid, beside=True)
    if rest:
        table = task_table(f"{name}, without an amount", rest, beside=True)
        yield Fold(summary="Without an amount", blocks=(table,)) if paid else table


_CHANGED, _VERIFIED = "What changed", "What was verified"


def _waiting(told: _Told) -> tuple[tuple[str, str, str, list[Task]], ...]:
    late = [task for task in told.tasks if task.overdue]
    soon = f"Due by {day(_until(told))}"
    return ("overdue", "Overdue", "Overdue", late), ("due", "Due soon", soon, _due_soon(told))


def _nothing_in(told: _Told) -> list[str]:
    """The titles of the sections without a row."""
    empty = [title for _, _, title, tasks in _waiting(told) if not tasks]
    empty += [] if any(True for _ in _changed(told)) else [_CHANGED]
    return [*empty, *([] if _checked(told) else [_VERIFIED])]


def _changed(told: _Told) -> Iterator[Block]:
    """Findings, decisions, and why the spend changed within the month."""
    if told.made:
        words = ", ".join(verdict_counts(told.made))
        text = f"{plural(len(told.made), 'record')} written by reviews in this month: {words}."
        yield Paragraph(lead="Findings.", runs=(text,))
    if told.events:
        yield _decisions(told.events)
    moved = change_since([one.record for one in told.before.features], told.now.features)
    if moved is not None and (any(moved.terms.values()) or moved.now != moved.before):
        yield from change_blocks(moved, "the month before", told.now)


def _decisions(events: Sequence[DecisionEvent]) -> Table:
    columns = ("day", "feature", "became", "by", "model", "USD a month")
    rows = [
        Row(
            cells=(
                day(event.entry.at),
                event.record.feature.name,
                event.entry.state.value.lower(),
                person(event.entry.by),
                event.record.chosen or "stays",
                bare(event.record.savings.after_discounts if event.record.savings else None),
            )
        )
        for event in events
    ]
    return Table(
        caption="Decisions of this month; USD a month after discounts, as found",
        columns=tuple(
            Column(text=name, numeric=at == len(columns) - 1) for at, name in enumerate(columns)
        ),
        rows=tuple(rows),
        stacked=True,
    )


def _checked(told: _Told) -> list[Kept]:
    """The downgrades that a bill was held against in this month."""
    first, last = told.month.first, told.month.last
    return [
        one
        for one in kept_promises(told.now)
        if one.verified_on is not None and first <= one.verified_on <= last
    ]


def _verified(checked: Sequence[Kept]) -> Table:
    rows = [
        Row(
            cells=(
                link_to(one.feature, beside=True),
                person(one.feature.record.feature.owner),
                saved_by(one.feature),
                bare(one.forecast),
                bare(one.realised),
                _share(one.realised, one.forecast),
                count(one.months),
                day(one.verified_on),
            )
        )
        for one in checked
    ]
    forecast = sum((one.forecast for one in checked), Decimal(0))
    realised = sum((one.realised for one in checked), Decimal(0))
    whole = ("all", "", "", bare(forecast), bare(realised), _share(realised, forecast), "", "")
    names = (
        *("feature", "owner", "by", "forecast a month", "realised a month", "of the forecast"),
        *("months billed", "on"),
    )
    return Table(
        caption="Held against a bill in this month; USD after discounts",
        columns=tuple(Column(text=name, numeric=2 < at < 7) for at, name in enumerate(names)),  # noqa: PLR2004
        rows=(*rows, Row(cells=whole, strong=True)),
        stacked=True,
    )
