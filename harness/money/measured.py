"""What was measured of each feature's traffic, beside its week: `traffic/NAME.measured.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter

from harness.errors import Problem, WorkspaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The hours that were watched, UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse a window that is none."""
        if not self.start < self.end:
            raise ValueError(f"a window ends after it begins, not {self.start} to {self.end}")

    def __str__(self) -> str:
        """`2026-10-05 to 2026-10-11`, or with hours where days are not whole."""
        whole = self.start.hour == self.end.hour == 0
        if whole:
            last = self.end.date().fromordinal(self.end.date().toordinal() - 1)
            return f"{self.start:%Y-%m-%d} to {last:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Of single calls that were answered."""

    mean: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsBy:
    """Calls of one kind and what the log says they cost."""

    name: str
    calls: int
    logged_usd: Decimal | None
    """None: the log tells no cost of any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMeasured:
    """One feature's calls; what a log does not say is None."""

    feature: str
    """Empty: calls that nothing places."""
    requests: int
    retries: int
    """Calls after a failed one of the same request, within a minute."""
    duplicates: int
    """Calls that repeat an answered one within a minute."""
    failed: int | None
    """None: nobody tells which calls failed."""
    from_gateway_cache: int
    """Answered by the gateway itself: no model was asked."""
    unmetered: int
    """Answered calls whose tokens the log does not tell, or contradicts."""
    cache_hit_rate: float | None
    """Share of the calls that read anything from the vendor's prompt cache, of those that tell."""
    logged_usd: Decimal | None
    without_cost: int
    """Calls of which the log names no cost."""
    at_rates_usd: Decimal | None
    """What the calls of models with a price cost at list prices of their days."""
    without_price: int
    """Calls of models that nobody lists a price for."""
    input_tokens: Quantiles | None
    output_tokens: Quantiles | None
    latency_ms: Quantiles | None
    first_token_ms: Quantiles | None
    models: tuple[CallsBy, ...]
    cohorts: tuple[CallsBy, ...]
    callers: tuple[CallsBy, ...]
    """The twenty dearest, by what the log says."""
    other_operations: tuple[CallsBy, ...]
    """Embeddings and others: not in the week, nor in the requests."""
    cache_untold: int = 0
    """Answered calls that do not tell what they read from a prompt cache: priced as nothing."""
    write_untold: int = 0
    """Answered calls that do not tell what they wrote to a prompt cache: priced as input."""
    growth_per_month: float | None = None
    """Change of the requests a month, 0.02 for 2 %; None: under four weeks, or too few calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendShare:
    """What one team, product or caller spent."""

    name: str
    """Empty: nobody's."""
    calls: int
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the calls cost, and whose that is: as logged, else at the prices of the day."""

    total_usd: Decimal
    at_list_usd: Decimal
    """The part of it that the log tells no cost of."""
    unknown_calls: int
    """Calls without a cost in the log, and of no model with a price, or of unknown tokens."""
    features: tuple[SpendShare, ...]
    """Dearest first, as all of them."""
    teams: tuple[SpendShare, ...]
    products: tuple[SpendShare, ...]
    environments: tuple[SpendShare, ...]
    cohorts: tuple[SpendShare, ...]
    untagged: tuple[SpendShare, ...]
    """Callers of no feature; together what the feature without a name has."""

    def __post_init__(self) -> None:
        """Refuse a breakdown that does not add up."""
        for name in BREAKDOWNS:
            parts = sum((each.usd for each in getattr(self, name)), Decimal(0))
            if parts != self.total_usd:
                raise ValueError(f"{name} add up to {parts}, not to {self.total_usd}")
        nobody = sum((each.usd for each in self.features if not each.name), Decimal(0))
        callers = sum((each.usd for each in self.untagged), Decimal(0))
        if callers != nobody:
            raise ValueError(f"callers add up to {callers}, and no feature has {nobody}")

    def placed(self, breakdown: str) -> Decimal | None:
        """Share of the total that has a name, in [0, 1]; None: nothing was spent."""
        named = (each.usd for each in getattr(self, breakdown) if each.name)
        return sum(named, Decimal(0)) / self.total_usd if self.total_usd else None


BREAKDOWNS = ("features", "teams", "products", "environments", "cohorts")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFinding:
    """Something that costs money, seen in logs."""

    kind: str
    """`context-growth`, `silent-duplicates`, ...: harness/bring/README.md lists them."""
    feature: str
    since: date
    who: str
    """The caller with most of it."""
    usd_a_month: Decimal | None
    """None: no cost or price is known."""
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead:
    """A file that was read."""

    file: str
    sha256: str
    format: str
    rows: int
    passed_over: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficMeasured:
    """What logs said, with the files that said it."""

    window: Window
    sources: tuple[LogRead, ...]
    joined: int
    """Rows that tell a call again, or a part of it."""
    quiet_days: int
    """The longest run of days without any call: a part may be missing."""
    features: tuple[FeatureMeasured, ...]
    findings: tuple[TrafficFinding, ...]
    """Dearest first."""
    spending: Spending | None = None
    """None: written before it was told."""


_TEXT = TypeAdapter(TrafficMeasured)


def write_measured(measured: TrafficMeasured) -> str:
    """As JSON; equal traffic is equal text."""
    return _TEXT.dump_json(measured, indent=2).decode() + "\n"


def window_of(path: Path) -> Window:
    """The hours that a file says were watched.

    Raises:
        WorkspaceError: it is damaged.
    """
    return measured_of(path).window


def measured_of(path: Path) -> TrafficMeasured:
    """What a file says was measured.

    Raises:
        WorkspaceError: it is damaged.
    """
    try:
        return _TEXT.validate_json(path.read_bytes())
    except ValueError:
        message = "is damaged; import the logs again"
        problem = Problem(file=f"traffic/{path.name}", line=None, key="", message=message)
        raise WorkspaceError([problem]) from None
