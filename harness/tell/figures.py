"""A record's figures as charts."""

from __future__ import annotations

from decimal import Decimal

from harness.money.amounts import exact
from harness.record.model import DecisionRecord
from harness.record.parts import LatencyFacts, OptionRecord
from harness.tell.facts import axis_begins, axis_words, bridge_at_list, month_of
from harness.tell.words import at_worst, points, seconds
from harness.wording import chance, limit, percent, usd
from reports.document import (
    Bars,
    CostQuality,
    Forest,
    Interval,
    Latency,
    MeasuredSeconds,
    NamedAmount,
    Spot,
    Step,
    Waterfall,
)

_MOST_ROWS = 12


def forest(record: DecisionRecord) -> Forest | None:
    """Each tested option's difference from the incumbent against the limit."""
    rows = [
        Interval(
            label=option.target.option,
            value=option.quality.difference,
            low=min(option.quality.worst, option.quality.difference),
            high=max(option.quality.best, option.quality.difference),
            strong=option.target.option == record.chosen,
        )
        for option in record.options
        if option.quality is not None
    ][:_MOST_ROWS]
    if not rows:
        return None
    words = "; ".join(
        f"{row.label} {points(row.value)}, at worst {at_worst(row.low)}, at best {points(row.high)}"
        for row in rows
    )
    text = limit(record.margin.value)
    return Forest(
        caption=f"Quality against today's model, in points: each line runs from worst to best; "
        f"a whole line right of the {text} passes",
        description=f"{words}; {text}.",
        axis="points, candidate minus today",
        limit=-record.margin.value,
        limit_label=text,
        rows=tuple(rows),
    )


def chances(record: DecisionRecord) -> Bars | None:
    """The chance that was left of each option that was given up, against the one that ended it."""
    given_up = [
        (option.target.option, option.stopped)
        for option in record.options
        if option.stopped is not None
    ][:_MOST_ROWS]
    if not given_up:
        return None
    words = "; ".join(
        f"{name} {chance(stop.chance)}, given up below {percent(stop.threshold, 1)}"
        for name, stop in given_up
    )
    return Bars(
        caption="The chance that an option had left when it was given up; the line across a bar: "
        "below this it is given up",
        description=f"{words}.",
        axis="percent",
        rows=tuple(
            NamedAmount(
                label=name,
                value=100 * stop.chance,
                text=chance(stop.chance),
                against=100 * stop.threshold,
            )
            for name, stop in given_up
        ),
    )


def cost_quality(record: DecisionRecord) -> CostQuality | None:
    """Each option's difference from the incumbent, on its own cases, against monthly cost."""
    spots = [
        *_spot(record.current.option, month_of(record.current_cost), 0.0),
        *(
            spot
            for option in record.options
            if option.quality is not None
            for spot in _spot(
                option.target.option,
                month_of(option.cost),
                option.quality.difference,
                strong=option.target.option == record.chosen,
            )
        ),
    ]
    if len(spots) < 2:  # noqa: PLR2004  # one point is no picture
        return None
    words = "; ".join(
        f"{spot.label} {usd(exact(spot.monthly_usd))} a month, {points(spot.quality)}"
        for spot in spots
    )
    text = limit(record.margin.value)
    return CostQuality(
        caption="Quality beside today's model, in points, against cost a month",
        description=f"{words}; {text}.",
        x_axis="USD a month",
        y_axis="points, candidate minus today",
        floor=-record.margin.value,
        floor_label=text,
        spots=tuple(spots[:_MOST_ROWS]),
    )


def _spot(
    label: str, monthly: Decimal | None, quality: float | None, *, strong: bool = False
) -> list[Spot]:
    if monthly is None or quality is None:
        return []
    return [Spot(label=label, monthly_usd=float(monthly), quality=quality, strong=strong)]


def latency(record: DecisionRecord) -> Latency | None:
    """Measured percentiles against the SLO."""
    measured = [
        (record.current.option, record.current_latency),
        *((option.target.option, option.latency) for option in record.options),
    ]
    rows = [
        MeasuredSeconds(label=label, p50=facts.p50_s, p95=facts.p95_s, p95_upper=facts.p95_upper_s)
        for label, facts in measured
        if facts is not None and (facts.p50_s is not None or facts.p95_s is not None)
    ][:_MOST_ROWS]
    if not rows:
        return None
    promised = _promised(record)
    words = "; ".join(
        f"{row.label} p50 {seconds(row.p50)}, p95 {seconds(row.p95)}, at most "
        f"{seconds(row.p95_upper)}"
        for row in rows
    )
    return Latency(
        caption="Time to the complete answer: p50 (dot), p95 (diamond) and how far it may lie",
        description=f"{words}.",
        axis="seconds",
        limit=promised,
        limit_label="" if promised is None else f"limit {promised:g} s",
        rows=tuple(rows),
    )


def _promised(record: DecisionRecord) -> float | None:
    known: list[LatencyFacts] = [
        facts
        for facts in (record.current_latency, *(option.latency for option in record.options))
        if facts is not None
    ]
    return next((facts.slo_p95_s for facts in known if facts.slo_p95_s is not None), None)


def waterfall(record: DecisionRecord) -> Waterfall | None:
    """The terms between the incumbent's monthly cost and the proposed one."""
    chosen = next((o for o in record.options if o.target.option == record.chosen), None)
    if not record.bridge or chosen is None:
        return None
    today, then = _ends(record, chosen)
    if today is None or then is None:
        return None
    words = "; ".join(f"{step.term} {usd(step.usd, signed=True)}" for step in record.bridge)
    begins = axis_begins(today, (step.usd for step in record.bridge))
    return Waterfall(
        caption="Where the saving comes from, USD a month",
        description=f"Today {usd(today)}; {words}; proposed {usd(then)}.",
        axis=axis_words(begins),
        axis_from=float(begins),
        start_label="today",
        start_usd=float(today),
        steps=tuple(Step(label=step.term, usd=float(step.usd)) for step in record.bridge),
        end_label="proposed",
        end_usd=float(then),
    )


def _ends(record: DecisionRecord, chosen: OptionRecord) -> tuple[Decimal | None, Decimal | None]:
    """Both monthly costs, at list price where the bridge is."""
    today, then = record.current_cost, chosen.cost
    if bridge_at_list(record):
        return today.monthly, then.monthly
    return month_of(today), month_of(then)
