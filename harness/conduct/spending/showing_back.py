"""`showback`: what a workspace's logs say of a week or a month, of all spend and of each team."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.bring.logs.attributing import read_rules
from harness.bring.spending.stored import Placing, StoredHours, stored_logs
from harness.bring.spending.unusual import unusual_hours
from harness.conduct.preparing.hosting_everything import owned_capacity
from harness.conduct.preparing.importing_traffic import LogsToRead, import_traffic
from harness.conduct.spending.made_up_logs import METRICS_FILE, write_made_up
from harness.errors import UsageError
from harness.money.measured import TrafficFinding
from harness.money.owned.capacity import OwnedCapacity
from harness.money.portfolio.change import stood
from harness.money.portfolio.overview import overview
from harness.money.prices.logged_prices import LoggedPrices
from harness.money.prices.rate_tables import Rates
from harness.money.spend.bridge import bridge_between
from harness.money.spend.lines import PeriodSpend
from harness.money.spend.outlook import Outlook, outlook
from harness.money.spend.potential import SwapPrices, potential_of
from harness.money.spend.showback import BillBeside, PastSpend, ShownBack, SpendFigures
from harness.money.spend.timespan import Timespan, midnight, span_named, span_of
from harness.record.stored import read_every
from harness.tell.facts import read_facts
from harness.tell.reconciliation import FILE as BILL_FILE
from harness.tell.showback.page import write_showback
from harness.tell.showback.tables import lines_csv, showback_xlsx
from harness.workspace.workspace import Workspace, load_for_spend

_TREND = 12
_COVERED = 0.95
"""Share of a stretch's hours that logs must cover for it to be held against another."""
_DAYS_BACK = 91
_BILL_AMOUNTS = ("billed_usd", "estimate_usd")
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_ZERO = Decimal(0)


def show_back(
    root: Path, span: Timespan | None, *, now: datetime, metrics: tuple[Path, ...] = ()
) -> ShownBack:
    """Work out a period from the workspace's logs; without one, the last whole week of them.

    `metrics` are files with hours of endpoints and GPUs.

    Raises:
        WorkspaceError: a fault of the workspace, of `attribution.yaml` or of a row of metrics.
        UsageError: nothing was imported, no log covers anything of the period, or metrics that
            cannot be read.
    """
    workspace = load_for_spend(root)
    placing = Placing(
        rules=read_rules(root),
        features=workspace.features,
        owners=workspace.policy.spend.owners,
    )
    with StoredHours(stored_logs(root / "traffic"), placing) as hours:
        wanted = span or _last_week(hours)
        prices = LoggedPrices(models=workspace.models, policy=workspace.policy)
        work = _Work(
            workspace=workspace,
            hours=hours,
            span=wanted,
            now=now,
            prices=cache(prices.rates),
            cheaper=cache(prices.cheaper),
            owned=owned_capacity(workspace, on=now.date(), metrics=metrics),
        )
        return work.shown()


def _last_week(hours: StoredHours) -> Timespan:
    """The last week that logs cover to its end, else the one that they end in."""
    end = hours.window.end
    found = span_of("week", (end - _HOUR).date())
    whole = end >= midnight(found.end)
    return found if whole or hours.window.start >= midnight(found.start) else found.before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One period of one workspace."""

    workspace: Workspace
    hours: StoredHours
    span: Timespan
    now: datetime
    prices: Callable[[str, date], Rates | None]
    cheaper: Callable[[str, date], Mapping[str, Rates]]
    owned: OwnedCapacity

    @property
    def start(self) -> datetime:
        return midnight(self.span.start)

    @property
    def until(self) -> datetime:
        """The end of the period, or of what logs tell of it."""
        return min(midnight(self.span.end), self.hours.window.end)

    def shown(self) -> ShownBack:
        if not self.hours.watched(self.start, self.until):
            told = self.hours.window
            raise UsageError(
                f"--{self.span.kind} {self.span.name}: no log covers it; the logs that were "
                f"imported are of {told.start:%Y-%m-%d} to {told.end:%Y-%m-%d}"
            )
        now, before = self.hours.spent(self.span, self.until), self._before()
        month, outlooks = self._outlooks([one.name for one in now.by("team")])
        whole = self._figures(now, before, month)
        return ShownBack(
            whole=whole,
            teams=tuple(
                self._team(whole, one.name, outlooks[one.name])
                for one in now.by("team")
                if one.name
            ),
            nobody=outlooks.get(""),
            bills=tuple(self._bills()),
            period_covered=self._covers(self.start, self.until),
            month_covered=self._covers(midnight(self._month.start), self.until),
            logs=tuple(
                each.file
                for one in self.hours.logs
                if one.covers(self.start, self.until)
                for each in one.measured.sources
            ),
            day=self.now.date(),
            owned=self.owned.during(self.start, self.until),
            limits=self.workspace.policy.spend,
        )

    @property
    def _month(self) -> Timespan:
        return span_of("month", (self.until - _HOUR).date())

    def _covers(self, start: datetime, end: datetime) -> bool:
        return self.hours.watched(start, end) >= _COVERED * ((end - start) / _HOUR)

    def _before(self) -> PeriodSpend | None:
        """The period before, as far as this one has come; None: logs do not cover it."""
        span = self.span.before
        start, end = midnight(span.start), midnight(span.end)
        if self.until < midnight(self.span.end):
            end = min(start + (self.until - self.start), end)
        return self.hours.spent(span, end) if self._covers(start, end) else None

    def _figures(
        self, now: PeriodSpend, before: PeriodSpend | None, month: Outlook
    ) -> SpendFigures:
        swaps = SwapPrices(own=self.prices, cheaper=self.cheaper, on=self.until.date())
        days = Decimal(round((self.until - self.start) / _HOUR)) / 24
        records = read_every(self.workspace.root / "reviews")
        plain = [read_facts(one, self.now).record for one in records]
        today = self.now.date()
        unusual = unusual_hours(self.hours, self.start, self.until, now.usd)
        above = {one.feature: one.excess for one in unusual}
        return SpendFigures(
            team="",
            now=now,
            before=before,
            bridge=None if before is None else bridge_between(before, now, self.prices),
            trend=tuple(self._trend()),
            outlook=month,
            unusual=unusual,
            findings=tuple(self._findings()),
            standing=overview(stood(plain, today), today),
            potentials=potential_of(now.lines, days, swaps, above),
        )

    def _team(self, whole: SpendFigures, team: str, month: Outlook) -> SpendFigures:
        """The team's part of everything."""
        now = whole.now.of("team", team)
        before = None if whole.before is None else whole.before.of("team", team)
        own = {one.feature for one in now.lines}
        callers = {one.caller for one in now.lines if not one.feature}
        reviewed = [
            one.record for one in whole.standing.features if one.record.feature.team == team
        ]
        return replace(
            whole,
            team=team,
            now=now,
            before=before,
            bridge=None if before is None else bridge_between(before, now, self.prices),
            trend=tuple(one.of(team) for one in whole.trend),
            outlook=month,
            unusual=tuple(
                one
                for one in whole.unusual
                if (one.feature in own if one.feature else one.caller in callers)
            ),
            findings=tuple(one for one in whole.findings if one.feature and one.feature in own),
            standing=overview(reviewed, whole.standing.day),
            potentials=tuple(one for one in whole.potentials if one.feature in own),
        )

    def _trend(self) -> Iterator[PastSpend]:
        spans = [self.span.before]
        while len(spans) < _TREND:
            spans.append(spans[-1].before)
        for span in reversed(spans):
            start, end = midnight(span.start), midnight(span.end)
            if end <= self.hours.window.start:
                continue
            if not self._covers(start, end):
                yield PastSpend(span=span, usd=None, teams={})
                continue
            teams = self.hours.by_team(start, end)
            yield PastSpend(span=span, usd=sum(teams.values(), _ZERO), teams=teams)

    def _outlooks(self, teams: Sequence[str]) -> tuple[Outlook, dict[str, Outlook]]:
        """The month of all spend, and of each team; the rest of the one is theirs together."""
        spent = self.hours.spent(self._month, self.until)
        daily = self.hours.by_day(self.until - _DAYS_BACK * _DAY, self.until)
        policy, until = self.workspace.policy.spend, self.until.date()
        every = sorted({*teams, *(one.name for one in spent.by("team"))})
        found = {
            team: outlook(
                self._month,
                until,
                spent.of("team", team).usd,
                daily.get(team, {}),
                policy.teams[team].budget_usd if team in policy.teams else None,
            )
            for team in every
        }
        whole = outlook(self._month, until, spent.usd, _together(daily), policy.budget_usd)
        rests = [one.rest for one in found.values() if one.rest is not None]
        return replace(whole, rest=sum(rests, _ZERO) if rests else whole.rest), found

    def _findings(self) -> Iterator[TrafficFinding]:
        """What logs showed by the end of the period; of two that tell the same, the later one."""
        told: dict[tuple[str, str, str], TrafficFinding] = {}
        last = (self.until - _HOUR).date()
        for one in sorted(self.hours.logs, key=lambda log: log.measured.window.end):
            if one.covers(self.start, self.until):
                begun = [each for each in one.measured.findings if each.since <= last]
                for each in begun:
                    who = "" if each.feature else each.who
                    told[each.kind, each.feature, who] = each
        yield from sorted(told.values(), key=lambda one: -(one.usd_a_month or Decimal(-1)))

    def _bills(self) -> Iterator[BillBeside]:
        """Months of the period that `verify --actual` held against a bill."""
        sums: dict[str, list[Decimal]] = {}
        months = {f"{self.start:%Y-%m}", f"{self.until - _HOUR:%Y-%m}"}
        months.add(span_of("month", self._month.before.start).name)
        for path in sorted((self.workspace.root / "reviews").glob(f"*/{BILL_FILE}")):
            with path.open(encoding="utf-8", newline="") as handle:
                for row in csv.DictReader(handle):
                    if row["month"] in months:
                        own = sums.setdefault(row["month"], [_ZERO] * 3)
                        billed, estimate = (Decimal(row[n] or 0) for n in _BILL_AMOUNTS)
                        own[0] += billed
                        own[1] += estimate
                        own[2] += abs(billed - estimate)
        for month, (billed, estimate, unexplained) in sorted(sums.items()):
            span = span_named("month", month)
            first, last = midnight(span.start), midnight(span.end)
            told = self.hours.spent(span).usd if self._covers(first, last) else None
            yield BillBeside(
                month=month,
                billed=billed,
                estimate=estimate,
                unexplained=unexplained,
                logged=told,
            )


def _together(daily: Mapping[str, Mapping[date, Decimal]]) -> dict[date, Decimal]:
    found: dict[date, Decimal] = {}
    for days in daily.values():
        for day, usd in days.items():
            found[day] = found.get(day, _ZERO) + usd
    return found


def show_made_up(span: Timespan | None, outs: Sequence[Path], *, now: datetime) -> tuple[Path, ...]:
    """A showback of a made-up company, whose workspace ends with it; every page says so."""
    with TemporaryDirectory(prefix="rightsize-made-up-") as name:
        root = Path(name)
        log, columns = write_made_up(root, now)
        import_traffic(root, log, how=LogsToRead(mapping=columns), now=now)
        wanted = outs or (Path("showback-of-made-up-logs"),)
        shown = show_back(root, span, now=now, metrics=(root / METRICS_FILE,))
        return write_showback_files(shown, root, wanted, made_up=True)


TABLES: Mapping[str, Callable[[ShownBack], bytes]] = {
    ".csv": lambda shown: lines_csv(shown.whole.now).encode(),
    ".xlsx": showback_xlsx,
}
"""What a file's ending asks for."""


def write_showback_files(
    shown: ShownBack, root: Path, outs: Sequence[Path] = (), *, made_up: bool = False
) -> tuple[Path, ...]:
    """Write the pages into a folder and, instead or beside them, the tables that are asked for.

    Raises:
        UsageError: two folders, or a file that cannot be written.
    """
    files = [path for path in outs if path.suffix in TABLES and not path.is_dir()]
    folders = [path for path in outs if path not in files]
    if folders[1:]:
        raise UsageError(f"--out {folders[1]}: a folder is given already, {folders[0]}")
    written: list[Path] = []
    try:
        if folders or not files:
            folder = folders[0] if folders else root / "showback" / shown.whole.now.span.name
            written += write_showback(shown, folder, made_up=made_up)
        for path in files:
            made = TABLES[path.suffix](shown)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
            written.append(path)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written ({error.strerror})") from None
    return tuple(written)
