"""The portfolio's figures in words, the same on the index and on the terminal, and by whom.

Spend and saving by team and product, and the features that spend most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from harness.money.portfolio.overview import (
    UNTAGGED,
    Breakdown,
    Counted,
    FeatureMoney,
    Overview,
    Sums,
    Tag,
    permitted,
)
from harness.record.base import Finding, Reason, State, Verdict
from harness.record.model import DecisionRecord
from harness.record.stored import file_name
from harness.tell.words import LEVERS, REASONS, count, person, series
from harness.wording import DASH, plural, usd
from reports.document import Block, Column, Fold, Link, Paragraph, Row, Section, Table

TO_BE_HAD = "proposed, deferred or accepted"
_SWAPS = {
    "model-swap": "model swap to {}",
    "self-host": "own hardware: {}",
    "cascade": "cascade {}",
    "effort": "lower effort: {}",
    "prompt": "another prompt: {}",
}


def money(amount: Decimal | None) -> str:
    """A cell of a table whose columns add up: always with cents.

    >>> from decimal import Decimal
    >>> money(Decimal("2483.1")), money(Decimal(0)), money(None)
    ('USD 2,483.10', 'USD 0.00', '\u2013')
    """
    return DASH if amount is None else f"USD {bare(amount)}"


def bare(amount: Decimal | None) -> str:
    """`money` without the currency, which the caption names."""
    return DASH if amount is None else f"{amount:,.2f}"


def saved_by(one: FeatureMoney) -> str:
    """How a saving is made: `model swap to haiku`, `batch`; empty when nothing is saved."""
    if not one.lever:
        return ""
    if one.counted is Counted.SAME_MODEL:
        return LEVERS.get(one.lever, one.lever)
    return _SWAPS.get(one.lever, "{}").format(one.record.chosen or one.lever)


def some_known(sums: Sums) -> str:
    """`, 39 of 40 known`; empty when the spend of every feature is known."""
    if sums.spend_known == sums.features:
        return ""
    return f", {sums.spend_known} of {sums.features} known"


def spend_text(sums: Sums) -> str:
    """What the incumbents cost as reviewed, and for how many features that is known."""
    if not sums.spend_known:
        return "spend not known"
    return f"{usd(sums.spend)} a month as reviewed, after discounts{some_known(sums)}"


def proposed_text(sums: Sums) -> str:
    """The proposed saving, its number of features, and the states that it counts."""
    if not sums.proposed_on:
        return f"No downgrade is {TO_BE_HAD} today"
    lost = f", not known of {sums.saving_unknown}" if sums.saving_unknown else ""
    return (
        f"Proposed saving {usd(sums.proposed)} a month after discounts, "
        f"on {plural(sums.proposed_on, 'feature')} ({TO_BE_HAD}{lost})"
    )


def net_text(sums: Sums) -> str:
    """The proposed saving of features with a stated error cost, gross and net."""
    if not sums.net_on:
        return ""
    says = "say" if sums.net_on > 1 else "says"
    return (
        f"net of mistakes {usd(sums.net)} of {usd(sums.net_gross)}, on the {sums.net_on} of "
        f"{plural(sums.proposed_on, 'feature')} that {says} what a mistake costs"
    )


def production_text(sums: Sums) -> str:
    """What production already saves: the forecast, and the realised saving where billed."""
    if not sums.production_on:
        return ""
    head = (
        f"Saving in production {usd(sums.production)} a month as forecast, "
        f"on {plural(sums.production_on, 'feature')}"
    )
    if not sums.verified_on:
        return f"{head}; none verified against a bill yet"
    return (
        f"{head}; verified against a bill on {sums.verified_on}: {usd(sums.realised)} realised, "
        f"{usd(sums.verified_forecast)} forecast"
    )


def same_model_text(sums: Sums) -> str:
    """Savings by levers, of features where no other model is proposed or in use."""
    if not sums.same_model_on:
        return ""
    return (
        f"Saving by batch or caching {usd(sums.same_model)} a month, on "
        f"{plural(sums.same_model_on, 'feature')} without another model proposed or in use"
    )


def run_rate_basis(sums: Sums) -> str:
    """What the run-rate of today is worked out by; empty where production saves nothing yet."""
    return ", by the forecast of what is in production" if sums.production_on else ""


def unknown_text(figures: Overview) -> str:
    """Whose spend or saving is not known, and what each lacks; empty when all is known."""
    spend = [one for one in figures.features if one.spend is None]
    saving = [one for one in figures.features if one.spend is not None and _lacks_price(one)]
    texts = (
        _unknown_of("Spend and saving", spend, figures),
        _unknown_of("Saving alone", saving, figures),
    )
    return " ".join(text for text in texts if text)


def _lacks_price(one: FeatureMoney) -> bool:
    """No saving can be told for want of a price, though what is paid today is known."""
    codes = (one.record.reason_codes, *(o.reason_codes for o in one.record.options if permitted(o)))
    return one.saving is None and any(Reason.PRICE_MISSING in found for found in codes)


def _unknown_of(head: str, found: Sequence[FeatureMoney], figures: Overview) -> str:
    if not found:
        return ""
    names = [f"{one.record.feature.name} ({_missing(one)})" for one in found[:_MOST]]
    more = [plural(len(found) - _MOST, "other")] if len(found) > _MOST else []
    whole = plural(figures.total.features, "feature")
    return f"{head} of {len(found)} of {whole}: {series([*names, *more])}."


def _missing(one: FeatureMoney) -> str:
    no_traffic = one.spend is None and one.record.traffic is None
    return REASONS[Reason.TRAFFIC_MISSING if no_traffic else Reason.PRICE_MISSING]


def summary(figures: Overview) -> Iterator[str]:
    """The review in a few lines of a terminal; the index has the same figures."""
    total = figures.total
    net = net_text(total)
    yield f"{plural(total.features, 'feature')}, {spend_text(total)}"
    yield f"{proposed_text(total)}{'; ' if net else ''}{net}"
    yield from (text for text in (production_text(total), same_model_text(total)) if text)
    ended = len(figures.standing_at(State.EXPIRED))
    if ended:
        yield f"Review again: {plural(ended, 'feature')} whose evidence has ended"


def verdict_counts(records: Sequence[DecisionRecord]) -> Iterator[str]:
    """The number of each verdict; of the undecided, why."""
    open_ones = [record for record in records if record.verdict is Verdict.UNDECIDED]
    closed = [record.finding is Finding.UNAVAILABLE for record in open_ones]
    waiting = [
        Reason.LABELS_MISSING in record.reason_codes and not unasked
        for record, unasked in zip(open_ones, closed, strict=True)
    ].count(True)
    for verdict in (Verdict.DOWNGRADE, Verdict.JUSTIFY):
        yield f"{verdict.upper()} {[record.verdict for record in records].count(verdict)}"
    open_yet = len(open_ones) - waiting - closed.count(True)
    parts = (
        f"{open_yet} tested and still open",
        f"{waiting} waiting for labels",
        f"{closed.count(True)} not evaluated",
    )
    among = [part for part in parts if not part.startswith("0 ")]
    those = f" ({series(among)})" if len(open_ones) > open_yet else ""
    yield f"{Verdict.UNDECIDED.upper()} {len(open_ones)}{those}"


_MOST = 10
_LONGEST = 12
_WORDS: dict[Tag, str] = {
    "team": "team",
    "product": "product",
    "environment": "environment",
    "cost_center": "cost centre",
    "owner": "owner",
    "provider": "provider",
    "model": "model",
}
SUM_COLUMNS = (
    "spend a month",
    Counted.PROPOSED.value,
    f"{Counted.PRODUCTION}, forecast",
    "realised (verified ones)",
    Counted.SAME_MODEL.value,
)
"""The figures that every breakdown has, and the table of all features."""


def folded(table: Table) -> Table | Fold:
    """A long table stays closed until a reader opens it."""
    if len(table.rows) <= _LONGEST:
        return table
    return Fold(summary=table.caption, blocks=(table,))


def team_section(figures: Overview, picture: tuple[Block, ...] = ()) -> Section:
    """Spend and saving by team, drawn too, and by product."""
    tables = tuple(folded(_by_tag(figures, tag)) for tag in ("team", "product"))
    return Section(anchor="teams", title="By team and by product", blocks=(*picture, *tables))


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
        stacked=True,
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
    for tag in ("environment", "cost_center", "owner", "provider", "model"):
        yield folded(_by_tag(figures, tag))


def _untagged(figures: Overview) -> Sums | None:
    (breakdown,) = (one for one in figures.breakdowns if one.tag == "cost_center")
    return next((one.sums for one in breakdown.groups if one.value == UNTAGGED), None)


def _dearest(figures: Overview) -> Table:
    """The features that spend most; one row for the rest, one for unknown spend."""
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
        stacked=True,
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
