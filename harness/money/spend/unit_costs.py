"""What one request, one thousand, one answer and a million tokens cost, and how calls go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeAlias

from harness.money.spend.lines import Consumed, Outlay, total, used

UnitKind: TypeAlias = Literal["usd", "share", "ratio", "tokens"]
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """A figure of a portfolio, team or feature; what has no denominator is None."""

    name: str
    kind: UnitKind
    value: Decimal | None


def _over(part: Decimal | None, whole: Decimal, times: Decimal = Decimal(1)) -> Decimal | None:
    return part * times / whole if whole and part is not None else None


def _answered(used: Consumed) -> Decimal:
    """Calls that did not fail; what a duplicate brings is nothing new."""
    lost = (used.duplicates or Decimal(0)) + (used.failed or Decimal(0))
    return max(used.calls - lost, Decimal(0))


def _per_success(usd: Decimal, used: Consumed) -> Decimal | None:
    """None: of some calls nobody tells whether they failed."""
    return None if used.failure_untold else _over(usd, _answered(used))


_UNITS: Mapping[str, tuple[UnitKind, Callable[[Decimal, Consumed], Decimal | None]]] = (
    MappingProxyType(
        {
            "USD a request": ("usd", lambda usd, u: _over(usd, u.requests + u.other_calls)),
            "USD per 1,000 requests": (
                "usd",
                lambda usd, u: _over(usd, u.requests + u.other_calls, Decimal(1000)),
            ),
            "USD per call that succeeded": ("usd", _per_success),
            "USD per million tokens": (
                "usd",
                lambda usd, u: _over(usd, u.input + u.output, _MILLION),
            ),
            "input tokens a call": ("tokens", lambda _, u: _over(u.input, u.calls)),
            "output tokens a call": ("tokens", lambda _, u: _over(u.output, u.calls)),
            "input tokens per output token": ("ratio", lambda _, u: _over(u.input, u.output)),
            "input read from the prompt cache": ("share", lambda _, u: _over(u.cached, u.input)),
            "calls that read from it": ("share", lambda _, u: _over(u.cache_reads, u.calls)),
            "output that is reasoning": ("share", lambda _, u: _over(u.reasoning, u.output)),
            "retries per request": ("share", lambda _, u: _over(u.retries, u.requests)),
            "duplicates per request": ("share", lambda _, u: _over(u.duplicates, u.requests)),
            "calls that failed": (
                "share",
                lambda _, u: _over(u.failed, u.calls - u.failure_untold),
            ),
        }
    )
)


_RESTS_ON: Mapping[str, str] = MappingProxyType(
    {
        "USD per call that succeeded": "failed",
        "input read from the prompt cache": "cached",
        "calls that read from it": "cache_reads",
        "output that is reasoning": "reasoning",
        "retries per request": "retries",
        "duplicates per request": "duplicates",
        "calls that failed": "failed",
    }
)
"""Counts that a log may not tell; without them the figure is not known."""


def unit_costs(
    lines: Sequence[Outlay], unreported: frozenset[str] = frozenset()
) -> tuple[UnitCost, ...]:
    """All figures of some spend, in their order; what rests on an unreported count is None.

    Where only some lines tell that count, the figure is of these.
    """
    found: list[UnitCost] = []
    for name, (kind, work) in _UNITS.items():
        count = _RESTS_ON.get(name)
        told = [one for one in lines if count is None or getattr(one.used, count) is not None]
        known = bool(told) and count not in unreported
        found.append(
            UnitCost(name=name, kind=kind, value=work(total(told), used(told)) if known else None)
        )
    return tuple(found)


PUBLISHED: Mapping[str, Decimal] = MappingProxyType(
    {"calls that read from it": Decimal("0.28"), "calls that failed": Decimal("0.05")}
)
"""Over all calls that Datadog saw, by its report; no other figure here has a published one."""
PUBLISHED_BY = "Datadog, State of AI Engineering, April 2026"
