"""The sorted views of the portfolio: one anchor each, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from harness.money.amounts import dearest_first
from harness.money.portfolio.overview import (
    Counted,
    FeatureMoney,
    Overview,
    Sums,
    decided_without_a_call,
    saving_at_most,
    total_of,
)
from harness.record.base import Finding, State, Verdict
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.tell.facts import chosen_option
from harness.tell.portfolio.next_quarter import Since
from harness.tell.portfolio.spend import (
    SUM_COLUMNS,
    TO_BE_HAD,
    bare,
    folded,
    money,
    saved_by,
    sum_cells,
)
from harness.tell.portfolio.tasks import effort_and_risk, link_to
from harness.tell.words import REASONS, at_worst, count, day, person
from harness.wording import DASH, plural, usd
from reports.document import Block, Column, Link, Paragraph, Row, Section, Table

_TOP = 10
_ENDED = {State.EXPIRED, State.SUPERSEDED}


def views(figures: Overview, since: Sequence[Since] | None) -> tuple[Section, ...]:
    """The views that have rows.

    `since` is None when there is no earlier cycle to compare with.
    """
    return tuple(
        Section(anchor=anchor, title=title, blocks=(folded(table),))
        for anchor, title, table in _tables(figures, since)
        if table is not None
    )


def empty_views(figures: Overview, since: Sequence[Since] | None) -> tuple[str, ...]:
    """Titles of the sections without rows, which are named in one line."""
    return tuple(title for _, title, table in _tables(figures, since) if table is None)


def _tables(
    figures: Overview, since: Sequence[Since] | None
) -> Iterable[tuple[str, str, Table | None]]:
    features = figures.features
    standing = [one for one in features if one.state not in _ENDED]
    yield "drivers", "Largest savings", _drivers(figures)
    yield "open", "Waiting for a decision", _waiting(figures)
    yield "again", "Review again: the evidence has ended", _again(figures)
    yield "undecided", "Undecided, by what deciding is worth", _undecided(standing)
    yield "levers", "Savings by batch or caching", _same_model(figures)
    yield "unevaluated", "Not evaluated, and why", _unevaluated(features)
    if since is not None:
        yield "since", "Since last quarter, by what a new look may be worth", _since(since)
    yield "exceptions", "Reasons to stay, by expiry", _exceptions(standing)
    yield "free", "Decided without a call", _free(features)


def _table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[tuple[str | Link, ...]],
    numeric: str = "",
    total: tuple[str | Link, ...] | None = None,
) -> Table | None:
    made = tuple(Row(cells=cells) for cells in rows)
    columns = tuple(
        Column(text=name, numeric=at < len(numeric) and numeric[at] == "n")
        for at, name in enumerate(names)
    )
    last = () if total is None else (Row(cells=total, strong=True),)
    rows_made = (*made, *last)
    return Table(caption=caption, columns=columns, rows=rows_made, stacked=True) if made else None


def _who(one: FeatureMoney) -> tuple[Link, str]:
    return link_to(one), person(one.record.feature.owner)


def _drivers(figures: Overview) -> Table | None:
    """The largest proposed savings; the rest in one row, so that the rows add up."""
    found = figures.counted(Counted.PROPOSED)
    first, rest = found[:_TOP], total_of(one.sums for one in found[_TOP:])
    others = (_driver_sums(plural(rest.features, "other"), rest),) if rest.features else ()
    return _table(
        f"The largest proposed savings ({TO_BE_HAD}), USD a month after discounts",
        (
            *("feature", "owner", "from", "by", "saves a month", "net of mistakes", "at worst"),
            *("quality at worst, points (limit)", "effort, risk", "state"),
        ),
        (*(_driver_cells(one) for one in first), *others),
        "----nnn",
        _driver_sums(Counted.PROPOSED.value, figures.total),
    )


def _driver_sums(name: str, sums: Sums) -> tuple[str, ...]:
    net = bare(sums.net if sums.net_on else None)
    return (name, "", "", "", bare(sums.proposed), net, "", "", "", "")


def _driver_cells(one: FeatureMoney) -> tuple[str | Link, ...]:
    return (
        *_who(one),
        one.record.current.option,
        saved_by(one),
        bare(one.saving),
        bare(one.net),
        bare(one.net_worst),
        _worst(one.record),
        ", ".join(effort_and_risk(one)),
        one.state.value,
    )


def _worst(record: DecisionRecord) -> str:
    option = chosen_option(record)
    if option is None or option.quality is None:
        return "the same model"
    return f"{at_worst(option.quality.worst)} (-{option.quality.margin:g})"


def _same_model(figures: Overview) -> Table | None:
    return _table(
        "Where no other model is proposed or in use; USD a month after discounts",
        ("feature", "owner", "model", "by", "saves a month", "state"),
        (
            (*_who(one), one.record.current.option, saved_by(one), money(one.saving), one.state)
            for one in figures.counted(Counted.SAME_MODEL)
        ),
        "----n",
        (Counted.SAME_MODEL.value, "", "", "", money(figures.total.same_model), ""),
    )


def _waiting(figures: Overview) -> Table | None:
    found = sorted(
        figures.standing_at(State.PROPOSED),
        key=lambda one: (
            dearest_first(one.saving),
            one.record.decide_by,
            one.record.feature.id,
        ),
    )
    return _table(
        "Proposals without a human decision, most money first",
        ("feature", "owner", "verdict", "decide by", "by", "saves a month"),
        (
            (
                *_who(one),
                one.record.verdict.value,
                _until(one.record, figures.day),
                saved_by(one) or DASH,
                money(one.saving),
            )
            for one in found
        ),
        "-----n",
    )


def _until(record: DecisionRecord, today: date) -> str:
    return f"{day(record.decide_by)}{' (overdue)' if today > record.decide_by else ''}"


def _again(figures: Overview) -> Table | None:
    """Features whose evidence has expired, by spend; their savings count in no sum."""
    found = sorted(figures.standing_at(State.EXPIRED), key=_by_spend)
    return _table(
        "EXPIRED: review these again; nothing here may be relied on or counts in a sum any more",
        ("feature", "owner", "verdict", "was", "ended on", "spend a month", "saving when found"),
        (
            (
                *_who(one),
                one.record.verdict.value,
                one.record.state.value,
                day(ends_on(one.record)),
                money(one.spend),
                money(one.offered),
            )
            for one in found
        ),
        "-----nn",
    )


def _undecided(features: Sequence[FeatureMoney]) -> Table | None:
    found = [one for one in features if one.record.verdict is Verdict.UNDECIDED]
    found.sort(key=lambda one: (_worth(one.record), one.record.feature.id))
    return _table(
        "What is missing, what it costs, and what deciding is worth",
        ("feature", "owner", "worth a month", "cases", "labels", "cost", "why", "state"),
        (_undecided_cells(one) for one in found),
        "--nnnn",
    )


def _undecided_cells(one: FeatureMoney) -> tuple[str | Link, ...]:
    needed = one.record.still_needed
    return (
        *_who(one),
        usd(needed.worth_monthly_usd if needed else None),
        count(needed.cases if needed else None),
        count(needed.labels if needed else None),
        usd(needed.cost_usd if needed else None),
        _why(one.record),
        one.state.value,
    )


def _by_spend(one: FeatureMoney) -> tuple[tuple[bool, Decimal], str]:
    return dearest_first(one.spend), one.record.feature.id


def _worth(record: DecisionRecord) -> tuple[bool, Decimal]:
    needed = record.still_needed
    return dearest_first(needed.worth_monthly_usd if needed else None)


def _unevaluated(features: Sequence[FeatureMoney]) -> Table | None:
    found = [one for one in features if one.record.finding is Finding.UNAVAILABLE]
    return _table(
        "Blocked features: nothing of them was asked",
        ("feature", "owner", "spend a month", "why", "state"),
        ((*_who(one), _spend(one), _why(one.record), one.state.value) for one in found),
        "--n",
    )


def _spend(one: FeatureMoney) -> str:
    return "not known" if one.spend is None else money(one.spend)


def _why(record: DecisionRecord) -> str:
    words = "; ".join(f"{REASONS[code]} ({code.value})" for code in record.reason_codes)
    return words or DASH


def _free(features: Sequence[FeatureMoney]) -> Table | None:
    found = [one for one in features if decided_without_a_call(one.record)]
    found.sort(key=_by_spend)
    return _table(
        "Answered before a cent was spent",
        ("feature", "team", "spend a month", "could save at most", "verdict", "why", "state"),
        (
            (
                link_to(one),
                one.record.feature.team,
                _spend(one),
                usd(saving_at_most(one.record)),
                one.record.verdict.value,
                _why(one.record),
                one.state.value,
            )
            for one in found
        ),
        "--nn",
    )


def _exceptions(features: Sequence[FeatureMoney]) -> Table | None:
    found = [one for one in features if one.record.verdict is Verdict.JUSTIFY]
    found.sort(key=lambda one: (ends_on(one.record), one.record.feature.id))
    return _table(
        "Every reason to stay ends by itself",
        ("feature", "owner", "spend a month", "reason", "signed by", "expires", "state"),
        (
            (
                *_who(one),
                _spend(one),
                _why(one.record),
                one.record.exception.approver if one.record.exception else "nobody yet",
                day(ends_on(one.record)),
                one.state.value,
            )
            for one in found
        ),
        "--n",
    )


_SHARED_FROM = 3


def _since(found: Sequence[Since]) -> Table | None:
    """One row a feature; what changed for every one of them stands once, in the first row."""
    shared = found[0].changes if len(found) >= _SHARED_FROM else ()
    every = [text for text in shared if all(text in one.changes for one in found)]
    first = [(f"all {len(found)} of them", "", "", "; ".join(every))] if every else []
    return _table(
        "What changed; a dash: nothing more can be saved, or it is not known",
        ("feature", "owner", "worth a month, at most", "what changed"),
        (
            *first,
            *(
                (
                    item.record.feature.name,
                    person(item.record.feature.owner),
                    usd(item.worth),
                    "; ".join(text for text in item.changes if text not in every) or "nothing else",
                )
                for item in found
            ),
        ),
        "--n",
    )


def features_section(figures: Overview) -> Section:
    """Every feature in one row."""
    table = _features(figures)
    blocks: tuple[Block, ...] = (
        (Paragraph(lead=None, runs=("There is none.",)),) if table is None else (folded(table),)
    )
    return Section(anchor="features", title="All features", blocks=blocks)


def _features(figures: Overview) -> Table | None:
    """One row per feature; the money columns add up to the figures above."""
    ordered = sorted(figures.features, key=_by_spend)
    return _table(
        "By spend; USD a month after discounts; a saving stands in the one column where it counts",
        ("feature", "team", "verdict, state", "saving by", *SUM_COLUMNS),
        (
            (
                link_to(one),
                one.record.feature.team,
                f"{one.record.verdict} {one.state}",
                saved_by(one) or DASH,
                *_sum_cells(one),
            )
            for one in ordered
        ),
        "----nnnnn",
        (plural(len(ordered), "feature"), *[""] * 3, *sum_cells(figures.total)),
    )


def _sum_cells(one: FeatureMoney) -> tuple[str, ...]:
    """The cells of `SUM_COLUMNS`; a saving that does not count there is a dash, not zero."""
    runs = one.counted is Counted.PRODUCTION
    return (
        "not known" if one.spend is None else bare(one.spend),
        bare(one.saving if one.counted is Counted.PROPOSED else None),
        bare(one.saving if runs else None),
        bare(one.realised if runs else None),
        bare(one.saving if one.counted is Counted.SAME_MODEL else None),
    )
