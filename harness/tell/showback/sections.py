"""The parts of a showback below its first page: causes, unit costs, unusual hours, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from harness.money.portfolio.progress import Milestone, funnel
from harness.money.portfolio.to_do import Task, to_do
from harness.money.spend.lines import By, Consumed
from harness.money.spend.showback import NextStep, ShownBack, SpendFigures
from harness.tell.portfolio.pictures import figures_fold
from harness.tell.portfolio.spend import bare
from harness.tell.portfolio.tasks import due_text, what_text
from harness.tell.showback.phrases import (
    before_text,
    cause_of,
    change,
    moment,
    named_span,
    seen,
    share_of,
    spent_cells,
    table_of,
    unit_blocks,
)
from harness.tell.words import count
from harness.wording import DASH, plural, usd
from reports.document import Bars, Block, Bullets, NamedAmount, Paragraph, Section

_MOST = 15
_ZERO = Decimal(0)
_HOUR = timedelta(hours=1)
_AT_MOST = (
    "At most: by price alone, if the cheapest listed model read 30 % fewer tokens and wrote half "
    "as many, without what unusual hours cost above the usual. Whether it is good enough, only a "
    "review says; most features save less, some nothing."
)
_CAUSES = (
    "Why it changed: one thing after the other is taken from the new period, in the order of the "
    "sum: requests, repeated calls, models, length of inputs and of answers, cache; what is left "
    "is the price."
)
_UNUSUAL = (
    "Unusual hours: above the same hours of up to six weeks before, at the level of the last week; "
    "it needs three. Under a dollar, or 0.1 % of the spend, nothing is told."
)
_NOT_HERE = (
    "Only calls of models that are in the logs: no notebook, no training job, no kernel of a GPU, "
    "no subscription by seat."
)


def sections(shown: ShownBack, figures: SpendFigures) -> Iterator[Section]:
    """Those that have something to say; the rest is named in the last one."""
    found = {
        ("changes", "What changed, by feature"): tuple(_changes(figures)),
        ("trend", f"The {figures.now.span.kind}s before"): tuple(_trend(figures)),
        ("units", "What a request costs"): tuple(unit_blocks(figures)),
        ("unusual", "Unusual hours"): tuple(_unusual(figures)),
        ("findings", "What the logs show"): tuple(_findings(figures)),
        ("reviews", "Right-sizing: what was reviewed, and what could be saved"): tuple(
            _reviews(figures)
        ),
        ("parts", "By environment, model and caller"): tuple(_parts(figures)),
        ("bill", "Estimate beside the bill"): tuple(_bill(shown, figures)),
        ("basis", "How it was worked out, and what is not in it"): tuple(_basis(shown, figures)),
    }
    for (anchor, title), blocks in found.items():
        if blocks:
            yield Section(anchor=anchor, title=title, blocks=blocks)


def _changes(figures: SpendFigures) -> Iterator[Block]:
    bridge = figures.bridge
    moved = [] if bridge is None else [one for one in bridge.shifts if one.change]
    if bridge is None or not moved:
        return
    rows = [
        (
            one.feature or one.caller or "unnamed caller",
            *(bare(one.before), bare(one.now), change(one.change), cause_of(one)),
            DASH if one.main is None else change(one.terms[one.main]),
        )
        for one in moved[:_MOST]
    ]
    rest = moved[_MOST:]
    if rest:
        sums = [sum((getattr(one, n) for one in rest), _ZERO) for n in ("before", "now", "change")]
        name = plural(len(rest), "other")
        rows.append((name, bare(sums[0]), bare(sums[1]), change(sums[2]), "", ""))
    same = [one for one in bridge.shifts if not one.change]
    if same:
        level = sum((one.now for one in same), _ZERO)
        rows.append((f"{len(same):,} unchanged", bare(level), bare(level), "0.00", "", ""))
    whole = bridge.now - bridge.before
    rows.append(("all", bare(bridge.before), bare(bridge.now), change(whole), "", ""))
    past = before_text(figures)
    names = ("feature or caller", past, "now", "change", "mostly because", "by that")
    words = ("mostly because",)
    yield table_of("The largest changes; USD", names, rows, words=words, total=True)


def _trend(figures: SpendFigures) -> Iterator[Block]:
    past = [(named_span(one.span), one.usd) for one in figures.trend if one.usd is not None]
    if not past:
        return
    now = (named_span(figures.now.span), figures.now.usd)
    rows = tuple(
        NamedAmount(label=name, value=float(amount), text=usd(amount), strong=name == now[0])
        for name, amount in (*past, now)
    )
    words = "; ".join(f"{row.label}: {row.text}" for row in rows)
    kind = figures.now.span.kind
    yield Bars(
        caption=f"Spend {kind} by {kind}, the newest last",
        description=f"{words}.",
        axis=f"USD a {kind}",
        rows=rows,
    )
    names = (kind, "USD")
    yield figures_fold(
        f"Spend {kind} by {kind}; USD", names, [(n, bare(a)) for n, a in (*past, now)]
    )
    lacking = [one.span.name for one in figures.trend if one.usd is None]
    if lacking:
        yield Paragraph(lead=None, runs=(f"Not covered by logs: {', '.join(lacking)}.",))


def _unusual(figures: SpendFigures) -> Iterator[Block]:
    if not figures.unusual:
        return
    rows = [
        (
            one.feature or "(no feature named)",
            one.caller or "unnamed caller",
            moment(one.since),
            moment(one.until - _HOUR),
            f"{one.hours:,}",
            *(bare(one.usd), bare(one.expected), change(one.excess)),
        )
        for one in figures.unusual[:_MOST]
    ]
    names = ("feature", "caller", "first hour", "last hour", "hours", "USD", "usual", "above it")
    caption = "Hours that cost more; usual: the same hours of up to six weeks before; USD"
    yield table_of(caption, names, rows, words=names[1:4])
    rest = figures.unusual[_MOST:]
    if rest:
        more = sum((one.excess for one in rest), _ZERO)
        yield Paragraph(lead=None, runs=(f"{plural(len(rest), 'other')}, {usd(more)} above it.",))


def _findings(figures: SpendFigures) -> Iterator[Block]:
    if not figures.findings:
        return
    rows = [
        (
            one.kind.replace("-", " "),
            one.feature or "(no feature named)",
            *(one.who or "unnamed caller", seen(one), str(one.since)),
            "not known" if one.usd_a_month is None else bare(one.usd_a_month),
        )
        for one in figures.findings[:_MOST]
    ]
    names = ("what", "feature", "caller", "seen", "since", "USD a month")
    known = any(one.usd_a_month is not None for one in figures.findings)
    caption = f"Over the whole of each log{', dearest first' if known else ''}"
    yield table_of(caption, names, rows, words=names[1:5])
    rest = figures.findings[_MOST:]
    if rest:
        less = ", less dear or of a cost not known" if known else ""
        yield Paragraph(lead=None, runs=(f"{plural(len(rest), 'other')}{less}.",))


_NOTHING_FIRST = {NextStep.REVIEW, NextStep.NONE}
_STEPS = {
    Milestone.IDENTIFIED: "identified: could be saved at most",
    Milestone.ACCEPTED: "approved",
    Milestone.PRODUCTION: "implemented: in production, as forecast",
    Milestone.REALISED: "verified: realised on a bill",
}


def _reviews(figures: SpendFigures) -> Iterator[Block]:
    reviewed = {one.record.feature.id: one for one in figures.standing.features}
    if reviewed:
        steps = [
            (_STEPS[one.step], count(one.features), bare(one.usd))
            for one in funnel(figures.standing)
            if one.step in _STEPS
        ]
        names = ("saving", "features", "USD a month")
        yield table_of("Savings by reviews, after discounts", names, steps)
    else:
        yield Paragraph(
            lead="Nothing was reviewed yet.", runs=("No saving is approved or verified.",)
        )
    yield from _reviewed(figures)
    yield from _unreviewed(figures)


def _unreviewed(figures: SpendFigures) -> Iterator[Block]:
    """What reviews could save at most, and what is to be done before a review."""
    steps = {one.feature: one.step for one in figures.drivers()}
    rows = [
        (
            *(one.feature, one.model or DASH, one.cheapest or DASH),
            *(bare(one.monthly_usd), bare(one.saving_usd)),
            DASH if steps[one.feature] in _NOTHING_FIRST else steps[one.feature].value,
        )
        for one in figures.unreviewed[:_MOST]
        if one.feature in steps
    ]
    if rows:
        yield table_of(
            "Never reviewed, by what a review could save at most; USD a month at this pace",
            ("feature", "model", "cheapest", "costs", "at most saved", "before a review"),
            rows,
            words=("model", "cheapest", "before a review"),
        )
        yield Paragraph(lead=None, runs=(_AT_MOST,))


def _reviewed(figures: SpendFigures) -> Iterator[Block]:
    """Where each reviewed feature stands, what is next, and what the review found."""
    first: dict[str, Task] = {}
    for task in to_do(figures.standing):
        first.setdefault(task.feature.record.feature.id, task)
    rows: list[tuple[str, ...]] = []
    for one in figures.standing.features:
        task = first.get(one.record.feature.id)
        rows.append(
            (
                *(one.record.feature.id, one.state.value.lower(), one.record.verdict.value),
                "nothing" if task is None else what_text(task),
                DASH if task is None else due_text(task),
                *(bare(one.offered), bare(one.realised)),
            )
        )
    names = ("feature", "state", "verdict", "next", "by", "saving found", "verified")
    if rows:
        caption = "Reviewed; USD a month after discounts"
        yield table_of(caption, names, rows, words=names[1:5])


def _parts(figures: SpendFigures) -> Iterator[Block]:
    now = figures.now
    outside = figures.elsewhere
    unnamed = sum((one.usd for one in now.by("environment") if not one.name), _ZERO)
    text = f"{share_of(outside, now.usd)} of the spend ({usd(outside)}) is outside production"
    if unnamed:
        text += f"; of {share_of(unnamed, now.usd)} no environment is named"
    yield Paragraph(lead="Outside production.", runs=(f"{text}.",))
    nouns = {"cohort": "tenant", "caller": "caller"}
    big = [
        f"the {nouns[by]} {one.name} has {share_of(one.usd, now.usd)}"
        for by, one in figures.concentrated()
    ]
    text = f"Over 40 % of the spend: {'; '.join(big)}." if big else (
        "No tenant and no caller has more than 40 % of the spend."
    )  # fmt: skip
    yield Paragraph(lead="Concentration.", runs=(text,))
    for by, word in (
        ("environment", "environment"),
        ("model", "model"),
        ("caller", "caller"),
        ("cohort", "tenant"),
        ("product", "product"),
    ):
        yield from _breakdown(figures, by, word)  # type: ignore[arg-type]


def _breakdown(figures: SpendFigures, by: By, word: str) -> Iterator[Block]:
    groups = figures.now.by(by)
    if not any(one.name for one in groups):
        return
    old = {one.name: one.usd for one in figures.before.by(by)} if figures.before else {}
    known = figures.before is not None
    whole = figures.now.usd
    rows = [
        (
            one.name or f"no {word} named",
            *spent_cells(one, whole),
            change(one.usd - old.get(one.name, _ZERO) if known else None),
        )
        for one in groups[:_MOST]
    ]
    rest = groups[_MOST:]
    shown = {one.name for one in groups[:_MOST]}
    left = sum((one.usd for one in rest), _ZERO)
    past = sum((amount for name, amount in old.items() if name not in shown), _ZERO)
    if rest or past:
        name = plural(len(rest), "other") if rest else "stopped"
        moved = change(left - past if known else None)
        rows.append((name, bare(left), share_of(left, whole), moved))
    rows.append(("all", bare(whole), DASH, change(figures.change)))
    yield table_of(f"By {word}; USD", (word, "USD", "share", "change"), rows, total=True)


def _bill(shown: ShownBack, figures: SpendFigures) -> Iterator[Block]:
    if figures.team:
        return
    if not shown.bills:
        yield Paragraph(
            lead=None,
            runs=(
                (
                    "No bill of these months was read: `rightsize verify --actual FILE` holds one "
                    "against the estimate."
                ),
            ),
        )
        return
    rows = [
        (
            one.month,
            *(bare(one.billed), bare(one.estimate), share_of(one.unexplained, one.billed)),
            DASH if one.logged is None else bare(one.logged),
        )
        for one in shown.bills
    ]
    names = ("month", "billed", "estimate of what was billed", "unexplained", "by the logs")
    yield table_of("USD of the use of models", names, rows)


def _basis(shown: ShownBack, figures: SpendFigures) -> Iterator[Block]:
    now = figures.now
    listed = sum((one.from_prices_usd for one in now.lines), _ZERO)
    at_list = sum((one.at_list_usd for one in now.lines), _ZERO)
    used: Consumed = now.used
    items = [
        f"Logs: {', '.join(shown.logs[:6])}{' and others' if shown.logs[6:] else ''}.",
        stated_words(now.usd - listed, listed, at_list),
        (
            f"{count(float(used.calls))} calls; {count(float(used.gateway_hits))} more were"
            " answered by a gateway's own cache for nothing."
        ),
        "Amounts are rounded once, line by line, so that every table adds up to its total.",
        _CAUSES,
        _forecast_text(figures),
        _UNUSUAL,
        _NOT_HERE,
    ]
    yield Bullets(lead=None, items=tuple(items))


def stated_words(stated: Decimal, listed: Decimal, at_list: Decimal) -> str:
    """What of the spend the logs state, and what is tokens at list prices."""
    if listed and not stated:
        return "All of it is tokens at list prices; discounts of yours are not counted."
    known = f"All calls of known tokens and price at list prices: {usd(at_list)}."
    if not listed:
        return f"All of it is as the logs state it. {known}"
    return (
        f"{usd(stated)} is as the logs state it, {usd(listed)} at list prices of the "
        f"day where they state no cost. {known}"
    )


def _forecast_text(figures: SpendFigures) -> str:
    look = figures.outlook
    text = "Forecast: spent to date, and each day left at the mean of its weekday in four weeks"
    if look.band is None:
        return f"{text}; for a range, logs are too short."
    return f"{text}; the range holds 8 of 10 of {look.checked:,} earlier forecasts of as many days."
