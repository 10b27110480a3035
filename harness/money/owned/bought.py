"""Capacity that is paid for until a day: how much of it is used, and what ends soon.

`reviews/CYCLE/bought.json` is what a review's index says of it: it is in no record, as it is
nobody's alone, and units of a model that no feature uses are in none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from pydantic import TypeAdapter

from harness.errors import UsageError
from harness.money.amounts import cents
from harness.money.hosting import HOURS_A_MONTH
from harness.wording import usd
from harness.workspace.model_file import ModelConfig

SOON_DAYS = 90
"""What ends within so many days is told: renewing takes a quarter's planning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtCapacity:
    """Units or GPUs that are paid for by the hour until their term ends."""

    name: str
    what: str
    """`units` of provisioned throughput, or `GPUs`."""
    bought: int
    needed: int | None
    """At the busiest hour, or by the floor of hosted demand; None: nothing says what is asked."""
    usd_per_hour: Decimal
    """Of one."""
    until: date
    seller: str = ""
    """Whoever sold units; empty: not known."""
    used_share: Decimal | None = None
    """Mean share of what is bought that is used; None: not known."""

    @property
    def unused(self) -> int | None:
        """Bought and not needed even in the busiest hour."""
        return None if self.needed is None else max(self.bought - self.needed, 0)

    @property
    def monthly(self) -> Decimal:
        """USD a month, in whole cents."""
        return cents(self.bought * self.usd_per_hour * HOURS_A_MONTH)

    @property
    def unused_usd(self) -> Decimal | None:
        """USD a month that no hour needs, in whole cents."""
        return (
            None if self.unused is None else cents(self.unused * self.usd_per_hour * HOURS_A_MONTH)
        )

    @property
    def says(self) -> str:
        """`gpt-5: 100 units, USD 73,050 a month until 2027-06-30, used or not`."""
        return (
            f"{self.name}: {self.bought:,} {self.what}, {usd(self.monthly)} a month until "
            f"{self.until}, used or not"
        )

    def days_left(self, on: date) -> int:
        """Days until its last day; negative after it."""
        return (self.until - on).days

    def ends_soon(self, on: date) -> bool:
        """Whether its term is not over, and ends within `SOON_DAYS`."""
        return 0 <= self.days_left(on) <= SOON_DAYS


def bought_units(models: Mapping[str, ModelConfig], on: date) -> tuple[BoughtCapacity, ...]:
    """Provisioned units whose term is not over, dearest first."""
    found = (
        BoughtCapacity(
            name=name,
            seller=config.platform or config.provider,
            what="units",
            bought=config.capacity.units,
            needed=None,
            usd_per_hour=config.capacity.usd_per_unit_hour,
            until=config.capacity.until,
        )
        for name, config in models.items()
        if config.capacity is not None
    )
    paid = [one for one in found if one.days_left(on) >= 0]
    return tuple(sorted(paid, key=lambda one: (-one.monthly, one.name)))


_FILE = "bought.json"
_KEPT = TypeAdapter(tuple[BoughtCapacity, ...])


def write_bought(found: Sequence[BoughtCapacity], folder: Path) -> None:
    """Keep what is bought beside the records of a review; without any no file stays."""
    path = folder / _FILE
    if found:
        path.write_bytes(_KEPT.dump_json(tuple(found), indent=2) + b"\n")
    else:
        path.unlink(missing_ok=True)


def bought_of(folder: Path) -> tuple[BoughtCapacity, ...]:
    """What a review kept of bought capacity; empty where it kept nothing.

    Raises:
        UsageError: the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return ()
    try:
        return _KEPT.validate_json(path.read_bytes())
    except ValueError:
        raise UsageError(f"{path}: is damaged; `rightsize review` writes it again") from None


def units_needed(tokens_by_hour: Sequence[Decimal], tokens_per_minute: int) -> int:
    """Units that the busiest hour needs, its minutes alike.

    >>> units_needed([Decimal(150_001), Decimal(0)], 2500)
    2
    """
    each = tokens_per_minute * 60
    most = max(tokens_by_hour, default=Decimal(0)) / each
    return int(most.to_integral_value(ROUND_CEILING))


def units_used(
    tokens_by_hour: Sequence[Decimal], tokens_per_minute: int, units: int
) -> Decimal | None:
    """Mean share of the units' tokens that is asked, at most all of each hour; None: no hour."""
    each = Decimal(tokens_per_minute * 60 * units)
    asked = sum((min(tokens, each) for tokens in tokens_by_hour), Decimal(0))
    return asked / (each * len(tokens_by_hour)) if tokens_by_hour else None
