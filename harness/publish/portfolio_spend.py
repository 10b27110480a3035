"""Who spends what, and what could be saved there: the dearest features, and every breakdown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.economics.portfolio import Counted
from harness.economics.portfolio_sums import UNTAGGED
from harness.publish.portfolio_words import TO_BE_HAD, bare, money, some_known
from harness.publish.store import file_name
from harness.publish.words import DASH, count, person
from harness.wording import plural
from reports.document import Column, Link, Paragraph, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.economics.portfolio import FeatureMoney, Overview
    from harness.economics.portfolio_sums import Breakdown, Sums, Tag
    from reports.document import Block

_MOST = 10
_WORDS: dict[Tag, str] = {
    "team": "team",
    "product": "product",
    "environment": "environment",
    "cost_center": "cost centre",
    "owner": "owner",
}
SUM_COLUMNS = (
    "spend a month",
    Counted.PROPOSED.value,
    f"{Counted.PRODUCTION}, forecast",
    "realised (verified ones)",
    Counted.SAME_MODEL.value,
)
"""The figures that every breakdown has, and the table of all features."""


def team_section(figures: Overview) -> Section:
    """Spend and saving by team, and by product."""
    tables = tuple(_by_tag(figures, tag) for tag in ("team", "product"))
    return Section(anchor="teams", title="By team and by product", blocks=tables)


def spend_section(figures: Overview) -> Section:
    """The view of the spend; untagged spend is called out by name."""
    return Section(anchor="spend", title="Spend as reviewed", blocks=tuple(_blocks(figures)))


def sum_cells(sums: Sums) -> tuple[str, ...]:
    """The cells of `SUM_COLUMNS` for a group of features."""
    return (
        bare(sums.spend if sums.spend_known or not sums.features else None),
        bare(sums.proposed),
        bare(sums.production),
        bare(sums.realised if sums.verified_on or not sums.production_on else None),
        bare(sums.same_model),
    )


def _by_tag(figures: Overview, tag: Tag) -> Table:
    word = _WORDS[tag]
    (breakdown,) = (one for one in figures.breakdowns if one.tag == tag)
    return Table(
        caption=f"By {word}; USD a month after discounts; {Counted.PROPOSED}: {TO_BE_HAD}",
        columns=_columns(word, numeric=("spend known", *SUM_COLUMNS)),
        rows=(*_rows(breakdown), _row("all", figures.total, strong=True)),
    )


def _blocks(figures: Overview) -> Iterable[Block]:
    nobody = _untagged(figures)
    if nobody is not None and nobody.spend:
        text = f"{money(nobody.spend)} a month on {plural(nobody.features, 'feature')}"
        text = f"{text}{some_known(nobody)}."
        yield Paragraph(lead="Without a cost centre.", runs=(text,))
    if not figures.total.spend_known:
        yield Paragraph(lead=None, runs=("None is known.",))
    else:
        yield _dearest(figures)
    for tag in ("environment", "cost_center", "owner"):
        yield _by_tag(figures, tag)


def _untagged(figures: Overview) -> Sums | None:
    (breakdown,) = (one for one in figures.breakdowns if one.tag == "cost_center")
    return next((one.sums for one in breakdown.groups if one.value == UNTAGGED), None)


def _dearest(figures: Overview) -> Table:
    """The features that spend most, the rest in one row, those of unknown spend in another."""
    total = figures.total.spend
    known = [(one, one.spend) for one in figures.features if one.spend is not None]
    known.sort(key=lambda pair: (-pair[1], pair[0].record.feature.id))
    first, rest = known[:_MOST], known[_MOST:]
    rows = [_dear_row(one, spend, total) for one, spend in first]
    if rest:
        others = sum((spend for _, spend in rest), Decimal(0))
        rows.append(_plain_row(plural(len(rest), "other"), others, total))
    rows.append(Row(cells=("all that is known", "", "", money(total), DASH), strong=True))
    unknown = [one for one in figures.features if one.spend is None]
    rows += [_unknown_row(one) for one in unknown]
    return Table(
        caption=f"The {_MOST} features that spend most, USD a month after discounts",
        columns=_columns("feature", "owner", "model", numeric=("spend a month", "share")),
        rows=tuple(rows),
    )


def _dear_row(one: FeatureMoney, spend: Decimal, total: Decimal) -> Row:
    feature = one.record.feature
    link = Link(text=feature.name, page=f"documents/{file_name(feature.id)}")
    cells = (link, person(feature.owner), one.record.current.option, money(spend))
    return Row(cells=(*cells, _share(spend, total)))


def _plain_row(name: str, spend: Decimal, total: Decimal) -> Row:
    return Row(cells=(name, "", "", money(spend), _share(spend, total)))


def _unknown_row(one: FeatureMoney) -> Row:
    feature = one.record.feature
    link = Link(text=feature.name, page=f"documents/{file_name(feature.id)}")
    model = one.record.current.option
    return Row(cells=(link, person(feature.owner), model, "not known", DASH))


def _share(spend: Decimal, total: Decimal) -> str:
    return f"{100 * spend / total:.0f} %" if total else DASH


def _rows(breakdown: Breakdown) -> Sequence[Row]:
    return [_row(one.value or "(none)", one.sums) for one in breakdown.groups]


def _row(name: str, sums: Sums, *, strong: bool = False) -> Row:
    known = f"{count(sums.spend_known)} of {count(sums.features)}"
    return Row(cells=(name, known, *sum_cells(sums)), strong=strong)


def _columns(*words: str, numeric: tuple[str, ...]) -> tuple[Column, ...]:
    texts = tuple(Column(text=word, numeric=False) for word in words)
    return (*texts, *(Column(text=word, numeric=True) for word in numeric))
