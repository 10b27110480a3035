"""The sums by hour under `traffic/`, each call once: whose each is, and what a period's say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from harness.bring.logs.attributing import Attribution, Placeable
from harness.bring.logs.hours import HOURS_COUNTS, HOURS_KEYS, HOURS_SUFFIX, HOURS_USD, fill
from harness.bring.logs.sql import quoted
from harness.errors import UsageError
from harness.money.amounts import running_cents
from harness.money.measured import TrafficMeasured, Window, measured_of
from harness.money.spend.lines import (
    KEYS,
    MAY_BE_UNREPORTED,
    Consumed,
    Outlay,
    PeriodSpend,
    in_cents,
)
from harness.money.spend.timespan import Timespan, midnight
from harness.workspace.feature_file import FeatureConfig

_MEASURED = ".measured.json"
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_HOURS_A_DAY = 24
_SERIES = """
SELECT feature, CASE WHEN feature = '' THEN caller ELSE '' END AS nobody, list(hour), list(usd)
FROM (SELECT feature, caller, hour, sum(usd)::DOUBLE AS usd FROM (
  SELECT feature, CASE WHEN feature = '' THEN caller ELSE '' END AS caller, hour, usd FROM spent
  WHERE hour >= ? AND hour < ?) GROUP BY ALL)
GROUP BY ALL
"""
_CALLERS = """
SELECT caller, sum(usd)::DOUBLE FROM spent WHERE feature = {} AND hour >= ? AND hour < ?
GROUP BY caller
"""
_DAYS = """
SELECT team, hour::DATE AS day, sum(usd) FROM spent WHERE hour >= ? AND hour < ? GROUP BY ALL
"""
_TWICE = """
SELECT count(*) FILTER (b.hour IS NOT NULL), count(*) FROM read_parquet({}) a LEFT JOIN (
  SELECT DISTINCT hour, caller, model, requests, input, output, usd FROM read_parquet({})) b
  ON a.hour = b.hour AND a.caller = b.caller AND a.model = b.model AND a.requests = b.requests
  AND a.input = b.input AND a.output = b.output AND a.usd = b.usd
WHERE a.input > 0 AND a.hour >= ? AND a.hour < ?
"""
_FEWEST_TWICE = 3
_TEAMS = """
SELECT team, sum(usd) FROM spent WHERE hour >= ? AND hour < ? GROUP BY team ORDER BY team
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLog:
    """A file of sums, and what was measured of the same logs."""

    hours: Path
    measured: TrafficMeasured

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether it tells anything of a stretch."""
        told = _utc(self.measured.window)
        return told.start < end and start < told.end

    @property
    def sources(self) -> frozenset[str]:
        """Hashes of the logs that it is made of."""
        return frozenset(each.sha256 for each in self.measured.sources)


def stored_logs(folder: Path) -> tuple[StoredLog, ...]:
    """What was imported; a file all of whose logs another one has is left out.

    Raises:
        UsageError: two files share some logs, but not all: nobody can tell what counts twice.
        WorkspaceError: a file of figures is damaged.
    """
    found = [
        StoredLog(hours=at, measured=measured_of(path))
        for path in sorted(folder.glob(f"*{_MEASURED}"))
        if (at := path.with_name(path.name.removesuffix(_MEASURED) + HOURS_SUFFIX)).is_file()
    ]
    found.sort(key=lambda one: (-len(one.sources), one.hours.name))
    kept: list[StoredLog] = []
    for one in found:
        other = next((each for each in kept if each.sources & one.sources), None)
        if other is None:
            kept.append(one)
        elif not one.sources <= other.sources:
            raise UsageError(
                f"traffic/{one.hours.name} and traffic/{other.hours.name} share a log, and each "
                "has others: import all of them into one file, and delete these"
            )
    return tuple(kept)


class StoredHours:
    """A workspace's stored sums as one table, open until it is left."""

    def __init__(self, logs: Sequence[StoredLog], placing: Placing) -> None:
        self.logs = tuple(logs)
        self._covered = tuple(_joined(_utc(one.measured.window) for one in self.logs))
        if not self.logs:
            raise UsageError(
                "traffic/: no sums of logs by hour; `rightsize import traffic FILE...` writes them"
            )
        self._base = duckdb.connect()
        self._base.execute("SET TimeZone = 'UTC'")
        self._base.execute("SET memory_limit = '1200MB'")
        self._base.execute("SET threads = 2")
        self._open(placing)

    def _open(self, placing: Placing) -> None:
        paths = ", ".join(quoted(str(each.hours)) for each in self.logs)
        keys = ", ".join(HOURS_KEYS)
        try:
            self._base.execute(f"CREATE VIEW hours AS FROM read_parquet([{paths}])")
            told = self._base.execute(f"SELECT DISTINCT {keys} FROM hours").fetchall()  # noqa: S608
        except duckdb.Error as error:
            said = str(error).splitlines()[0][:120]
            raise UsageError(f"traffic/: sums cannot be read ({said}); import again") from None
        self._refuse_twice()
        rows = [dict[str, str](zip(HOURS_KEYS, row, strict=True)) for row in told]
        named = [placing.placed(row) for row in rows]
        names = [*(f"raw_{name} VARCHAR" for name in HOURS_KEYS), *(f"{n} VARCHAR" for n in KEYS)]
        self._base.execute(f"CREATE TABLE placed ({', '.join(names)})")
        raw = {f"raw_{name}": [row[name] for row in rows] for name in HOURS_KEYS}
        fill(self._base, "placed", {**raw, **{name: [row[name] for row in named] for name in KEYS}})
        same = " AND ".join(f"hours.{name} = placed.raw_{name}" for name in HOURS_KEYS)
        shown = [f"placed.{name}" for name in KEYS]
        shown += [f"hours.{name}" for name in (*HOURS_COUNTS, *HOURS_USD)]
        self._base.execute(
            f"CREATE VIEW spent AS SELECT hour, {', '.join(shown)} "  # noqa: S608
            f"FROM hours JOIN placed ON {same}"
        )

    def _refuse_twice(self) -> None:
        """Refuse two files that tell the same calls: most sums of the hours of both are equal."""
        for one, other in combinations(self.logs, 2):
            first, second = _utc(one.measured.window), _utc(other.measured.window)
            start, end = max(first.start, second.start), min(first.end, second.end)
            if start >= end:
                continue
            for this, that in ((one, other), (other, one)):
                paths = (quoted(str(each.hours)) for each in (this, that))
                ((same, told),) = self.rows(_TWICE.format(*paths), start, end)
                if same >= _FEWEST_TWICE and 2 * same > told:
                    raise UsageError(
                        f"traffic/{this.hours.name}: most of its calls from {start:%Y-%m-%d %H:%M} "
                        f"to {end:%Y-%m-%d %H:%M} stand in traffic/{that.hours.name}, too: import "
                        "the logs of both into one file, and delete these"
                    )

    def __enter__(self) -> Self:
        """Open, as it is made."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self._base.close()

    @property
    def window(self) -> Window:
        """From the first hour that is told to the last."""
        windows = [_utc(one.measured.window) for one in self.logs]
        return Window(start=min(one.start for one in windows), end=max(one.end for one in windows))

    def watched(self, start: datetime, end: datetime) -> int:
        """Hours of a stretch that logs cover; a day or less between two logs had no call."""
        overlaps = (min(end, one.end) - max(start, one.start) for one in self._covered)
        return sum(max(round(each / _HOUR), 0) for each in overlaps)

    def spent(self, span: Timespan, until: datetime | None = None) -> PeriodSpend:
        """What was spent in a period, or in its part before a moment."""
        end = min(midnight(span.end), until or midnight(span.end))
        lines = in_cents(self._lines(midnight(span.start), end))
        return PeriodSpend(span=span, until=end, lines=lines, unreported=self.unreported)

    @cached_property
    def unreported(self) -> frozenset[str]:
        """Counts of which no stored hour has any: their logs do not tell them, or saw none."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in MAY_BE_UNREPORTED)
        (found,) = self._base.execute(f"SELECT {sums} FROM hours").fetchall()  # noqa: S608
        return frozenset(n for n, told in zip(MAY_BE_UNREPORTED, found, strict=True) if not told)

    def _lines(self, start: datetime, end: datetime) -> Iterator[Outlay]:
        numbers = (*HOURS_USD, *HOURS_COUNTS)
        sums = ", ".join(f"sum({name})" for name in numbers)
        found = self.rows(
            f"SELECT {', '.join(KEYS)}, {sums} FROM spent "  # noqa: S608
            "WHERE hour >= ? AND hour < ? GROUP BY ALL",
            start,
            end,
        )
        for row in found:
            team, feature, product, environment, model, caller, cohort, owner = row[: len(KEYS)]
            told = (None if n is None else Decimal(n) for n in row[len(KEYS) :])
            amounts: dict[str, Any] = dict(zip(numbers, told, strict=True))
            yield Outlay(
                team=team,
                feature=feature,
                product=product,
                environment=environment,
                model=model,
                caller=caller,
                cohort=cohort,
                owner=owner,
                **{name: amounts[name] for name in HOURS_USD},
                used=Consumed(**{name: amounts[name] for name in HOURS_COUNTS}),
            )

    def rows(self, query: str, start: datetime, end: datetime) -> list[tuple[Any, ...]]:
        """What a query over `spent` finds between two moments."""
        bounds = [each.replace(tzinfo=None) for each in (start, end)]
        return self._base.execute(query, bounds).fetchall()

    def series(self, start: datetime, end: datetime) -> dict[tuple[str, str], list[float]]:
        """USD hour by hour of each feature, and of each caller of none, under (feature, caller)."""
        found: dict[tuple[str, str], list[float]] = {}
        length = round((end - start) / _HOUR)
        for feature, caller, at, usd in self.rows(_SERIES, start, end):
            values = found.setdefault((feature, caller), [0.0] * length)
            for hour, amount in zip(at, usd, strict=True):
                values[round((hour - start.replace(tzinfo=None)) / _HOUR)] = amount
        return found

    def caller_of(self, feature: str, start: datetime, end: datetime) -> str:
        """Who called a feature most above the same hours of the week before."""
        week = timedelta(weeks=1)
        now = dict(self.rows(_CALLERS.format(quoted(feature)), start, end))
        then = dict(self.rows(_CALLERS.format(quoted(feature)), start - week, end - week))
        more = {caller: usd - then.get(caller, 0) for caller, usd in now.items()}
        return max(more, key=lambda caller: (more[caller], caller), default="")

    def by_day(self, start: datetime, end: datetime) -> dict[str, dict[date, Decimal]]:
        """USD of each day that logs cover, by team; a day without calls has 0."""
        covered = [
            day
            for step in range((end - start).days)
            if self.watched(at := start + step * _DAY, at + _DAY) == _HOURS_A_DAY
            for day in (at.date(),)
        ]
        found: dict[str, dict[date, Decimal]] = {}
        for team, day, usd in self.rows(_DAYS, start, end):
            found.setdefault(team, dict.fromkeys(covered, Decimal(0)))
            if day in found[team]:
                found[team][day] = Decimal(usd)
        return found

    def by_team(self, start: datetime, end: datetime) -> dict[str, Decimal]:
        """Whole cents of a stretch, by team, as `spent` has them."""
        spent = {team: Decimal(usd) for team, usd in self.rows(_TEAMS, start, end)}
        return dict(zip(spent, running_cents(spent.values()), strict=True))


def _utc(window: Window) -> Window:
    """With its zone, which is left out where it is measured."""
    return Window(start=window.start.replace(tzinfo=UTC), end=window.end.replace(tzinfo=UTC))


def _joined(windows: Iterable[Window]) -> Iterator[Window]:
    """Windows that overlap or lie within a day of each other as one."""
    open_one: Window | None = None
    for one in sorted(windows, key=lambda each: each.start):
        if open_one is not None and one.start - open_one.end <= _DAY:
            open_one = Window(start=open_one.start, end=max(open_one.end, one.end))
            continue
        if open_one is not None:
            yield open_one
        open_one = one
    if open_one is not None:
        yield open_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How names that logs do not tell are found."""

    rules: Attribution = field(default_factory=Attribution)
    features: Mapping[str, FeatureConfig] = field(default_factory=dict[str, FeatureConfig])
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who answers for a team's spend, where no feature's file says it."""

    def placed(self, told: Mapping[str, str]) -> dict[str, str]:
        """Every name of a line; tags were not kept, so rules that look at one place nothing."""
        found = dict(told)
        if not found["feature"]:
            found |= self._by_rules(told)
        config = self.features.get(found["feature"])
        if config is not None:
            found["team"] = found["team"] or config.team
            found["product"] = found["product"] or config.product
            found["environment"] = found["environment"] or config.environment
        return found | {"owner": self._owner(found, config)}

    def _by_rules(self, told: Mapping[str, str]) -> dict[str, str]:
        rules = tuple(rule for rule in self.rules.rules if rule.when.tag is None)
        call = Placeable(
            caller=told["caller"], model=told["model"], environment=told["environment"]
        )
        new = Attribution(rules).place(call)
        return {name: value for name, value in new.items() if not told[name]}

    def _owner(self, found: Mapping[str, str], config: FeatureConfig | None) -> str:
        """The feature's owner, else whom `attribution.yaml` or `policy.yaml` names."""
        if config is not None:
            return config.owner
        for rule in self.rules.rules:
            same = rule.feature == found["feature"] if rule.feature else rule.team == found["team"]
            if rule.owner and same and (found["feature"] or found["team"]):
                return rule.owner
        named = (who for team, who in self.owners.items() if fnmatchcase(found["team"], team))
        return next(named, "") if found["team"] else ""
