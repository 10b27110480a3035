"""Exact decimals: no binary fraction ever becomes money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext

MILLION = Decimal(1_000_000)
CENT = Decimal("0.01")
_DIGITS = 50


def exact(number: float | Decimal) -> Decimal:
    """Read a number as it is written: 0.1 is one tenth, not the nearest binary fraction.

    Raises:
        ValueError: it is not finite.

    >>> exact(0.1)
    Decimal('0.1')
    """
    value = number if isinstance(number, Decimal) else Decimal(str(number))
    if not value.is_finite():
        raise ValueError(f"not a finite number: {number!r}")
    return value


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half-even to `places` decimals, in plain notation without trailing zeros.

    >>> rounded(Decimal("1.500000049"), 6)
    Decimal('1.5')
    """
    with localcontext() as context:
        context.prec = _DIGITS
        whole = value.quantize(Decimal(1).scaleb(-places))
        return plain(whole)


def plain(value: Decimal) -> Decimal:
    """Drop trailing zeros and exponents, so that equal numbers are equal text.

    >>> plain(Decimal("1.20E+3")), plain(Decimal("0.500"))
    (Decimal('1200'), Decimal('0.5'))
    """
    if value == 0:
        return Decimal(0)
    with localcontext() as context:
        context.prec = _DIGITS
        small = value.normalize()
        exponent = small.as_tuple().exponent
        return small.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else small


def to_unit(amount: Decimal, unit: Decimal) -> Decimal:
    """To the nearest multiple of `unit`, halves away from zero: as people round what they read.

    >>> to_unit(Decimal("2.5"), Decimal(1))
    Decimal('3')
    """
    return amount.quantize(unit, rounding=ROUND_HALF_UP)


def cents(amount: Decimal) -> Decimal:
    """To the cent, half up."""
    return to_unit(amount, CENT)


def running_cents(amounts: Iterable[Decimal]) -> Iterator[Decimal]:
    """Round amounts to cents so that the rounded ones add up to the rounded exact sum.

    Each result is the rounded running sum after its amount minus the one before it. So the results
    of any stretch of amounts add up to its exact sum within one cent.

    >>> [*map(str, running_cents([Decimal("0.004")] * 4))]
    ['0.00', '0.01', '0.00', '0.01']
    """
    exact_sum = told = Decimal(0)
    for amount in amounts:
        exact_sum += amount
        reached = cents(exact_sum)
        yield reached - told
        told = reached


def dearest_first(amount: Decimal | None) -> tuple[bool, Decimal]:
    """Sort key: the largest amount first; amounts that are not known (None) come last.

    >>> sorted([None, Decimal(0), Decimal(2)], key=dearest_first)
    [Decimal('2'), Decimal('0'), None]
    """
    return amount is None, Decimal(0) if amount is None else -amount
