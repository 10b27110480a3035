"""The scorer of numbers: the last one in a reply, by value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.errors import UsageError
from harness.scoring.scorer import Options, Setting, plain, read_options, targets_of

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer

# A sign counts unless it follows a word or a digit ("3-5" is 3 and 5); the currency may stand
# before or after it. Commas count only between groups of three digits.
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)])[-+\N{MINUS SIGN}])?(?:[$€£¥]\s?)?(?P<inner>(?<!\w)[-\N{MINUS SIGN}])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
)

_WHOLE = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?")


def last_number(text: str) -> Decimal | None:
    """The last number of a text, with decimals, thousands separators and currency signs read.

    >>> last_number("so she pays $1,234.50 in total.")
    Decimal('1234.50')
    """
    found = None
    for match in _NUMBER.finditer(plain(text)):
        found = match
    return None if found is None else _value(found)


def whole_number(text: str) -> Decimal | None:
    """The number that a text is as a whole, else None; `007` and `+49` are codes, not numbers."""
    match = _WHOLE.fullmatch(plain(text))
    return None if match is None else Decimal(match[0].replace(",", ""))


def number_text(value: Decimal) -> str:
    """One text for equal numbers, exact whatever their length.

    >>> number_text(Decimal("-18.00")), number_text(Decimal("-0.0"))
    ('-18', '0')
    """
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _value(match: re.Match[str]) -> Decimal:
    value = Decimal(match["digits"].replace(",", ""))
    sign = match["sign"] or match["inner"]
    return value if sign in {None, "+"} else value.copy_negate()


class NumberOptions(Options):
    """How near is right."""

    tolerance: Annotated[Decimal, Field(ge=0, le=10**12)] = Decimal(0)
    """Largest difference that still counts as right."""


@dataclass(frozen=True, slots=True)
class Number:
    """The last number of the reply, by value. A reply without one is malformed."""

    tolerance: Decimal
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The number, in one form for equals."""
        value = last_number(answer)
        return None if value is None else number_text(value)

    def score(self, case: Case, answer: str) -> float:
        """1 when the number is the target's, within the tolerance."""
        value = last_number(answer)
        if value is None:
            return 0.0
        targets = [_target_number(case, target) for target in targets_of(case)]
        return float(any(abs(value - target) <= self.tolerance for target in targets))


def _target_number(case: Case, target: str) -> Decimal:
    value = last_number(target)
    if value is None:
        raise UsageError(f"case {case.id!r}: the target holds no number")
    return value


def number(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Number`."""
    return Number(read_options(spec, NumberOptions).tolerance)
