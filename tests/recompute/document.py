"""One feature's page against its record."""

from __future__ import annotations

import re
import string
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.recompute.blocks import Grid, Line
from tests.recompute.claims import SENTENCES
from tests.recompute.figures import leaves
from tests.recompute.forms import count, share
from tests.recompute.match import MARK, Matcher
from tests.recompute.portfolio import person
from tests.recompute.slots import of_option, of_record
from tests.recompute.tables import LEVERS, TABLES
from tests.recompute.texts import Slots, of_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.recompute.blocks import Page
    from tests.recompute.figures import Truth
    from tests.recompute.match import Report
    from tests.recompute.tables import Columns

Json = dict[str, Any]
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
_TICK = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$")
_TODAY = "today"
_OF_TWO = "Today's model"
_WITHOUT_A_TEST = ("What staying costs.", "Why stay?")
"""Where a page whose options were never asked names the one that it is about."""
_LARGE = "The decision in figures"
_AS_SENTENCES = (_LARGE, "The money")


class Document:
    """Checks a page; every fault goes into the report."""

    def __init__(self, truth: Truth, page: Page, report: Report, where: str) -> None:
        self.truth, self.page = truth, page
        self.marks = marks(truth.record)
        self.matcher = Matcher(report, where, self.marks)
        self.whole = of_record(truth)
        self.each = {name: of_option(truth, one) for name, one in truth.options.items()}
        shown = truth.shown()
        self.shown = None if shown is None else shown["target"]["option"]
        self.rows: Mapping[str, Callable[[str, int, str], Slots]] = {
            "Looks of ": self._look,
            "Parts of the cases, ": self._part,
            "Guardrails, ": self._part,
            "Tokens of a request": lambda _, at, __: of_part(self._portions()[at]),
            "Rates, USD": lambda _, at, __: of_part(self._rates()[at]),
            "Prices of a whole request": lambda _, at, __: of_part(self._tiers()[at]),
            "Levers on the same model": self._lever_at,
            "Standard deviation": lambda _, __, first: self._spread(first),
            "Measured time": lambda _, __, first: of_part(self._latencies()[first]),
            "What a run of the program took": lambda _, at, __: self._run(at),
            "How sure against how right: ": self._band,
            "A month on own hardware: ": lambda caption, *_: of_part(self._own(caption)),
            "From how many requests a month": self._no_dearer,
            _OF_TWO: lambda *_: self._slots(None),
        }

    def check(self) -> None:
        page = self.page
        self._read("title", page.title)
        self._read("status", page.status)
        for block in page.blocks:
            if isinstance(block, Line):
                self._read(block.lead, f"{block.lead} {block.text}")
            elif block.caption.startswith(_AS_SENTENCES):
                self._sentences(block)
            else:
                self._table(block)
        for picture in page.pictures:
            self._picture(picture)

    def _sentences(self, grid: Grid) -> None:
        """A sum's rows, and large figures with what stands around them, are read as sentences."""
        self._read(grid.caption, grid.caption)
        columns = zip(grid.names, *grid.rows, strict=True)
        texts = columns if grid.caption == _LARGE else grid.rows
        for cells in texts:
            self._read(grid.caption, " ".join(cell for cell in cells if cell))

    def _read(self, place: str, text: str) -> None:
        about = self._about(text if place in _WITHOUT_A_TEST and self.shown is None else place)

        def figure(mark: str | None, names: str) -> set[str] | None:
            return self.figure(mark or about, names)

        self.matcher.read(text, claims(self.matcher.masked(place)), figure)

    def _about(self, place: str) -> str | None:
        """The option that a lead or a caption names."""
        found = [mark for mark in MARK.findall(self.matcher.masked(place)) if mark != _TODAY]
        return found[0] if found and not place.startswith(_OF_TWO) else None

    def figure(self, mark: str | None, names: str) -> set[str] | None:
        """Texts of a figure; alternatives are divided by a bar."""
        found: set[str] = set()
        for name in names.split("|"):
            found |= self._slots(mark).get(name) or self.whole.get(name) or set()
        return found or None

    def _slots(self, mark: str | None) -> Slots:
        if mark is None:
            return self.each[self.shown] if self.shown else Slots()
        return next(
            (slots for name, slots in self.each.items() if self.marks[name] == _marked(mark)),
            Slots(),
        )

    def _table(self, grid: Grid) -> None:
        rule = next((TABLES[start] for start in TABLES if grid.caption.startswith(start)), None)
        self._read(f"table {grid.caption}", grid.caption)
        names = numbered(grid.names)
        if grid.caption.startswith(_OF_TWO):
            names = ["", "today", "then", "difference"]
        for at, row in enumerate(grid.rows):
            for name, cell in zip(names, row, strict=True):
                self._cell(grid, rule, (name, cell), (at, row))

    def _cell(
        self,
        grid: Grid,
        rule: Columns | None,
        named: tuple[str, str],
        row: tuple[int, Sequence[str]],
    ) -> None:
        name, cell = named
        at, cells = row
        key = cells[0] if name == "value" else name
        template = next(
            (one for start, one in (rule or {}).items() if key == start or _opens(key, start)), None
        )
        slots = self._row(grid, at, cells)

        def figure(mark: str | None, names: str) -> set[str] | None:
            if mark is not None:
                return self.figure(mark, names)
            found: set[str] = set()
            for one in names.split("|"):
                found |= slots.get(one) or self.whole.get(one) or set()
            return found or None

        own = () if template is None else (f"{template} of {{of}}", template)
        table = _OF_TWO if grid.caption.startswith(_OF_TWO) else grid.caption
        known = claims(f"table {table}: {name}")
        longer = (one for one in known if template is not None and one.startswith(template))
        self.matcher.read(cell, (*longer, *own, *known), figure)

    def _row(self, grid: Grid, at: int, cells: Sequence[str]) -> Slots:
        """Figures of the thing that a row is about."""
        caption, first = grid.caption, cells[0]
        for start, find in self.rows.items():
            if caption.startswith(start):
                return find(caption, at, first)
        if first.startswith("same model, "):
            return self._lever(first)
        if first.endswith(" (today)"):
            return self._of_today()
        return self.each.get(first, Slots())

    def _of_today(self) -> Slots:
        mine = {key: texts for key, texts in self.whole.items() if key.startswith("today_")}
        return Slots({key.removeprefix("today_"): texts for key, texts in mine.items()})

    def _look(self, caption: str, at: int, _: str) -> Slots:
        name = caption.removeprefix("Looks of ").partition(", ")[0]
        option = self.truth.options[name]
        return of_part(option["quality"]["looks"][at])

    def _lever_at(self, _: str, at: int, __: str) -> Slots:
        return self._of_lever(self.truth.record["levers"][at])

    def _part(self, caption: str, _: int, first: str) -> Slots:
        for name, option in sorted(self.truth.options.items(), key=lambda one: -len(one[0])):
            if f", {name}" in caption.partition(":")[0]:
                for part in option["slices"]:
                    if f"{part['key']}: {part['value']}" == first:
                        return of_part(part)
                for rail in option["guardrails"]:
                    if rail["name"] == first:
                        return of_part(rail)
        return Slots()

    def _lever(self, first: str) -> Slots:
        """A lever's row among the options."""
        kind = LEVERS[first.removeprefix("same model, ")]
        levers = self.truth.record["levers"]
        found = self._of_lever(next(one for one in levers if one["kind"] == kind))
        found["monthly"] = found["lever_net_monthly"]
        return found

    def _of_lever(self, lever: Json) -> Slots:
        slots = of_part({**lever, **(lever["basis"] or {})})
        rates = self.truth.today["rates"]
        kept = 1 - Decimal(rates["discount"]) if rates else Decimal(1)
        for name, key in (("monthly", "monthly"), ("saving", "saving_monthly")):
            slots.money(f"lever_net_{name}", Decimal(lever[key]) * kept)
        return slots

    def _spread(self, name: str) -> Slots:
        """One model's spread, as every option that it stands in has it."""
        slots = Slots()
        for option in self.truth.options.values():
            quality = option["quality"] or {}
            own = "spread_candidate" if option["target"]["option"] == name else "spread_current"
            for key, texts in of_part(quality.get(own) or {}).items():
                slots.put(key, *texts)
        return slots

    def _run(self, at: int) -> Slots:
        """One run of a program: sums over its runs, divided by them."""
        sums = self.truth.record["evidence"]["program"][at]
        runs, usd, successes = sums["runs"], sums["usd"], Decimal(str(sums["successes"] or 0))
        slots = of_part(sums)
        for key in ("calls", "beside"):
            slots.put(f"{key}_a_run", f"{sums[key] / runs:.2f}")
        for key in ("input", "output"):
            tokens = sums[f"{key}_tokens"]
            slots.put(f"{key}_a_run", "\u2013" if tokens is None else f"{tokens / runs:,.0f}")
        spent = None if usd is None else Decimal(usd)
        slots.money("usd_a_run", None if spent is None else spent / runs)
        slots.money("usd_a_success", spent / successes if spent and successes else None)
        return slots

    def _band(self, caption: str, at: int, _first: str) -> Slots:
        """Answers of which a model was about equally sure."""
        told = self.truth.record["evidence"]["reliability"]
        name = caption.rpartition(": ")[2]
        band = next(one for one in told if one["option"] == name)["bands"][at]
        slots = Slots()
        slots.put("band_low", f"{band['low']:g}")
        slots.put("band_high", f"{band['high']:g}")
        slots.put("n", count(band["n"]))
        slots.put("said_share", share(band["said"]))
        slots.put("right_share", share(band["right"]))
        slots.put("squared", f"{band['squared_error']:.4f}")
        return slots

    def _latencies(self) -> Mapping[str, Json]:
        record = self.truth.record
        options = [(one["target"]["option"], one["latency"]) for one in record["options"]]
        return dict([(record["current"]["option"], record["current_latency"]), *options])

    def _costs(self) -> list[Json]:
        return [self.truth.today, *(one["cost"] for one in self.truth.options.values())]

    def _own(self, caption: str) -> Json:
        """A month on own hardware of the option that a caption ends with."""
        named = {name: one["cost"] for name, one in self.truth.options.items()}
        named[self.truth.record["current"]["option"]] = self.truth.today
        found = next((c for name, c in named.items() if caption.endswith(f": {name}")), None)
        if found is not None:
            return found["hosting"]
        first = caption.removesuffix(": first").rpartition(": ")[2]
        return self.truth.options[first]["cascade"]["month"]["first_hosting"]

    def _no_dearer(self, caption: str, _: int, first: str) -> Slots:
        named = caption.removeprefix("From how many requests a month on ").partition(" is no ")[0]
        evens = self._own(f": {named}")["break_even"]
        return of_part(next(one for one in evens if one["option"] == first))

    def _portions(self) -> list[Json]:
        found = [part for cost in self._costs() for part in cost["portions"]]
        for one in self.truth.options.values():
            month = (one["cascade"] or {}).get("month")
            if month:
                found += [*month["first"], *month["again"]]
        return found

    def _rates(self) -> list[Json]:
        found = [
            {**cost["rates"], "used": (cost.get("hosting") or {}).get("utilisation")}
            for cost in self._costs()
            if cost["rates"]
        ]
        months = ((one["cascade"] or {}).get("month") for one in self.truth.options.values())
        return [*found, *(month["first_rates"] for month in months if month)]

    def _tiers(self) -> list[Json]:
        return [
            tier
            for rates in self._rates()
            for tiers in (rates["tiers"], rates["batch_bands"])
            for tier in tiers
        ]

    def _picture(self, text: str) -> None:
        """Labels of a picture: the limit, and what its description says of each option."""
        for line in text.splitlines():
            if _TICK.match(line.strip()):
                self.matcher.report.excepted["a tick of an axis"] += 1
            else:
                self._read("picture", line)


def claims(place: str) -> tuple[str, ...]:
    """Templates of every group whose name begins the place; of a table also its column."""
    return tuple(
        one for start, group in SENTENCES.items() if _begins(place, start) for one in group
    )


def _opens(key: str, start: str) -> bool:
    """Whether a row's name is one of many that begin alike."""
    return start.endswith(": ") and key.startswith(start)


def _begins(place: str, start: str) -> bool:
    if not start.startswith("table "):
        return place.startswith(start)
    caption, _, column = start.partition(": ")
    return place.startswith(caption) and (place.rpartition(": ")[2].startswith(column))


def marks(record: Json) -> Mapping[str, str]:
    """What the workspace calls its things: options first, then every text with a digit in it."""
    found: dict[str, str] = {record["current"]["option"]: _marked(_TODAY)}
    for at, option in enumerate(record["options"]):
        found.setdefault(option["target"]["option"], _marked(letters(at)))
    for first in (one["cascade"]["first"] for one in record["options"] if one["cascade"]):
        found.setdefault(first, _marked("name"))
    for text in leaves(_named(record)):
        if isinstance(text, str) and any(map(str.isdigit, text)) and not _NUMBER.match(text):
            found.setdefault(text, _marked("name"))
    return found


def _named(record: Json) -> list[object]:
    """The parts of a record that hold names and people's own words, no figures."""
    feature = record["feature"]
    written = [f"{feature['name'][:1].lower()}{feature['name'][1:]}", person(feature["owner"])]
    options = [
        (option["target"], [part["value"] for part in option["slices"]], option["audit"])
        for option in record["options"]
    ]
    words = [
        record[key]
        for key in (
            "decision_id",
            "cycle",
            "feature",
            "current",
            "trigger",
            "history",
            "exception",
        )
    ]
    evidence = record["evidence"]
    facts = (
        evidence["power_note"],
        evidence["eval_set"]["provenance"],
        evidence["traffic_source"],
        evidence["versions"],
    )
    if record["exception"]:
        asked = record["exception"]["would_change"]
        written.append(f"{asked[:1].upper()}{asked[1:]}")
    costs = [record["current_cost"], *(one["cost"] for one in record["options"])]
    sources = [
        cost["rates"]["source"] for cost in costs if cost["rates"] and not cost.get("hosting")
    ]
    return [*words, *written, options, facts, sources, evidence["journal_runs"]]


def letters(number: int) -> str:
    """0 is a, 25 is z, 26 is ba: names without a digit."""
    text = ""
    while True:
        number, rest = divmod(number, 26)
        text = string.ascii_lowercase[rest] + text
        if not number:
            return f"option{text}"


def _marked(name: str) -> str:
    return f"\u2039{name}\u203a"


def numbered(names: Sequence[str]) -> list[str]:
    """Names of columns; a name that comes again has its number behind it."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found
