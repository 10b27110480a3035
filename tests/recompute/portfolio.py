"""The portfolio's new tables and pictures, worked out again from the records alone.

A table's expected rows are whole cells; None stands for a cell of words that hold no figure. A
picture's expected text is its description, which names every number that is drawn.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.recompute.forms import DASH, begins_words, cents, money, points, worst
from tests.recompute.since import differences, series, soon

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.recompute.index import Part

Json = dict[str, Any]
Cells = list[str | None]
_ZERO = Decimal(0)
_RUNS = ("IMPLEMENTED", "VERIFIED")
_NEVER = {"DATA_NOT_PERMITTED", "CAPABILITY_GAP", "MODEL_RETIRING"}
_FIRST = 10
_BARS = 8
_PRICES = ("input", "output", "cache_read", "cache_write", "per_request", "discount", "tiers")
KINDS = {
    "decide": "Decide on the switch",
    "switch": "Put it into production",
    "verify": "Check it against the bill",
    "lever": "Turn on batch or caching",
    "complete": "Get what is missing",
    "unblock": "Make it reviewable",
    "again": "Review again",
    "sign": "Sign the reason to stay",
}
AMOUNTS = {
    "decide": "new saving",
    "switch": "new saving, accepted",
    "verify": "already counted as saved, to verify",
    "lever": "new saving, same model",
    "complete": "the most that deciding could save",
    "unblock": "the most that deciding could save",
    "again": "the most that another verdict could save",
}
TERMS = (
    *("requests", "retries", "tokens a request", "prices", "another model", "own GPUs"),
    *("new features", "not reviewed now", "known only now", "not known now"),
)


def cent(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def bare(amount: Decimal | None, *, signed: bool = False) -> str:
    return DASH if amount is None else cents(amount, signed=signed)


def usd(amount: Decimal) -> str:
    return f"USD {money(amount)}"


def sum_of(amounts: Sequence[Decimal | None]) -> Decimal:
    return sum((one for one in amounts if one is not None), _ZERO)


def person(address: str) -> str:
    local = address.partition("@")[0].replace("_", ".").replace("-", ".")
    return " ".join(part[:1].upper() + part[1:] for part in local.split(".") if part) or address


class Company:
    """What the portfolio's tables and pictures must say on a day."""

    def __init__(
        self,
        parts: Sequence[Part],
        past: Sequence[Json],
        day: date,
        bought: Sequence[Json] = (),
    ) -> None:
        self.parts, self.past, self.day, self.bought = parts, past, day, bought
        self.todo = sorted(
            (one for part in parts for one in self._tasks(part)),
            key=lambda one: (-(one["usd"] or _ZERO), one["due"] or date.max, one["id"], one["by"]),
        )

    def tables(self) -> Mapping[str, list[Cells]]:
        """Expected rows by the beginning of a caption."""
        tasks = [self._task_cells(one) for one in self.todo]
        first = tasks[:_FIRST]
        return {
            "The first 10 by USD": first,
            "By USD a month after": first,
            "The others, by USD": tasks[_FIRST:],
            "What is to be done, by kind": self._kinds(),
            "Downgrades by how far": [
                [name, f"{on:,}", bare(amount)] for name, on, amount in self._steps()
            ],
            "Run-rate by provider;": self._rates("provider"),
            "Run-rate by model;": self._rates("model"),
            "Verified against a bill;": self._kept_rows(),
            "What changed; a dash:": self._since(),
            "Bought capacity;": self._bought(),
            "Every option that was tried;": self._options(),
            **self._change_tables(),
        }

    def pictures(self) -> Iterator[str]:
        """Expected descriptions."""
        steps = self._steps()
        yield _row_words((name, f"{usd(amount)}, on {on}") for name, on, amount in steps)
        teams = self._spend_by("team")
        bars = [(name or "(none)", usd(amount)) for name, amount in teams[:_BARS]]
        if teams[_BARS:]:
            others = len(teams) - _BARS
            rest = usd(sum_of([amount for _, amount in teams[_BARS:]]))
            bars.append((f"{others} other{'s' if others > 1 else ''}", rest))
        yield _row_words(bars)
        for by in ("provider", "model"):
            yield _row_words(
                (name, f"{usd(now)}, reviewed {money(then)}")
                for name, then, now, _ in self._rate_rows(by)[:_BARS]
            )
        yield _row_words(
            (part.record["feature"]["name"], f"{usd(part.realised)}, forecast {money(part.saving)}")
            for part in self._kept()[:_BARS]
            if part.realised is not None
        )
        yield f"{self._legend()}. Each option's figures stand in the table."
        before, now, terms, _ = self._change()
        moves = "; ".join(f"{name} {money(u, signed=True)}" for name, u in terms.items() if u)
        yield f"{usd(before)}; {moves}; {usd(now)}."

    def labels(self) -> set[str]:
        """Texts that may stand in a picture: every part of its description, and its axes."""
        found: set[str] = set()
        for text in self.pictures():
            for part in text.removesuffix(".").split("; "):
                # A long name is broken before its amount.
                found |= {part, *part.rsplit(": ", 1), *part.rsplit(" ", 1)}
        before, now, _, cycles = self._change()
        found |= {f"now, as reviewed: {usd(now)}", f"{cycles}: {usd(before)}"}
        found.add(f"Quality against cost of every option that was tried: {self._legend()}")
        found |= {drawn_change(cycles), self._axis()}
        return found

    def _axis(self) -> str:
        """What the axis of the change says: where it begins, if not at zero."""
        before, _, terms, _ = self._change()
        return begins_words(before, list(terms.values()))

    def _legend(self) -> str:
        return "; ".join(f"{name}: {times}" for name, times in self._forms().items() if times)

    def sentences(self) -> Mapping[str, list[str]]:
        """Texts by name, for the index's sentences."""
        late = [one for one in self.todo if self._overdue(one)]
        rows = self._rate_rows("provider")
        before, now, _, _ = self._change()
        runs = [part for part in self.parts if part.counted == "production"]
        unverified = sum(part.realised is None for part in runs)
        return {
            "things": [f"{len(self.todo):,}"],
            "late": [str(len(late))],
            "rate_then": [money(sum_of([row[1] for row in rows]))],
            "rate_now": [money(sum_of([row[2] for row in rows]))],
            "rate_off": [money(sum_of([row[1] - row[2] for row in rows]))],
            "unpriced": [f"{sum(map(_unpriced, self.parts)):,}"],
            "rate_taken": [money(sum_of([row[3] for row in rows]))],
            "spend_before": [money(before)],
            "spend_now": [money(now)],
            "unverified": [f"{unverified:,}"],
            "bought": [money(sum_of([_paid(one, one["bought"]) for one in self.bought]))],
            "bought_unused": [money(sum_of([_paid(one, _unused(one)) for one in self.bought]))],
        }

    def _bought(self) -> list[Cells]:
        return [
            [
                *(one["name"], one["seller"] or DASH, f"{one['bought']:,}", one["until"]),
                f"{(date.fromisoformat(one['until']) - self.day).days:,}",
                bare(_paid(one, one["bought"])),
                DASH if one["needed"] is None else f"{one['needed']:,}",
                DASH if one["needed"] is None else f"{_unused(one):,}",
                bare(_paid(one, _unused(one))),
            ]
            for one in self.bought
        ]

    def _tasks(self, part: Part) -> Iterator[Json]:
        record, state = part.record, part.state
        kind = _kind(part)
        if kind is not None:
            worth = part.saving if kind in {"decide", "switch", "verify"} else self._worth(part)
            yield {
                "kind": kind,
                "part": part,
                "id": record["feature"]["id"],
                "by": KINDS[kind].lower(),
                "due": _due(record, kind, state),
                "usd": None if kind == "sign" else worth,
            }
        if part.counted == "same_model":
            yield {
                "kind": "lever",
                "part": part,
                "id": record["feature"]["id"],
                "by": KINDS["lever"].lower(),
                "due": None,
                "usd": part.saving,
            }

    def _worth(self, part: Part) -> Decimal | None:
        worth = _exact_worth(part)
        return cent(worth) if worth else None

    def _overdue(self, task: Json) -> bool:
        return task["due"] is not None and self.day > task["due"]

    def _task_cells(self, task: Json) -> Cells:
        part, record = task["part"], task["part"].record
        due = DASH if task["due"] is None else str(task["due"])
        if task["kind"] == "again":
            due = f"ended {due}"
        elif self._overdue(task):
            due = f"{due}, overdue"
        hard = DASH
        chosen = _chosen(record)
        if part.counted == "same_model" and task["kind"] == "lever":
            hard = f"{DASH}, same model"
        elif chosen is not None and task["kind"] in {"decide", "switch", "verify"}:
            hard = f"{chosen['migration_effort']}, {chosen['performance_risk']}"
        feature = record["feature"]
        return [
            _what(task),
            *(feature["name"], person(feature["owner"]), due, bare(task["usd"])),
            *(DASH if task["usd"] is None else AMOUNTS[task["kind"]], hard),
        ]

    def _kinds(self) -> list[Cells]:
        rows: list[Cells] = []
        for kind, name in KINDS.items():
            found = [one for one in self.todo if one["kind"] == kind]
            if found:
                known = [one["usd"] for one in found if one["usd"] is not None]
                late = sum(self._overdue(one) for one in found)
                worth = bare(sum_of(known) if known else None)
                rows.append([name, f"{len(found):,}", f"{late:,}", worth, None])
        return rows

    def _steps(self) -> list[tuple[str, int, Decimal]]:
        down = [one for one in self.parts if one.record["verdict"] == "downgrade"]
        bounds = [cent(one.at_most) for one in self.parts if one.at_most is not None]
        kept = self._kept()

        def of(name: str, states: tuple[str, ...]) -> tuple[str, int, Decimal]:
            found = [one for one in down if not states or one.state in states]
            return name, len(found), sum_of([one.offered for one in found])

        steps = [
            ("could be saved at most", sum(bound > 0 for bound in bounds), sum_of(bounds)),
            of("found by the review", ()),
            of("accepted", ("ACCEPTED", *_RUNS)),
            of("in production", _RUNS),
            ("verified: forecast", len(kept), sum_of([one.saving for one in kept])),
            ("verified: realised", len(kept), sum_of([one.realised for one in kept])),
        ]
        return [step for step in steps if step[1]]

    def _kept(self) -> list[Part]:
        found = [
            one
            for one in self.parts
            if one.counted == "production" and None not in (one.realised, one.saving)
        ]
        return sorted(found, key=lambda one: (-(one.saving or _ZERO), one.record["feature"]["id"]))

    def _kept_rows(self) -> list[Cells]:
        rows: list[Cells] = []
        far: list[tuple[Decimal, Decimal]] = []
        for one in self._kept():
            saved, feature = one.record["savings"], one.record["feature"]
            months = saved.get("realised_months")
            times = None if months is None else len(months)
            sums: tuple[Decimal | None, Decimal | None] = (None, None)
            if times is not None and one.saving is not None and one.realised is not None:
                sums = (one.saving * times, one.realised * times)
                far.append((one.saving * times, one.realised * times))
            day = saved["verified_at"][:10] if saved["verified_at"] else DASH
            rows.append([
                *(feature["name"], person(feature["owner"]), bare(one.saving), bare(one.realised)),
                *(DASH if times is None else str(times), bare(sums[0]), bare(sums[1]), day),
            ])  # fmt: skip
        whole = [sum_of([one.saving for one in self._kept()])]
        whole.append(sum_of([one.realised for one in self._kept()]))
        whole_known = len(far) == len(self._kept())
        so_far = [
            bare(sum_of([pair[at] for pair in far]) if whole_known else None) for at in (0, 1)
        ]
        rows.append(["all", "", bare(whole[0]), bare(whole[1]), "", *so_far, ""])
        return rows

    def _spend_by(self, tag: str) -> list[tuple[str, Decimal]]:
        groups: dict[str, Decimal] = {}
        for one in self.parts:
            value = (one.record["feature"][tag] or "").strip()
            groups[value] = groups.get(value, _ZERO) + (one.spend or _ZERO)
        found = [(name, amount) for name, amount in groups.items() if amount]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _rate_rows(self, by: str) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        key = "provider" if by == "provider" else "option"
        found: dict[str, list[Decimal]] = {}
        for one in self.parts:
            if one.spend is None:
                continue
            saved, runs = one.saving or _ZERO, one.counted == "production"
            chosen = _chosen(one.record)
            old = one.record["current"][key]
            swaps = one.counted in {"proposed", "production"} and one.saving is not None
            new = chosen["target"][key] if swaps and chosen is not None else old
            now = one.spend - (saved if runs else _ZERO)
            for name, at, amount in (
                *((old, 0, one.spend), (new if runs else old, 1, now)),
                (new, 2, one.spend - saved),
            ):
                found.setdefault(name, [_ZERO, _ZERO, _ZERO])[at] += amount
        rows = [(name, *amounts) for name, amounts in found.items()]
        return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))

    def _rates(self, by: str) -> list[Cells]:
        rows = self._rate_rows(by)
        cells: list[Cells] = [[name, *map(bare, amounts)] for name, *amounts in rows]
        return [*cells, ["all", *(bare(sum_of([row[at] for row in rows])) for at in (1, 2, 3))]]

    def _tried(self) -> Iterator[tuple[Json, Json, Decimal]]:
        for one in self.parts:
            today = one.record["current_cost"]["monthly_after_discounts"]
            for option in one.record["options"]:
                then = option["cost"]["monthly_after_discounts"]
                if option["quality"] is not None and then is not None and Decimal(today or 0):
                    yield one.record, option, 100 * Decimal(then) / Decimal(today)

    def _options(self) -> list[Cells]:
        rows: list[Cells] = []
        for record, option, share in self._tried():
            quality = option["quality"]
            rows.append([
                *(record["feature"]["name"], option["target"]["option"], None, f"{share:.1f}"),
                *(points(quality["difference"]), points(worst(quality["worst"]))),
                f"-{quality['margin']:g}",
            ])  # fmt: skip
        return rows

    def _forms(self) -> dict[str, int]:
        names = ("\u25c6 chosen", "\u25cf passed, not chosen", "\u25cb undecided", "\u2715 failed")
        found = dict.fromkeys(names, 0)
        for record, option, _ in self._tried():
            if option["target"]["option"] == record["chosen"]:
                found[names[0]] += 1
            else:
                at = {"PASS": 1, "FAIL": 3}.get(option["result"], 2)
                found[names[at]] += 1
        return found

    def _change(self) -> tuple[Decimal, Decimal, dict[str, Decimal], str]:
        """Spend before and now, the terms between them, and the earlier cycles."""
        terms = dict.fromkeys(TERMS, _ZERO)
        old = self._newest()
        for _, _, _, moved in self._moved():
            for name, amount in moved.items():
                terms[name] += amount
        before = sum_of([spend_of(record) for record in old.values()])
        now = sum_of([one.spend for one in self.parts])
        cycles = sorted({record["cycle"] for record in old.values()})
        return before, now, terms, series(cycles)

    def _newest(self) -> dict[str, Json]:
        ordered = sorted(self.past, key=lambda one: (one["cycle"], one["state"] != "SUPERSEDED"))
        return {record["feature"]["id"]: record for record in ordered}

    def _moved(self) -> list[tuple[Json, Decimal | None, Decimal | None, dict[str, Decimal]]]:
        old = self._newest()
        if not old:
            return []
        found: list[tuple[Json, Decimal | None, Decimal | None, dict[str, Decimal]]] = []
        now = {one.record["feature"]["id"]: one for one in self.parts}
        for name in sorted(old.keys() | now.keys()):
            was, part = old.get(name), now.get(name)
            first = None if was is None else spend_of(was)
            then = None if part is None else part.spend
            record = was if part is None else part.record
            assert record is not None
            found.append((record["feature"], first, then, _terms(was, part, first, then)))
        return sorted(
            found, key=lambda one: (-abs((one[2] or _ZERO) - (one[1] or _ZERO)), one[0]["id"])
        )

    def _since(self) -> list[Cells]:
        """Each feature whose newest earlier record differs, most worth first."""
        old = self._newest()
        now = {one.record["feature"]["id"]: one for one in self.parts}
        rows: list[tuple[Decimal, str, Cells]] = []
        for name in sorted(old.keys() | now.keys()) if old else ():
            part, was = now.get(name), old.get(name)
            record = was if part is None else part.record
            assert record is not None
            lines = differences(was, None if part is None else part.record)
            lines += soon(record, self.day)
            if part is None or not lines:
                continue
            worth = _exact_worth(part)
            shown = DASH if worth is None else usd(worth)
            cells: Cells = [record["feature"]["name"], person(record["feature"]["owner"]), shown]
            rows.append((worth or _ZERO, record["cycle"], [*cells, "; ".join(lines)]))
        return _said_once([c for _, _, c in sorted(rows, key=lambda row: (-row[0], row[1]))])

    def _change_tables(self) -> dict[str, list[Cells]]:
        before, now, terms, words = self._change()
        steps: list[Cells] = [[n, bare(u, signed=True)] for n, u in terms.items() if u]
        moved = [one for one in self._moved() if one[1] != one[2]]
        rows: list[Cells] = []
        for feature, first, then, parts in moved[:_FIRST]:
            change = (then or _ZERO) - (first or _ZERO)
            mostly = max(parts, key=lambda name: (abs(parts[name]), name))
            rows.append([
                *(feature["name"], person(feature["owner"]), bare(first), bare(then)),
                *(bare(change, signed=True), mostly),
            ])  # fmt: skip
        rest = moved[_FIRST:]
        if rest:
            others = sum_of([(then or _ZERO) - (first or _ZERO) for _, first, then, _ in rest])
            name = f"{len(rest)} other{'s' if len(rest) > 1 else ''}"
            rows.append([name, "", "", "", bare(others, signed=True), ""])
        rows.append(["all", "", bare(before), bare(now), bare(now - before, signed=True), ""])
        return {
            "From then to now;": [[words, bare(before)], *steps, ["now", bare(now)]],
            "The largest changes;": rows,
        }


def _unused(one: Json) -> int | None:
    return None if one["needed"] is None else max(one["bought"] - one["needed"], 0)


def _paid(one: Json, units: int | None) -> Decimal | None:
    """USD a month of some units: 8,766 hours of a year in twelve parts."""
    if units is None:
        return None
    return cent(units * Decimal(one["usd_per_hour"]) * 8766 / 12)


def _row_words(rows: object) -> str:
    return "; ".join(f"{name}: {text}" for name, text in rows) + "."  # type: ignore[attr-defined]


def _chosen(record: Json) -> Json | None:
    return next(
        (one for one in record["options"] if one["target"]["option"] == record["chosen"]), None
    )


def _exact_worth(part: Part) -> Decimal | None:
    """The most that another verdict could save a month."""
    record, needed = part.record, part.record["still_needed"] or {}
    if needed.get("worth_monthly_usd") is not None:
        return Decimal(needed["worth_monthly_usd"])
    if record["verdict"] == "downgrade":
        open_again = part.state in {"REJECTED", "EXPIRED"} and record["state"] not in _RUNS
        return Decimal(record["savings"]["after_discounts"]) if open_again else None
    spend = record["current_cost"]["monthly_after_discounts"]
    if spend is None:
        return None
    months = [
        Decimal(one["cost"]["monthly_after_discounts"])
        for one in record["options"]
        if one["cost"]["monthly_after_discounts"] is not None
        and not _NEVER & {*one["reason_codes"]}
    ]
    return max(Decimal(spend) - min(months, default=Decimal(spend)), _ZERO)


def spend_of(record: Json) -> Decimal | None:
    amount = record["current_cost"]["monthly_after_discounts"]
    return None if amount is None else cent(Decimal(amount))


def _kind(part: Part) -> str | None:
    record, state = part.record, part.state
    if state in {"SUPERSEDED", "REJECTED", "EXPIRED"}:
        return "again" if state == "EXPIRED" else None
    if record["verdict"] == "downgrade":
        if state in _RUNS:
            return "verify" if part.realised is None else None
        return "switch" if state == "ACCEPTED" else "decide"
    if record["verdict"] == "undecided":
        return "unblock" if record["finding"] == "unavailable" else "complete"
    return "sign" if state in {"PROPOSED", "DEFERRED"} else None


def _due(record: Json, kind: str, state: str) -> date:
    until = record["history"][-1]["until"] if record["history"] else None
    if state == "DEFERRED" and until:
        return date.fromisoformat(until)
    if kind not in {"switch", "verify", "again"}:
        return date.fromisoformat(record["decide_by"])
    ends = [record["expires_at"]]
    if record["exception"]:
        ends.append(record["exception"]["expires_at"])
    chosen = _chosen(record)
    retires = (record["current"] if chosen is None else chosen["target"])["retires_on"]
    return min(date.fromisoformat(end) for end in [*ends, *([retires] if retires else [])])


def _what(task: Json) -> str | None:
    """The words of what is bought; None where they hold no figure of ours."""
    needed = task["part"].record["still_needed"] or {}
    if task["kind"] != "complete" or not (needed.get("cases") or needed.get("labels")):
        return None
    if needed.get("labels"):
        return f"Label {needed['labels']:,} case{'s' if needed['labels'] > 1 else ''}"
    cost = ""
    if needed["cost_usd"] is not None:
        cost = f" for {usd(Decimal(needed['cost_usd']))} of calls"
        people = task["part"].record["evidence"]["eval_set"]["targets"] == "human"
        cost += ", labelling not counted" if people and Decimal(needed["cost_usd"]) else ""
    return f"Buy {needed['cases']:,} case{'s' if needed['cases'] > 1 else ''}{cost}"


def _terms(
    was: Json | None, part: Part | None, first: Decimal | None, then: Decimal | None
) -> dict[str, Decimal]:
    """Why one feature's spend is another one."""
    if was is None:
        found = {"new features": then or _ZERO}
    elif part is None:
        found = {"not reviewed now": -(first or _ZERO)}
    elif first is None or then is None:
        name = "known only now" if first is None else "not known now"
        found = {name: (then or _ZERO) - (first or _ZERO)}
    else:
        found = _one_by_one(was, part.record, first, then)
    return {name: amount for name, amount in found.items() if amount}


def _one_by_one(was: Json, will: Json, first: Decimal, then: Decimal) -> dict[str, Decimal]:
    costs = was["current_cost"], will["current_cost"]
    if any(cost["hosting"] for cost in costs):
        return {"own GPUs": then - first}
    other = was["current"]["option"] != will["current"]["option"]
    rest = "another model" if other else "prices"
    (old, new), (before, after) = (one["rates"] for one in costs), (was["traffic"], will["traffic"])
    if None in (old, new, before, after) or not before["requests_per_month"]:
        return {rest: then - first}
    more = Decimal(after["requests_per_month"]) / Decimal(before["requests_per_month"])
    asked = cent(first * after["requests_per_month"] / before["requests_per_month"])
    assert abs(asked - first * more) <= Decimal("0.01")
    again = cent(asked * (1 + _exact(after["retry_rate"])) / (1 + _exact(before["retry_rate"])))
    found = {"requests": asked - first, "retries": again - asked}
    if not other and all(old[name] == new[name] for name in _PRICES):
        return {**found, "tokens a request": then - again}
    size = _request(before, old)
    longer = cent(again * _request(after, old) / size) if size else again
    return {**found, "tokens a request": longer - again, rest: then - longer}


def _request(traffic: Json, rates: Json) -> Decimal:
    cached, written = _exact(traffic["cached_share"]), _exact(traffic["cache_written_share"])
    fresh = 1 - cached - written
    read, write = Decimal(rates["cache_read"]), Decimal(rates["cache_write"])
    prompt = fresh * Decimal(rates["input"]) + cached * read + written * write
    answer = _exact(traffic["output_tokens"]) * Decimal(rates["output"])
    tokens = _exact(traffic["input_tokens"]) * prompt + answer
    return Decimal(rates["per_request"]) + tokens / 1_000_000


def _exact(number: float) -> Decimal:
    return Decimal(str(number))


def drawn_change(past: str) -> str:
    """The name of the picture of why the spend is another one than before."""
    return f"Why the spend is not what it was in {past}"


def _unpriced(part: Part) -> bool:
    """What is paid is known, and no saving can be told for want of a price."""
    options = [one for one in part.record["options"] if not _NEVER & {*one["reason_codes"]}]
    codes = [part.record["reason_codes"], *(one["reason_codes"] for one in options)]
    known = part.spend is not None and part.saving is None
    return known and any("PRICE_MISSING" in found for found in codes)


def _said_once(rows: list[Cells]) -> list[Cells]:
    """The rows, with what changed for every feature in a first row of its own."""
    lines = [(row[3] or "").split("; ") for row in rows]
    every = [one for one in lines[0] if all(one in found for found in lines)] if rows[2:] else []
    if not every:
        return rows
    left = ["; ".join(one for one in found if one not in every) for found in lines]
    made = [[*row[:3], text or "nothing else"] for row, text in zip(rows, left, strict=True)]
    return [[f"all {len(rows)} of them", "", "", "; ".join(every)], *made]
