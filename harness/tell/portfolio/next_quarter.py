"""What changed since a feature was last decided, and what another review may be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from harness.money.amounts import dearest_first
from harness.money.portfolio.to_do import worth_of
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.record.money import RateFacts
from harness.record.parts import OptionRecord
from harness.tell.words import count, day, series
from harness.wording import plural

_TOKEN_DRIFT = 0.10
_VOLUME_DRIFT = 0.20
_MOST_USES = 4
_RETIRES_SOON = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """One feature, what changed since, and the USD a month that another review could save."""

    record: DecisionRecord
    changes: tuple[str, ...]
    worth: Decimal | None


def since_last(
    past: Sequence[DecisionRecord], records: Sequence[DecisionRecord], today: date
) -> tuple[Since, ...]:
    """Compare each feature's newest earlier record with this cycle's; most worth first."""
    newest: dict[str, DecisionRecord] = {}
    for record in sorted(past, key=lambda record: record.cycle):
        newest[record.feature.id] = record
    now: Mapping[str, DecisionRecord] = {record.feature.id: record for record in records}
    found: list[Since] = []
    for feature in sorted(newest.keys() | now.keys()):
        shown = now.get(feature) or newest[feature]
        lines = [
            *changes_since(newest.get(feature), now.get(feature), today),
            *_soon(shown, today),
        ]
        if lines:
            found.append(Since(record=shown, changes=tuple(lines), worth=worth_of(shown, today)))
    return tuple(sorted(found, key=lambda item: (dearest_first(item.worth), item.record.cycle)))


def changes_since(old: DecisionRecord | None, new: DecisionRecord | None, today: date) -> list[str]:
    """One line per difference; empty without any."""
    if old is None:
        return []
    if new is None:
        late = today > ends_on(old)
        ended = f"expired on {day(ends_on(old))}" if late else f"holds until {day(ends_on(old))}"
        return [f"not reviewed in this cycle; the evidence of {old.cycle} {ended}"]
    return [
        *_model(old, new),
        *_traffic(old, new),
        *_prices(old, new),
        *_ladder(old, new),
        *_cases(old, new),
    ]


def _model(old: DecisionRecord, new: DecisionRecord) -> list[str]:
    before, after = old.current, new.current
    if before.option != after.option:
        return [f"the model in production: {before.option} to {after.option}"]
    if before.version != after.version:
        return [f"the version in production: {before.version} to {after.version}"]
    return []


def _traffic(old: DecisionRecord, new: DecisionRecord) -> list[str]:
    before, after = old.traffic, new.traffic
    if before is None or after is None:
        return []
    measured = (
        ("tokens in a question", before.input_tokens, after.input_tokens, _TOKEN_DRIFT),
        ("tokens in an answer", before.output_tokens, after.output_tokens, _TOKEN_DRIFT),
        (
            "requests a month",
            before.requests_per_month,
            after.requests_per_month,
            _VOLUME_DRIFT,
        ),
    )
    return [
        f"{name}: {count(first)} to {count(then)} ({(then / first - 1) * 100:+.0f} %)"
        for name, first, then, least in measured
        if first and abs(then / first - 1) >= least
    ]


def _prices(old: DecisionRecord, new: DecisionRecord) -> list[str]:
    before, after = _price_lists(old), _price_lists(new)
    found: list[str] = []
    for name in sorted(before.keys() & after.keys()):
        first, then = before[name], after[name]
        if (first.input, first.output) != (then.input, then.output):
            found.append(
                f"price of {name}: {first.input.normalize():f} / {first.output.normalize():f} to "
                f"{then.input.normalize():f} / {then.output.normalize():f}"
            )
    return found


def _price_lists(record: DecisionRecord) -> dict[str, RateFacts]:
    """Price lists by option; for a cascade its first model's, as the incumbent has its own."""
    found = {_priced(option): option.price_list for option in record.options}
    found[record.current.option] = record.current_cost.rates
    return {name: rates for name, rates in found.items() if rates is not None}


def _priced(option: OptionRecord) -> str:
    name = option.target.option
    return name if option.cascade is None else f"the first model of {name}"


def _ladder(old: DecisionRecord, new: DecisionRecord) -> list[str]:
    before = {option.target.option for option in old.options}
    after = {option.target.option for option in new.options}
    found: list[str] = []
    if after - before:
        found.append(f"new: {series(sorted(after - before))}")
    if before - after:
        found.append(f"gone: {series(sorted(before - after))}")
    return found


def _cases(old: DecisionRecord, new: DecisionRecord) -> list[str]:
    """Cases added to a feature that needed more."""
    lacked = old.still_needed.cases if old.still_needed is not None else None
    added = new.evidence.eval_set.n - old.evidence.eval_set.n
    if not lacked or added <= 0:
        return []
    return [f"{plural(added, 'case')} added, of {count(lacked)} that would decide"]


def _soon(record: DecisionRecord, today: date) -> list[str]:
    targets = (record.current, *(option.target for option in record.options))
    found = [
        f"{target.option} retires on {day(target.retires_on)}"
        for target in targets
        if target.retires_on is not None and target.retires_on <= today + _RETIRES_SOON
    ]
    used = record.evidence.eval_set.times_used
    if used > _MOST_USES:
        found.append(f"its eval set was used {plural(used, 'time')}: new cases are due")
    return found
