"""A month's page: the portfolio as it stood at its end, from every record of every quarter."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.recompute.blocks import read_html, read_markdown
from tests.recompute.forms import DASH, money
from tests.recompute.index import Index, part_of
from tests.recompute.match import Report
from tests.recompute.portfolio import KINDS, Company, bare, drawn_change, person, spend_of, sum_of
from tests.recompute.review import truth_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.recompute.figures import Truth
    from tests.recompute.index import Part
    from tests.recompute.portfolio import Cells

Json = dict[str, Any]
_ZERO = Decimal(0)
_DRIVERS = 10
_VERDICTS = ("downgrade", "justify", "undecided")
_WITHIN = ("waiting", "closed", "still_open")


def recompute_month(reviews: Path, first: date, today: date) -> Report:
    """Recompute every figure of the page of the month that begins on a day."""
    last = min((first + timedelta(days=32)).replace(day=1) - timedelta(days=1), today)
    every = [
        json.loads(path.read_text(encoding="utf-8"))
        for folder in sorted(reviews.iterdir())
        if re.fullmatch(r"\d{4}-Q[1-4]", folder.name)
        for path in sorted((folder / "records").glob("*.json"))
    ]
    report = Report()
    page = MonthIndex(every, report, first, last)
    for ending, read in ((".md", read_markdown), (".html", read_html)):
        path = reviews / "monthly" / f"{first:%Y-%m}{ending}"
        page.check(read(path.read_text(encoding="utf-8")), path.name)
    return report


def as_of(record: Json, day: date) -> Json:
    """The record without what was decided or billed after a day."""
    kept = [entry for entry in record["history"] if _day(entry["at"]) <= day]
    if len(kept) == len(record["history"]):
        return record
    accepted = any(entry["state"] == "ACCEPTED" for entry in kept)
    found = {**record, "history": kept, "state": kept[-1]["state"] if kept else "PROPOSED"}
    if record["verdict"] == "justify" and not accepted:
        found["exception"] = None
    saved = record["savings"]
    if saved and saved["verified_at"] and _day(saved["verified_at"]) > day:
        later = {"realised": None, "verified_at": None, "realised_months": None}
        found["savings"] = {**saved, **later}
    return found


def stood(every: Sequence[Json], day: date) -> list[Json]:
    made = [record for record in every if _day(record["generated_at"]) <= day]
    made.sort(key=lambda one: (one["cycle"], one["generated_at"]))
    return [*{record["feature"]["id"]: as_of(record, day) for record in made}.values()]


def _day(stamp: str) -> date:
    return date.fromisoformat(stamp[:10])


class MonthIndex(Index):
    """Checks a month's page as `Index` checks a cycle's."""

    def __init__(self, every: Sequence[Json], report: Report, first: date, last: date) -> None:
        truths = [_truth(record) for record in stood(every, last)]
        yesterday = first - timedelta(days=1)
        before = stood(every, yesterday)
        super().__init__(truths, report, last, before)
        old = [_as_stated(record, yesterday) for record in before]
        self.company = MonthCompany(self.parts, before, last, (every, first, old))
        for name, texts in self.company.sentences().items():
            self.total[name] = {*texts}
        self.names[f"{first:%B %Y}"] = "\u2039name\u203a"


class MonthCompany(Company):
    """What the tables and the picture of a month's page must say."""

    def __init__(
        self,
        parts: Sequence[Part],
        past: Sequence[Json],
        day: date,
        month: tuple[Sequence[Json], date, Sequence[Part]],
    ) -> None:
        super().__init__(parts, past, day)
        self.every, self.first, self.old = month

    def tables(self) -> Mapping[str, list[Cells]]:
        late, soon = self._due()
        changes = self._change_tables()
        steps = changes["From then to now;"]
        return {
            "Overdue;": [self._task_cells(one) for one in late if one["usd"] is not None],
            "Overdue, without": [self._task_cells(one) for one in late if one["usd"] is None],
            "Due soon;": [self._task_cells(one) for one in soon if one["usd"] is not None],
            "Due soon, without": [self._task_cells(one) for one in soon if one["usd"] is None],
            "The ten drivers": self._drivers(),
            "Decisions of this month;": self._decisions(),
            "Held against a bill in this month;": self._checked_rows(),
            "From then to now;": [["the month before", *steps[0][1:]], *steps[1:]],
            "The largest changes;": changes["The largest changes;"],
        }

    def labels(self) -> set[str]:
        before, _, _, _ = self._change()
        past = "the month before"
        return super().labels() | {
            f"{past}: USD {money(before)}",
            drawn_change(past),
        }

    def sentences(self) -> Mapping[str, list[str]]:
        late, soon = self._due()
        checked = self._checked()
        kinds = [one["kind"] for one in (*late, *soon)]
        made = [r for r in self.every if self.first <= _day(r["generated_at"]) <= self.day]
        verdicts = [record["verdict"] for record in made]
        within = [_part_of_undecided(record) for record in made]
        return {
            **super().sentences(),
            "late": [str(len(late))],
            "soon": [str(len(soon))],
            "running": [money(sum_of([running(one) for one in self.parts]))],
            "running_before": [money(sum_of([running(one) for one in self.old]))],
            "checked": [str(len(checked))],
            "checked_realised": [money(sum_of([one.realised for one in checked]))],
            "checked_forecast": [money(sum_of([one.saving for one in checked]))],
            "made": [f"{len(made):,}"],
            **{name: [str(verdicts.count(name))] for name in _VERDICTS},
            **{name: [str(within.count(name))] for name in _WITHIN},
            **{f"due_{kind}": [str(kinds.count(kind))] for kind in KINDS},
        }

    def _due(self) -> tuple[list[Json], list[Json]]:
        late = [one for one in self.todo if self._overdue(one)]
        until = self.day + timedelta(days=31)
        soon = [
            one for one in self.todo if one["due"] is not None and self.day <= one["due"] <= until
        ]
        return late, soon

    def _drivers(self) -> list[Cells]:
        old = {one.record["feature"]["id"]: running(one) for one in self.old}
        costs = [(one, usd) for one in self.parts if (usd := running(one)) is not None]
        costs.sort(key=lambda pair: (-pair[1], pair[0].record["feature"]["id"]))
        whole = sum_of([usd for _, usd in costs])
        rows: list[Cells] = []
        for one, usd in costs[:_DRIVERS]:
            feature = one.record["feature"]
            before = old.get(feature["id"])
            since = "new" if before is None else bare(usd - before, signed=True)
            task = next((t for t in self.todo if t["part"] is one), None)
            due = DASH if task is None else self._task_cells(task)[3]
            rows.append([
                *(feature["name"], person(feature["owner"]), feature["team"], bare(usd)),
                *(_share(usd, whole), since),
                None if task is None else self._task_cells(task)[0], due,
            ])  # fmt: skip
        rest = [usd for _, usd in costs[_DRIVERS:]]
        if rest:
            name = f"{len(rest):,} other{'s' if len(rest) > 1 else ''}"
            left = sum_of(rest)
            rows.append([name, "", "", bare(left), _share(left, whole), "", "", ""])
        return [*rows, ["all", "", "", bare(whole), DASH, "", "", ""]]

    def _decisions(self) -> list[Cells]:
        moves = [
            (entry["at"], record["feature"]["id"], record, entry)
            for record in self.every
            for entry in record["history"]
            if self.first <= _day(entry["at"]) <= self.day
        ]
        rows: list[Cells] = []
        for _, _, record, entry in sorted(moves, key=lambda one: one[:2]):
            saved = record["savings"]
            usd = None if saved is None else Decimal(saved["after_discounts"])
            rows.append([
                *(entry["at"][:10], record["feature"]["name"], entry["state"].lower()),
                *(person(entry["by"]), record["chosen"] or "stays"),
                bare(usd),
            ])  # fmt: skip
        return rows

    def _checked(self) -> list[Part]:
        return [
            one
            for one in self._kept()
            if self.first <= _day(one.record["savings"]["verified_at"]) <= self.day
        ]

    def _checked_rows(self) -> list[Cells]:
        rows: list[Cells] = []
        for one in self._checked():
            saved, feature = one.record["savings"], one.record["feature"]
            months = saved.get("realised_months")
            rows.append([
                *(feature["name"], person(feature["owner"]), None, bare(one.saving)),
                *(bare(one.realised), _share(one.realised, one.saving)),
                DASH if months is None else str(len(months)), saved["verified_at"][:10],
            ])  # fmt: skip
        forecast = sum_of([one.saving for one in self._checked()])
        realised = sum_of([one.realised for one in self._checked()])
        share = _share(realised, forecast)
        return [*rows, ["all", "", "", bare(forecast), bare(realised), share, "", ""]]

    def pictures(self) -> Iterator[str]:
        *_, change = super().pictures()
        yield change


def _part_of_undecided(record: Json) -> str:
    """Whether an undecided one was never asked or waits for labels."""
    if record["verdict"] != "undecided":
        return ""
    if record["finding"] == "unavailable":
        return "closed"
    return "waiting" if "LABELS_MISSING" in record["reason_codes"] else "still_open"


def _truth(record: Json) -> Truth:
    return truth_of(json.dumps(record))


def _as_stated(record: Json, day: date) -> Part:
    """A feature of the month before, at the spend that its record states, as `Company` has it."""
    return replace(part_of(_truth(record), day), spend=spend_of(record))


def running(one: Part) -> Decimal | None:
    """A feature's month as production runs."""
    if one.spend is None:
        return None
    return one.spend - ((one.saving or _ZERO) if one.counted == "production" else _ZERO)


def _share(part: Decimal | None, whole: Decimal | None) -> str:
    return f"{100 * float((part or _ZERO) / whole):.0f} %" if whole else DASH
