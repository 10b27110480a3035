"""How the pages write numbers, stated once more: money, points, shares, seconds, counts."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

DASH = "\u2013"
DIGITS = re.compile(r"\d")
PERIOD = re.compile(r"(?<=\d),(?=\d{3})")


def money(amount: Decimal | None, *, signed: bool = False) -> str:
    """An amount without its currency: whole from 100, cents from 1, else three digits."""
    if amount is None:
        return DASH
    size = abs(amount)
    places = 0 if size >= 100 else 2 if size >= 1 or not size else max(2, 2 - size.adjusted())
    value = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{value:+,f}" if signed else f"{value:,f}"
    if "." in text:
        text = text.rstrip("0")
        whole, _, part = text.partition(".")
        text = f"{whole}.{part.ljust(2, '0')}"
    return text


def cents(amount: Decimal, *, signed: bool = False) -> str:
    return f"{amount:+,.2f}" if signed else f"{amount:,.2f}"


def points(value: float | None, *, signed: bool = True) -> str:
    if value is None:
        return DASH
    near = round(value, 1)
    if near == 0:
        return "0.0"
    return f"{near:+.1f}" if signed else f"{near:.1f}"


def worst(value: float | None) -> float | None:
    """A bound with one decimal that promises no more than the bound itself."""
    if value is None:
        return None
    tenths = int(Decimal(str(round(10 * value, 8))).to_integral_value(rounding="ROUND_FLOOR"))
    return tenths / 10


def share(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def count(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"


def general(value: float | Decimal | None, digits: int = 6) -> str:
    return DASH if value is None else f"{value:.{digits}g}"


def stated(amount: Decimal | None) -> str:
    """A rate with all its digits."""
    if amount is None:
        return DASH
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float | None) -> str:
    if value is None:
        return DASH
    if 0 < value < 0.01:
        return f"{value:.2g}"
    return f"{value:.2f}" if value < 1 else f"{value:,.1f}"


def roughly(value: float) -> str:
    """A count of two significant digits."""
    if value == 0:
        return "0"
    if abs(value) < 1:
        return f"{value:.1g}"
    step = 10 ** max(0, math.floor(math.log10(abs(value))) - 1)
    return f"{round(value / step) * step:,.0f}"


def adding(whole: Decimal, part: Decimal) -> tuple[str, str, str]:
    """An amount, what goes off it and what is left, rounded alike so that they add up."""
    most = max(abs(whole), abs(part))
    for places in (0, 2, 4, 6):
        unit = Decimal(1).scaleb(-places)
        first, second, left = (
            a.quantize(unit, rounding=ROUND_HALF_UP) for a in (whole, part, whole - part)
        )
        if first - second == left and (most >= 100 * unit or places == 6):
            return f"{first:,f}", f"{second:,f}", f"{left:,f}"
    first, second = (a.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) for a in (whole, part))
    return f"{first:,f}", f"{second:,f}", f"{first - second:,f}"


def begins_at(start: Decimal, terms: list[Decimal]) -> Decimal:
    """Where a waterfall's axis begins: at zero unless every level lies above the whole change."""
    levels = [start + sum(terms[:at], Decimal(0)) for at in range(len(terms) + 1)]
    change = max(levels) - min(levels)
    if change == 0 or min(levels) <= change:
        return Decimal(0)
    tenth = Decimal(10) ** (change.adjusted() - 1)
    if tenth >= min(levels):
        return Decimal(0)
    return (min(levels) - change / 4) // tenth * tenth


def begins_words(start: Decimal, terms: list[Decimal]) -> str:
    begins = begins_at(start, terms)
    return f"USD a month; it begins at {money(begins)}, not at 0" if begins else "USD a month"


def times(ratio: Decimal) -> str:
    """How often one amount holds another: one decimal below 10, three digits from 1,000."""
    if ratio >= 1000:
        unit = Decimal(10) ** (ratio.adjusted() - 2)
        return f"{(ratio / unit).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * unit:,.0f}"
    return f"{ratio:,.{0 if ratio >= 10 else 1}f}"
