"""Page one's two tables: the incumbent against an option, and all options, cheapest first."""

from __future__ import annotations

from decimal import Decimal

from harness.money.amounts import exact
from harness.record.base import Reason, Result, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import LatencyFacts, OptionRecord
from harness.tell.facts import lever_month, month_of
from harness.tell.page.missing import TO_THE_END, was_asked_everything
from harness.tell.words import (
    LEVERS,
    REASONS,
    adding_up,
    at_worst,
    count,
    points,
    result_badge,
    seconds,
    series,
    share,
)
from harness.wording import DASH, amount_text, limit, usd
from reports.document import Column, Row, Table

_TOP_OPTIONS = 12
_THOUSAND = 1000


def comparison(record: DecisionRecord, option: OptionRecord) -> Table:
    """The incumbent against one option: quality, time, cost."""
    rows = [
        *_quality_row(record, option),
        *_time_row(record, option),
        *_request_row(record, option),
        _month_row(record, option),
    ]
    other = "proposed" if record.verdict is Verdict.DOWNGRADE else option.target.option
    return Table(
        caption=f"Today's model {record.current.option} and {option.target.option}",
        columns=tuple(Column(text=text) for text in ("", "today", other, "difference")),
        rows=tuple(rows),
    )


def _quality_row(record: DecisionRecord, option: OptionRecord) -> list[Row]:
    quality = option.quality
    if quality is None:
        return []
    change = (
        f"{points(quality.difference)} points, at worst {at_worst(quality.worst)} "
        f"({limit(quality.margin)})"
    )
    name = f"{record.feature.unit} fully right"
    if quality.both_right is None:
        known = quality.current is not None
        name = f"{record.feature.unit}: {'quality of 100' if known else 'difference alone'}"
    return [Row(cells=(name, share(quality.current), share(quality.candidate), change))]


def _time_row(record: DecisionRecord, option: OptionRecord) -> list[Row]:
    incumbent, proposed = record.current_latency, option.latency
    if incumbent is None and proposed is None:
        return []
    name, incumbent_time = _percentile(incumbent if proposed is None else proposed, incumbent)
    _, proposed_time = _percentile(proposed, proposed)
    return [Row(cells=(name, incumbent_time, proposed_time, _slo_text(proposed)))]


def _percentile(kind: LatencyFacts | None, facts: LatencyFacts | None) -> tuple[str, str]:
    """(name, value) of the percentile that has an SLO; the total time's p95 by default."""
    if kind is not None and kind.slo_ttft_p95_s is not None:
        return "first token, p95", seconds(facts.ttft_p95_s if facts else None)
    if kind is not None and kind.slo_p99_s is not None and kind.slo_p95_s is None:
        return "time, p99", seconds(facts.p99_s if facts else None)
    return "time, p95", seconds(facts.p95_s if facts else None)


def _slo_text(facts: LatencyFacts | None) -> str:
    if facts is None:
        return "not measured"
    bound, promised = promised_time(facts)
    if promised is None:
        return "no limit was stated"
    if bound is None:
        return f"too few to tell, n = {facts.n} (limit {promised:g} s)"
    text = f"at most {seconds(bound)} (limit {promised:g} s)"
    return f"{text}; today's model misses it too" if facts.incumbent_misses_too else text


def promised_time(facts: LatencyFacts) -> tuple[float | None, float | None]:
    """(upper bound, limit) of the percentile that has an SLO, seconds; None: unknown, no SLO."""
    if facts.slo_ttft_p95_s is not None:
        return facts.ttft_p95_upper_s, facts.slo_ttft_p95_s
    if facts.slo_p99_s is not None and facts.slo_p95_s is None:
        return facts.p99_upper_s, facts.slo_p99_s
    return facts.p95_upper_s, facts.slo_p95_s


def _request_row(record: DecisionRecord, option: OptionRecord) -> list[Row]:
    incumbent, proposed = record.current_cost, option.cost
    incumbent_usd, proposed_usd = (
        incumbent.request_after_discounts,
        proposed.request_after_discounts,
    )
    if incumbent_usd is None and proposed_usd is None:
        return []
    change = DASH
    if incumbent_usd and proposed_usd is not None:
        change = f"{(proposed_usd / incumbent_usd - 1) * 100:+.0f} %"
    return [
        Row(
            cells=(
                "cost of 1,000 requests / of 1,000 right answers",
                f"{_thousand(incumbent_usd)} / {_bare(_incumbent_per_success(record, option))}",
                f"{_thousand(proposed_usd)} / {_bare(proposed.success_after_discounts)}",
                change,
            )
        )
    ]


def _incumbent_per_success(record: DecisionRecord, option: OptionRecord) -> Decimal | None:
    """The incumbent's cost per success, on the same cases as the option's."""
    incumbent, level = record.current_cost, option.quality.current if option.quality else None
    each = incumbent.request_after_discounts
    if level is None or each is None:
        return incumbent.success_after_discounts
    return each * 100 / exact(level) if level else None


def _thousand(each: Decimal | None) -> str:
    return DASH if each is None else usd(each * _THOUSAND)


def _bare(each: Decimal | None) -> str:
    return DASH if each is None else amount_text(each * _THOUSAND)


def _month_row(record: DecisionRecord, option: OptionRecord) -> Row:
    incumbent, proposed = month_of(record.current_cost), month_of(option.cost)
    volume = (
        "traffic not known"
        if record.traffic is None
        else f"{count(record.traffic.requests_per_month)} requests"
    )
    if incumbent is None or proposed is None:
        cells = (usd(incumbent), usd(proposed), DASH)
    else:
        first, second, left = adding_up(incumbent, proposed)
        change = f"USD {left.removeprefix('-')} {'more' if left.startswith('-') else 'less'}"
        cells = (f"USD {first}", f"USD {second}", change)
    return Row(cells=(f"cost a month, {volume}", *cells))


def options_table(record: DecisionRecord) -> list[Table]:
    """Every option and lever with its result and reason."""
    rows = [_option_row(record, option) for option in record.options[:_TOP_OPTIONS]]
    rows += [
        Row(
            cells=(
                f"same model, {LEVERS.get(lever.kind, lever.kind)}",
                usd(lever_month(record, lever)),
                "possible" if lever.possible else "not possible",
                lever.needs,
            ),
            strong=record.chosen is not None and record.lever == lever.kind,
        )
        for lever in record.levers
    ]
    left_out = len(record.options) - _TOP_OPTIONS
    if not rows:
        return []
    caption = "Options, cheapest first"
    if left_out > 0:
        caption += f" ({left_out} more in the appendix)"
    names = ("option", "a month", "result", "why")
    columns = tuple(Column(text=name, numeric=name == "a month") for name in names)
    return [Table(caption=caption, columns=columns, rows=tuple(rows), stacked=True)]


_BY_MONEY = frozenset({Reason.SAVINGS_BELOW_MINIMUM, Reason.NET_SAVING_BELOW_MINIMUM})
"""Reasons to name beside an option's note, which is about quality alone."""


def _why(record: DecisionRecord, option: OptionRecord) -> str:
    if option.note:
        good = option.quality is not None and option.result is Result.FAIL
        money = [REASONS[reason] for reason in option.reason_codes if reason in _BY_MONEY]
        return "; ".join([option.note, *money]) if good else option.note
    if was_asked_everything(record, option):
        return TO_THE_END
    return series(REASONS[reason] for reason in option.reason_codes)


def _option_row(record: DecisionRecord, option: OptionRecord) -> Row:
    return Row(
        cells=(
            option.target.option,
            usd(month_of(option.cost)),
            result_badge(option.result, option.reason_codes),
            _why(record, option),
        ),
        strong=option.target.option == record.chosen,
    )
