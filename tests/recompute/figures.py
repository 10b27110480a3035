"""What a record's figures must be: recomputed where it holds what they follow from, else read."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.recompute import forms
from tests.recompute.money import cascade_month, decimal, month_of, rounded
from tests.recompute.statistics import (
    binomial_lower,
    gaffke_upper,
    tango_lower,
    tango_upper,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.recompute.money import Month

Json = dict[str, Any]
_TABLE = ("both_right", "only_current_right", "only_candidate_right", "neither_right")
_READ, _WRITTEN = Decimal("0.7"), Decimal("0.5")
"""Parts of today's tokens that a cheaper model is given at best."""
_LEAST = re.compile(r"the least worth a change is USD (\d[\d,]*(?:\.\d+)?)")
_ALARM = 0.05
"""The one-sided level at which harm to a part is shown."""
_POINTS_APART = 2e-6
"""Half a unit of the last digit that a record has of points, twice."""


class Truth:
    """A record with every derived figure put in from its sources; `faults` where they differ."""

    def __init__(self, record: Json) -> None:
        self.record = record
        self.faults: list[str] = []
        self.traffic = record["traffic"]
        self.today = self._cost("today's model", record["current_cost"], None)
        self.options = {one["target"]["option"]: self._option(one) for one in record["options"]}
        self._whole()

    def say(self, what: str, found: object, wanted: object) -> None:
        self.faults.append(f"{what}: {found} in the record, {wanted} by its sources")

    def same(self, what: str, found: Decimal | None, wanted: Decimal | None) -> None:
        if found is not None and wanted is not None and found != wanted:
            self.say(what, found, wanted)

    def close(self, what: str, found: float | None, wanted: float | None, by: float) -> None:
        if found is not None and wanted is not None and abs(found - wanted) > by:
            self.say(what, found, wanted)

    def _option(self, option: Json) -> Json:
        name = option["target"]["option"]
        found = dict(option)
        found["quality"] = self._quality(name, option)
        found["cost"] = self._cost(name, option["cost"], option)
        found["saving"] = self._saving(found["cost"])
        self._most(name, found)
        self._hosting(name, found["cost"])
        found["error_break_even"] = self._break_even(name, found)
        self._slices(name, found)
        self._audit(name, found)
        return found

    def _quality(self, name: str, option: Json) -> Json | None:
        if option["quality"] is None:
            return None
        q = dict(option["quality"])
        self._populations(name, q)
        lost, won, n = q["only_current_right"], q["only_candidate_right"], q["n"]
        if lost is not None and won is not None and n and q["repeats"] == 1:
            q["difference"] = self._exact(name, q, "difference", won - lost)
            self._levels(name, q)
            self._bounds(name, q)
        elif None not in (q["current"], q["candidate"]):
            difference = q["candidate"] - q["current"]
            self.close(f"{name}: difference", q["difference"], difference, _POINTS_APART)
        return q

    def _populations(self, name: str, q: Json) -> None:
        """Every count is of the same cases."""
        n, table = q["n"], [q[key] for key in _TABLE]
        if None not in table and sum(table) != n:
            self.say(f"{name}: cases", n, sum(table))
        if q.get("pilot_cases") is not None and q["pilot_cases"] + q["deciding_cases"] != n:
            self.say(f"{name}: cases", n, q["pilot_cases"] + q["deciding_cases"])
        for key in ("clusters", "agreed_without_label"):
            if q[key] is not None and q[key] > n:
                self.say(f"{name}: {key}", q[key], f"at most {n}")

    def _levels(self, name: str, q: Json) -> None:
        both, lost, won, _ = (q[key] for key in _TABLE)
        if both is not None and q["current"] is not None:
            q["current"] = self._exact(name, q, "current", both + lost)
            q["candidate"] = self._exact(name, q, "candidate", both + won)

    def _exact(self, name: str, q: Json, key: str, cases: int) -> float:
        wanted = 100 * cases / q["n"]
        self.close(f"{name}: {key}", q[key], wanted, _POINTS_APART)
        return wanted

    def _bounds(self, name: str, q: Json) -> None:
        if q["method"] != "tango":
            return
        whole = 1 - self.record["evidence"]["confidence"]
        worst = tango_lower(*_with_absent(q, "worst"), q["level"])
        table, harm = _with_absent(q, "best"), q.get("best_level")
        best = tango_upper(*table, whole) if harm is None else gaffke_upper(*table, harm)
        q["worst"] = self._bound(f"{name}: at worst", q["worst"], 100 * worst)
        q["best"] = self._bound(f"{name}: at best", q["best"], 100 * best)

    def _bound(self, what: str, found: float, wanted: float) -> float:
        self.close(what, found, wanted, 1e-4)
        return wanted

    def _cost(self, name: str, cost: Json, option: Json | None) -> Json:
        c = {key: decimal(value) if _is_money(key) else value for key, value in cost.items()}
        month: Month | None
        if option is not None and option.get("cascade"):
            rates = self.record["current_cost"]["rates"]
            month = cascade_month(option["cascade"], rates, self.traffic)
        else:
            month = month_of(cost, self.traffic)
        if month is not None:
            for key, wanted in (
                ("per_request", month.per_request),
                ("monthly", month.monthly),
                ("monthly_after_discounts", month.net),
            ):
                self.same(f"{name}: {key}", c[key], wanted)
                c[key] = wanted
            if month.per_million is not None and c["per_million_tokens"] is not None:
                self.same(f"{name}: per million tokens", c["per_million_tokens"], month.per_million)
        self._success(name, c, option)
        return c

    def _success(self, name: str, cost: Json, option: Json | None) -> None:
        share = cost["success_share"]
        quality = option["quality"] if option is not None else None
        if quality is not None and quality["candidate"] is not None and share is not None:
            level = quality["candidate"] / 100
            self.close(f"{name}: share of successes", float(share), level, 1e-6)
        if share and cost["per_request"] is not None:
            wanted = rounded(cost["per_request"] / share, 12)
            self.same(f"{name}: per success", cost["per_success"], wanted)
            cost["per_success"] = wanted

    def _saving(self, cost: Json) -> Decimal | None:
        today, then = self.today["monthly_after_discounts"], cost["monthly_after_discounts"]
        return None if today is None or then is None else today - then

    def _most(self, name: str, option: Json) -> None:
        """The most that it could save: with 0.7 of the tokens read and half of those written.

        And it is less than the least worth a change, where the note says so.
        """
        cost, today = option["cost"], self.today["monthly_after_discounts"]
        most = decimal(option["saving_at_most"])
        told = _LEAST.search(option["note"] or "")
        if most is None or today is None or told is None or self.traffic is None:
            return
        if most >= decimal(told[1].replace(",", "")):
            self.say(f"{name}: saves at most", most, f"less than {told[1]}")
        own = option["target"]["option"].endswith("~tuned")
        own = own or option["lever"] in {"effort", "prompt"}
        plain = cost["basis"] == "traffic" and not option["cascade"] and not own
        if plain and not self.traffic["cached_share"] and not cost["rates"]["tiers"]:
            fewer = [
                {
                    **part,
                    "input_tokens": str(Decimal(part["input_tokens"]) * _READ),
                    "output_tokens": str(Decimal(part["output_tokens"]) * _WRITTEN),
                }
                for part in cost["portions"]
            ]
            least = month_of({**cost, "portions": fewer}, self.traffic)
            if least is not None:
                wanted = today - least.net
                self.close(f"{name}: saves at most", float(most), float(wanted), _near(wanted))

    def _hosting(self, name: str, cost: Json) -> None:
        """A month on own GPUs is the sum of its parts; what stands idle is what nobody used."""
        facts = cost.get("hosting")
        if facts is None or cost["monthly"] is None:
            return
        keys = ("committed_usd", "on_demand_usd", "scale_up_usd", "overflow_usd")
        committed, on_demand, loading, overflow = (Decimal(facts[key]) for key in keys)
        month = committed + on_demand + loading + overflow
        self.close(f"{name}: a month", float(cost["monthly"]), float(month), float(month) * 1e-5)
        idle = (committed + on_demand) * (1 - Decimal(facts["utilisation"]))
        self.close(f"{name}: idle", float(facts["idle_usd"]), float(idle), float(month) * 1e-5)
        if facts["fewest_replicas"] != facts["most_replicas"] or on_demand or loading or overflow:
            return
        # One and the same number of replicas in every hour: a month costs the same at any volume
        # below production's, so it is no dearer from its cost over the other's price of one on.
        for even in facts["break_even"]:
            each = self._per_request(even["option"])
            stated = even["requests_per_month"]
            if each and stated is not None and stated <= self.traffic["requests_per_month"]:
                wanted = -(-month // each)
                self.close(f"{name}: no dearer than {even['option']}", stated, float(wanted), 1.0)

    def _per_request(self, name: str) -> Decimal | None:
        """Of a hosted option or of today's model, as the record has it."""
        named = {one["target"]["option"]: one["cost"] for one in self.record["options"]}
        named[self.record["current"]["option"]] = self.record["current_cost"]
        cost = named.get(name)
        return None if cost is None else decimal(cost["per_request"])

    def _break_even(self, name: str, option: Json) -> Json | None:
        even, quality, saving = option["error_break_even"], option["quality"], option["saving"]
        if even is None:
            return None
        e: Json = {key: decimal(value) for key, value in even.items()}
        if quality is None or saving is None or self.traffic is None:
            return e
        requests = Decimal(self.traffic["requests_per_month"])
        price = decimal(self.record["feature"]["error_cost_usd"])
        for key, errors, net, points in (
            ("at_estimate", "more_errors_per_month", "net_saving_estimate", _told(quality)),
            ("at_worst", "more_errors_per_month_worst", "net_saving_worst", quality["worst"]),
        ):
            loss = max(Decimal(str(round(-points, 6))) / 100, Decimal(0))
            more = loss * requests
            self.close(f"{name}: {errors}", float(e[errors]), float(more), float(requests) * 2e-6)
            e[errors] = more
            value = saving / more if more else None
            if (value is None) != (e[key] is None):
                self.say(f"{name}: {key}", e[key], value)
            elif value is not None:
                # The record's own is kept: near a half the two round to different digits.
                self.close(f"{name}: {key}", float(e[key]), float(value), _near(value))
            if price is not None:
                left = saving - more * price
                self.close(f"{name}: {net}", float(e[net]), float(left), _near(left))
                e[net] = left
        return e

    def _slices(self, name: str, option: Json) -> None:
        parts: dict[str, int] = {}
        quality = option["quality"]
        for part in option["slices"]:
            if part.get("of") is None:
                parts[part["key"]] = parts.get(part["key"], 0) + part["n"]
            lost, won, n = part["only_current_right"], part["only_candidate_right"], part["n"]
            if None not in (lost, won) and n and quality and quality["repeats"] == 1:
                wanted = 100 * (won - lost) / n
                where = f"{name}: {part['key']} {part['value']}"
                self.close(f"{where}: difference", part["difference"], wanted, _POINTS_APART)
                if part.get("could_show") is not None and quality["method"] == "tango":
                    self._could_show(where, part)
        for key, cases in parts.items():
            if quality is not None and cases > quality["n"]:
                self.say(f"{name}: cases by {key}", cases, f"at most {quality['n']}")

    def _could_show(self, where: str, part: Json) -> None:
        """The fewest losses, and no gain, that raise the alarm; in earlier records by Tango's."""
        limit, n = part["margin"] / 100, part["n"]
        earlier = [k for k in range(n + 1) if tango_upper(k, 0, n, _ALARM) < -limit]
        now = (k for k in earlier if binomial_lower(k, n, _ALARM) > limit)
        told = {next(now, None), next(iter(earlier), None)}
        if round(part["could_show"] * n / 100) not in told:
            self.say(f"{where}: could show", part["could_show"], f"{told} of {n}")

    def _audit(self, name: str, option: Json) -> None:
        audit, quality = option["audit"], option["quality"]
        if audit is None or quality is None or quality["only_current_right"] is None:
            return
        for ids, key in (("losses", "only_current_right"), ("gains", "only_candidate_right")):
            if len(audit[ids]) < quality[key]:
                self.say(
                    f"{name}: cases to read, {ids}", len(audit[ids]), f"{quality[key]} or more"
                )
            form = sum((audit.get(f"form_{ids}") or {}).values())
            if form > len(audit[ids]):
                self.say(f"{name}: {ids} by form", form, f"at most {len(audit[ids])}")

    def _whole(self) -> None:
        """The chosen option's saving, the bridge, and what is left of it."""
        record = self.record
        self.savings: Json | None = None
        if record["savings"] is None:
            return
        s = {key: _money(value) for key, value in record["savings"].items()}
        self.savings = s
        chosen = self.options.get(record["chosen"] or "")
        if chosen is None or chosen["cost"]["monthly"] is None:
            return
        listed = self.today["monthly"] - chosen["cost"]["monthly"]
        self.same("saving at list price", s["monthly"], listed)
        self.same("saving after discounts", s["after_discounts"], chosen["saving"])
        s["monthly"], s["after_discounts"] = listed, chosen["saving"]
        self._left(s, chosen["error_break_even"])
        total = sum((Decimal(step["usd"]) for step in record["bridge"]), Decimal(0))
        if record["bridge"] and total not in {-listed, -chosen["saving"]}:
            self.say("sum of the bridge", total, -listed)

    def _left(self, s: Json, even: Json | None) -> None:
        """What errors and the one-off cost leave of the saving."""
        for key, net in (("net_monthly", "net_saving_estimate"),
                         ("net_monthly_worst", "net_saving_worst")):  # fmt: skip
            if s.get(key) is None:
                continue
            if even is not None and even[net] is not None:
                self.close(key, float(s[key]), float(even[net]), _near(even[net]))
                s[key] = even[net]
            if self.record["feature"]["error_cost_usd"] is None:
                self.say(key, s[key], "nothing: no cost of an error is stated")
        if s.get("net_of_one_off") is not None:
            base = s["after_discounts"] if s.get("net_monthly") is None else s["net_monthly"]
            left = base - (s["one_off_monthly"] or Decimal(0))
            self.close("net of one-off", float(s["net_of_one_off"]), float(left), _near(left))
            s["net_of_one_off"] = left

    def shown(self) -> Json | None:
        """The option that page one is about."""
        chosen = self.options.get(self.record["chosen"] or "")
        return chosen or self._first("UNDECIDED") or self._first("FAIL")

    def _first(self, result: str) -> Json | None:
        return next((one for one in self.options.values() if one["result"] == result), None)


def _with_absent(q: Json, at: str) -> tuple[int, int, int]:
    """Losses, gains and cases, with what is absent at its worst or best."""
    lost, alike, won = (q.get("absent") or {}).get(at) or (0, 0, 0)
    return (
        q["only_current_right"] + lost,
        q["only_candidate_right"] + won,
        q["n"] + lost + alike + won,
    )


def _money(value: object) -> object:
    """Amounts are written as text."""
    return (
        Decimal(value)
        if isinstance(value, str) and value[:1] in "-0123456789" and not {":", "/"} & set(value)
        else value
    )


def _near(value: Decimal) -> float:
    return max(2e-6, abs(float(value)) * 1e-5)


def _is_money(key: str) -> bool:
    return key in {"per_request", "per_success", "success_share", "per_million_tokens"} or (
        "monthly" in key
    )


def leaves(value: object) -> Iterator[object]:
    """Every number and text of a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value


def general(value: object) -> str:
    return forms.general(float(str(value)))


def _told(quality: Json) -> float:
    """Of an option that passed the corrected difference; `tests.prove` works it out again."""
    return quality["difference"] if quality.get("corrected") is None else quality["corrected"]
