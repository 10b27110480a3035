"""The portfolio's pictures, each with its figures as a table that a reader can open.

Every number of a picture stands in its description too, for who cannot see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from harness.money.portfolio.change import Moved, Movement
from harness.money.portfolio.overview import FeatureMoney, Overview, Tag
from harness.money.portfolio.progress import (
    By,
    Kept,
    RunRate,
    funnel,
    kept_promises,
    run_rate_of_all,
    run_rates,
)
from harness.record.base import Result
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality
from harness.tell.facts import axis_begins, axis_words
from harness.tell.portfolio.spend import bare, run_rate_basis
from harness.tell.portfolio.tasks import link_to
from harness.tell.words import at_worst, count, day, person, points, result_word
from harness.wording import amount_text, plural, usd
from reports.document import (
    Bars,
    Block,
    Column,
    Fold,
    Link,
    NamedAmount,
    Paragraph,
    Point,
    Row,
    Scatter,
    Step,
    Table,
    Waterfall,
)

_MOST_BARS = 8
_MOST_LABELS = 3
_MOST_MOVED = 10
_AXIS = "USD a month, after discounts"
Cells = tuple[str | Link, ...]
Form: TypeAlias = Literal["diamond", "dot", "ring", "cross"]
_FORMS: dict[Form, str] = {
    "diamond": "\u25c6 chosen",
    "dot": "\u25cf passed, not chosen",
    "ring": "\u25cb undecided",
    "cross": "\u2715 failed",
}


def figures_fold(caption: str, names: Sequence[str], rows: Sequence[Cells], text: int = 1) -> Fold:
    """A picture's figures; all but the first `text` columns are numbers."""
    columns = tuple(Column(text=name, numeric=at >= text) for at, name in enumerate(names))
    made = tuple(Row(cells=cells) for cells in rows)
    return Fold(
        summary="The picture's figures",
        blocks=(Table(caption=caption, columns=columns, rows=made, stacked=True),),
    )


def _bars(caption: str, rows: Sequence[NamedAmount]) -> Bars:
    words = "; ".join(f"{row.label}: {row.text}" for row in rows)
    return Bars(caption=caption, description=f"{words}.", axis=_AXIS, rows=tuple(rows))


def funnel_picture(figures: Overview) -> Iterator[Block]:
    """From what could be saved to what a bill shows."""
    steps = [one for one in funnel(figures) if one.features]
    if not steps:
        return
    rows = [
        NamedAmount(
            label=one.step.value,
            value=float(one.usd),
            text=f"{usd(one.usd)}, on {one.features}",
            strong=one.step.value.startswith("verified"),
        )
        for one in steps
    ]
    yield _bars("From identified to verified: each bar is part of the one above it", rows)
    yield figures_fold(
        "Downgrades by how far they have come; USD a month after discounts",
        ("step", "features", "USD a month"),
        [(one.step.value, count(one.features), bare(one.usd)) for one in steps],
    )


def spend_picture(figures: Overview, tag: Tag, word: str) -> Iterator[Block]:
    """Spend by one tag; the table below it is the picture's."""
    (breakdown,) = (one for one in figures.breakdowns if one.tag == tag)
    groups = [one for one in breakdown.groups if one.sums.spend]
    if len(groups) < 2:  # noqa: PLR2004  # one bar is no picture
        return
    shown = [
        NamedAmount(
            label=one.value or "(none)",
            value=float(one.sums.spend),
            text=usd(one.sums.spend),
        )
        for one in groups[:_MOST_BARS]
    ]
    rest = sum((one.sums.spend for one in groups[_MOST_BARS:]), Decimal(0))
    if rest:
        name = plural(len(groups) - _MOST_BARS, "other")
        shown.append(NamedAmount(label=name, value=float(rest), text=usd(rest)))
    yield _bars(f"Spend as reviewed by {word}", shown)


def run_rate_blocks(figures: Overview) -> Iterator[Block]:
    """The run-rate by provider, drawn, and by provider and by model as tables."""
    whole = run_rate_of_all(figures)
    text = (
        f"{usd(whole.reviewed)} a month as reviewed; {usd(whole.now)} as production runs today"
        f"{run_rate_basis(figures.total)}; {usd(whole.taken)} once every proposal, batch and "
        "caching is taken, at the same traffic."
    )
    yield Paragraph(lead="Run-rate.", runs=(text,))
    by: By = "provider" if len(run_rates(figures, "provider")) > 1 else "model"
    rates = run_rates(figures, by)
    if len(rates) > 1:
        yield _bars(
            f"Run-rate by {by} today; the line across a bar: as reviewed",
            [
                NamedAmount(
                    label=one.name,
                    value=float(one.now),
                    text=f"{usd(one.now)}, reviewed {amount_text(one.reviewed)}",
                    against=float(one.reviewed),
                )
                for one in rates[:_MOST_BARS]
            ],
        )
    yield _rate_table(figures, "provider", whole)
    yield _rate_table(figures, "model", whole)


def _rate_table(figures: Overview, by: By, whole: RunRate) -> Table:
    rows = [*run_rates(figures, by), whole]
    return Table(
        caption=f"Run-rate by {by}; USD a month after discounts",
        columns=(
            Column(text=by),
            *(Column(text=name, numeric=True) for name in ("as reviewed", "today", "all taken")),
        ),
        rows=tuple(
            Row(
                cells=(one.name, bare(one.reviewed), bare(one.now), bare(one.taken)),
                strong=one is whole,
            )
            for one in rows
        ),
        stacked=True,
    )


def change_blocks(found: Movement, past: str, figures: Overview) -> Iterator[Block]:
    """Why the spend changed since last time: the waterfall, and the features that moved most."""
    terms = [(mover.value, amount) for mover, amount in found.terms.items() if amount]
    words = "; ".join(f"{name} {amount_text(amount, signed=True)}" for name, amount in terms)
    levels = f"{usd(found.before)} a month in {past}, {usd(found.now)} now, both as reviewed"
    yield Paragraph(lead="What changed.", runs=(f"{levels}{_joined(figures)}.",))
    if not terms:
        return
    begins = axis_begins(found.before, (amount for _, amount in terms))
    yield Waterfall(
        caption=f"Why the spend is not what it was in {past}",
        description=f"{usd(found.before)}; {words}; {usd(found.now)}.",
        axis=axis_words(begins),
        axis_from=float(begins),
        start_label=f"{past}: {usd(found.before)}",
        start_usd=float(found.before),
        steps=tuple(
            Step(label=f"{name} {amount_text(amount, signed=True)}", usd=float(amount))
            for name, amount in terms
        ),
        end_label=f"now, as reviewed: {usd(found.now)}",
        end_usd=float(found.now),
    )
    cells: list[Cells] = [(past, bare(found.before))]
    cells += [(name, f"{amount:+,.2f}") for name, amount in terms]
    cells.append(("now", bare(found.now)))
    yield figures_fold(
        "From then to now; USD a month after discounts, as reviewed", ("term", "USD"), cells
    )
    yield _moved_table(found)


def _joined(figures: Overview) -> str:
    """From the spend as reviewed to what production costs; empty where it saves nothing yet."""
    rate = run_rate_of_all(figures)
    if rate.reviewed == rate.now:
        return ""
    off = usd(rate.reviewed - rate.now)
    return f"; minus {off}{run_rate_basis(figures.total)[1:]}, it runs at {usd(rate.now)}"


def _moved_table(found: Movement) -> Table:
    moved = [one for one in found.features if one.change]
    shown, rest = moved[:_MOST_MOVED], moved[_MOST_MOVED:]
    rows = [Row(cells=_moved_cells(one)) for one in shown]
    if rest:
        others = sum((one.change for one in rest), Decimal(0))
        name = plural(len(rest), "other")
        rows.append(Row(cells=(name, "", "", "", f"{others:+,.2f}", "")))
    rows.append(
        Row(
            cells=(
                *("all", "", bare(found.before), bare(found.now)),
                *(f"{found.now - found.before:+,.2f}", ""),
            ),
            strong=True,
        )
    )
    names = ("feature", "owner", "before", "now", "change", "mostly")
    return Table(
        caption="The largest changes; USD a month after discounts",
        columns=tuple(Column(text=name, numeric=1 < at < 5) for at, name in enumerate(names)),  # noqa: PLR2004
        rows=tuple(rows),
        stacked=True,
    )


def _moved_cells(one: Moved) -> Cells:
    mostly = max(one.terms, key=lambda mover: (abs(one.terms[mover]), mover.value))
    return (
        *(one.feature.name, person(one.feature.owner), bare(one.before), bare(one.now)),
        *(f"{one.change:+,.2f}", mostly.value),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One option that was tried, beside today's model of its feature."""

    one: FeatureMoney
    option: OptionRecord
    quality: Quality
    share: Decimal
    """Its month in % of today's, after discounts."""

    @property
    def chosen(self) -> bool:
        return self.option.target.option == self.one.record.chosen

    @property
    def form(self) -> Form:
        if self.chosen:
            return "diamond"
        found: dict[Result, Form] = {Result.PASS: "dot", Result.FAIL: "cross"}
        return found.get(self.option.result, "ring")


def options_picture(figures: Overview) -> Iterator[Block]:
    """Quality against cost of every option that was tried, each beside today's model."""
    tried = list(_tried(figures))
    if not tried:
        return
    chosen = sorted(
        (at for at, each in enumerate(tried) if each.chosen),
        key=lambda at: -(tried[at].one.saving or Decimal(0)),
    )
    named = {*chosen[:_MOST_LABELS]}
    spots = [
        Point(
            x=float(each.share),
            y=each.quality.difference,
            form=each.form,
            label=each.one.record.feature.name if at in named else "",
        )
        for at, each in enumerate(tried)
    ]
    counts = {form: sum(spot.form == form for spot in spots) for form in _FORMS}
    words = "; ".join(f"{word}: {counts[form]}" for form, word in _FORMS.items() if counts[form])
    yield Scatter(
        caption=f"Quality against cost of every option that was tried: {words}",
        description=f"{words}. Each option's figures stand in the table.",
        x_axis="its month in % of today's, after discounts",
        y_axis="points, option minus today",
        x_line=100.0,
        y_line=0.0,
        points=tuple(sorted(spots, key=lambda spot: spot.form == "diamond")),
    )
    yield figures_fold(
        "Every option that was tried; % of today's month after discounts, points",
        ("feature", "option", "result", "% of today", "points", "at worst", "limit"),
        [_tried_cells(each) for each in tried],
        text=3,
    )


def _tried(figures: Overview) -> Iterator[_Tried]:
    for one in figures.features:
        today = one.record.current_cost.monthly_after_discounts
        for option in one.record.options:
            then = option.cost.monthly_after_discounts
            if option.quality is not None and then is not None and today:
                share = 100 * then / today
                yield _Tried(one=one, option=option, quality=option.quality, share=share)


def _tried_cells(each: _Tried) -> Cells:
    option, quality = each.option, each.quality
    result = result_word(option.result, option.reason_codes).lower()
    return (
        *(link_to(each.one), option.target.option, result, f"{each.share:.1f}"),
        *(points(quality.difference), at_worst(quality.worst), f"-{quality.margin:g}"),
    )


def kept_blocks(figures: Overview) -> Iterator[Block]:
    """Realised against forecast: drawn, feature by feature, and over the billed months together."""
    kept = kept_promises(figures)
    if not kept:
        return
    yield _bars(
        "Realised a month by the bill; the line across a bar: the forecast",
        [
            NamedAmount(
                label=one.feature.record.feature.name,
                value=float(one.realised),
                text=f"{usd(one.realised)}, forecast {amount_text(one.forecast)}",
                against=float(one.forecast),
                strong=True,
            )
            for one in kept[:_MOST_BARS]
        ],
    )
    total = figures.total
    rows = [Row(cells=_kept_cells(one)) for one in kept]
    sums = (
        bare(_sum_of([one.forecast_so_far for one in kept])),
        bare(_sum_of([one.realised_so_far for one in kept])),
    )
    whole = ("all", "", bare(total.verified_forecast), bare(total.realised), "", *sums, "")
    names = (
        *("feature", "owner", "forecast a month", "realised a month"),
        *("months billed", "forecast so far", "realised so far", "verified on"),
    )
    yield Table(
        caption="Verified against a bill; USD after discounts, so far: over the billed months",
        columns=tuple(Column(text=name, numeric=1 < at < 7) for at, name in enumerate(names)),  # noqa: PLR2004
        rows=(*rows, Row(cells=whole, strong=True)),
        stacked=True,
    )
    open_ones = total.production_on - total.verified_on
    if open_ones:
        verb = "is" if open_ones == 1 else "are"
        text = f"{plural(open_ones, 'feature')} in production {verb} not verified yet."
        yield Paragraph(lead=None, runs=(text,))


def _sum_of(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """None where one of them is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _kept_cells(one: Kept) -> Cells:
    return (
        *(link_to(one.feature), person(one.feature.record.feature.owner)),
        *(bare(one.forecast), bare(one.realised), count(one.months)),
        *(bare(one.forecast_so_far), bare(one.realised_so_far), day(one.verified_on)),
    )
