"""Texts by name of a figure, and those of a part of a record that is shown as it stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.recompute import forms
from tests.recompute.forms import cents, count, general, money, points, seconds, share

Json = dict[str, Any]


class Slots(dict[str, set[str]]):
    """Texts by name of the figure; a name that is not there has no text."""

    def put(self, name: str, *texts: str | None) -> None:
        self.setdefault(name, set()).update(text for text in texts if text is not None)

    def money(self, name: str, amount: Decimal | None) -> None:
        self.put(name, money(amount), money(amount, signed=True) if amount is not None else None)
        if amount is not None:
            self.put(name, money(abs(amount)) if amount < 0 else None)
            self.put(f"{name}_cents", cents(amount), cents(amount, signed=True))

    def points(self, name: str, value: float | None) -> None:
        if name.endswith(("worst", "worst_missing_as_zero")):
            value = forms.worst(value)
        self.put(name, points(value))
        self.put(f"{name}_abs", points(None if value is None else abs(value), signed=False))
        self.put(f"{name}_share", share(value))


def of_part(part: Json) -> Slots:
    """Figures of a part of a record that is shown as it stands, in each form that pages use."""
    slots = Slots()
    for key, value in part.items():
        if isinstance(value, bool):
            continue
        if value is None:
            slots.put(key, forms.DASH)
        elif isinstance(value, (int, float)) or _is_decimal(value):
            slots.put(key, *_forms(Decimal(str(value))))
            if "worst" in key:
                slots.put(key, points(forms.worst(float(value))))
            if key == "margin":
                slots.put(key, f"-{value:g}")
        elif isinstance(value, (list, tuple)):
            slots.put(key, f"{len(value):,}")
    return slots


def _forms(value: Decimal) -> list[str]:
    near = float(value)
    return [
        count(near),
        general(value, 3),
        f"{near:.3g}",
        general(value),
        points(near),
        f"{near:.1f}",
        f"{near:,.1f}",
        f"{near:.2f}",
        money(value),
        forms.stated(value),
        seconds(near),
        f"{value * 100:.1f}",
        f"{value * 100:.0f}",
        f"{value * 100:.3g}",
    ]


def _is_decimal(value: object) -> bool:
    try:
        return isinstance(value, (str, Decimal)) and Decimal(value).is_finite()
    except ArithmeticError:
        return False
