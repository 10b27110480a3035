"""A number beside its noun, as every terminal line and every page says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsFloat


def percent(share: SupportsFloat, places: int = 0) -> str:
    """A share as people read it, the number apart from its sign.

    >>> percent(0.923), percent(0.0164, 1)
    ('92 %', '1.6 %')
    """
    return f"{100 * float(share):.{places}f} %"


def chance(share: float) -> str:
    """A small chance, never rounded to none.

    >>> chance(0.0123), chance(0.0004)
    ('1.2 %', 'under 0.1 %')
    """
    return "under 0.1 %" if share < 0.001 else percent(share, 1)  # noqa: PLR2004


def plural(number: int, noun: str, several: str | None = None) -> str:
    """A count and its noun; `several` where an s does not make the plural.

    >>> plural(1, "case"), plural(1200, "case"), plural(0, "entry", "entries")
    ('1 case', '1,200 cases', '0 entries')
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def pilot_beside(cases: int, pilot: int, unit: str) -> str:
    """So many cases, and which of them were the pilot's: `24 tickets (14 of the pilot)`.

    >>> pilot_beside(24, 14, "tickets"), pilot_beside(10, 0, "tickets")
    ('24 tickets (14 of the pilot, 10 that decide)', '10 tickets')
    >>> pilot_beside(14, 14, "tickets")
    '14 tickets, all of the pilot'
    """
    whole = f"{cases:,} {unit}"
    if pilot == cases:
        return f"{whole}, all of the pilot" if pilot else whole
    return f"{whole} ({pilot:,} of the pilot, {cases - pilot:,} that decide)" if pilot else whole
