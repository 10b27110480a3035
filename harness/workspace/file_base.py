"""What every file of a workspace shares: strict, final, every key documented."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, GetPydanticSchema

_FINEST = -12
"""Least power of ten of an amount: finer ones are no money, and make figures without end."""


def _as_money(amount: Decimal) -> Decimal:
    if amount and amount.adjusted() < _FINEST:
        raise ValueError(f"must be 0 or at least 1e{_FINEST}, got {amount:.3g}")
    return amount


# Every number has an end: what is counted, multiplied or added to a day later never overflows.
Usd = Annotated[Decimal, Field(ge=0, le=10**12), AfterValidator(_as_money)]
Points = Annotated[float, Field(ge=0.01, le=99)]
"""A loss of all 100 points excludes nothing."""
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(gt=0, le=36_500)]
Seconds = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""An hour's promise or a server's life; a longer wait than 11 days is more than a socket takes."""
Tokens = Annotated[int, Field(gt=0, le=10**9)]
DataClass = Literal["public", "internal", "customer", "restricted"]
Vendor = Literal["anthropic", "openai", "google", "openai-compatible"]
Risk = Literal["low", "medium", "high"]
Protect = Literal["alarm", "proven"]


class Level(StrEnum):
    """What the gate makes of a finding of a rule."""

    OFF = "off"
    WARN = "warn"
    FAIL = "fail"


def listed(kind: type[StrEnum]) -> GetPydanticSchema:
    """How a file's key becomes an enum, its values listed in place in the JSON Schema."""
    names = Literal[tuple(member.value for member in kind)]
    return GetPydanticSchema(lambda _, handler: handler(Annotated[names, AfterValidator(kind)]))
