"""The life of an eval set: every test of one pair of models on the same cases shares one error.

Whoever tests again on more cases, in another order or under another name until a candidate passes,
is wrong far more often than once in twenty. So all tests of one pair of models in which a case was
asked before share the error that the policy promises (the union bound, which needs nothing of how
the tests depend on each other). Of so many tests as are planned (`reviews_per_year`) the first
takes four fifths: that costs it about 9 % more cases than the whole would. Each later one takes an
equal part of the rest, and has more cases by then. The same cases of the same pair, asked in the
same way, are no new test: they are read in the order of the first one, and decide as they did.

Cases are the same by what they ask, not by their ids or by the name of their feature. Two features
that ask the same cases for another task have another primary scorer, and are two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from evalsets.cases import Case, content, right
from harness.journal.life import PastTest
from harness.plan.ladder import PlannedOption
from harness.plan.model import AskedBefore, FeaturePlan
from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.record.trust import LifeFacts
from harness.wording import listed, plural
from harness.workspace.fingerprints import fingerprint

FIRST_SHARE = 0.8
"""Of the promised error, what the first of several planned tests takes."""
_TOLD_APART = 0.9
_DIGITS = 9
_ROUNDING = 1e-9


def digests(cases: Sequence[Case]) -> tuple[str, ...]:
    """What each case asks: by its input where inputs tell the cases apart, else metadata too."""
    inputs = [repr((asked[0], asked[2])) for asked in map(content, cases)]
    if len(set(inputs)) < _TOLD_APART * len(inputs):
        inputs = [repr(content(case)) for case in cases]
    return tuple(map(_digest, inputs))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def level_of(test: int, planned: int, promised: float) -> float:
    """The error that test number `test`, from 1, may make; 0 beyond the planned ones.

    >>> [level_of(test, 4, 0.05) for test in (1, 2, 5)], level_of(1, 1, 0.05)
    ([0.04, 0.003333333, 0.0], 0.05)
    """
    if test > planned:
        return 0.0
    if planned == 1:
        return promised
    share = FIRST_SHARE if test == 1 else (1 - FIRST_SHARE) / (planned - 1)
    return round(promised * share, _DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One option's tests on these cases: the earlier ones, and whether this is one of them."""

    option: str
    spent: float
    tests: int
    again: float | None
    """The level of the earlier test that this one is; None: it is a new one."""
    own: bool = False
    """That test is its own cycle's, which has begun."""

    def level(self, planned: int, promised: float) -> float:
        if self.again is not None:
            return self.again
        return round(min(level_of(self.tests + 1, planned, promised), promised - self.spent), 9)

    def facts(self, planned: int, promised: float) -> LifeFacts:
        level = self.level(planned, promised)
        new = self.again is None or self.own
        left = promised - self.spent - (level if new else 0)
        return LifeFacts(
            promised=_percent(promised),
            planned=planned,
            test=self.tests + new,
            level=_percent(level),
            left=_percent(max(left, 0.0)),
            again=not new,
        )


def _percent(share: float) -> float:
    return round(100 * share, 6)


def with_life(plan: FeaturePlan, tests: Sequence[PastTest], planned: int) -> FeaturePlan:
    """The plan at the level that these cases have left, in the order that they were tested in.

    Options whose pair has nothing left are excluded. A quick review decides nothing, and takes
    nothing.
    """
    if plan.quick or plan.incumbent is None:
        return plan
    found = _Earlier.of(plan, tests)
    pairs = {one.name: found.pair(one) for one in plan.asked}
    levels = {name: pair.level(planned, plan.alpha) for name, pair in pairs.items()}
    options = tuple(
        one if levels.get(one.name, 1.0) > 0 else _spent(one, pairs[one.name], plan.alpha)
        for one in plan.options
    )
    left = [pair for name, pair in pairs.items() if levels[name] > 0]
    tightest = min(left, key=lambda pair: levels[pair.option], default=None)
    if tightest is None:
        return replace(found.plan, options=options, asked_before=found.asked_before())
    begun = found.begun_at()
    tightest = tightest if begun is None else replace(tightest, again=begun, own=True)
    return replace(
        found.plan,
        options=options,
        alpha=tightest.level(planned, plan.alpha),
        life=tightest.facts(planned, plan.alpha),
        asked_before=found.asked_before(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """The tests of other cycles that asked some of a feature's cases, oldest first.

    `plan` has its cases in the order of the first test of just these cases (its own feature's if it
    had one), `mine` are their
    digests in that order (empty where nothing was ever tested), `own` is its cycle's own test.
    """

    plan: FeaturePlan
    mine: tuple[str, ...]
    tests: tuple[PastTest, ...]
    own: PastTest | None

    @classmethod
    def of(cls, plan: FeaturePlan, tests: Sequence[PastTest]) -> _Earlier:
        if not tests:
            return cls(plan=plan, mine=(), tests=(), own=None)
        mine = digests(plan.sample.deciding)
        own = next((one for one in tests if _is_own(plan, one)), None)
        known, ids = frozenset(mine), frozenset(case.id for case in plan.sample.deciding)
        found = tuple(
            one
            for one in tests
            if not _is_own(plan, one)
            and (own is None or one.written_at < own.written_at)
            and _concerns(plan, one)
            and not (known if one.cases else ids).isdisjoint(one.cases or one.ids)
        )
        same = [one for one in found if sorted(one.cases) == sorted(mine)]
        first = min(same, key=lambda one: one.feature != plan.feature, default=None)
        ordered = plan if first is None else _in_order_of(plan, first, mine)
        kept = first.cases if first is not None and ordered is not plan else mine
        return cls(plan=ordered, mine=kept, tests=found, own=own)

    def pair(self, option: PlannedOption) -> _Pair:
        """Group the tests of one pair: those of one order, asked in the same way, are one."""
        digest, tests = pair_digest(self.plan, option), dict[object, float]()
        for test in self.tests:
            legacy = not test.pairs and option.name in test.asked
            if legacy or digest in test.pairs.values():
                name = _sequence(test, self.plan, option)
                tests[name] = max(tests.get(name, 0.0), test.alpha)
        again = tests.get(self._sequence(option)) if tests else None
        spent = round(sum(tests.values()), _DIGITS)
        return _Pair(option=option.name, spent=spent, tests=len(tests), again=again)

    def _sequence(self, option: PlannedOption) -> object:
        asked = (self.plan.incumbent, option.first)
        how = tuple(fingerprint(_asked(self.plan, one)) for one in asked if one is not None)
        return (self.mine, how, self.plan.repeats)

    def begun_at(self) -> float | None:
        """The level of its cycle's own test, once begun; another confidence is another test."""
        promised = self.plan.alpha
        if self.own is None:
            return None
        whole = promised if not self.own.cases else 1 - float(self.own.facts["confidence"])
        return self.own.alpha if abs(whole - promised) < _ROUNDING else None

    def asked_before(self) -> AskedBefore | None:
        """The first test that asked any of these cases, of this or another cycle."""
        every = (*self.tests, *((self.own,) if self.own is not None else ()))
        first = min(every, key=lambda test: test.written_at, default=None)
        if first is None:
            return None
        margin = first.facts.get("margin")
        return AskedBefore(
            on=datetime.fromisoformat(first.written_at).date(),
            margin=None if margin is None else float(margin),
            changed=_changed_since(self.plan, self.mine, first),
        )


def _is_own(plan: FeaturePlan, test: PastTest) -> bool:
    return (test.feature, test.cycle) == (plan.feature, plan.cycle)


def _concerns(plan: FeaturePlan, test: PastTest) -> bool:
    """It was the feature's own, or another's with the same measure."""
    if test.feature == plan.feature:
        return True
    return bool(test.cases) and test.facts.get("primary") == _json(asdict(plan.evalset.primary))


def _json(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    return json.loads(json.dumps(value))


def _spent(option: PlannedOption, pair: _Pair, promised: float) -> PlannedOption:
    note = (
        f"{pair.tests} tests of it on these cases have spent the {100 * promised:g} % that they "
        "share: cases that it was never asked have an error of their own, in a set of their own"
    )
    return replace(option, excluded=Reason.EVALSET_SPENT, note=note)


def _sequence(test: PastTest, plan: FeaturePlan, option: PlannedOption) -> object:
    """What makes a test one and the same: the cases in their order, and how both were asked."""
    incumbent = plan.incumbent.name if plan.incumbent else ""
    how = tuple(test.asked.get(name, "") for name in (incumbent, option.first.name))
    return (test.cases or test.ids, how, test.facts.get("repeats", 1))


def _asked(plan: FeaturePlan, rung: PlannedOption) -> dict[str, str]:
    return {"prompt": rung.prompt.sha256, "params": rung.params_sha256(plan.config)}


def _in_order_of(plan: FeaturePlan, test: PastTest, mine: Sequence[str]) -> FeaturePlan:
    """The plan with the cases in the order of an earlier test, where whole clusters allow it."""
    sample = plan.sample
    by_digest = dict(zip(mine, sample.deciding, strict=True))
    if len(by_digest) < len(sample.deciding):
        return plan
    ordered = tuple(by_digest[digest] for digest in test.cases)
    clusters = tuple(plan.evalset.cluster(case) for case in ordered)
    if 1 + sum(one != other for one, other in pairwise(clusters)) > len(set(clusters)):
        return plan
    new = replace(sample, deciding=ordered, clusters=clusters, seed=test.seed or sample.seed)
    return replace(plan, sample=new)


def pair_digest(plan: FeaturePlan, option: PlannedOption) -> str:
    """Of the incumbent and an option, by what serves them, their version and their effort."""
    return _digest(json.dumps([_who(plan.incumbent), _who(option)], sort_keys=True))


def _who(rung: PlannedOption | None) -> list[object]:
    if rung is None:
        return []
    check = None if rung.cascade is None else rung.cascade.accept_when
    return [rung.served_identity()["vendor"], rung.version, rung.effort, check]


def recorded_tests(
    plan: FeaturePlan, past: Sequence[DecisionRecord], tests: Sequence[PastTest]
) -> tuple[PastTest, ...]:
    """Tests of earlier cycles on just these inputs that a journal forgot, and a record tells."""
    known = {(one.feature, one.cycle) for one in tests}
    return tuple(
        PastTest(
            feature=record.feature.id,
            cycle=record.cycle,
            written_at=record.generated_at.isoformat(),
            alpha=record.evidence.design.alpha,
            ids=tuple(case.id for case in plan.sample.deciding),
            cases=(),
            labels=(),
            pairs={},
            asked={one.target.option: "" for one in record.options if one.proof is not None},
            seed=record.evidence.seed,
            facts={"margin": record.margin.value},
        )
        for record in past
        if record.evidence.design is not None
        and (record.feature.id, record.cycle) not in known
        and record.evidence.eval_set.inputs_sha256 == plan.sample.inputs_sha256
    )


def page_of(plan: FeaturePlan) -> dict[str, Any]:
    """A page of the eval set's life: what this test asks of whom, and what people set for it."""
    return {
        "plan": plan.plan_sha256,
        "seed": plan.sample.seed,
        "cases": list(digests(plan.sample.deciding)),
        "labels": [_label(case) for case in plan.sample.deciding],
        "pairs": {one.name: pair_digest(plan, one) for one in plan.asked},
        "facts": facts_of(plan),
    }


def _label(case: Case) -> str | None:
    """Digests of its right answers, so that a further one is told from another one."""
    return (
        None if case.target is None else " ".join(sorted(_digest(one)[:8] for one in right(case)))
    )


def facts_of(plan: FeaturePlan) -> dict[str, Any]:
    """What a person sets, and what decides; a minimum of 0 is none (the gate's tests have none)."""
    evalset = plan.evalset
    minimum = {"minimum": str(plan.minimum_usd)} if plan.minimum_usd else {}
    return _json(
        {
            **minimum,
            "margin": plan.margin,
            "risk": plan.config.risk,
            "confidence": plan.confidence,
            "slices": [asdict(named) for named in evalset.slices],
            "guardrails": [asdict(guardrail) for guardrail in evalset.guardrails],
            "primary": asdict(evalset.primary),
            "bar": evalset.bar,
            "repeats": plan.repeats,
        }
    )


_TOLD = {
    "margin": "the margin",
    "risk": "the risk",
    "confidence": "the confidence",
    "minimum": "the smallest saving",
    "primary": "the scorer",
    "guardrails": "the guardrails",
    "slices": "the slices",
    "bar": "the bar",
}
_UNITS = {"margin": "{:g} points", "risk": "{}", "confidence": "{:.4g} %", "minimum": "USD {}"}


def _changed_since(plan: FeaturePlan, mine: Sequence[str], test: PastTest) -> str | None:
    """What a person changed since these cases were first asked; None where nothing was."""
    was, now = test.facts, facts_of(plan)
    moved = [key for key in _TOLD if key in was and key in now and was[key] != now[key]]
    if "margin" in moved and "risk" in moved:
        moved.remove("risk")
    changes = [_change(key, was[key], now[key]) for key in moved]
    relabelled = _relabelled(plan, mine, test)
    if relabelled:
        changes.append(f"the labels of {plural(relabelled, 'case')}")
    if not changes:
        return None
    return (
        f"changed after answers existed: {listed(changes)}. These cases were first asked on "
        f"{test.written_at[:10]}: to decide by them, put that back; or decide on cases that nobody "
        "has asked"
    )


def _change(key: str, before_it: object, now: object) -> str:
    form = _UNITS.get(key)
    return (
        _TOLD[key]
        if form is None
        else (f"{_TOLD[key]} ({form.format(before_it)}, now {form.format(now)})")
    )


def _relabelled(plan: FeaturePlan, mine: Sequence[str], test: PastTest) -> int:
    """Cases that lost a right answer that they had; labels that came since change nothing."""
    known: Mapping[str, str | None] = dict(zip(test.cases, test.labels, strict=False))
    now = zip(mine, map(_label, plan.sample.deciding), strict=True)
    return sum(
        not set((known.get(digest) or "").split()) <= set((label or "").split())
        for digest, label in now
    )
