"""Page one's two tables: today against the proposal, and the options, cheapest first."""

from __future__ import annotations

from decimal import Decimal

from harness.money.amounts import exact
from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import LatencyFacts, OptionRecord
from harness.tell.facts import lever_month, month_of
from harness.tell.words import (
    LEVERS,
    count,
    limit,
    points,
    reasons_text,
    result_word,
    seconds,
    share,
)
from harness.wording import DASH, amount_text, usd
from reports.document import Column, Row, Table

_TOP_OPTIONS = 12


def comparison(record: DecisionRecord, option: OptionRecord) -> Table:
    """Today against one option: quality, time, cost."""
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
        f"{points(quality.difference)} points, at worst {points(quality.worst)} "
        f"({limit(quality.margin)})"
    )
    name = f"{record.feature.unit} fully right"
    if quality.both_right is None:
        known = quality.current is not None
        name = f"{record.feature.unit}: {'quality of 100' if known else 'difference alone'}"
    return [Row(cells=(name, share(quality.current), share(quality.candidate), change))]


def _time_row(record: DecisionRecord, option: OptionRecord) -> list[Row]:
    today, then = record.current_latency, option.latency
    if today is None and then is None:
        return []
    name, before = _percentile(today if then is None else then, today)
    _, after = _percentile(then, then)
    return [Row(cells=(name, before, after, _slo_text(then)))]


def _percentile(kind: LatencyFacts | None, facts: LatencyFacts | None) -> tuple[str, str]:
    """(name, value) of the percentile that is promised; the total time's p95 by default."""
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
    """(upper bound, limit) of the percentile that is promised, seconds."""
    if facts.slo_ttft_p95_s is not None:
        return facts.ttft_p95_upper_s, facts.slo_ttft_p95_s
    if facts.slo_p99_s is not None and facts.slo_p95_s is None:
        return facts.p99_upper_s, facts.slo_p99_s
    return facts.p95_upper_s, facts.slo_p95_s


def _request_row(record: DecisionRecord, option: OptionRecord) -> list[Row]:
    today, then = record.current_cost, option.cost
    before, after = today.request_after_discounts, then.request_after_discounts
    if before is None and after is None:
        return []
    change = DASH
    if before and after is not None:
        change = f"{(after / before - 1) * 100:+.0f} %"
    return [
        Row(
            cells=(
                "cost per request / per success",
                f"{usd(before)} / {_bare(_today_per_success(record, option))}",
                f"{usd(after)} / {_bare(then.success_after_discounts)}",
                change,
            )
        )
    ]


def _today_per_success(record: DecisionRecord, option: OptionRecord) -> Decimal | None:
    """Today's cost of a success on the cases of the option beside it."""
    today, level = record.current_cost, option.quality.current if option.quality else None
    each = today.request_after_discounts
    if level is None or each is None:
        return today.success_after_discounts
    return each * 100 / exact(level) if level else None


def _bare(amount: Decimal | None) -> str:
    return DASH if amount is None else amount_text(amount)


def _month_row(record: DecisionRecord, option: OptionRecord) -> Row:
    today, then = month_of(record.current_cost), month_of(option.cost)
    volume = (
        "traffic not known"
        if record.traffic is None
        else f"{count(record.traffic.requests_per_month)} requests"
    )
    change = DASH if today is None or then is None else usd(then - today, signed=True)
    return Row(cells=(f"cost a month, {volume}", usd(today), usd(then), change))


def options_table(record: DecisionRecord) -> list[Table]:
    """Every option and lever, and what became of it."""
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
    return [Table(caption=caption, columns=columns, rows=tuple(rows))]


def _option_row(record: DecisionRecord, option: OptionRecord) -> Row:
    codes = reasons_text(option.reason_codes)
    why = f"{option.note.rstrip('.')} ({codes})" if option.note and codes else option.note or codes
    return Row(
        cells=(
            option.target.option,
            usd(month_of(option.cost)),
            result_word(option.result, option.reason_codes),
            why,
        ),
        strong=option.target.option == record.chosen,
    )
