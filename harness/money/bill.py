"""What a bill says, charge by charge, and what of it is the use of models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
"""Kinds of charges, as FOCUS names them."""
TOKENS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
"""Kinds of tokens that have a price of their own; `input` is without cached ones."""
WHOLE_DESPITE_DAYS = 2
"""Days in a row without a charge that a whole month may have: on a quiet day nothing is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One charge, or a count of usage that stands beside it; what is not said is None."""

    start: date
    end: date
    """The day after the last one, UTC."""
    category: str = "Usage"
    cost_usd: Decimal | None = None
    """After discounts, with the share of what was paid before; None: a count alone."""
    billed_usd: Decimal | None = None
    """What is on the invoice for it."""
    feature: str = ""
    caller: str = ""
    """Account, project or key that it was charged to."""
    model: str = ""
    """Empty: no model's use, such as storage or a search."""
    token: str | None = None
    tokens: Decimal | None = None
    requests: int | None = None
    batch: bool = False
    least_input: int = 0
    """Input tokens from which on the price of long requests holds."""
    seller: str = ""
    """Kind of bill that it stands in, with the provider where such a bill has several."""

    def __post_init__(self) -> None:
        """Refuse a charge of no kind or of no day."""
        if self.category not in CATEGORIES:
            raise ValueError(f"{self.category!r} is none of {', '.join(CATEGORIES)}")
        if not self.start < self.end:
            raise ValueError(f"a charge ends after it begins, not {self.start} to {self.end}")

    @property
    def month(self) -> str:
        """As 2027-01."""
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRead:
    """A file of a bill that was read."""

    file: str
    sha256: str
    format: str
    rows: int
    told_again: int = 0
    """Rows that stand in an earlier file or page, too, and count once."""
    told_otherwise: int = 0
    """Rows that an earlier page has with another amount: the larger one counts, alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The charges of some files, each once."""

    lines: tuple[Posting, ...]
    files: tuple[BillRead, ...]

    @property
    def whole_months(self) -> Mapping[str, frozenset[str]]:
        """Months whose days charges for use cover, by seller; few days in a row may lack."""
        spans: dict[str, set[tuple[date, date]]] = defaultdict(set)
        for line in self.lines:
            if line.category == "Usage":
                spans[line.seller].add((line.start, line.end))
        return {seller: frozenset(_covered(found)) for seller, found in spans.items()}

    def used(self) -> Iterator[Posting]:
        """Charges and counts of the use of models."""
        return (line for line in self.lines if line.category == "Usage" and line.model)

    def beside(self) -> dict[str, Decimal]:
        """USD of what no estimate of ours covers, by kind; nothing that is zero."""
        found: dict[str, Decimal] = {}
        for line in self.lines:
            usd = line.billed_usd if line.category != "Usage" else line.cost_usd
            if usd and (line.category != "Usage" or not line.model):
                kind = line.category if line.category != "Usage" else "other services"
                found[kind] = found.get(kind, Decimal(0)) + usd
        return found


def _covered(spans: Collection[tuple[date, date]]) -> Iterator[str]:
    """Months in which no more than `WHOLE_DESPITE_DAYS` days in a row lack."""
    days = {day for start, end in spans for day in range(start.toordinal(), end.toordinal())}
    for first in {start.replace(day=1) for start, _ in spans}:
        after = (first + timedelta(days=32)).replace(day=1)
        month = range(first.toordinal(), after.toordinal())
        told = [month.start - 1, *(day for day in month if day in days), month.stop]
        if all(late - early - 1 <= WHOLE_DESPITE_DAYS for early, late in pairwise(told)):
            yield f"{first:%Y-%m}"
