"""What changed about a feature since its last record, in the words of the portfolio's table."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
_MEASURED = (
    ("input_tokens", "tokens in a question", 0.1),
    ("output_tokens", "tokens in an answer", 0.1),
    ("requests_per_month", "requests a month", 0.2),
)


def differences(was: Json | None, now: Json | None) -> list[str]:
    """What a feature's record says otherwise than its earlier one."""
    if was is None or now is None:
        return []
    lines = [*_model(was, now), *_traffic(was, now), *_prices(was, now), *_options(was, now)]
    lacked = (was["still_needed"] or {}).get("cases")
    more = now["evidence"]["eval_set"]["n"] - was["evidence"]["eval_set"]["n"]
    if lacked and more > 0:
        cases = "case" if more == 1 else "cases"
        lines.append(f"{more:,} {cases} added, of {lacked:,} that would decide")
    return lines


def _model(was: Json, now: Json) -> list[str]:
    for key, words in (("option", "model"), ("version", "version")):
        old, new = was["current"][key], now["current"][key]
        if old != new:
            return [f"the {words} in production: {old} to {new}"]
    return []


def _traffic(was: Json, now: Json) -> list[str]:
    if not was["traffic"] or not now["traffic"]:
        return []
    found: list[str] = []
    for key, words, least in _MEASURED:
        first, then = was["traffic"][key], now["traffic"][key]
        if first and abs(then / first - 1) >= least:
            found.append(
                f"{words}: {first:,.0f} to {then:,.0f} ({(then / first - 1) * 100:+.0f} %)"
            )
    return found


def _prices(was: Json, now: Json) -> list[str]:
    old, new = _lists(was), _lists(now)
    return [
        f"price of {name}: {old[name]} to {new[name]}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]


def _options(was: Json, now: Json) -> list[str]:
    old, new = ({one["target"]["option"] for one in record["options"]} for record in (was, now))
    pairs = (("new", sorted(new - old)), ("gone", sorted(old - new)))
    return [f"{word}: {series(names)}" for word, names in pairs if names]


def series(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _lists(record: Json) -> dict[str, str]:
    """Input and output price of each model; of a cascade its first one's."""
    found: dict[str, str] = {}
    for one in record["options"]:
        month = (one["cascade"] or {}).get("month")
        rates = month["first_rates"] if month else one["cost"]["rates"]
        name = one["target"]["option"]
        if rates:
            found[f"the first model of {name}" if one["cascade"] else name] = _both(rates)
    rates = record["current_cost"]["rates"]
    if rates:
        found[record["current"]["option"]] = _both(rates)
    return found


def _both(rates: Json) -> str:
    return " / ".join(f"{Decimal(rates[key]).normalize():f}" for key in ("input", "output"))


def soon(record: Json, day: date) -> list[str]:
    targets = [record["current"], *(one["target"] for one in record["options"])]
    found = [
        f"{one['option']} retires on {one['retires_on']}"
        for one in targets
        if one["retires_on"] and date.fromisoformat(one["retires_on"]) <= day + timedelta(days=180)
    ]
    used = record["evidence"]["eval_set"]["times_used"]
    if used > 4:
        found.append(f"its eval set was used {used:,} times: new cases are due")
    return found
