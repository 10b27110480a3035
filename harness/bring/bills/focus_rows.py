"""A row of FOCUS 1.2 to 1.4, the FinOps cost and usage specification, as a charge.

`EffectiveCost` counts where it is there: it spreads what was paid before over what used it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import cast

from harness.money.bill import Posting

Row = Mapping[str, object]
MARKS = ("ChargePeriodStart", "BilledCost")
_MODEL = ("ModelVersion", "ModelId", "x_ModelVersion", "x_ModelId")
_CALLER = ("SubAccountId", "SubAccountName", "ResourceId", "BillingAccountId")
_SELLER = ("ServiceProviderName", "ProviderName")
_UNIT = re.compile(
    r"(?:([\d,]+)\s*([kKmM])?\s+|([\d,]+)([kKmM]))?(tokens?|requests?|calls?)", re.IGNORECASE
)
_TIMES = {"": 1, "K": 1_000, "M": 1_000_000}
_KINDS = {
    "input": "input",
    "cacheread": "cache_read",
    "cachewrite": "cache_write",
    "output": "output",
    "inputuncached": "input",
    "inputread": "cache_read",
    "inputwrite": "cache_write",
}
_METERS = (
    ("cache_read", re.compile(r"cache[d\s_-]*(read|hit|input)|cached", re.IGNORECASE)),
    ("cache_write", re.compile(r"cache[\s_-]*(write|creation)", re.IGNORECASE)),
    ("output", re.compile(r"output|completion|generated", re.IGNORECASE)),
    ("input", re.compile(r"input|prompt", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A charge that nobody has placed yet."""

    line: Posting
    tags: tuple[str, ...] = ()
    environment: str = ""


class BadRowError(Exception):
    """A row that cannot be read: the key, and why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key, self.why = key, why


def focus_charge(row: Row) -> Unplaced:
    """A row of FOCUS as a charge.

    Raises:
        BadRowError: it says something that no charge can be.
    """
    if text(row, "x_Estimate").lower() == "true":
        raise BadRowError("x_Estimate", "an estimate, and no bill: `rightsize export` wrote it")
    start, end = _days(row)
    details = members(row.get("SkuPriceDetails"))
    kind = _kind(row, details)
    unit, count = _counted(row)
    category = text(row, "ChargeCategory") or "Usage"
    effective = amount(row, "EffectiveCost")
    billed = amount(row, "BilledCost")
    if billed is None:
        raise BadRowError("BilledCost", "is empty")
    usd(row, "BillingCurrency")
    try:
        line = Posting(
            start=start,
            end=end,
            category=category,
            cost_usd=billed if effective is None else effective,
            billed_usd=billed,
            caller=next((found for name in _CALLER if (found := text(row, name))), ""),
            model=_model(row, details),
            token=kind if unit == "token" else None,
            tokens=count if unit == "token" else None,
            requests=int(count) if unit in {"request", "call"} and count is not None else None,
            batch="batch"
            in str(details.get("ProcessingTier") or details.get("ServiceTier") or "").lower(),
            seller=next((found for name in _SELLER if (found := text(row, name))), ""),
        )
    except ValueError as error:
        raise BadRowError("ChargeCategory", str(error)) from None
    tags = members(row.get("Tags"))
    return Unplaced(
        line=line,
        tags=tuple(f"{key}:{'' if value is None else value}" for key, value in tags.items()),
        environment=str(tags.get("environment") or ""),
    )


def text(row: Row, name: str) -> str:
    """A cell's text; empty where there is none."""
    value = row.get(name)
    return "" if value is None else str(value).strip()


def amount(row: Row, name: str) -> Decimal | None:
    """A cell's number, of either sign; None where there is none.

    Raises:
        BadRowError: it is no number.
    """
    found = text(row, name)
    if found == "" or found.lower() in {"null", "none"}:
        return None
    try:
        value = Decimal(found if found.isascii() and "_" not in found else "")
    except InvalidOperation:
        raise BadRowError(name, f"{found[:40]!r} is no number like 702.90") from None
    if not value.is_finite():
        raise BadRowError(name, f"{found!r} is no number like 702.90")
    return value


def usd(row: Row, name: str) -> None:
    """Refuse what is not in USD.

    Raises:
        BadRowError: another currency: nobody here knows the rate that was agreed.
    """
    found = text(row, name).upper()
    if found != "USD":
        raise BadRowError(name, f"{found or 'nothing'!s}: bills are read in USD; convert its costs")


def members(value: object) -> Mapping[str, object]:
    """An object's members: of JSON text, of a map as Parquet has it, or none."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return {}
    if isinstance(value, list):
        pairs = cast("list[object]", value)
        known = [cast("tuple[object, object]", pair) for pair in pairs if isinstance(pair, tuple)]
        return {str(key): inner for key, inner in known}
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _days(row: Row) -> tuple[date, date]:
    start, last = moment(row, "ChargePeriodStart"), moment(row, "ChargePeriodEnd", absent=True)
    if start is None:
        raise BadRowError("ChargePeriodStart", "is empty")
    if last is None or last <= start:
        return start.date(), start.date() + timedelta(days=1)
    return start.date(), (last - timedelta(microseconds=1)).date() + timedelta(days=1)


def moment(row: Row, name: str, *, absent: bool = False) -> datetime | None:
    """A cell's time, UTC where it says no offset, as the specification has it.

    Raises:
        BadRowError: it is no time.
    """
    found = text(row, name)
    if not found and absent:
        return None
    try:
        at = datetime.fromisoformat(found.removesuffix(" UTC"))
    except ValueError:
        raise BadRowError(name, f"{found[:40]!r} is no time like 2027-01-01T00:00:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _model(row: Row, details: Mapping[str, object]) -> str:
    for holder in (details, row):
        found = next((text(holder, name) for name in _MODEL if text(holder, name)), "")
        if found:
            return found
    return ""


def _kind(row: Row, details: Mapping[str, object]) -> str | None:
    """The kind of token, by any of the names that are in use; None: it says none."""
    plain = text(details, "TokenType") or text(row, "x_TokenType")
    parts = [text(details, name) for name in ("TokenDirection", "TokenCacheAction")]
    for said in (plain, "".join(parts)):
        known = _KINDS.get(re.sub(r"[^a-z]", "", said.lower()))
        if known:
            return known
    meter = text(row, "SkuMeter") or text(row, "ChargeDescription")
    return next((kind for kind, words in _METERS if words.search(meter)), None)


def _counted(row: Row) -> tuple[str, Decimal | None]:
    """What was used, in tokens or requests; another unit counts nothing of ours."""
    for unit, quantity in (
        ("ConsumedUnit", "ConsumedQuantity"),
        ("PricingUnit", "PricingQuantity"),
    ):
        found = _UNIT.fullmatch(text(row, unit))
        value = amount(row, quantity)
        if found is None or value is None:
            continue
        number = (found[1] or found[3] or "1").replace(",", "")
        times = _TIMES[(found[2] or found[4] or "").upper()]
        return found[5].lower().removesuffix("s"), value * int(number) * times
    return "", None
