"""A bill held against an estimate, row by row: billed tokens at the prices of each day.

The unexplained share is what the rows differ by, each without its sign, over what was billed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harness.money.bill import Posting
from harness.money.prices.rate_tables import Rates, band_of

RatesOfDay = Callable[[str, date], Rates | None]
PerRequest = Callable[[str, str], Decimal | None]
"""USD of a request of a feature by a model, as its record has it, or None."""
_MILLION = Decimal(1_000_000)
_CENT = Decimal("0.005")
_NEAR = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledRow:
    """One kind of token of a model, for a feature, in a month."""

    month: str
    feature: str
    """Empty: nothing places it."""
    model: str
    token: str
    """Empty: the bill does not tell kinds of tokens apart."""
    tokens: Decimal | None
    billed_usd: Decimal
    estimate_usd: Decimal | None
    why: str
    """Why both differ, as far as the bill tells; empty where they agree."""

    @property
    def unexplained_usd(self) -> Decimal:
        """Without its sign; all of it where there is no estimate."""
        return abs(self.billed_usd - (self.estimate_usd or Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """All rows, and what they come to."""

    rows: tuple[ReconciledRow, ...]

    @property
    def billed_usd(self) -> Decimal:
        """What the use of models was billed at."""
        return sum((row.billed_usd for row in self.rows), Decimal(0))

    @property
    def estimate_usd(self) -> Decimal:
        """What could be estimated: without the rows of `unestimated`."""
        return sum((row.estimate_usd or Decimal(0) for row in self.rows), Decimal(0))

    @property
    def unestimated(self) -> int:
        """Rows without an estimate."""
        return sum(row.estimate_usd is None for row in self.rows)

    @property
    def unexplained_share(self) -> Decimal | None:
        """In [0, 1] where no row is more than twice off; None: nothing was billed."""
        whole = sum((abs(row.billed_usd) for row in self.rows), Decimal(0))
        return (
            sum((row.unexplained_usd for row in self.rows), Decimal(0)) / whole if whole else None
        )


@dataclass(slots=True)
class _Sum:
    billed: Decimal = Decimal(0)
    charged: bool = False
    tokens: Decimal | None = None
    estimate: Decimal | None = None
    unpriced: bool = False


def reconcile(lines: Iterable[Posting], rates: RatesOfDay, per_request: PerRequest) -> Reconciled:
    """Price the billed tokens of each day, and hold them against what was billed.

    Args:
        lines: the use of models; counts that stand beside the charges price them.
        rates: a model's prices on a day, or None.
        per_request: for charges of whole requests, in bills that tell no tokens.
    """
    lines = tuple(lines)
    with_tokens = {(line.month, line.feature, line.model) for line in lines if line.token}
    sums: dict[tuple[str, str, str, str], _Sum] = defaultdict(_Sum)
    for line in lines:
        if line.token is None and line.cost_usd is None:
            continue
        own = sums[line.month, line.feature, line.model, line.token or ""]
        if line.cost_usd is not None:
            own.billed += line.cost_usd
            own.charged = True
        _price(own, line, rates)
        if line.requests and (line.month, line.feature, line.model) not in with_tokens:
            _price_requests(own, line, per_request(line.feature, line.model))
    return Reconciled(rows=tuple(_row(key, own) for key, own in sorted(sums.items())))


def _price(own: _Sum, line: Posting, rates: RatesOfDay) -> None:
    if line.tokens is None or line.token is None:
        return
    own.tokens = (own.tokens or Decimal(0)) + line.tokens
    found = rates(line.model, line.start)
    bands = () if found is None else found.batches if line.batch else found.bands
    if found is None or not bands:
        own.unpriced = True
        return
    price = getattr(band_of(bands, line.least_input), line.token) * (1 - found.discount)
    own.estimate = (own.estimate or Decimal(0)) + line.tokens * price / _MILLION


def _price_requests(own: _Sum, line: Posting, each: Decimal | None) -> None:
    if each is not None:
        own.estimate = (own.estimate or Decimal(0)) + each * (line.requests or 0)


def _row(key: tuple[str, str, str, str], own: _Sum) -> ReconciledRow:
    month, feature, model, token = key
    return ReconciledRow(
        month=month,
        feature=feature,
        model=model,
        token=token,
        tokens=own.tokens,
        billed_usd=own.billed,
        estimate_usd=own.estimate,
        why=_why(own),
    )


def _why(own: _Sum) -> str:  # noqa: PLR0911  # one a reason
    if own.unpriced:
        return "nobody lists a price for it"
    if own.estimate is None:
        return "the bill tells no tokens of it"
    if not own.charged:
        return "tokens without a charge"
    if abs(own.billed - own.estimate) <= max(_CENT, _NEAR * abs(own.billed)):
        return ""
    if own.estimate:
        return f"billed at {own.billed / own.estimate:.2f} times the price"
    return "charged where the price is 0"
