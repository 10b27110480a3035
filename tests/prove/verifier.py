"""A verdict worked out again from its record alone, by code that imports nothing of ours.

`python -m tests.prove.verifier RECORD...` prints what does not follow. Written from the papers that
the method names: those of `pvalues` for the tests; Lan-DeMets spending by Armitage's recursion;
Maurer-Bretz for the levels. A bound is checked by its p-value: what lies at the bound is tested at
the bound's level. What is absent counts at its worst in a look, and at its best where an option is
given up or shown to be worse. The power is rehearsed on other made-up answers, so within chance.
"""

import json
import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from tests.prove.cases import Cases
from tests.prove.hashing import hashes
from tests.prove.months import of_saving
from tests.prove.picked import corrected, onward
from tests.prove.pvalues import METHODS

Json, Claims = dict[str, Any], Iterator[tuple[str, Any, Any]]
BY_TEST = {"QUALITY_INFERIOR", "UNLIKELY_TO_PASS"}
BY_QUALITY = {*BY_TEST, "QUALITY_UNDECIDED"}
OPEN = {
    "QUALITY_UNDECIDED", "SAMPLE_TOO_SMALL", "LABELS_MISSING", "RUN_INCOMPLETE", "PRICE_MISSING",
    "BASELINE_FAILS_OWN_BAR", "JUDGE_UNRELIABLE", "USAGE_NOT_REPORTED", "TRAFFIC_MISSING",
    "LATENCY_NOT_MEASURED", "EVALSET_CANNOT_TELL", "EVALSET_SPENT"}  # fmt: skip
BOTH = (((1, 1), "both_right"), ((0, 0), "neither_right"))
LOSSES = {"lost", "only_current_right"}
LEAST, MOST, WHOLE, RUNS, CLOSE_POINTS = 1e-7, 0.4, 99.999, 300, 0.02
CLOSE = 2e-3  # between a level that a table interpolates and the recursion's own


@cache
def recursion(steps: tuple[float, ...], t: tuple[float, ...]) -> list[float]:
    """Nominal levels whose crossing probabilities are the steps."""
    nominal, x, mass, before = list[float](), np.zeros(1), np.ones(1), 0.0
    for step, now in zip(steps, t, strict=True):
        scale, last = math.sqrt(now - before), math.sqrt(now)
        edge = brentq(lambda at, s=scale, p=step: mass @ ndtr((x - at) / s) - p, -8, 12)  # noqa: B023
        nominal.append(float(ndtr(-edge / last)))
        ahead = np.linspace(-8 * last, max(edge, -8 * last), 300)
        x, mass, before = ahead, onward(x, mass, ahead, scale), now
    return nominal


class Test:
    """The design, and the p-values and levels that follow from it."""

    def __init__(self, design: Json, margin: float, digits: int = 12) -> None:
        self.d, self.margin, self.last = design, margin / 100, design["looks"][-1]
        self.start, self.digits = (design["stages"] or [0])[-1], digits

    def p(self, of: Cases, values: Any, span: tuple[int, int], delta: float, **harm: Any) -> float:
        at = ~np.isnan(values[slice(*span)])
        d, labels = values[slice(*span)][at], of.labels[slice(*span)][: len(at)][at]
        name = "gaffke" if harm and self.d["method"] == "tango" else self.d["method"]
        return METHODS[name](d, labels, delta)

    def largest(self, of: Cases, side: str, span: tuple[int, int]) -> float:
        """The p-value of a look: the largest of the whole and of each part to be proven."""
        every = [(of, self.margin), *of.parts]
        found = [self.p(one, getattr(one, side), span, -margin)
                 for one, margin in every if len(one.seen(*span))]  # fmt: skip
        return max(found) if len(found) == len(every) else 1.0

    def nominal(self, level: float, ends: Any = None) -> list[float]:
        """Level of each look of a test at `level`; with `ends`, of each check that shows harm."""
        power, start = (0.1, 0) if ends else (self.d["spending"], self.start)
        ends = ends or self.d["looks"]
        if self.d["kind"] != "ladder":
            return [level] * len(ends)
        z = -ndtri(float(f"{max(level, 1e-12):.{self.digits}g}") / 2)
        times = tuple((end - start) / (self.last - start) for end in ends)
        spent = [2 * float(ndtr(-z / t ** (power / 2))) for t in times]
        steps = tuple(b - a for a, b in pairwise([0.0, *spent]))
        return [*steps] if self.d["method"] == "cluster-t" else recursion(steps, times)

    def believed(self, seen: np.ndarray) -> tuple[float, float, float]:
        """Mean square, precision and mean of the difference, after the prior."""
        mean, sd, square, worth = self.d["prior"]
        spread = ((seen**2).sum() + worth * square) / (len(seen) + worth)
        precision = 1 / sd**2 + len(seen) / spread
        return spread, precision, (mean / sd**2 + seen.sum() / spread) / precision

    def chance(self, of: Cases, end: int, level: float) -> float:
        """That the last look passes, by the cases before `end` with what is absent at its best."""
        seen, counted = (of.most[k:end][~np.isnan(of.most[k:end])] for k in (0, self.start))
        spread, precision, mean = self.believed(seen)
        size, m = self.last - self.start, self.margin
        rest = max(size - len(counted), 0)
        needed = -size * m - float(ndtri(level)) * math.sqrt(size * max(spread, m * (1 - m)))
        far, deviation = counted.sum() + rest * mean - needed, rest**2 / precision + rest * spread
        return float(ndtr(far / math.sqrt(deviation))) if deviation else float(far >= 0)


def shares(raw: list[float]) -> list[float]:
    return [one / sum(raw) if sum(raw) else 0.0 for one in raw]


def within(found: Any, most: list[float]) -> list[float]:
    """What is over a limit goes to those under theirs, by their shares."""
    for _ in most:
        held, over = np.minimum(found, most), np.maximum(np.subtract(found, most), 0).sum()
        found = held + over * np.array(shares([*np.where(held < most, held, 0.0)]))
    return [*np.minimum(found, most)]


class Ladder:
    """One history's walk: each option's weight, level and chance, and who was accepted."""

    def __init__(self, test: Test, cases: list[Cases], looked: list[str]) -> None:
        self.test, self.cases, self.looked = test, cases, looked
        d, every = test.d, range(len(cases))
        self.chance, alive = [1.0 for _ in every], [True for _ in every]
        self.most = [one or d["alpha"] for one in d.get("at_most") or [None for _ in every]]
        for stage, k in ((stage, k) for stage in d["stages"] for k in every):
            if alive[k] and cases[k].settled >= stage:
                self.chance[k] = test.chance(cases[k], stage, self.most[k])
                alive[k] = stage == test.last or self.chance[k] >= d["drop_below"]
        self.savings = [max(one, 1e-6) for _, one in d["options"]]
        self.worth = d["error_worth"] or 0.0
        losses = [max(-test.believed(of.seen(0, test.start))[2], 0.0) for of in cases]
        nets = [s - self.worth * loss for s, loss in zip(self.savings, losses, strict=True)]
        raw = shares([alive[k] * self.chance[k] ** 2 * math.sqrt(max(nets[k], 0.1 * saving))
                      for k, saving in enumerate(self.savings)])  # fmt: skip
        least = d["least_weight"] if test.start < test.last else 0.0
        raw = [one * (one >= least) for one in raw] if d["stages"] else [1.0 for _ in every]
        self.weight = within(shares(raw), [one / d["alpha"] for one in self.most])
        self.accepted = [False for _ in every]
        self.local, self.halted = [w * d["alpha"] for w in self.weight], False
        self.passes, self.best = [list[Any]() for _ in every], -math.inf
        self.order = sorted(every, key=lambda k: k if d["error_worth"] is None else -nets[k])
        for place in every:
            self.climb(place, self.order[place])

    def climb(self, place: int, k: int) -> None:
        test, d, of, hopes = self.test, self.test.d, self.cases[k], list[Any]()
        beaten = self.best >= self.savings[k] if self.worth else any(self.accepted)
        if beaten or self.halted or not self.weight[k] or self.looked[k] == "vetoed":
            return
        for check, after in pairwise([*d["checks"], 0]):
            if of.settled < check:
                self.halted = True
                return
            if check in d["looks"] and len(of.seen(test.start, check)):
                for found, side in ((self.passes[k], "least"), (hopes, "most")):
                    p = test.largest(of, side, (test.start, check))
                    found.append((d["looks"].index(check), p))
            if self.under(self.passes[k], k):
                self.accept(place, of.seen(test.start, check))
                return
            level = min(d["alpha"] * math.sqrt(self.weight[k]), self.most[k])
            chance = test.chance(of, check, level)
            if chance < d["futile_below"] and of.settled < after:
                return
        self.halted = of.waits and self.under(hopes, k)

    def under(self, found: list[Any], k: int) -> bool:
        return any(p < self.test.nominal(self.local[k])[look] for look, p in found)

    def accept(self, place: int, seen: np.ndarray) -> None:
        k, flow = self.order[place], [0.0] * place + [self.local[self.order[place]]]
        if self.looked[k] != "cleared":
            self.halted = True
            return
        self.accepted[k] = True
        self.best = max(self.best, self.savings[k] - self.worth * max(-seen.mean(), 0.0))
        for giver in (j for j in range(place, 0, -1) if self.accepted[self.order[j]]):
            for j, part in enumerate(shares([self.weight[k] for k in self.order[:giver]])):
                flow[j] += part * flow[giver]
        heirs = [j for j in range(place) if not self.accepted[self.order[j]] and flow[j]]
        for heir in heirs:
            k = self.order[heir]
            self.local[k] = min(self.local[k] + flow[heir], self.most[k])
        for h, heir in ((self.order[heir], heir) for heir in reversed(heirs)):
            if self.looked[h] != "vetoed" and self.under(self.passes[h], h):
                self.accept(heir, self.cases[h].seen(self.test.start, self.test.last))
                return


def of_row(row: Json, name: str, test: Test, of: Cases, span: tuple[int, int]) -> Claims:
    """A look's figures, or an option's own."""
    d = of.seen(*span)[: row["n"]]
    yield f"{name}cases", row["n"], len(d)
    for key in ("lost", "only_current_right", "won", "only_candidate_right"):
        if row.get(key) is not None:
            yield name + key, row[key], (d < 0 if key in LOSSES else d > 0).sum()
    if len(d):
        yield f"{name}difference", row["difference"], 100 * d.mean()
    if len(d) and row["worst"] is not None and row["worst"] > -WHOLE:
        p = test.p(of, of.least, span, row["worst"] / 100)
        yield f"{name}level of the worst", row["level"], p
    if len(d) and row.get("p_value") is not None:
        p, passed = test.largest(of, "least", span), row["action"] == "pass"
        yield f"{name}p-value", row["p_value"], p
        yield f"{name}passed", passed, passed and p < row["level"]


def of_option(option: Json, test: Test, of: Cases) -> Claims:
    q, proof, d = option["quality"], option["proof"], test.d
    first = 0 if q["pilot_cases"] or not test.start else test.start
    span, local = (first, first + q["n"] + q["missing_cases"]), proof["local"]
    at = [k for k in range(first, of.settled) if not np.isnan(of.d[k])][: q["n"]]
    yield from of_row(q, "", test, of, span)
    for side, key in ((0, "current"), (1, "candidate")):
        if q[key] is not None and at:
            yield key, q[key], 100 * sum(of.scores[k][side] for k in at) / len(at)
    told = [(pair, key) for pair, key in BOTH if q[key] is not None]
    yield from ((key, q[key], [of.scores[k] for k in at].count(pair)) for pair, key in told)
    if q.get("corrected") is not None:
        passed = max(look["number"] for look in q["looks"] if look["action"] == "pass") - 1
        times = tuple((end - test.start) / (test.last - test.start) for end in d["looks"])
        walk = (test.nominal(local), times) if local else ([q["level"]], [1.0])
        told = corrected(q["difference"] / 100, q["worst"] / 100, test.margin, passed, walk)
        yield "corrected", abs(q["corrected"] - 100 * told) < CLOSE_POINTS, True
    if at:
        yield from of_best(q, test, of, span, local)
    for look in q["looks"]:
        name, number, tested = f"look {look['number']}: ", look["number"], look["level"] is not None
        end = d["looks"][number - 1] if tested else of.settled
        yield from of_row(look, name, test, of, (test.start if number else 0, end))
        if local and tested:
            yield f"{name}level", look["level"], test.nominal(local)[number - 1]


def of_best(q: Json, test: Test, of: Cases, span: tuple[int, int], local: Any) -> Claims:
    d, harm = test.d, q.get("best_level")
    if q["best"] < WHOLE:
        p = test.p(of, -of.most, span, -q["best"] / 100, **({"harm": True} if harm else {}))
        levels = (harm,) if harm else (d["alpha"], local or q["level"], q["level"])
        yield "level of the best", min(levels, key=lambda level: abs(level - p)), p
    if harm:
        stops = [*d["stages"], *(d["checks"] or d["looks"])] if d["futile_below"] else [test.last]
        ends = [*dict.fromkeys(stops)]
        place = max(k for k, end in enumerate(ends) if end <= span[1])
        levels = [test.nominal(d["alpha"] / (k + 1), ends)[place] for k in range(len(d["options"]))]
        yield "level of harm", harm, min(levels, key=lambda level: abs(level - harm))


def of_walk(option: Json, ladder: Ladder, k: int) -> Claims:
    """The levels, and whether it passed."""
    proof, passed, accepted = option["proof"], option["result"] == "PASS", ladder.accepted[k]
    yield "part of the error", proof["weight"], ladder.weight[k]
    yield "local level", proof["local"], ladder.local[k]
    if ladder.test.d["stages"]:
        yield "chance by the pilot", proof["pilot_chance"], ladder.chance[k]
    if ladder.passes[k] and LEAST < proof["smallest"] < MOST:
        levels = ladder.test.nominal(proof["smallest"])
        ratio = min(p / levels[look] for look, p in ladder.passes[k])
        yield "p over the smallest level", 1.0, ratio
    if passed or set(option["reason_codes"]) <= BY_QUALITY:
        yield "whether it passed", passed, accepted


@cache
def rehearsed(text: str, margin: float, either: float) -> float:
    """How often the dearest option, equal to today's model, is found; the rest lose 2 margins."""
    test, rng, found = Test(json.loads(text), margin, digits=2), np.random.default_rng(18), 0
    options, worse = len(test.d["options"]), min(2 * test.margin + either, 1.0)
    rest = (worse, -2 * test.margin) if 2 * test.margin <= worse else (either, 0.0)
    for _ in range(RUNS):
        drawn = [Cases("", [1] * test.last) for _ in range(options)]
        for made, (share, mean) in zip(drawn, [*[rest] * (options - 1), (either, 0)], strict=True):
            u, made.settled = rng.random(test.last), test.last
            made.d = np.where(u < (share + mean) / 2, 1.0, np.where(u < share, -1.0, 0.0))
            made.least = made.most = made.d
        found += any(Ladder(test, drawn, ["cleared"] * options).accepted)
    return found / RUNS


def of_power(record: Json, design: Json) -> Claims:
    """What the cases can decide, within chance; of ladders of right or wrong, independent cases."""
    told, text = record["evidence"].get("power"), json.dumps(design)
    kind = [design["kind"], design["method"], design["parts"]]
    if told is None or kind != ["ladder", "tango", []]:
        return
    asked = ((told["chance"], record["margin"]["value"]), (0.8, told["smallest_margin"]))
    for said, margin in asked:
        found = rehearsed(text, margin, told["disagreement"]) if margin else said
        far = abs(found - said) > 4.5 * math.sqrt(2 / RUNS * max(found * (1 - found), 0.05))
        yield f"power at {margin} points", said, found if far else said


def of_tests(record: Json, design: Json) -> Claims:
    test, life = Test(design, record["margin"]["value"]), record["evidence"]["eval_set"].get("life")
    if life is not None:
        yield "what the test takes", life["level"], 100 * design["alpha"]
    lives = record["evidence"]["eval_set"].get("lives") or ()
    told = {one["option"]: one["life"]["level"] for one in lives}
    for (name, _), most in zip(design["options"], design.get("at_most") or (), strict=False):
        yield f"{name}: what it takes", told.get(name), most and 100 * most
    options = {o["target"]["option"]: o for o in record["options"] if o.get("proof")}
    names = [name for name, _ in design["options"]]
    sizes = [*map(int, (design["clusters"] or " ".join("1" * test.last)).split())]
    proofs = [options[name]["proof"] if name in options else {} for name in names]
    cases = [Cases(proof.get("outcomes", ""), sizes) for proof in proofs]
    for of, proof in zip(cases, proofs, strict=True):
        texts = {None: proof.get("outcomes", ""), **dict(proof.get("measures", ()))}
        of.parts = [(Cases(texts.get(one["measure"], ""), sizes, one["where"]), one["margin"] / 100)
                    for one in design["parts"]]  # fmt: skip
    lost = [of.settled >= design["looks"][0] and np.isnan(of.most).mean() for of in cases]
    looked = ["vetoed" if share > design["largest_missing_share"] else p.get("looked_at", "")
              for share, p in zip(lost, proofs, strict=True)]  # fmt: skip
    ladder = Ladder(test, cases, looked) if design["kind"] == "ladder" else None
    for k, name in ((k, name) for k, name in enumerate(names) if name in options):
        claims = [*of_walk(options[name], ladder, k)] if ladder else []
        claims += of_option(options[name], test, cases[k]) if options[name]["quality"] else []
        yield from ((f"{name}: {what}", said, found) for what, said, found in claims)


def of_proofs(record: Json, design: Json) -> Claims:
    """Each option of the design is proved, and no other has what only a test gives."""
    names = {name for name, _ in design["options"]}
    proved = {o["target"]["option"] for o in record["options"] if o.get("proof")}
    told = {o["target"]["option"] for o in record["options"]
            if o["result"] == "PASS" or o["quality"] or BY_TEST & {*o["reason_codes"]}}  # fmt: skip
    yield "who was tested", told | names, proved & names


def of_verdict(record: Json) -> Claims:
    """The verdict by the options' results, and the saving by the months."""
    chosen, verdict, saving = record["chosen"], record["verdict"], record["savings"]
    results = {o["target"]["option"]: o for o in record["options"]}
    passed = {name for name, o in results.items() if o["result"] == "PASS"}
    if passed or (verdict == "downgrade" and chosen in results):
        yield "the verdict by who passed", verdict, "downgrade" if chosen in passed else "another"
    if verdict == "justify":
        still = {code for n, o in results.items() if n not in passed for code in o["reason_codes"]}
        yield "what is open of a reason to stay", set(), still & OPEN
    for key, name in (("monthly", "monthly"), ("after_discounts", "monthly_after_discounts")):
        if saving and chosen in results:
            now, new = record["current_cost"][name], results[chosen]["cost"][name]
            if now and new:
                yield f"saving {key}", Decimal(saving[key]), Decimal(now) - Decimal(new)


def near(said: Any, found: Any) -> bool:
    if isinstance(said, float | int) and isinstance(found, float | int | np.number):
        return abs(said - found) <= 1e-6 + CLOSE * max(abs(said), abs(found))
    return bool(said == found)


def check(record: Json) -> list[str]:
    """What of a record does not follow."""
    claims, design = [*of_verdict(record)], record["evidence"].get("design")
    if design is not None:
        every = (of_proofs, of_tests, of_power, of_saving)
        claims += [claim for of in every for claim in of(record, design)]
    return hashes(record) + [
        f"{what} is {said} in the record, {found} by what it holds"
        for what, said, found in claims if not near(said, found)
    ]  # fmt: skip


if __name__ == "__main__":
    found = {name: check(json.loads(Path(name).read_text("utf-8"))) for name in sys.argv[1:]}
    print("\n".join(f"{name}: {'; '.join(lines) or 'follows'}" for name, lines in found.items()))  # noqa: T201
    sys.exit(any(found.values()))
