"""A showback's pages: every figure from its own lines, the lines of the period before, the hours.

`showback.csv` of both periods and the sums by hour of the logs are what it reads. Which hours are
unusual, what at most can be saved and a forecast's range are not worked out again: of these the
page's sums and differences are checked.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.recompute.blocks import Grid, Line, read_html, read_markdown
from tests.recompute.forms import DASH, cents, money
from tests.recompute.match import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.recompute.blocks import Page

_ZERO = Decimal(0)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_CENT = Decimal("0.01")
Row = dict[str, str]
_KEYS = {
    "environment": "environment",
    "model": "model",
    "caller": "caller",
    "cohort": "tenant",
    "product": "product",
}
_CAUSES = {
    **dict.fromkeys(("more requests", "fewer requests"), "number of requests"),
    **dict.fromkeys(("more calls repeated", "fewer calls repeated"), "retries and duplicates"),
    "new": "new features and callers",
    "stopped": "features and callers that stopped",
}
"""Terms that need no price, by the words of a table."""
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NO_FIGURES = (
    r"\b\d{4}-\d\d-\d\d\b(?: \d\d:\d\d)?",
    rf"\b\d+(?: (?:{_MONTHS}))?(?: \d{{4}})? to \d+ (?:{_MONTHS}) \d{{4}}",
    rf"\b(?:{_MONTHS})(?: \d{{4}})?",
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}, \d\d:\d\d UTC",
    r"\bweek \d+ of \d{4}",
    r"[\d,.]+ to [\d,.]+ in 8 of 10 cases",
    r"Over 40 % of the spend|more than 40 %|8 of 10(?: of| cases)?|or 0\.1 % of|read 30 % fewer",
    r"\b(?:gpt|claude|gemini)-[\w.-]+|\blab-\d+",
    r"an estimate from \d+ logs? of calls",
    r"of [\d,]+ earlier forecasts",
    r"on \d+ features? never reviewed",
    r"State of AI Engineering, April 2026",
    r"[\d.]+ % (?:needed|allowed)\b",
)
"""Digits that are no figures of a showback: days, names, limits that it states, counts of files."""


@dataclass(kw_only=True)
class Sources:
    """What the pages are made from."""

    now: list[Row]
    before: list[Row]
    hours: list[dict[str, Any]]
    budgets: Mapping[str, Decimal]
    """By team; of all under no name."""

    def of(self, team: str) -> Sources:
        """One team's part."""
        return Sources(
            now=[one for one in self.now if one["team"] == team],
            before=[one for one in self.before if one["team"] == team],
            hours=self.hours,
            budgets=self.budgets,
        )

    @cached_property
    def months(self) -> dict[str, tuple[Decimal, Decimal]]:
        """By team: the month to date, and each day left at its weekday's mean in four weeks."""
        until = datetime.fromisoformat(self.now[0]["until"].removesuffix("Z"))
        last = until - timedelta(hours=1)
        first = last.replace(day=1, hour=0)
        left = [
            day
            for step in range(31)
            for day in (until + timedelta(days=step),)
            if (day.year, day.month) == (first.year, first.month)
        ]
        daily: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for one in self.hours:
            if one["hour"] < until:
                daily[one["team"]][one["hour"].date()] += one["usd"]
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for team, days in daily.items():
            to_date = sum((usd_ for day, usd_ in days.items() if day >= first.date()), _ZERO)
            rest = _ZERO
            for ahead in left:
                for week in range(1, 9):
                    back = ahead.date() - timedelta(weeks=week)
                    if until.date() - timedelta(days=28) <= back < until.date():
                        rest += days[back] / 4
            found[team] = to_date, rest.quantize(_CENT, ROUND_HALF_UP)
        return found


def lines_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def usd(rows: Iterable[Row]) -> Decimal:
    return sum((Decimal(one["usd"]) for one in rows), _ZERO)


def total(rows: Iterable[Row], name: str) -> Decimal:
    return sum((Decimal(one[name] or 0) for one in rows), _ZERO)


def telling(rows: Sequence[Row], name: str) -> list[Row]:
    """Lines whose logs tell a count: its cell is not empty."""
    return [one for one in rows if one[name]]


def grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        found[key(one)].append(one)
    return found


def thing(one: Row) -> str:
    """The feature, or the caller of none, as tables name it."""
    return one["feature"] or f"{one['caller'] or 'unnamed caller'} (no feature named)"


def plain(one: Row) -> str:
    return one["feature"] or one["caller"] or "unnamed caller"


def signed(amount: Decimal) -> str:
    return cents(amount, signed=True) if amount else "0.00"


def share(part: Decimal, whole: Decimal) -> str:
    if not whole:
        return DASH
    return "under 1 %" if 0 < part < whole / 200 else f"{100 * float(part / whole):.0f} %"


def down(part: Decimal, whole: Decimal) -> str:
    """A share rounded down to a tenth of a percent: what is short never looks enough."""
    tenths = (1000 * part / whole).to_integral_value(ROUND_FLOOR) if whole else _ZERO
    return f"{(tenths / 10).normalize():f} %"


def calls(rows: Iterable[Row]) -> Decimal:
    return asked(rows) + total(rows, "retries") + total(rows, "duplicates")


def asked(rows: Iterable[Row]) -> Decimal:
    return total(rows, "requests") + total(rows, "other_calls")


@dataclass(kw_only=True)
class Showback:
    """Checks one page."""

    sources: Sources
    report: Report
    team: str = ""
    where: str = ""
    known: set[str] = field(default_factory=set)
    """Cells of tables: sentences may state them."""
    cells: list[str] = field(default_factory=list)
    """Large figures and what stands below them."""
    saved: Decimal | None = None
    above: dict[str, Decimal] = field(default_factory=dict)
    """By feature, what its unusual hours cost above the usual, as the page's table says."""

    def check(self, page: Page, where: str) -> None:
        self.where = where
        for block in page.blocks:
            if isinstance(block, Grid):
                self._grid(block)
        for block in page.blocks:
            if isinstance(block, Line):
                self._line(block)
        self._texts([page.title, page.status, *self.cells])

    def _grid(self, grid: Grid) -> None:
        made = next(
            (make for name, make in self._tables().items() if grid.caption.startswith(name)), None
        )
        if made is None:
            self.report.add(self.where, grid.caption, "a table that is not recomputed")
            return
        wanted = made(grid)
        for row in grid.rows:
            cells = wanted.get(row[0])
            if cells is None:
                self.report.add(self.where, " | ".join(row), f"no row of {grid.caption!r}")
                continue
            for name, cell, right in zip(grid.names[1:], row[1:], cells, strict=False):
                if right is None:
                    continue
                self.report.figures += 1
                if cell != right:
                    self.report.add(self.where, row[0], f"{name} is {cell}, recomputed {right}")
            if not grid.caption.startswith("USD, "):
                self.known.update(cell for cell in row if _NUMBER.search(cell))

    def _tables(self) -> Mapping[str, Callable[[Grid], dict[str, Sequence[str | None]]]]:
        return {
            "What it was spent on": self._drivers,
            "Whose it is": self._teams,
            "Of no feature": self._nobody,
            "Why it changed": self._why,
            "The largest changes": self._changes,
            "Spend week by week": self._trend,
            "Of all calls together": self._units,
            "By feature, dearest first": self._by_feature,
            "Hours that cost more": self._unusual,
            "Never reviewed": self._reviews,
            "USD, ": self._headlines,
            "Over the whole of each log": self._as_it_stands,
            **{f"By {word};": self._by(key) for key, word in _KEYS.items()},
        }

    def _moved(self, name: Callable[[Row], str]) -> dict[str, tuple[Decimal, Decimal]]:
        """Each thing's spend then and now."""
        now, old = grouped(self.sources.now, name), grouped(self.sources.before, name)
        return {each: (usd(old.get(each, [])), usd(now.get(each, []))) for each in {*now, *old}}

    @property
    def whole(self) -> Decimal:
        return usd(self.sources.now)

    @property
    def change(self) -> str:
        return signed(self.whole - usd(self.sources.before))

    def _drivers(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        moved, found = self._moved(thing), grouped(self.sources.now, thing)
        cells = {
            name: [None, None, cents(now), share(now, self.whole), signed(now - then)]
            for name, (then, now) in moved.items()
            if name in found
        }
        shown = {row[0] for row in grid.rows}
        rest = [name for name in found if name not in shown]
        left, past = (
            sum((moved[n][1] for n in rest), _ZERO),
            sum((moved[n][0] for n in rest), _ZERO),
        )
        others = [None, None, cents(left), share(left, self.whole), signed(left - past)]
        gone = -sum((then for name, (then, _) in moved.items() if name not in found), _ZERO)
        return {
            **cells,
            f"{len(rest):,} other{'s' if len(rest) > 1 else ''}": others,
            "stopped: nothing spent now": [None, None, "0.00", "0 %", signed(gone)],
            "all": [None, None, cents(self.whole), DASH, self.change],
        }

    def _teams(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        moved = self._moved(lambda one: one["team"] or "no team named")
        found: dict[str, Sequence[str | None]] = {
            name: [cents(now), share(now, self.whole), signed(now - then)]
            for name, (then, now) in moved.items()
        }
        found["all"] = [cents(self.whole), DASH, self.change]
        for name, (to_date, rest) in self.sources.months.items():
            row = next((row for row in grid.rows if row[0] == (name or "no team named")), None)
            near = to_date.quantize(_CENT, ROUND_HALF_UP) + rest
            if row is not None and abs(Decimal(row[4].replace(",", "")) - near) > _CENT:
                self.report.add(self.where, row[0], f"the month at its end is {near}")
        found["spent earlier in the month"] = ["0.00", "0 %", DASH]
        ends = [Decimal(row[4].replace(",", "")) for row in grid.rows if row[4] != DASH]
        if sum(ends[:-1], _ZERO) != ends[-1]:
            self.report.add(self.where, grid.caption, "months at their end do not add up")
        return found

    def _nobody(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        rows = [one for one in self.sources.now if not one["feature"]]
        by_caller = grouped(rows, lambda one: one["caller"] or "unnamed caller")
        shown = {row[0] for row in grid.rows}
        rest = [one for name, each in by_caller.items() if name not in shown for one in each]
        left = len([name for name in by_caller if name not in shown])
        groups = {**by_caller, "all": rows, f"{left:,} other{'s' if left > 1 else ''}": rest}
        return {
            name: [cents(usd(each)), share(usd(each), self.whole), f"{calls(each):,.0f}"]
            for name, each in groups.items()
        }

    def _why(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        """Both ends, the two terms that need no price, and that all of them sum."""
        amounts = [Decimal(row[1].replace(",", "")) for row in grid.rows]
        if sum(amounts[:-1], _ZERO) != amounts[-1]:
            self.report.add(self.where, grid.caption, "the terms do not sum to the new spend")
        terms = self._terms()
        first, last = grid.rows[0][0], grid.rows[-1][0]
        return {
            **{row[0]: [terms.get(row[0])] for row in grid.rows},
            first: [cents(usd(self.sources.before))],
            last: [cents(self.whole)],
        }

    def _terms(self) -> dict[str, str]:
        now = grouped(self.sources.now, plain)
        old = grouped(self.sources.before, plain)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for name in {*now, *old}:
            for term, amount in terms_of(old.get(name, []), now.get(name, [])).items():
                sums[term] += amount
        return {name: signed(amount) for name, amount in sums.items()}

    def _changes(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        moved = self._moved(plain)
        shown = {row[0] for row in grid.rows}
        rest = [(t, n) for name, (t, n) in moved.items() if name not in shown and t != n]
        same = [n for t, n in moved.values() if t == n]
        sums = [sum((pair[at] for pair in rest), _ZERO) for at in (0, 1)]
        level = cents(sum(same, _ZERO))
        by = {row[0]: self._by_cause(row[0], row[4]) for row in grid.rows}
        return {
            **{
                name: [cents(t), cents(n), signed(n - t), None, by.get(name)]
                for name, (t, n) in moved.items()
            },
            f"{len(rest):,} other{'s' if len(rest) > 1 else ''}": [
                *map(cents, sums), signed(sums[1] - sums[0])
            ],
            f"{len(same):,} unchanged": [level, level, "0.00"],
            "all": [cents(usd(self.sources.before)), cents(self.whole), self.change],
        }  # fmt: skip

    def _by_cause(self, name: str, cause: str) -> str | None:
        """What the cause that a table names brought about; None: it needs a price."""
        term = _CAUSES.get(cause)
        then, now = (
            [one for one in rows if plain(one) == name]
            for rows in (self.sources.before, self.sources.now)
        )
        found = terms_of(then, now).get(term or "")
        return None if found is None else signed(found)

    def _trend(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        """Weeks of spend from the hours; a team's may differ by the cent that lines round."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for one in self.sources.hours:
            if not self.team or one["team"] == self.team:
                year, week, _ = one["hour"].isocalendar()
                sums[f"week {week} of {year}"] += one["usd"]
        for row in grid.rows:
            near = abs(Decimal(row[1].replace(",", "")) - sums[row[0]])
            if near > (_CENT if self.team else _CENT / 2):
                self.report.add(self.where, row[0], f"a week of {sums[row[0]]}")
        return {row[0]: [None] for row in grid.rows}

    def _units(self, _: Grid) -> dict[str, Sequence[str | None]]:
        now, old = unit_texts(self.sources.now), unit_texts(self.sources.before)
        published = {"calls that read from it": "28 %", "calls that failed": "5 %"}
        return {name: [now[name], old[name], published.get(name, DASH)] for name in now}

    def _by_feature(self, _: Grid) -> dict[str, Sequence[str | None]]:
        names = (
            *("USD per 1,000 requests", "USD per million tokens", "input tokens a call"),
            *("output tokens a call", "input read from the prompt cache", "retries per request"),
            "calls that failed",
        )
        return {
            name: [f"{asked(each):,.0f}", *(unit_texts(each)[unit] for unit in names)]
            for name, each in grouped(self.sources.now, plain).items()
        }

    def _unusual(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        for row in grid.rows:
            usd_, usual, above = (Decimal(cell.replace(",", "")) for cell in row[5:8])
            if usd_ - usual != above:
                self.report.add(self.where, " | ".join(row), "the usual and the rest do not sum")
            self.above[row[0]] = above
        return {row[0]: [None] * 7 for row in grid.rows}

    def _reviews(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        found: dict[str, Sequence[str | None]] = {
            name: [None, None, cents(month)] for name, month in self._paces().items()
        }
        for row in grid.rows:
            if Decimal(row[4].replace(",", "")) > Decimal(row[3].replace(",", "")):
                self.report.add(self.where, row[0], "more is saved than spent")
        self.saved = sum((Decimal(row[4].replace(",", "")) for row in grid.rows), _ZERO)
        return found

    def _headlines(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        for row in grid.rows:
            for cell in row:
                self.cells.append(cell)
        return {row[0]: [None] * len(row) for row in grid.rows}

    def _as_it_stands(self, grid: Grid) -> dict[str, Sequence[str | None]]:
        """What the import measured over each log; not a showback's own figure."""
        return {row[0]: [None] * len(row) for row in grid.rows}

    def _by(self, key: str) -> Callable[[Grid], dict[str, Sequence[str | None]]]:
        def made(grid: Grid) -> dict[str, Sequence[str | None]]:
            word = _KEYS[key]
            moved = self._moved(lambda one: one[key] or f"no {word} named")
            shown = {row[0] for row in grid.rows}
            rest = [pair for name, pair in moved.items() if name not in shown]
            left, past = sum((n for _, n in rest), _ZERO), sum((t for t, _ in rest), _ZERO)
            count = len([n for _, n in rest if n])
            other = [cents(left), share(left, self.whole), signed(left - past)]
            return {
                **{
                    name: [cents(n), share(n, self.whole), signed(n - t)]
                    for name, (t, n) in moved.items()
                },
                f"{count:,} other{'s' if count > 1 else ''}": other,
                "stopped": other,
                "all": [cents(self.whole), DASH, self.change],
            }

        return made

    def _line(self, line: Line) -> None:
        self._texts([line.text])

    def _texts(self, texts: Sequence[str]) -> None:
        """Every number of a sentence is one that was worked out here, or stands in a table."""
        allowed = self._allowed
        for text in texts:
            left = text.replace("\xa0", " ")
            for pattern in _NO_FIGURES:
                left = re.sub(pattern, "", left)
            for number in _NUMBER.findall(left):
                self.report.figures += 1
                if number.strip(",") not in allowed:
                    self.report.add(self.where, text, f"{number} is not recomputed")

    @cached_property
    def _allowed(self) -> set[str]:
        amounts = [self.whole, usd(self.sources.before), abs(self.whole - usd(self.sources.before))]
        nobody = usd(one for one in self.sources.now if not one["feature"])
        amounts.append(nobody)
        for then, now in self._moved(plain).values():
            amounts += [now, then, abs(now - then)]
        found = {money(amount) for amount in amounts} | {cents(amount) for amount in amounts}
        found |= {money(amount, signed=True) for amount in amounts}
        found |= {money(-amount, signed=True) for amount in amounts}
        for cell in self.known:
            try:
                amount = Decimal(cell.replace(",", ""))
            except InvalidOperation:
                found |= {text.strip(",") for text in _NUMBER.findall(cell)}
            else:
                found |= {cell, money(amount), money(abs(amount)), money(amount, signed=True)}
        if self.saved is not None:
            found.add(money(self.saved))
        found |= {money(sum(self._paces().values(), _ZERO)), money(self._mean())}
        found.add(f"{Decimal('30.4375') / 7:.2f}")
        return found | self._totals() | self._month()

    def _paces(self) -> dict[str, Decimal]:
        """Each feature's month at the week's pace, its unusual hours at their usual cost."""
        return {
            name: (
                max(usd(each) - self.above.get(name, _ZERO), _ZERO) * Decimal("30.4375") / 7
            ).quantize(_CENT, ROUND_HALF_UP)
            for name, each in grouped(self.sources.now, lambda one: one["feature"]).items()
            if name
        }

    def _month(self) -> set[str]:
        """The month to date and at its end, with its budget; cents of a team may differ by one."""
        months = self.sources.months
        own = [months[self.team]] if self.team else [*months.values()]
        to_date = sum((one for one, _ in own), _ZERO).quantize(_CENT, ROUND_HALF_UP)
        whole = to_date + sum((rest for _, rest in own), _ZERO)
        budget = self.sources.budgets.get(self.team)
        found = {money(to_date), money(whole)}
        if budget:
            found |= {money(budget), money(to_date - budget), money(whole - budget)}
        return found

    def _mean(self) -> Decimal:
        """Of the four weeks before."""
        start = datetime.fromisoformat(self.sources.now[0]["from"].removesuffix("Z"))
        back = (
            one["usd"]
            for one in self.sources.hours
            if start - timedelta(weeks=4) <= one["hour"] < start
            and (not self.team or one["team"] == self.team)
        )
        return sum(back, _ZERO) / 4

    def _totals(self) -> set[str]:
        """Shares, counts and sums that sentences state beside the tables."""
        now = self.sources.now
        part = [one for one in now if one["environment"].lower() not in {"", "production"}]
        unnamed = [one for one in now if not one["environment"]]
        names = {
            key: usd(one for one in now if one[key]) for key in ("feature", "team", "environment")
        }
        listed = total(now, "of_it_at_list_prices_usd")
        big = [
            share(usd(each), self.whole)
            for key in ("cohort", "caller")
            for each in grouped(now, lambda one, key=key: one[key]).values()
        ]
        texts = {
            *(share(usd(rows), self.whole) for rows in (part, unnamed)),
            *(share(amount, self.whole) for amount in names.values()),
            share(abs(self.whole - usd(self.sources.before)), usd(self.sources.before)),
            down(names["feature"], self.whole),
            *big,
            *(money(amount) for amount in (usd(part), listed, self.whole - listed)),
            money(total(now, "all_at_list_prices_usd")),
            f"{calls(now):,.0f}",
            f"{total(now, 'gateway_hits'):,.0f}",
        }
        return {text.strip(",") for each in texts for text in _NUMBER.findall(each)}


def terms_of(then: Sequence[Row], now: Sequence[Row]) -> dict[str, Decimal]:
    """The terms of one thing's change that need no price."""
    if not then or not now:
        name = "features and callers that stopped" if then else "new features and callers"
        return {name: usd(now) - usd(then)}
    if not usd(then) or not all(asked(each) and calls(each) for each in (then, now)):
        return {}
    more = usd(then) * asked(now) / asked(then)
    again = more * (calls(now) / asked(now)) / (calls(then) / asked(then))
    levels = [usd(then), *(each.quantize(_CENT, ROUND_HALF_UP) for each in (more, again))]
    return {
        "number of requests": levels[1] - levels[0],
        "retries and duplicates": levels[2] - levels[1],
    }


def _units_of(rows: Sequence[Row]) -> dict[str, str]:
    spent, tokens = usd(rows), total(rows, "input") + total(rows, "output")
    paid = calls(rows)
    answered = max(paid - total(rows, "duplicates") - total(rows, "failed"), _ZERO)
    requests = total(rows, "requests")

    def over(part: Decimal, whole: Decimal, form: Callable[[Decimal], str]) -> str:
        return form(part / whole) if whole else DASH

    def percent(value: Decimal) -> str:
        return f"{100 * float(value):.1f} %"

    return {
        "USD a request": over(spent, asked(rows), money),
        "USD per 1,000 requests": over(1000 * spent, asked(rows), money),
        "USD per call that succeeded": over(spent, answered, money),
        "USD per million tokens": over(1_000_000 * spent, tokens, money),
        "input tokens a call": over(total(rows, "input"), paid, lambda n: f"{float(n):,.0f}"),
        "output tokens a call": over(total(rows, "output"), paid, lambda n: f"{float(n):,.0f}"),
        "input tokens per output token": over(
            total(rows, "input"), total(rows, "output"), lambda n: f"{n:,.1f}"
        ),
        "input read from the prompt cache": over(
            total(rows, "cached"), total(rows, "input"), percent
        ),
        "calls that read from it": over(total(rows, "cache_reads"), paid, percent),
        "output that is reasoning": over(total(rows, "reasoning"), total(rows, "output"), percent),
        "retries per request": over(total(rows, "retries"), requests, percent),
        "duplicates per request": over(total(rows, "duplicates"), requests, percent),
        "calls that failed": over(total(rows, "failed"), paid, percent),
    }


RESTS = {
    "USD per call that succeeded": "failed",
    "input read from the prompt cache": "cached",
    "calls that read from it": "cache_reads",
    "output that is reasoning": "reasoning",
    "retries per request": "retries",
    "duplicates per request": "duplicates",
    "calls that failed": "failed",
}


def unit_texts(rows: Sequence[Row]) -> dict[str, str]:
    """Each figure, of the lines whose logs tell what it rests on; a dash where none does."""
    found = _units_of(rows)
    for unit, name in RESTS.items():
        told = telling(rows, name)
        found[unit] = _units_of(told)[unit] if told else DASH
    return found


def recompute_showback(
    folder: Path, before: Path, hours: list[dict[str, Any]], budgets: Mapping[str, Decimal]
) -> Report:
    """Recompute every page of a week's showback that has a week before it.

    `hours` are the stored sums: `hour`, `team` and `usd` of each.
    """
    sources = Sources(
        now=lines_of(folder / "showback.csv"),
        before=lines_of(before / "showback.csv"),
        hours=hours,
        budgets=budgets,
    )
    report = Report()
    teams = {one["team"] for one in sources.now} - {""}
    _check(sources, report, folder / "index", "")
    for team in sorted(teams):
        if (folder / "teams" / f"{team}.md").exists():
            _check(sources.of(team), report, folder / "teams" / team, team)
    return report


def _check(sources: Sources, report: Report, stem: Path, team: str) -> None:
    for ending, read in ((".md", read_markdown), (".html", read_html)):
        path = stem.with_suffix(ending)
        page = Showback(sources=sources, report=report, team=team)
        page.check(read(path.read_text(encoding="utf-8")), f"{path.parent.name}/{path.name}")
