"""A verdict worked out again from its record alone, by code that imports nothing of ours.

`python -m tests.prove.verifier RECORD...` prints what does not follow. Written from the papers that
the method names: those of `pvalues` for the tests; Lan-DeMets spending by Armitage's recursion;
Maurer-Bretz for the levels. A bound is checked by its p-value: what lies at the bound is tested at
the bound's level. What is absent counts at its worst in a look, and at its best where an option is
given up or shown to be worse.
"""

import json
import math
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from tests.prove.cases import Cases, Filled
from tests.prove.hashing import hashes
from tests.prove.pvalues import clustered, tango, weighted

Json = dict[str, Any]
BY_QUALITY = {"QUALITY_INFERIOR", "UNLIKELY_TO_PASS", "QUALITY_UNDECIDED"}
SETTLED = {
    "QUALITY_INFERIOR", "UNLIKELY_TO_PASS", "SLICE_REGRESSION", "GUARDRAIL_FAILED",
    "LATENCY_SLO_MISSED", "CAPABILITY_GAP", "DATA_NOT_PERMITTED", "SAVINGS_BELOW_MINIMUM",
    "NET_SAVING_BELOW_MINIMUM", "MODEL_RETIRING", "CHEAPER_ONE_PASSED", "DRIFT_BUDGET_SPENT",
}  # fmt: skip
HARM_POWER = 0.5
LEAST, MOST, WHOLE = 1e-7, 0.4, 99.999
CLOSE = 2e-3  # between a level that a table interpolates and the recursion's own


class Test:
    """The design, and the p-values and levels that follow from it."""

    def __init__(self, design: Json, margin: float) -> None:
        self.d, self.margin, self.last = design, margin / 100, design["looks"][-1]
        self.start = design["stages"][-1] if design["stages"] else 0
        self.table: dict[Any, list[float]] = {}

    def p(self, cases: Any, span: tuple[int, int], delta: float, *, best: int = 0) -> float:
        """At the worst; with `best` the other way round: 1 unadjusted, 2 to show harm."""
        d, method = (cases.most if best else cases.least)[slice(*span)], self.d["method"]
        at = ~np.isnan(d)
        d, labels = d[at] * (-1 if best else 1), cases.labels[slice(*span)][: len(at)][at]
        if method == "cluster-t":
            return clustered(d, labels, delta)
        if method == "gaffke" or best > 1:
            return weighted(d, delta)
        return tango(float((d < 0).sum()), float((d > 0).sum()), len(d), delta)

    def nominal(self, level: float, ends: Any = None) -> list[float]:
        """Level of each look of a test at `level`; with `ends`, of each check that shows harm."""
        ends = tuple(ends or self.d["looks"])
        if self.d["kind"] != "ladder":
            return [level] * len(ends)
        power = self.d["spending"] if ends == tuple(self.d["looks"]) else HARM_POWER
        if (level, ends) not in self.table:
            z, times = -ndtri(max(level, 1e-12) / 2), [self.time(end) for end in ends]
            spent = [2 * float(ndtr(-z / t ** (power / 2))) for t in times]
            steps = [b - a for a, b in pairwise([0.0, *spent])]
            union = self.d["method"] == "cluster-t"
            self.table[level, ends] = steps if union else self.recursion(steps, times)
        return self.table[level, ends]

    def time(self, end: int) -> float:
        return (end - self.start) / (self.last - self.start)

    def recursion(self, steps: list[float], t: list[float]) -> list[float]:
        """Nominal levels whose crossing probabilities are the steps."""
        nominal = [steps[0]]
        edge, x, mass, before = -ndtri(steps[0]) * math.sqrt(t[0]), np.zeros(1), np.ones(1), 0.0
        for k in range(len(t)):
            scale, low, high = math.sqrt(t[k] - before), -8.0, 12.0
            for _ in range(60 if k else 0):
                edge = (low + high) / 2
                over = float(mass @ ndtr((x - edge) / scale)) > steps[k]
                low, high = (edge, high) if over else (low, edge)
            nominal[k:] = [float(ndtr(-edge / math.sqrt(t[k])))]
            ahead = np.linspace(-8 * math.sqrt(t[k]), max(edge, -8 * math.sqrt(t[k])), 300)
            width = np.full(300, ahead[1] - ahead[0])
            width[[0, -1]] /= 2
            far = (ahead[:, None] - x[None, :]) / scale
            mass = width * (np.exp(-far * far / 2) / math.sqrt(2 * math.pi) / scale @ mass)
            x, before = ahead, t[k]
        return nominal

    def believed(self, seen: np.ndarray) -> tuple[float, float, float]:
        """Mean square, precision and mean of the difference, after the prior."""
        mean, sd, square, worth = self.d["prior"]
        spread = ((seen**2).sum() + worth * square) / (len(seen) + worth)
        precision = 1 / sd**2 + len(seen) / spread
        return spread, precision, (mean / sd**2 + seen.sum() / spread) / precision

    def chance(self, seen: np.ndarray, counted: np.ndarray, level: float) -> float:
        """That the last look passes."""
        spread, precision, mean = self.believed(seen)
        size, m = self.last - self.start, self.margin
        rest = max(size - len(counted), 0)
        needed = -size * m - float(ndtri(level)) * math.sqrt(size * max(spread, m * (1 - m)))
        far = counted.sum() + rest * mean - needed
        deviation = math.sqrt(rest**2 / precision + rest * spread)
        return float(ndtr(far / deviation)) if deviation else float(far >= 0)


def shares(raw: list[float]) -> list[float]:
    return [one / sum(raw) if sum(raw) else 0.0 for one in raw]


class Ladder:
    """One history's walk: each option's weight, level and chance, and who was accepted."""

    def __init__(self, test: Test, cases: list[Cases], looked: list[str]) -> None:
        self.test, self.cases, self.looked, d = test, cases, looked, test.d
        every = range(len(cases))
        self.chance, alive = [1.0 for _ in every], [True for _ in every]
        for stage in d["stages"]:
            for k in (k for k in every if alive[k] and cases[k].settled >= stage):
                seen = self.hoped(k, 0, stage)
                self.chance[k] = test.chance(seen, seen[:0], d["alpha"])
                alive[k] = stage == test.last or self.chance[k] >= d["drop_below"]
        self.savings = [max(saving, 1e-6) for _, saving in d["options"]]
        self.worth = d["error_worth"] or 0.0
        nets = [self.net(k, self.seen(k, 0, test.start)) if test.start else self.savings[k]
                for k in every]  # fmt: skip
        raw = shares([alive[k] * self.chance[k] ** 2 * math.sqrt(max(nets[k], 0.1 * saving))
                      for k, saving in enumerate(self.savings)])  # fmt: skip
        least = d["least_weight"] if test.start < test.last else 0.0
        self.weight = shares([one * (one >= least) for one in raw])
        if not d["stages"]:
            self.weight = [1 / len(cases) for _ in every]
        self.local, self.accepted = [w * d["alpha"] for w in self.weight], [False for _ in every]
        self.halted, self.best, self.passes = False, -math.inf, [list[Any]() for _ in every]
        by_net = d["error_worth"] is not None
        self.order = sorted(every, key=lambda k: -nets[k]) if by_net else list(every)
        for place in every:
            self.climb(place, self.order[place])

    def seen(self, k: int, start: int, end: int) -> np.ndarray:
        return self.cases[k].d[self.cases[k].known(start, end)]

    def hoped(self, k: int, start: int, end: int) -> np.ndarray:
        values = self.cases[k].most[start:end]
        return values[~np.isnan(values)]

    def net(self, k: int, seen: np.ndarray) -> float:
        return self.savings[k] - self.worth * max(-self.test.believed(seen)[2], 0.0)

    def climb(self, place: int, k: int) -> None:
        test, d, settled = self.test, self.test.d, self.cases[k].settled
        beaten = self.best >= self.savings[k] if self.worth else any(self.accepted)
        if beaten or self.halted or not self.weight[k] or self.looked[k] == "vetoed":
            return
        level, hopes = d["alpha"] * math.sqrt(self.weight[k]), list[Any]()
        for check, after in pairwise([*d["checks"], 0]):
            if settled < check:
                self.halted = True
                return
            counted = self.cases[k].known(test.start, check)
            if check in d["looks"] and counted:
                look, filled = d["looks"].index(check), Filled(self.cases[k])
                self.passes[k].append(
                    (look, test.p(self.cases[k], (test.start, check), -test.margin))
                )
                hopes.append((look, test.p(filled, (test.start, check), -test.margin)))
            if self.passed(k):
                self.accept(place, self.cases[k].d[counted])
                return
            chance = test.chance(self.hoped(k, 0, check), self.hoped(k, test.start, check), level)
            if chance < d["futile_below"] and settled < after:
                return
        self.halted = self.cases[k].waits and self.under(hopes, k)

    def passed(self, k: int) -> bool:
        return self.under(self.passes[k], k)

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
            parts = shares([self.weight[self.order[j]] for j in range(giver)])
            flow[:giver] = [
                had + part * flow[giver] for had, part in zip(flow, parts, strict=False)
            ]
        heirs = [j for j in range(place) if not self.accepted[self.order[j]] and flow[j]]
        for heir in heirs:
            self.local[self.order[heir]] += flow[heir]
        for heir in reversed(heirs):
            h = self.order[heir]
            if self.looked[h] != "vetoed" and self.passed(h):
                self.accept(heir, self.seen(h, self.test.start, self.test.last))
                return


def near(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= 1e-6 + CLOSE * max(abs(one), abs(other))
    return one == other


class Option:
    """What a record says of one option, and what its cases give; `told` are lines that differ."""

    def __init__(self, option: Json, test: Test, cases: Cases) -> None:
        self.q, self.test, self.cases, proof = option["quality"], test, cases, option["proof"]
        self.lines, self.ladder = list[str](), test.d["kind"] == "ladder" and proof["local"]
        if self.q is None:
            return
        self.level = proof["local"] if self.ladder else self.q["level"]
        first = 0 if self.q["pilot_cases"] or not test.start else test.start
        end = first + self.q["n"] + self.q["missing_cases"]
        self.whole(cases.known(first, cases.settled)[: self.q["n"]], (first, end))
        self.row(self.q, "", (first, end))
        for look in self.q["looks"]:
            name, number = f"look {look['number']}: ", look["number"]
            tested = look["level"] is not None
            end = test.d["looks"][number - 1] if tested else cases.settled
            self.row(look, name, (test.start if number else 0, end))
            if self.ladder and tested:
                self.told(f"{name}level", look["level"], test.nominal(self.level)[number - 1])

    def told(self, what: str, said: Any, found: Any) -> None:
        if not near(said, found):
            self.lines.append(f"{what} is {said}, by its cases {found}")

    def row(self, row: Json, name: str, span: tuple[int, int]) -> None:
        """A look's figures, or the option's own."""
        at = self.cases.known(*span)[: row["n"]]
        self.told(f"{name}cases", row["n"], len(at))
        if not at:
            return
        d = self.cases.d[at]
        self.told(f"{name}difference", row["difference"], float(100 * d.mean()))
        counts = {"lost": d < 0, "won": d > 0, "only_current_right": d < 0}
        for key, found in {**counts, "only_candidate_right": d > 0}.items():
            if row.get(key) is not None:
                self.told(f"{name}{key}", row[key], int(found.sum()))
        if row["worst"] is not None and row["worst"] > -WHOLE:
            p = self.test.p(self.cases, span, row["worst"] / 100)
            self.told(f"{name}level of the worst", row["level"], p)
        if row.get("p_value") is not None and not self.test.d["parts"]:
            p = self.test.p(self.cases, span, -self.test.margin)
            self.told(f"{name}p-value", row["p_value"], p)
            if row["action"] == "pass" and p >= row["level"]:
                self.lines.append(f"{name}passed at {p}, tested at {row['level']}")

    def whole(self, at: list[int], span: tuple[int, int]) -> None:
        scores = [self.cases.scores[k] for k in at]
        for side, key in enumerate(("current", "candidate")):
            if self.q[key] is not None and at:
                self.told(key, self.q[key], 100 * sum(one[side] for one in scores) / len(at))
        if self.q["both_right"] is not None:
            self.told("both right", self.q["both_right"], scores.count((1, 1)))
            self.told("neither right", self.q["neither_right"], scores.count((0, 0)))
        harm, alpha, count = (
            self.q.get("best_level"),
            self.test.d["alpha"],
            len(self.test.d["options"]),
        )
        if self.q["best"] < WHOLE and at:
            p = self.test.p(self.cases, span, -self.q["best"] / 100, best=2 if harm else 1)
            levels = (harm,) if harm else (alpha, self.level, self.q["level"])
            self.told("level of the best", min(levels, key=lambda level: abs(level - p)), p)
        if harm:
            ends = self.test.d["checks"] or self.test.d["looks"]
            place = max(k for k, end in enumerate(ends) if end <= span[1])
            levels = [self.test.nominal(alpha / k, ends)[place] for k in range(1, count + 1)]
            self.told("level of harm", harm, min(levels, key=lambda level: abs(level - harm)))


def of_walk(option: Json, ladder: Ladder, k: int) -> list[str]:
    """The levels, and whether it passed."""
    proof, passed, codes = option["proof"], option["result"] == "PASS", set(option["reason_codes"])
    found = [("part of the error", "weight", ladder.weight[k]), ("level", "local", ladder.local[k])]
    if ladder.test.d["stages"]:
        found.append(("chance by the pilot", "pilot_chance", ladder.chance[k]))
    lines = [f"{what} is {proof[key]}, by its cases {value}" for what, key, value in found
             if not near(proof[key], value)]  # fmt: skip
    if ladder.passes[k] and LEAST < proof["smallest"] < MOST:
        levels = ladder.test.nominal(proof["smallest"])
        if not near(min(p / levels[look] for look, p in ladder.passes[k]), 1.0):
            lines.append(f"{proof['smallest']} is not the smallest level at which a look passes")
    if passed and not ladder.accepted[k]:
        lines.append("it passed, and by its cases it is not accepted")
    if ladder.accepted[k] and not passed and codes <= BY_QUALITY:
        lines.append("by its cases it is accepted, and nothing says what stood against it")
    return lines


def of_tests(record: Json, design: Json) -> list[str]:
    test, life = Test(design, record["margin"]["value"]), record["evidence"]["eval_set"].get("life")
    lines = []
    if life is not None and not near(life["level"], 100 * design["alpha"]):
        lines.append(f"the test takes {life['level']} %, its design {100 * design['alpha']}")
    options = {o["target"]["option"]: o for o in record["options"] if o.get("proof")}
    sizes = [1] * test.last if not design["clusters"] else [*map(int, design["clusters"].split())]
    names = [name for name, _ in design["options"]]
    proofs = [options[name]["proof"] if name in options else {} for name in names]
    cases = [Cases(proof.get("outcomes", ""), sizes) for proof in proofs]
    walks = design["kind"] == "ladder" and not design["parts"]
    ladder = Ladder(test, cases, [p.get("looked_at", "") for p in proofs]) if walks else None
    for k, name in ((k, name) for k, name in enumerate(names) if name in options):
        found = of_walk(options[name], ladder, k) if ladder else []
        found += Option(options[name], test, cases[k]).lines
        lines += [f"{name}: {line}" for line in found]
    return lines


def of_verdict(record: Json) -> list[str]:
    """The verdict by the options' results, and the saving by the months."""
    lines, chosen = list[str](), record["chosen"]
    results = {o["target"]["option"]: o for o in record["options"]}
    passed = [name for name, o in results.items() if o["result"] == "PASS"]
    still = [
        n for n, o in results.items() if n not in passed and not set(o["reason_codes"]) <= SETTLED
    ]
    if record["verdict"] == "downgrade" and chosen in results and chosen not in passed:
        lines.append(f"{chosen} is chosen and did not pass")
    if record["verdict"] != "downgrade" and passed:
        lines.append(f"{passed} passed, and the verdict is {record['verdict']}")
    if record["verdict"] == "justify" and still:
        lines.append(f"a reason to stay, and {still} are open")
    saving = record["savings"] or {}
    for key, name in (("monthly", "monthly"), ("after_discounts", "monthly_after_discounts")):
        if saving and chosen in results:
            now, new = record["current_cost"][name], results[chosen]["cost"][name]
            if now and new and Decimal(saving[key]) != Decimal(now) - Decimal(new):
                lines.append(f"the saving ({key}) is not {now} less {new}")
    return lines


def check(record: Json) -> list[str]:
    """What of a record does not follow."""
    design = record["evidence"].get("design")
    tests = [] if design is None else of_tests(record, design)
    return [*hashes(record), *of_verdict(record), *tests]


if __name__ == "__main__":
    found = {name: check(json.loads(Path(name).read_text("utf-8"))) for name in sys.argv[1:]}
    print("\n".join(f"{name}: {'; '.join(lines) or 'follows'}" for name, lines in found.items()))  # noqa: T201
    sys.exit(any(found.values()))
