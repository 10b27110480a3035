"""Money, shares and counts in words: the same on a terminal as on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import SupportsFloat

DASH = "\u2013"
"""Stands for an absent number; whoever prints one says why next to it."""
_AT_START = re.compile(r"^(\s*)::", re.MULTILINE)
_ANYWHERE = re.compile(r"##(?=\w*\[)")
"""How a CI service recognises a command in a job's output: GitHub at a line's beginning; Azure,
TeamCity and GitHub's older form anywhere."""
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters to Unicode that nobody sees."""
_ONE_BYTE = 0x100
_WHOLE_FROM = Decimal(100)
_CENTS_FROM = Decimal(1)


def plain(text: str) -> str:
    r"""Text that a terminal, a log or a CI service takes for text: what would steer them is shown.

    Escapes, marks that turn the reading direction, and commands to a CI service.

    >>> plain("a\x1b[2Jb"), plain("::stop-commands::x"), plain("c\u202ed")
    ('a\\x1b[2Jb', '\\x3a:stop-commands::x', 'c\\u202ed')
    """
    shown = "".join(_visible(letter) for letter in text)
    return _ANYWHERE.sub(r"\\x23#", _AT_START.sub(r"\1\\x3a:", shown))


def one_line(text: str) -> str:
    r"""The same for a value within a line.

    >>> one_line("a\n::error::b")
    'a\\x0a::error::b'
    """
    return plain(text.replace("\n", "\\x0a"))


def _visible(letter: str) -> str:
    if letter in "\n\t\xa0\u202f" or (letter.isprintable() and letter not in _INVISIBLE):
        return letter
    number = ord(letter)
    return f"\\x{number:02x}" if number < _ONE_BYTE else f"\\u{number:04x}"


def usd(amount: Decimal | None, *, signed: bool = False) -> str:
    """Money: whole dollars from 100, cents from 1, three significant digits below.

    >>> usd(Decimal("2758.6")), usd(Decimal("8.051")), usd(Decimal("0.03612")), usd(None)
    ('USD 2,759', 'USD 8.05', 'USD 0.0361', '\u2013')
    """
    return DASH if amount is None else f"USD {amount_text(amount, signed=signed)}"


def amount_text(amount: Decimal, *, signed: bool = False) -> str:
    """The amount of `usd` without its currency."""
    size = abs(amount)
    if size >= _WHOLE_FROM:
        places = 0
    elif size >= _CENTS_FROM or size == 0:
        places = 2
    else:
        places = max(2, 2 - size.adjusted())
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{rounded:{'+' if signed else ''},f}"
    whole, point, digits = text.partition(".")
    return f"{whole}.{digits.rstrip('0'):0<2}" if point else text


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


def with_pilot(cases: int, pilot: int, unit: str) -> str:
    """A number of cases, and how many of them were the pilot's.

    >>> with_pilot(24, 14, "tickets"), with_pilot(10, 0, "tickets")
    ('24 tickets (14 of the pilot, 10 that decide)', '10 tickets')
    >>> with_pilot(14, 14, "tickets")
    '14 tickets, all of the pilot'
    """
    whole = f"{cases:,} {unit}"
    if pilot == cases:
        return f"{whole}, all of the pilot" if pilot else whole
    return f"{whole} ({pilot:,} of the pilot, {cases - pilot:,} that decide)" if pilot else whole


def in_points(size: float) -> str:
    """A limit without its sign.

    >>> in_points(1.0), in_points(2.5)
    ('1 point', '2.5 points')
    """
    return f"{size:g} {'point' if size == 1 else 'points'}"


def limit(margin: float) -> str:
    """The margin as people see it: `limit -3 points`."""
    return f"limit -{in_points(margin)}"
