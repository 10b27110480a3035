"""A showback's page and its files: of all spend, or of one team; readable in a minute.

The first part answers in order: what was spent, on what, whose, why it changed, what belongs to
nobody, what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from harness.money.spend.outlook import Outlook
from harness.money.spend.showback import DRIVERS, Chargeable, ShownBack, SpendDriver, SpendFigures
from harness.record.model import sha256
from harness.record.stored import replace_text
from harness.tell.facts import axis_begins
from harness.tell.portfolio.owned_section import idlest_step, owned_section
from harness.tell.portfolio.spend import bare
from harness.tell.showback.opening import headlines, in_short
from harness.tell.showback.phrases import (
    before_text,
    cause_of,
    change,
    covered,
    name_of,
    named_span,
    next_text,
    page_name,
    rule_for,
    share_of,
    span_text,
    spent_cells,
    table_of,
    whose,
)
from harness.tell.showback.sections import sections
from harness.tell.showback.tables import focus_csv, lines_csv
from harness.tell.words import count
from harness.wording import DASH, amount_text, plural, usd
from reports.document import (
    Block,
    Bullets,
    Link,
    Notice,
    Paragraph,
    Portfolio,
    Reckoning,
    Section,
    Step,
    Summary,
    Table,
    Waterfall,
)
from reports.render import render_index

_ZERO = Decimal(0)
_UNTAGGED = 10
_STEPS = 5
_RULES = 5
MADE_UP = "Made-up logs: nothing of this was spent by anybody."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    shown: ShownBack
    figures: SpendFigures
    drivers: tuple[SpendDriver, ...]
    made_up: bool


def to_showback(shown: ShownBack, team: str = "", *, made_up: bool = False) -> Portfolio:
    """Word the page of all spend, or of a team."""
    figures = next((one for one in shown.teams if one.team == team and team), shown.whole)
    told = _Told(shown=shown, figures=figures, drivers=figures.drivers(), made_up=made_up)
    now = figures.now
    of = f"{team}: w" if team else "W"
    return Portfolio(
        title=f"{of}hat the AI calls of {named_span(now.span)} cost{_part(told)}: {usd(now.usd)}",
        status=f"{span_text(now.span, now.until)}, UTC \u00b7 an estimate from "
        f"{plural(len(shown.logs), 'log')} of calls, not an invoice",
        page=tuple(_page(told)),
        views=tuple(_views(shown, figures)),
        stamp=sha256([repr(figures), repr(shown.bills), repr(shown.owned), str(made_up)]),
        home=Link(text="all spend", page="../index") if team else None,
    )


def _views(shown: ShownBack, figures: SpendFigures) -> Iterator[Section]:
    """The parts below the first page; how it was worked out comes last."""
    *found, basis = sections(shown, figures)
    yield from found
    own = owned_section(shown.owned, shown.limits, figures.team)
    if own is not None:
        yield own
    yield basis


def _page(told: _Told) -> Iterator[Block]:
    if told.made_up:
        yield Notice(text=MADE_UP)
    yield from _gaps(told)
    yield Summary(lead="In short.", text=in_short(told.shown, told.figures, told.drivers))
    yield headlines(told.shown, told.figures)
    yield from _todo(told)
    yield _drivers(told)
    if not told.figures.team:
        yield _teams(told)
        if told.figures.outlook.budget is not None:
            text = (
                "The budget of the row \u201call\u201d is the company's, not the sum of the teams'."
            )
            yield Paragraph(lead=None, runs=(text,))
    yield from _why(told)
    yield from _untagged(told)


def _part(told: _Told) -> str:
    """Whether logs cover the period in part only."""
    if not told.shown.period_covered:
        return ", as far as logs cover it"
    now = told.figures.now
    return " so far" if now.until.date() < now.span.end else ""


def _gaps(told: _Told) -> Iterator[Block]:
    now, shown = told.figures.now, told.shown
    if now.until.date() < now.span.end:
        yield Notice(
            text=f"The {now.span.kind} is not over in the logs: they end on "
            f"{now.until:%Y-%m-%d %H:%M} UTC."
        )
    if not shown.period_covered:
        yield Notice(text="Some hours of it are in no log: more was spent than stands here.")
    lost = now.used.unknown_cost
    if lost:
        yield Notice(
            text=f"{plural(round(lost), 'call')} without a cost in the logs and without a price: "
            "in no amount here. State a price in models/*.yaml."
        )


def _todo(told: _Told) -> Iterator[Block]:
    """The first five things to do and the dearest idle hours, dearest first."""
    steps = [
        (one.usd, f"{name_of(one)} ({whose(one.owner)}): {next_text(one)}")
        for one in told.drivers[:DRIVERS]
        if next_text(one) != "Nothing"
    ][:_STEPS]
    steps += idlest_step(told.shown.owned, told.shown.limits, told.figures.team)
    if steps:
        steps.sort(key=lambda one: -one[0])
        yield Bullets(lead="Do next, dearest first.", items=tuple(text for _, text in steps))


def _drivers(told: _Told) -> Table:
    now = told.figures.now
    rows = [
        (
            *(name_of(one), whose(one.owner), one.team or DASH, *spent_cells(one, now.usd)),
            change(one.shift and one.shift.change),
            *(cause_of(one.shift), next_text(one)),
        )
        for one in told.drivers[:DRIVERS]
    ]
    rest = told.drivers[DRIVERS:]
    if rest:
        left = sum((one.usd for one in rest), _ZERO)
        moved = sum((one.shift.change for one in rest if one.shift), _ZERO)
        known = change(moved) if told.figures.bridge is not None else DASH
        name = plural(len(rest), "other")
        rows.append((name, "", "", bare(left), share_of(left, now.usd), known, "", ""))
    gone = _gone(told)
    if gone:
        rows.append(
            ("stopped: nothing spent now", "", "", "0.00", "0 %", change(gone), "stopped", "")
        )
    rows.append(("all", "", "", bare(now.usd), DASH, change(told.figures.change), "", ""))
    names = ("feature", "owner", "team", "USD", "share", "change", "mostly because", "next")
    words = ("owner", "team", "mostly because", "next")
    caption = "What it was spent on, dearest first; USD"
    return table_of(caption, names, rows, words=words, total=True)


def _gone(told: _Told) -> Decimal:
    """What was spent before on what costs nothing now."""
    shown = {(one.feature, one.caller) for one in told.drivers}
    bridge = told.figures.bridge
    shifts = () if bridge is None else bridge.shifts
    return sum((o.change for o in shifts if (o.feature, o.caller) not in shown), _ZERO)


def _teams(told: _Told) -> Table:
    shown, whole = told.shown, told.figures
    old = {one.name: one.usd for one in whole.before.by("team")} if whole.before else {}
    now = {one.name: one.usd for one in whole.now.by("team")}
    looks = {one.team: one.outlook for one in shown.teams}
    if shown.nobody is not None:
        looks[""] = shown.nobody
    rows = [
        _team_row(name, now.get(name, _ZERO), old.get(name, _ZERO), looks.get(name), whole)
        for name in sorted({*now, *old}, key=lambda name: (-now.get(name, _ZERO), name))
    ]
    look = whole.outlook
    ends = [each.whole for name, each in looks.items() if name in now]
    known = [whole for whole in ends if whole is not None]
    complete = look.whole is not None and len(known) == len(ends)
    rest = look.whole - sum(known, _ZERO) if complete and look.whole is not None else None
    if rest:
        rows.append(("spent earlier in the month", "0.00", "0 %", DASH, bare(rest), DASH))
    rows.append(
        (
            *("all", bare(whole.now.usd), DASH, change(whole.change)),
            *(bare(look.whole), bare(look.budget)),
        )
    )
    month = f"{look.month.start:%B}"
    names = ("team", "USD", "share", "change", f"{month} at its end", f"budget of {month}")
    return table_of("Whose it is: by team; USD", names, rows, total=True)


def _team_row(
    name: str, now: Decimal, before: Decimal, look: Outlook | None, whole: SpendFigures
) -> tuple[str | Link, ...]:
    known = now - before if whole.before is not None else None
    linked = Link(text=name, page=f"teams/{page_name(name)}") if name and look else name
    return (
        *(linked or "no team named", bare(now), share_of(now, whole.now.usd), change(known)),
        *((DASH, DASH) if look is None else (bare(look.whole), bare(look.budget))),
    )


def _why(told: _Told) -> Iterator[Block]:
    """The bridge from one period to the other, as a sum and as a picture."""
    bridge = told.figures.bridge
    if bridge is None:
        return
    terms = [(factor.value, amount) for factor, amount in bridge.terms.items() if amount]
    past, kind = before_text(told.figures), told.figures.now.span.kind
    yield Reckoning(
        caption=f"Why it changed against {past}, cause by cause",
        unit="USD",
        lines=((past, bare(bridge.before)), *((name, change(usd_)) for name, usd_ in terms)),
        total=(f"this {kind}", bare(bridge.now)),
    )
    if not terms:
        return
    words = "; ".join(f"{name} {amount_text(amount, signed=True)}" for name, amount in terms)
    begins = axis_begins(bridge.before, (amount for _, amount in terms))
    yield Waterfall(
        caption="The same as a picture",
        description=f"{usd(bridge.before)}; {words}; {usd(bridge.now)}.",
        axis=f"USD; it begins at {amount_text(begins)}, not at 0" if begins else "USD",
        axis_from=float(begins),
        start_label=f"{past}: {usd(bridge.before)}",
        start_usd=float(bridge.before),
        steps=tuple(
            Step(label=f"{name} {amount_text(amount, signed=True)}", usd=float(amount))
            for name, amount in terms
        ),
        end_label=f"this {kind}: {usd(bridge.now)}",
        end_usd=float(bridge.now),
    )


def _untagged(told: _Told) -> Iterator[Block]:
    now, found = told.figures.now, told.figures.untagged
    whole = sum((one.usd for one in found), _ZERO)
    named = ", ".join(
        f"{noun} {covered(now, key)}"
        for key, noun in (("feature", "feature"), ("team", "team"), ("environment", "environment"))
    )
    yield Paragraph(lead="Allocated.", runs=(f"Share of the spend with a name: {named}.",))
    charged = chargeback_words(told.shown.chargeable(told.figures))
    yield Paragraph(lead="Showback or chargeback.", runs=(f"{charged[:1].upper()}{charged[1:]}.",))
    if not found:
        return
    rows = [
        (
            one.name or "unnamed caller",
            *(*spent_cells(one, now.usd), count(float(one.used.calls))),
        )
        for one in found[:_UNTAGGED]
    ]
    rest = found[_UNTAGGED:]
    if rest:
        left = sum((one.usd for one in rest), _ZERO)
        calls = sum((one.used.calls for one in rest), _ZERO)
        name = plural(len(rest), "other")
        rows.append((name, bare(left), share_of(left, now.usd), count(float(calls))))
    calls = sum((one.used.calls for one in found), _ZERO)
    rows.append(("all", bare(whole), share_of(whole, now.usd), count(float(calls))))
    names = ("caller", "USD", "share", "calls")
    yield table_of("Of no feature, dearest first; USD", names, rows, total=True)
    yield Bullets(
        lead="Lines for attribution.yaml that say whose it is.",
        items=tuple(f"`{rule_for(one.name)}`" for one in found[:_RULES]),
    )


def chargeback_words(found: Chargeable) -> str:
    """`may not be charged to teams yet: WHAT IS MISSING (WHAT IS ENOUGH)`."""
    parts = (_allocation(found), _bill(found))
    enough = [text for is_enough, text in parts if is_enough]
    if found.may_be_charged:
        return f"may be charged to teams: {', and '.join(enough)}"
    missing = [] if found.covered else ["no log covers some hours"]
    missing += [text for is_enough, text in parts if not is_enough]
    kept = f" ({', and '.join(enough)})" if enough else ""
    return f"may not be charged to teams yet: {'; '.join(missing)}{kept}"


def _allocation(found: Chargeable) -> tuple[bool, str]:
    told, needed = found.allocated_told, _share(found.allocated_needed)
    if told is None:
        return False, "nothing was spent"
    if found.is_allocated:
        return True, f"allocation, {_share(told)} of {needed} needed, is enough"
    return False, f"allocation, {_share(told)} of {needed} needed, is not enough"


def _bill(found: Chargeable) -> tuple[bool, str]:
    told, allowed = found.unexplained_told, _share(found.unexplained_allowed)
    if told is None:
        return False, "a bill compared is missing, `rightsize verify --actual FILE`"
    if found.is_reconciled:
        return True, f"of the bill {_share(told)} is unexplained, within {allowed} allowed"
    return False, f"of the bill {_share(told)} is unexplained, above {allowed} allowed"


def _share(share: Decimal) -> str:
    """`71 %`, `94.9 %`."""
    return f"{(share * 100).normalize():f} %"


def write_showback(shown: ShownBack, folder: Path, *, made_up: bool = False) -> tuple[Path, ...]:
    """Write the page of all spend, one a team, and the tables; returns them, the index first."""
    pages = {"index": "", **{f"teams/{page_name(one.team)}": one.team for one in shown.teams}}
    (folder / "teams").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, team in pages.items():
        page = to_showback(shown, team, made_up=made_up)
        for ending in ("html", "md"):
            path = folder / f"{name}.{ending}"
            replace_text(path, render_index(page, to=ending))
            written.append(path)
    tables = {"showback.csv": lines_csv(shown.whole.now), "focus.csv": focus_csv(shown)}
    for name, text in tables.items():
        replace_text(folder / name, text)
        written.append(folder / name)
    return tuple(written)
