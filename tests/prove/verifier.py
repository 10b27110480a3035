"""A verdict worked out again from its record alone, by code that imports nothing of ours.

`python -m tests.prove.verifier RECORD...` prints what does not follow. Written from the papers that
the method names: Tango (1998) and, without gains, Clopper-Pearson; Lan-DeMets spending by
Armitage's recursion; Maurer-Bretz for the levels; Waudby-Smith and Ramdas' bets; Cameron-Miller for
clusters. A bound is checked by its p-value: what lies at the bound is tested at the bound's level.
"""

import json
import math
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import betainc, ndtr, ndtri, stdtr

from tests.prove.hashing import hashes

Json = dict[str, Any]
PAIRS = dict(zip("10+-", ((1, 1), (0, 0), (0, 1), (1, 0)), strict=True))
BY_QUALITY = {"QUALITY_INFERIOR", "UNLIKELY_TO_PASS", "QUALITY_UNDECIDED"}
SETTLED = {
    "QUALITY_INFERIOR", "UNLIKELY_TO_PASS", "SLICE_REGRESSION", "GUARDRAIL_FAILED",
    "LATENCY_SLO_MISSED", "CAPABILITY_GAP", "DATA_NOT_PERMITTED", "SAVINGS_BELOW_MINIMUM",
    "NET_SAVING_BELOW_MINIMUM", "MODEL_RETIRING", "CHEAPER_ONE_PASSED", "DRIFT_BUDGET_SPENT",
}  # fmt: skip
LEAST, MOST, WHOLE = 1e-7, 0.4, 99.999
CLOSE = 2e-3  # between a level that a table interpolates and the recursion's own


class Cases:
    """How an option's cases ended: differences (NaN: none), up to the first that lacks a label."""

    def __init__(self, text: str, sizes: list[int]) -> None:
        signs = text.split(" ") if "/" in text or " " in text else list(text)
        self.settled = signs.index("?") if "?" in signs else len(signs)
        self.scores = [self.read(sign) for sign in signs[: self.settled]]
        self.d = np.array([now if new is None else new - now for now, new in self.scores], float)
        self.labels = np.repeat(np.arange(len(sizes)), sizes)

    @staticmethod
    def read(sign: str) -> tuple[Any, Any]:
        if "/" not in sign or "." in sign.split("/"):
            return (0.0, None) if sign == "=" else PAIRS.get(sign, (math.nan, None))
        now, new = map(float, sign.split("/"))
        return now, new

    def known(self, start: int, end: int) -> list[int]:
        return [at for at in range(start, min(end, self.settled)) if not np.isnan(self.d[at])]


def tango(lost: float, won: float, n: float, delta: float) -> float:
    """P-value against a true difference of `delta` or less."""
    b, c = -won - lost + (2 * n - won + lost) * delta, -lost * delta * (1 - delta)
    q = max((math.sqrt(max(b * b - 8 * n * c, 0)) - b) / (4 * n), 0)
    variance, far = n * max(2 * q + delta * (1 - delta), 0), won - lost - n * delta
    p = float(ndtr(-far / math.sqrt(variance))) if variance else 0.5 - 0.5 * np.sign(far)
    if won == 0:
        p = 1.0 if n == lost else max(p, float(betainc(n - lost, lost + 1, 1 + delta)))
    return p


def betting(d: np.ndarray, delta: float) -> float:
    stakes, shares = np.geomspace(0.004, 0.95, 13), np.repeat([0.15 / 6, 0.85 / 7], [6, 7])
    steps = (1 + d) / max(1 + delta, 1e-12) - 1
    wealth = np.log1p(stakes[:, None] * steps).sum(axis=1) + np.log(shares)
    return float(min(1.0, math.exp(-np.logaddexp.reduce(wealth))))


def clustered(d: np.ndarray, labels: np.ndarray, delta: float) -> float:
    _, at = np.unique(labels, return_inverse=True)
    sums, counts, n = np.bincount(at, d), np.bincount(at), len(d)
    error = math.sqrt(((sums - counts * d.mean()) ** 2).sum() * len(sums) / (len(sums) - 1)) / n
    size = (counts**2).sum() / n
    effect = max(((sums**2).sum() + 0.25 * size**2) / ((d**2).sum() + 0.25 * size), 1)
    plain = tango((d < 0).sum() / effect, (d > 0).sum() / effect, n / effect, delta)
    far = d.mean() - delta
    return max(float(stdtr(len(sums) - 1, -far / error if error else -np.sign(far) * 1e9)), plain)


class Test:
    """The design, and the p-values and levels that follow from it."""

    def __init__(self, design: Json, margin: float) -> None:
        self.d, self.margin, self.last = design, margin / 100, design["looks"][-1]
        self.start = design["stages"][-1] if design["stages"] else 0
        self.times = [(x - self.start) / (self.last - self.start) for x in design["looks"]]
        self.table: dict[float, list[float]] = {}

    def p(self, cases: Cases, at: list[int], delta: float, sign: int = 1) -> float:
        d, method = sign * cases.d[at], self.d["method"]
        if method == "tango":
            return tango(float((d < 0).sum()), float((d > 0).sum()), len(d), delta)
        return betting(d, delta) if method == "betting" else clustered(d, cases.labels[at], delta)

    def nominal(self, level: float) -> list[float]:
        """Level of each look of a test at `level`."""
        if self.d["kind"] != "ladder" or self.d["method"] == "betting":
            return [level] * len(self.times)
        if level not in self.table:
            z, power = -ndtri(max(level, 1e-12) / 2), self.d["spending"]
            spent = [2 * float(ndtr(-z / t ** (power / 2))) for t in self.times]
            steps = [b - a for a, b in pairwise([0.0, *spent])]
            self.table[level] = steps if self.d["method"] != "tango" else self.recursion(steps)
        return self.table[level]

    def recursion(self, steps: list[float]) -> list[float]:
        """Nominal levels whose crossing probabilities are the steps."""
        t, nominal = self.times, [steps[0]]
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
                seen = self.seen(k, 0, stage)
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

    def net(self, k: int, seen: np.ndarray) -> float:
        return self.savings[k] - self.worth * max(-self.test.believed(seen)[2], 0.0)

    def climb(self, place: int, k: int) -> None:
        test, d, settled = self.test, self.test.d, self.cases[k].settled
        beaten = self.best >= self.savings[k] if self.worth else any(self.accepted)
        if beaten or self.halted or not self.weight[k] or self.looked[k] == "vetoed":
            return
        level = d["alpha"] * math.sqrt(self.weight[k])
        for check, after in pairwise([*d["checks"], 0]):
            if settled < check:
                self.halted = True
                return
            counted = self.cases[k].known(test.start, check)
            if check in d["looks"] and counted:
                p = test.p(self.cases[k], counted, -test.margin)
                self.passes[k].append((d["looks"].index(check), p))
            if self.passed(k):
                self.accept(place, self.cases[k].d[counted])
                return
            chance = test.chance(self.seen(k, 0, check), self.cases[k].d[counted], level)
            if chance < d["futile_below"] and settled < after:
                return

    def passed(self, k: int) -> bool:
        return any(p < self.test.nominal(self.local[k])[look] for look, p in self.passes[k])

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
        self.whole(cases.known(first, cases.settled)[: self.q["n"]])
        self.row(self.q, "", first)
        for look in self.q["looks"]:
            name = f"look {look['number']}: "
            self.row(look, name, test.start if look["number"] else 0)
            if self.ladder and look["level"] is not None:
                level = test.nominal(self.level)[look["number"] - 1]
                self.told(f"{name}level", look["level"], level)

    def told(self, what: str, said: Any, found: Any) -> None:
        if not near(said, found):
            self.lines.append(f"{what} is {said}, by its cases {found}")

    def row(self, row: Json, name: str, start: int) -> None:
        """A look's figures, or the option's own."""
        at = self.cases.known(start, self.cases.settled)[: row["n"]]
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
            p = self.test.p(self.cases, at, row["worst"] / 100)
            self.told(f"{name}level of the worst", row["level"], p)
        if row.get("p_value") is not None and not self.test.d["parts"]:
            p = self.test.p(self.cases, at, -self.test.margin)
            self.told(f"{name}p-value", row["p_value"], p)
            if row["action"] == "pass" and p >= row["level"]:
                self.lines.append(f"{name}passed at {p}, tested at {row['level']}")

    def whole(self, at: list[int]) -> None:
        scores = [self.cases.scores[k] for k in at]
        for side, key in enumerate(("current", "candidate")):
            if self.q[key] is not None and at:
                self.told(key, self.q[key], 100 * sum(one[side] for one in scores) / len(at))
        if self.q["both_right"] is not None:
            self.told("both right", self.q["both_right"], scores.count((1, 1)))
            self.told("neither right", self.q["neither_right"], scores.count((0, 0)))
        if self.q["best"] < WHOLE and at:
            p = self.test.p(self.cases, at, -self.q["best"] / 100, -1)
            levels = (self.test.d["alpha"], self.level, self.q["level"])
            self.told("level of the best", min(levels, key=lambda level: abs(level - p)), p)


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
