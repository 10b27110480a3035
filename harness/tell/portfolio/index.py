"""All records of a cycle to the index page for the review meeting.

It also compares earlier forecasts with what was billed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from harness.money.owned.bought import BoughtCapacity
from harness.money.portfolio.change import change_since
from harness.money.portfolio.overview import (
    IN_PRODUCTION,
    TO_BE_HAD,
    Evaluation,
    Overview,
    Stage,
    Sums,
    overview,
)
from harness.money.portfolio.progress import run_rate_of_all
from harness.record.base import State, Verdict
from harness.record.lifecycle import standing
from harness.record.model import DecisionRecord, sha256
from harness.tell.facts import read_facts
from harness.tell.portfolio.next_quarter import Since, since_last
from harness.tell.portfolio.owned_section import bought_blocks
from harness.tell.portfolio.pictures import (
    change_blocks,
    funnel_picture,
    kept_blocks,
    options_picture,
    run_rate_blocks,
    spend_picture,
)
from harness.tell.portfolio.spend import TO_BE_HAD as TO_BE_HAD_TEXT
from harness.tell.portfolio.spend import (
    money,
    net_text,
    production_text,
    proposed_text,
    run_rate_basis,
    same_model_text,
    spend_section,
    spend_text,
    team_section,
    unknown_text,
    verdict_counts,
)
from harness.tell.portfolio.tasks import to_do_blocks
from harness.tell.portfolio.views import empty_views, features_section, views
from harness.tell.words import count, day, sentence, series
from harness.wording import DASH, plural, usd
from reports.document import (
    Block,
    Code,
    Column,
    Headline,
    Headlines,
    Link,
    Paragraph,
    Portfolio,
    Row,
    Run,
    Section,
    Table,
)

_A_YEAR = timedelta(days=366)
_NOT_STANDING = {State.REJECTED, State.EXPIRED, State.SUPERSEDED}


def track_record(past: Sequence[DecisionRecord], today: date) -> str:
    """One sentence on how last year's accepted downgrades turned out; empty without any."""
    accepted = [
        record
        for record in past
        if record.verdict is Verdict.DOWNGRADE
        and today - record.generated_at.date() <= _A_YEAR
        and any(entry.state is State.ACCEPTED for entry in record.history)
    ]
    if not accepted:
        return ""
    back = [record for record in accepted if record.state is State.REJECTED]
    stand = [record for record in accepted if standing(record, today) not in _NOT_STANDING]
    ended = len(accepted) - len(back) - len(stand)
    head = (
        f"Of {plural(len(accepted), 'accepted downgrade')} of the last year {len(stand)} "
        f"{'holds' if len(stand) == 1 else 'hold'}; {len(back)} went back"
        f"{f'; {ended} ended with the evidence or a new decision' if ended else ''}."
    )
    return f"{head} {_billed(accepted)}"


def _billed(accepted: Sequence[DecisionRecord]) -> str:
    """Forecast and realised saving of the decisions that a bill has verified."""
    billed = [
        (record.savings.after_discounts, record.savings.realised)
        for record in accepted
        if record.savings is not None and record.savings.realised is not None
    ]
    if not billed:
        return "No saving has been verified against a bill yet."
    forecast = sum((pair[0] for pair in billed), start=Decimal(0))
    realised = sum((pair[1] for pair in billed), start=Decimal(0))
    return (
        f"Verified against a bill on {plural(len(billed), 'feature')}: {usd(realised)} a month "
        f"realised, {usd(forecast)} forecast."
    )


_ENDED = (State.REJECTED, State.EXPIRED)
_STAGES = {
    State.PROPOSED: "proposed",
    State.DEFERRED: "deferred",
    State.ACCEPTED: "accepted",
    State.IMPLEMENTED: "in production, not verified",
    State.VERIFIED: "in production, verified against a bill",
    State.REJECTED: "rejected: in no sum",
    State.EXPIRED: "expired, review again: in no sum",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the page is worded over."""

    figures: Overview
    earlier: tuple[DecisionRecord, ...]
    since: tuple[Since, ...] | None
    """None: there is no earlier cycle."""
    bought: tuple[BoughtCapacity, ...] = ()
    """Capacity whose term is not over."""


def to_portfolio(
    records: Sequence[DecisionRecord],
    now: datetime,
    past: Sequence[DecisionRecord] = (),
    bought: Sequence[BoughtCapacity] = (),
) -> Portfolio:
    """Word the index over the newest records of a cycle; `past` are those of earlier cycles."""
    figures = overview([read_facts(record, now).record for record in records], now.date())
    earlier = tuple(read_facts(record, now).record for record in past)
    shown = [one.record for one in figures.features]
    cycles = sorted({record.cycle for record in shown})
    since = since_last(earlier, shown, now.date()) if earlier else None
    paid = tuple(one for one in bought if one.days_left(figures.day) >= 0)
    told = _Told(figures=figures, earlier=earlier, since=since, bought=paid)
    counts = " \u00b7 ".join(verdict_counts(shown))
    return Portfolio(
        title=f"Right-sizing {', '.join(cycles) or 'review'}: {plural(len(shown), 'feature')}, "
        f"{spend_text(figures.total)}",
        status=f"As found: {counts} \u00b7 as it stands on {day(now)}",
        page=tuple(_page(told)),
        views=tuple(_sections(told)),
        stamp=sha256(
            [
                f"{one.record.etag} {one.state} {one.record.decide_by < figures.day}"
                for one in figures.features
            ]
            + [one.says for one in paid]
        ),
    )


def _page(told: _Told) -> Iterable[Block]:
    figures = told.figures
    total, tried = figures.total, figures.evaluation
    yield _headlines(figures)
    yield from to_do_blocks(figures)
    yield Paragraph(lead="What can be saved.", runs=(_saving_text(total, tried),))
    if total.production_on:
        yield Paragraph(lead="What is saved.", runs=(sentence(production_text(total)),))
    yield from bought_blocks(told.bought, figures.day)
    yield from funnel_picture(figures)
    yield _stages(figures)
    ended = _ended_text(figures.stages)
    if ended:
        yield Paragraph(lead="What counts in no sum.", runs=(ended,))
    unknown = unknown_text(figures)
    if unknown:
        yield Paragraph(lead="What is not known.", runs=(unknown,))
    yield Paragraph(lead="What the review cost.", runs=(_cost_text(total, tried),))
    yield Paragraph(lead="How sure this is.", runs=(_risk_text(tried),))
    kept = track_record(told.earlier, figures.day)
    if kept:
        yield Paragraph(lead="What became of earlier ones.", runs=(kept,))
    nothing = empty_views(figures, told.since)
    if nothing:
        yield Paragraph(lead="No entries under:", runs=(f"{'; '.join(nothing)}.",))
    yield dates_and_tables(figures)


def _headlines(figures: Overview) -> Headlines:
    """The three figures that people ask for, each with what it counts."""
    total, rate = figures.total, run_rate_of_all(figures)
    runs = plural(total.production_on, "feature")
    billed = f"by the bill {usd(total.realised)} on {total.verified_on} of them"
    today = f"as production runs today {usd(rate.now)}{run_rate_basis(total)}"
    return Headlines(
        caption="USD after discounts, on this day",
        items=(
            Headline(
                label="can be had",
                value=f"{usd(total.proposed)} a month",
                notes=(f"{TO_BE_HAD_TEXT}, on {plural(total.proposed_on, 'feature')}",),
            ),
            Headline(
                label="saved in production",
                value=f"{usd(total.production)} a month",
                notes=(
                    f"implemented or verified, as forecast, on {runs}",
                    *((billed,) if total.verified_on else ()),
                ),
            ),
            Headline(
                label="spent as reviewed",
                value=f"{usd(total.spend)} a month" if total.spend_known else "not known",
                notes=(today,) if total.spend_known else (),
            ),
        ),
    )


def dates_and_tables(figures: Overview) -> Paragraph:
    """As of when everything is, and where the figures are to be had as tables."""
    records = [one.record for one in figures.features]
    runs: list[Run] = []
    if records:
        made = _days([record.generated_at.date() for record in records])
        prices = _days([record.evidence.rates_as_of for record in records])
        runs.append(f"Found on {made}, at prices of {prices}; states of {day(figures.day)}. ")
    runs += [
        "All of it as a table: ",
        Link(text="portfolio.csv", page="portfolio", ending="csv"),
        "; ",
        Code(code="rightsize report --out portfolio.xlsx"),
        " makes a workbook, ",
        Code(code="rightsize report --month YYYY-MM"),
        " a month's page for the cost review.",
    ]
    return Paragraph(lead="Dates and tables.", runs=tuple(runs))


def _days(days: Sequence[date]) -> str:
    first, last = min(days), max(days)
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _sections(told: _Told) -> Iterable[Section]:
    """What is to be done first; then the pictures' sections; the long tables last."""
    figures = told.figures
    found = views(figures, told.since)
    ahead = [one for one in found if one.anchor not in _LONG]
    yield from ahead
    kept = tuple(kept_blocks(figures))
    if kept:
        yield Section(anchor="kept", title="Realised against forecast", blocks=kept)
    moved = change_since(told.earlier, figures.features)
    if moved is not None:
        blocks = tuple(change_blocks(moved, series(moved.cycles), figures))
        yield Section(anchor="change", title="Why the spend changed", blocks=blocks)
    options = tuple(options_picture(figures))
    if options:
        yield Section(anchor="options", title="Quality against cost", blocks=options)
    yield team_section(figures, tuple(spend_picture(figures, "team", "team")))
    if figures.total.spend_known:
        blocks = tuple(run_rate_blocks(figures))
        yield Section(anchor="run-rate", title="Run-rate by provider and model", blocks=blocks)
    yield spend_section(figures)
    yield from (one for one in found if one.anchor in _LONG)
    yield features_section(figures)


_LONG = {"exceptions", "free"}


def _saving_text(total: Sums, tried: Evaluation) -> str:
    bound = (
        f"known before any call: other models could save {usd(tried.bound)} at most, "
        f"on {plural(tried.bound_on, 'feature')}, whatever was decided since"
    )
    texts = (
        proposed_text(total),
        net_text(total),
        same_model_text(total),
        bound if tried.bound else "",
    )
    return " ".join(sentence(text) for text in texts if text)


def _stages(figures: Overview) -> Table:
    by_state = {stage.state: stage for stage in figures.stages}
    total = figures.total
    rows = [
        *(_stage_row(by_state[state]) for state in TO_BE_HAD),
        _sum_row("proposed saving", total.proposed_on, total.proposed, None),
        *(_stage_row(by_state[state]) for state in IN_PRODUCTION),
        _sum_row(
            "saving in production",
            total.production_on,
            total.production,
            total.realised if total.verified_on else None,
        ),
        *(_stage_row(by_state[state]) for state in _ENDED if by_state[state].features),
    ]
    return Table(
        caption="Downgrades by where they stand today; USD a month after discounts",
        columns=(
            Column(text="where it stands"),
            Column(text="features", numeric=True),
            Column(text="forecast", numeric=True),
            Column(text="realised", numeric=True),
        ),
        rows=tuple(rows),
        stacked=True,
    )


def _stage_row(stage: Stage) -> Row:
    realised = money(stage.realised) if stage.verified else DASH
    return Row(cells=(_STAGES[stage.state], count(stage.features), money(stage.forecast), realised))


def _sum_row(name: str, features: int, forecast: Decimal, realised: Decimal | None) -> Row:
    return Row(cells=(name, count(features), money(forecast), money(realised)), strong=True)


def _ended_text(stages: Sequence[Stage]) -> str:
    found = [stage for stage in stages if stage.state in _ENDED and stage.features]
    words = [
        f"{plural(stage.features, 'downgrade')} {stage.state.lower()} "
        f"({usd(stage.forecast)} a month when found)"
        for stage in found
    ]
    return sentence(series(words))


def _cost_text(total: Sums, tried: Evaluation) -> str:
    made = f", of it {usd(tried.brought)} to make answers that were brought in"
    text = (
        f"{usd(tried.spent)}{made if tried.brought else ''}; "
        f"stopping early saved {usd(tried.stopped)}; "
        f"{plural(tried.free, 'feature')} decided without a call (whatever was decided since)."
    )
    for name, monthly in (
        ("proposed", total.proposed),
        ("realised", total.realised),
    ):
        if tried.spent > 0 and monthly > 0:
            text += f" One month of the {name} saving pays for it {_times(monthly / tried.spent)}."
    return text


def _times(ratio: Decimal) -> str:
    """A ratio in words: three digits, with one decimal below ten.

    >>> from decimal import Decimal
    >>> _times(Decimal("1152.4")), _times(Decimal("130.04")), _times(Decimal("0.25"))
    ('about 1,150 times', '130 times', '0.2 times')
    """
    if ratio >= 1000:  # noqa: PLR2004  # more digits than its parts are printed with
        return f"about {float(f'{ratio:.3g}'):,.0f} times"
    places = 0 if ratio >= 10 else 1  # noqa: PLR2004  # two digits are enough
    return f"{ratio:,.{places}f} times"


def _risk_text(tried: Evaluation) -> str:
    return (
        f"{plural(tried.tested, 'feature')} tested; of so many tests, on average at most "
        f"{tried.wrong_at_most:.2f} propose a model that is truly worse than its limit."
    )
