"""The index page and the table of a review against all its records, on a day."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

from tests.recompute.blocks import Line
from tests.recompute.document import marks, numbered
from tests.recompute.forms import DASH, times
from tests.recompute.index_claims import INDEX_SENTENCES, INDEX_TABLES
from tests.recompute.match import Matcher
from tests.recompute.portfolio import Company, person
from tests.recompute.texts import Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.recompute.blocks import Grid, Page
    from tests.recompute.figures import Truth
    from tests.recompute.match import Report

    Find = Callable[[str], "set[str] | None"]

Json = dict[str, Any]
_ZERO = Decimal(0)
_TO_BE_HAD, _RUNS = ("PROPOSED", "DEFERRED", "ACCEPTED"), ("IMPLEMENTED", "VERIFIED")
_NEVER = {"DATA_NOT_PERMITTED", "CAPABILITY_GAP", "MODEL_RETIRING"}
_WITHOUT_TEST = {"batch", "caching"}
TAGS = ("team", "product", "environment", "cost_center", "owner", "provider", "model")


def state_on(record: Json, day: date) -> str:
    """The state on a day: the calendar ends proposals, deferrals and evidence."""
    if record["state"] in {"SUPERSEDED", "EXPIRED"}:
        return record["state"]
    if day > ends_on(record):
        return "EXPIRED"
    until = record["history"][-1]["until"] if record["history"] else None
    if record["state"] == "DEFERRED" and until and day > date.fromisoformat(until):
        return "PROPOSED"
    return record["state"]


def ends_on(record: Json) -> date:
    days = [record["expires_at"]]
    if record["exception"]:
        days.append(record["exception"]["expires_at"])
    targets = {one["target"]["option"]: one["target"] for one in record["options"]}
    target = targets.get(record["chosen"] or "", record["current"])
    if target["retires_on"]:
        days.append(target["retires_on"])
    return min(date.fromisoformat(day) for day in days)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one feature adds to each figure, whole cents."""

    record: Json
    state: str
    spend: Decimal | None
    saving: Decimal | None
    counted: str
    net: Decimal | None
    net_worst: Decimal | None
    realised: Decimal | None
    offered: Decimal | None
    at_most: Decimal | None


def part_of(truth: Truth, day: date) -> Part:
    record, state = truth.record, state_on(truth.record, day)
    saved = truth.savings or {}
    offered = _cents(saved.get("after_discounts"))
    swap = record["verdict"] == "downgrade"
    lever = _best_lever(truth)
    counted, saving = "nothing", None
    if swap and state in _TO_BE_HAD:
        counted, saving = "proposed", offered
    elif swap and state in _RUNS:
        counted, saving = "production", offered
    elif state not in {"EXPIRED", "SUPERSEDED"} and lever:
        counted, saving = "same_model", _cents(lever)
    bounds = [
        Decimal(one["saving_at_most"])
        for one in record["options"]
        if one["saving_at_most"] is not None and not _NEVER & {*one["reason_codes"]}
    ]
    return Part(
        record=record,
        state=state,
        spend=_cents(truth.today["monthly_after_discounts"]),
        saving=saving,
        counted=counted,
        net=_cents(saved.get("net_monthly")),
        net_worst=_cents(saved.get("net_monthly_worst")),
        realised=_cents(saved.get("realised")),
        offered=offered,
        at_most=max(bounds, default=None),
    )


def _best_lever(truth: Truth) -> Decimal:
    rates = truth.today["rates"]
    kept = 1 - Decimal(rates["discount"]) if rates else Decimal(1)
    usable = [
        Decimal(lever["saving_monthly"])
        for lever in truth.record["levers"]
        if lever["possible"] and lever["kind"] in _WITHOUT_TEST
    ]
    return max([_ZERO, *usable]) * kept


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _tagged(record: Json, tag: str) -> str:
    if tag in {"provider", "model"}:
        return record["current"]["option" if tag == "model" else tag]
    return (record["feature"][tag] or "").strip()


def sums(parts: Sequence[Part]) -> Slots:
    """Every figure over some features."""
    slots = Slots()
    known = [one.spend for one in parts if one.spend is not None]
    slots.money("spend", sum(known, _ZERO))
    slots.put("known", str(len(known)))
    if parts and not known:
        slots.put("spend_cents", DASH)
    slots.put("unknown", str(len(parts) - len(known)))
    slots.put("features", f"{len(parts):,}")
    for place in ("proposed", "production", "same_model"):
        found = [one for one in parts if one.counted == place]
        slots.money(place, sum((one.saving or _ZERO for one in found), _ZERO))
        slots.put(f"{place}_on", f"{len(found):,}")
    billed = [one for one in parts if one.counted == "production" and one.realised is not None]
    slots.money("realised", sum((one.realised or _ZERO for one in billed), _ZERO))
    slots.money("billed_forecast", sum((one.saving or _ZERO for one in billed), _ZERO))
    slots.put("billed_on", f"{len(billed):,}")
    if not billed and any(one.counted == "production" for one in parts):
        slots.put("realised_cents", DASH)
    netted = [one for one in parts if one.counted == "proposed" and one.net is not None]
    slots.money("net", sum((one.net or _ZERO for one in netted), _ZERO) if netted else None)
    slots.put("net_cents", *(() if netted else (DASH,)))
    slots.money("net_gross", sum((one.saving or _ZERO for one in netted), _ZERO))
    slots.put("net_on", f"{len(netted):,}")
    return slots


class Index:
    """Checks the index page."""

    def __init__(
        self,
        truths: Sequence[Truth],
        report: Report,
        day: date,
        past: Sequence[Json] = (),
        bought: Sequence[Json] = (),
    ) -> None:
        self.report, self.day = report, day
        self.parts = [part_of(truth, day) for truth in truths]
        self.total = sums(self.parts)
        self.total.update(self._evaluation())
        untagged = [one for one in self.parts if not _tagged(one.record, "cost_center")]
        for name, texts in sums(untagged).items():
            self.total.put(f"untagged_{name}", *texts)
        for state in ("rejected", "expired"):
            for name, texts in self._stage(state).items():
                self.total.put(f"{state}_{name}", *texts)
        self.company = Company(self.parts, past, day, bought)
        for name, texts in self.company.sentences().items():
            self.total.put(name, *texts)
        names: dict[str, str] = {}
        for record in (*(part.record for part in self.parts), *past):
            names |= marks(record)
            owner = person(record["feature"]["owner"])
            names |= {owner: "\u2039name\u203a"} if any(map(str.isdigit, owner)) else {}
        self.names = names

    def check(self, page: Page, where: str) -> None:
        matcher = Matcher(self.report, where, self.names)

        def read(text: str, more: tuple[str, ...], find: Find) -> None:
            matcher.read(text, more, lambda _, names: _either(find, names))

        for text in (page.title, page.status):
            read(text, INDEX_SENTENCES, self.total.get)
        tables, labels = self.company.tables(), self.company.labels()
        for picture in page.pictures:
            self._picture(picture, labels, where)
        for block in page.blocks:
            if isinstance(block, Line):
                read(f"{block.lead} {block.text}", INDEX_SENTENCES, self.total.get)
                continue
            wanted = next((tables[one] for one in tables if block.caption.startswith(one)), None)
            if wanted is None:
                self._grid(block, read)
            else:
                self._whole(block, wanted, where)

    def _grid(self, block: Grid, read: Callable[[str, tuple[str, ...], Find], None]) -> None:
        """A table whose cells are sentences, or figures of what a row is about."""
        read(block.caption, INDEX_SENTENCES, self.total.get)
        groups = {_tagged(part.record, tag) for part in self.parts for tag in TAGS}
        for row in block.rows:
            slots = self._row(block, row[0])
            for name, cell in zip(numbered(block.names), row, strict=True):
                if cell in groups and cell == row[0]:
                    continue
                template = INDEX_TABLES.get(name)
                own = () if template is None else (template,)
                read(cell, (*own, *INDEX_SENTENCES), slots.get)

    def _whole(self, grid: Grid, wanted: Sequence[Sequence[str | None]], where: str) -> None:
        """A table whose every row is known beforehand."""
        if len(grid.rows) != len(wanted):
            self.report.add(where, grid.caption, f"{len(grid.rows)} rows, expected {len(wanted)}")
        for row, cells in zip(grid.rows, wanted, strict=False):
            for cell, text in zip(row, cells, strict=True):
                self.report.figures += any(map(str.isdigit, cell))
                if text is not None and cell != text:
                    self.report.add(where, f"{grid.caption}: {row}", f"{cell}, expected {text}")

    def _picture(self, picture: str, labels: set[str], where: str) -> None:
        """A picture says nothing but what follows from the records, and its axes."""
        described = {*self.company.pictures()}
        named = {part.record["feature"]["name"] for part in self.parts}
        lines = [line.strip() for line in picture.splitlines() if line.strip()]
        if not described & {*lines}:
            self.report.add(where, picture, "no description of this picture is expected")
        for line in lines:
            self.report.figures += line in described or line in labels
            if line in described | labels | named or not re.search(r"\d", line):
                continue
            if re.fullmatch(r"-?[\d,]+(\.\d+)?", line):
                self.report.excepted["a tick of an axis"] += 1
                continue
            self.report.add(where, line, "not expected in a picture")

    def _row(self, grid: Grid, first: str) -> Slots:
        """A feature, a group of them, a state, or all."""
        named = [one for one in self.parts if one.record["feature"]["name"] == first]
        if named:
            slots = Slots()
            for part in named:
                for key, texts in self._feature(part).items():
                    slots.put(key, *texts)
            return slots
        group = self._group(grid.caption, first)
        if group:
            return sums(group)
        if grid.caption.startswith("Downgrades by where"):
            return self._stage(first)
        return self._all(grid, first)

    def _group(self, caption: str, first: str) -> list[Part]:
        """The features that a breakdown's row is about."""
        value = "" if first == "(none)" else first
        for tag in TAGS:
            word = tag.replace("_", " ").replace("center", "centre")
            if caption.startswith((f"By {word}:", f"By {word};")):
                return [one for one in self.parts if _tagged(one.record, tag) == value]
        return []

    def _all(self, grid: Grid, first: str) -> Slots:
        """A row of totals, or of what a table does not list."""
        slots = Slots(self.total)
        name = {"proposed saving": "proposed", "saving by batch or caching": "same_model"}
        if first in name:
            slots["saving_cents"] = self.total[f"{name[first]}_cents"]
        slots.update(self._others(grid, first))
        return slots

    def _others(self, grid: Grid, first: str) -> Slots:
        """The row of all that a table does not list."""
        slots = Slots()
        found = re.match(r"(\d+) others?$", first)
        if found is None:
            return slots
        slots.put("others", found[1])
        proposed = grid.caption.startswith("The largest proposed savings")
        amounts = sorted(
            (one.saving if proposed else one.spend) or _ZERO
            for one in self.parts
            if (one.counted == "proposed" if proposed else one.spend is not None)
        )
        rest = sum(amounts[: int(found[1])], _ZERO)
        if proposed:
            ordered = sorted((one for one in self.parts if one.counted == "proposed"), key=_dearest)
            slots["net_cents"] = sums(ordered[-int(found[1]) :])["net_cents"]
        slots.money("saving" if proposed else "spend", rest)
        total = sum(amounts, _ZERO)
        slots.put("share", f"{100 * rest / total:.0f}" if total else None)
        return slots

    def _stage(self, first: str) -> Slots:
        states = {
            "proposed": ("PROPOSED",),
            "deferred": ("DEFERRED",),
            "accepted": ("ACCEPTED",),
            "in production, not verified": ("IMPLEMENTED",),
            "in production, verified against a bill": ("VERIFIED",),
            "proposed saving": _TO_BE_HAD,
            "saving in production": _RUNS,
            "rejected": ("REJECTED",),
            "expired": ("EXPIRED",),
            "superseded": ("SUPERSEDED",),
        }
        wanted = next((states[name] for name in sorted(states, key=len, reverse=True)
                       if first.startswith(name)), ())  # fmt: skip
        found = [
            one
            for one in self.parts
            if one.state in wanted and one.record["verdict"] == "downgrade"
        ]
        slots = Slots()
        slots.put("count", f"{len(found):,}")
        slots.money("forecast", sum((one.offered or _ZERO for one in found), _ZERO))
        billed = [one.realised for one in found if one.realised is not None]
        slots.money("realised", sum(billed, _ZERO) if billed else None)
        return slots

    def _feature(self, part: Part) -> Slots:
        record, slots = part.record, Slots()
        whole = sum((one.spend or _ZERO for one in self.parts), _ZERO)
        for name in ("spend", "saving", "net", "net_worst", "realised", "offered", "at_most"):
            slots.money(name, getattr(part, name))
        slots.money(part.counted, part.saving)
        if part.spend is not None and whole:
            slots.put("share", f"{100 * part.spend / whole:.0f}")
        needed = record["still_needed"] or {}
        for name in ("cases", "labels"):
            slots.put(name, None if needed.get(name) is None else f"{needed[name]:,}")
        for name, key in (("worth", "worth_monthly_usd"), ("cost", "cost_usd")):
            if needed.get(key) is not None:
                slots.money(name, Decimal(needed[key]))
        chosen = next(
            (one for one in record["options"] if one["target"]["option"] == record["chosen"]), None
        )
        if chosen is not None and chosen["quality"] is not None:
            slots.points("worst", chosen["quality"]["worst"])
            slots.put("margin", f"-{chosen['quality']['margin']:g}")
        return slots

    def _evaluation(self) -> Slots:
        slots, records = Slots(), [one.record for one in self.parts]
        spends = [record["evidence"]["spend"] for record in records]
        spent = sum((Decimal(one["total_usd"]) for one in spends), _ZERO)
        slots.money("spent", spent)
        brought = [
            Decimal(one["spend"]["total_usd"])
            for one in (record["evidence"] for record in records)
            if one["imported"] and not one.get("imported_in_part")
            if not Decimal(one["spend"]["judge_usd"])
        ]
        slots.money("brought", sum(brought, _ZERO))
        stopped = sum((Decimal(one["saved_by_stopping_usd"]) for one in spends), _ZERO)
        slots.money("stopped", stopped)
        free = [r for r in records if not r["evidence"]["spend"]["trials"]]
        slots.put("free", str(sum(r["verdict"] != "undecided" for r in free)))
        tested = [r for r in records if any(one["quality"] for one in r["options"])]
        slots.put("tested", str(len(tested)))
        wrong = sum(1 - record["evidence"]["confidence"] for record in tested)
        slots.put("wrong", f"{wrong:.2f}")
        bounds = [_cents(one.at_most) for one in self.parts if one.at_most is not None]
        slots.money("bound", sum((bound or _ZERO for bound in bounds), _ZERO))
        slots.put("bound_on", str(sum(bound > 0 for bound in bounds if bound is not None)))
        for verdict in ("downgrade", "justify", "undecided"):
            found = [r for r in records if r["verdict"] == verdict]
            slots.put(verdict, str(len(found)))
        closed = [r for r in found if r["finding"] == "unavailable"]
        asked = [r for r in found if r["finding"] != "unavailable"]
        waiting = [r for r in asked if "LABELS_MISSING" in r["reason_codes"]]
        slots.put("still_open", str(len(asked) - len(waiting)))
        slots.put("closed", str(len(closed)))
        slots.put("waiting", str(len(waiting)))
        for name, place in (("proposed", "proposed"), ("realised", "production")):
            monthly = sum(
                ((one.saving if name == "proposed" else one.realised) or _ZERO
                 for one in self.parts if one.counted == place), _ZERO)  # fmt: skip
            if spent:
                ratio = monthly / spent
                slots.put(f"pays_{name}", times(ratio))
        return slots


def _dearest(part: Part) -> tuple[Decimal, str]:
    return -(part.saving or _ZERO), part.record["feature"]["id"]


def _either(find: Callable[[str], set[str] | None], names: str) -> set[str] | None:
    found: set[str] = set()
    for name in names.split("|"):
        found |= find(name) or set()
    return found or None


_COLUMNS = {
    "today_monthly_usd": "today_listed",
    "today_after_discounts_monthly_usd": "spend",
    "proposed_saving_monthly_usd": "proposed",
    "proposed_saving_net_of_mistakes_monthly_usd": "net",
    "proposed_saving_net_of_mistakes_at_worst_monthly_usd": "net_worst",
    "saving_in_production_forecast_monthly_usd": "production",
    "saving_in_production_realised_monthly_usd": "realised",
    "saving_by_batch_or_caching_monthly_usd": "same_model",
}


def check_table(text: str, index: Index, truths: Sequence[Truth], where: str) -> None:
    """The CSV: each cell by its column, an empty one where there is nothing."""
    parts = {part.record["feature"]["id"]: part for part in index.parts}
    listed = {truth.record["feature"]["id"]: truth for truth in truths}
    for row in csv.DictReader(StringIO(text)):
        feature = row["feature"].removeprefix("'")
        for column, wanted in _cells(parts[feature], listed[feature]).items():
            found = Decimal(row[column]) if row.get(column) else None
            index.report.figures += 1
            if found != wanted:
                index.report.add(where, f"{feature}: {column} {found}", f"recomputed {wanted}")


def _cells(part: Part, truth: Truth) -> dict[str, Decimal | None]:
    record, saved = part.record, truth.savings or {}
    chosen = truth.options.get(record["chosen"] or "")
    cost = chosen["cost"] if chosen else {}
    quality = (chosen or {}).get("quality") or {}
    needed = record["still_needed"] or {}
    proposed, runs = part.counted == "proposed", part.counted == "production"
    return {
        "today_monthly_usd": truth.today["monthly"],
        "to_monthly_usd": cost.get("monthly"),
        "saving_monthly_usd": saved.get("monthly"),
        "saving_after_discounts_monthly_usd": saved.get("after_discounts"),
        "realised_monthly_usd": saved.get("realised"),
        "quality_difference_points": _points(quality.get("difference")),
        "quality_worst_points": _points(quality.get("worst")),
        "quality_limit_points": _points(-record["margin"]["value"]),
        "cases": _whole(quality.get("n")),
        "still_needed_cases": _whole(needed.get("cases")),
        "still_needed_labels": _whole(needed.get("labels")),
        "evaluation_usd": Decimal(record["evidence"]["spend"]["total_usd"]),
        "today_after_discounts_monthly_usd": part.spend,
        "to_after_discounts_monthly_usd": cost.get("monthly_after_discounts"),
        "proposed_saving_monthly_usd": part.saving if proposed else None,
        "proposed_saving_net_of_mistakes_monthly_usd": part.net if proposed else None,
        "proposed_saving_net_of_mistakes_at_worst_monthly_usd": (
            part.net_worst if proposed else None
        ),
        "saving_in_production_forecast_monthly_usd": part.saving if runs else None,
        "saving_in_production_realised_monthly_usd": part.realised if runs else None,
        "saving_by_batch_or_caching_monthly_usd": (
            part.saving if part.counted == "same_model" else None
        ),
    }


def _points(value: float | None) -> Decimal | None:
    """Four digits of the six that a record holds."""
    return None if value is None else Decimal(f"{Decimal(str(round(value, 6))):.4f}")


def _whole(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)
