"""A feature's typical week, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Decimal

from harness.config.files import Traffic
from harness.errors import UsageError

HOURS_A_WEEK = 168
_MONTH_IN_WEEKS = Decimal("730.5") / HOURS_A_WEEK
_PLACES = Decimal("0.000001")


class NoTrafficError(UsageError):
    """A week without a request has no mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourUsage:
    """What one hour of the week used, summed over the weeks that were watched."""

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    output_tokens: int = 0

    def plus(self, other: HourUsage) -> HourUsage:
        """Add two hours up."""
        names = [field.name for field in fields(self)]
        return HourUsage(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """168 hours of one feature and cohort; hour 0 is Monday 00:00 UTC."""

    feature: str
    cohort: str
    weeks: int
    hours: tuple[HourUsage, ...]

    def __post_init__(self) -> None:
        """Refuse a week that is not one."""
        if len(self.hours) != HOURS_A_WEEK:
            raise ValueError(f"a week has {HOURS_A_WEEK} hours, not {len(self.hours)}")
        if self.weeks < 1:
            raise ValueError(f"at least one week must have been watched, not {self.weeks}")

    @property
    def shares(self) -> tuple[int, ...]:
        """Requests by hour: the shape of the week."""
        return tuple(hour.requests for hour in self.hours)

    @property
    def total(self) -> HourUsage:
        """All hours together."""
        return _added(self.hours)

    def to_traffic(self, *, source: str) -> Traffic:
        """A month's volume and means, as a feature file states them.

        Token means are per call, as the retry rate multiplies calls.

        Raises:
            NoTrafficError: nothing was asked.
        """
        total = self.total
        calls = total.requests + total.retries
        if total.requests == 0 or total.input_tokens == 0:
            raise NoTrafficError(
                f"{self.feature}: no request with tokens in the week; check the log"
            )
        month = Decimal(total.requests) / self.weeks * _MONTH_IN_WEEKS
        return Traffic(
            requests_per_month=int(month.to_integral_value(rounding=ROUND_HALF_EVEN)),
            input_tokens=_ratio(total.input_tokens, calls),
            output_tokens=_ratio(total.output_tokens, calls),
            cached_share=_ratio(total.cached_tokens, total.input_tokens),
            cache_written_share=_ratio(total.cache_written_tokens, total.input_tokens),
            retry_rate=_ratio(total.retries, total.requests),
            source=source,
        )


def together(weeks: tuple[Week, ...]) -> Week:
    """Add the cohorts of one feature up.

    Raises:
        ValueError: they are of several features, or were watched for different spans.
    """
    first = weeks[0]
    if any((one.feature, one.weeks) != (first.feature, first.weeks) for one in weeks):
        raise ValueError(f"cohorts of {first.feature} do not cover the same feature and weeks")
    columns = zip(*(one.hours for one in weeks), strict=True)
    hours = tuple(_added(column) for column in columns)
    return Week(feature=first.feature, cohort="", weeks=first.weeks, hours=hours)


def _added(hours: tuple[HourUsage, ...]) -> HourUsage:
    total = HourUsage()
    for hour in hours:
        total = total.plus(hour)
    return total


def _ratio(part: int, whole: int) -> float:
    return float((Decimal(part) / whole).quantize(_PLACES))
