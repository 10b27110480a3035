"""The life of an eval set: all tests of one pair of models on the same cases share one error.

Testing until a candidate passes, with more cases, in another order or under another name, errs far
more often than a single test does. So tests of one pair of models that have a case in common share
the error that the policy promises (by the union bound, which assumes nothing about how the tests
depend on each other). The policy says how many tests to plan for (`reviews_per_year`): the first
takes four fifths of the error, which costs it about 9 % more cases than all of it would; the later
ones take equal parts of the rest, and usually have more cases by then.

The same cases of the same pair, asked in the same way, are no new test: they are read in the order
of the first one, and decide as it did. Features of one review are planned by name, each as if it
were reviewed after the one before it.

Each option of a plan is tested at what its own pair has left, so that a pair with little left
takes nothing from the others (`Design.at_most`).

Cases are the same if they ask the same, whatever their ids or the name of their feature. Two
features that ask the same cases for different tasks have different primary scorers: their tests
do not share an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise

from harness.journal.life import PastTest
from harness.plan.lives.ahead import DIGITS, level_of
from harness.plan.lives.identity import (
    as_json,
    changed_since,
    digests,
    facts_of,
    how_asked,
    labels_of,
    pair_digest,
)
from harness.plan.model import AskedBefore, FeaturePlan, LevelsAhead
from harness.plan.planned_options import PlannedOption
from harness.record.base import Reason
from harness.record.life import LifeFacts, OptionLife
from harness.record.model import DecisionRecord
from harness.record.proof import DesignFacts
from harness.wording import listed, plural
from harness.workspace.fingerprints import fingerprint

_ROUNDING = 1e-9
_UNWRITTEN = "~"
"""Stands for the time of a plan of this review; it sorts after every real time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Earlier tests of one option's pair on these cases, and whether this test is one of them."""

    option: str
    spent: float
    tests: int
    again: float | None
    """The level of the earlier test that this one repeats; None: this is a new test."""
    own: bool = False
    """The test repeated is this cycle's own, which was begun and is continued."""

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

    def ahead(self, level: float, planned: int, promised: float) -> LevelsAhead:
        """The level that this test would have with cases added, and that of new cases alone.

        With added cases a test that has not begun keeps its `level`; one that has begun has its
        cases fixed, so that they would belong to the next test.
        """
        if self.again is not None:
            spent = self.spent + (self.again if self.own else 0.0)
            following = level_of(self.tests + self.own + 1, planned, promised)
            level = round(min(following, promised - spent), DIGITS)
        return LevelsAhead(added=max(level, 0.0), new=level_of(1, planned, promised))


def _percent(share: float) -> float:
    return round(100 * share, 6)


def with_life(plan: FeaturePlan, tests: Sequence[PastTest], planned: int) -> FeaturePlan:
    """The plan with the error that earlier tests left, and its cases in the order of those tests.

    The test's error is that of the pair with the most left. Pairs with less have a limit of their
    own; options whose pair has nothing left are excluded. A quick review decides nothing, so it
    takes nothing.
    """
    if plan.quick or plan.incumbent is None:
        return plan
    found = _Earlier.of(plan, tests)
    pairs = [found.pair(one) for one in plan.asked]
    levels = _shared(plan, {pair.option: pair.level(planned, plan.alpha) for pair in pairs}, pairs)
    alpha = max(levels.values(), default=0.0)
    ahead = {
        one.option: one.ahead(levels[one.option], planned, plan.alpha)
        for one in pairs
        if one.tests or one.own
    }
    ordered = replace(found.plan, ahead=ahead, asked_before=found.asked_before())

    def within(one: PlannedOption) -> PlannedOption:
        level = levels.get(one.name)
        if level is not None and level <= 0:
            return _spent(one, found, plan.alpha)
        return one if level is None or level >= alpha else replace(one, at_most=level)

    options = tuple(map(within, plan.options))
    if alpha <= 0:
        return replace(ordered, options=options)
    facts = {pair.option: pair.facts(planned, plan.alpha) for pair in pairs if levels[pair.option]}
    most = next(name for name, level in levels.items() if level == alpha)
    return replace(
        ordered,
        options=options,
        alpha=alpha,
        life=facts[most],
        lives=tuple(
            OptionLife(option=name, life=one) for name, one in facts.items() if one != facts[most]
        ),
    )


def _shared(
    plan: FeaturePlan, levels: Mapping[str, float], pairs: Sequence[_Pair]
) -> Mapping[str, float]:
    """The levels, where options of one pair (a model under two prompts) divide what it has left.

    Pairs at the test's full error need no division: the test itself divides that among its options.
    """
    alpha = max(levels.values(), default=0.0)
    new = {pair.option: pair.again is None and levels[pair.option] < alpha for pair in pairs}
    named = {one.name: pair_digest(plan, one) for one in plan.asked}
    alike = Counter(named[name] for name, is_new in new.items() if is_new)
    return {
        name: round(level / alike[named[name]], DIGITS) if new[name] else level
        for name, level in levels.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """The tests of other cycles that asked some of a feature's cases, oldest first."""

    plan: FeaturePlan
    """Its cases in the order of the first test on exactly these cases, its own feature's if any."""
    mine: tuple[str, ...]
    """Digests of the cases in that order; empty where nothing was ever tested."""
    tests: tuple[PastTest, ...]
    own: PastTest | None
    """The test of the plan's own cycle; None: it has not begun."""

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
            and (own is None or _place(one) < _place(own))
            and _concerns(plan, one)
            and not (known if one.cases else ids).isdisjoint(one.cases or one.ids)
        )
        same = [one for one in (own, *found) if one and sorted(one.cases) == sorted(mine)]
        first = min(
            same, key=lambda one: (one is not own, one.feature != plan.feature), default=None
        )
        ordered = plan if first is None else _in_order_of(plan, first, mine)
        kept = first.cases if first is not None and ordered is not plan else mine
        return cls(plan=ordered, mine=kept, tests=found, own=own)

    def pair(self, option: PlannedOption) -> _Pair:
        """One pair's earlier tests; those with the same cases, order and way of asking are one."""
        digest, tests = pair_digest(self.plan, option), dict[object, float]()
        for test in self.of_pair(option):
            for name, level in test.taken(digest, option.name).items():
                how = _sequence(test, self.plan, name)
                tests[how] = max(tests.get(how, 0.0), level)
        mine, own = self._sequence(option), False
        again = max(
            (
                test.level(digest, option.name) or 0.0
                for test in self.of_pair(option)
                for name in test.taken(digest, option.name)
                if _sequence(test, self.plan, name) == mine
            ),
            default=None,
        )
        spent = round(sum(tests.values()), DIGITS)
        begun = self._begun_at(digest, option.name)
        if begun is not None:
            again, own = begun, True
        return _Pair(option=option.name, spent=spent, tests=len(tests), again=again, own=own)

    def of_pair(self, option: PlannedOption) -> tuple[PastTest, ...]:
        """The tests of one pair."""
        digest = pair_digest(self.plan, option)
        return tuple(one for one in self.tests if one.level(digest, option.name) is not None)

    def _sequence(self, option: PlannedOption) -> object:
        asked = {name: fingerprint(how) for name, how in how_asked(self.plan).items()}
        return (self.mine, _how(asked, self.plan, option.name), self.plan.repeats)

    def _begun_at(self, digest: str, option: str) -> float | None:
        """The pair's level in its cycle's own test; None: it did not begin at this confidence."""
        promised = self.plan.alpha
        if self.own is None:
            return None
        whole = promised if not self.own.cases else 1 - float(self.own.facts["confidence"])
        return self.own.level(digest, option) if abs(whole - promised) < _ROUNDING else None

    def asked_before(self) -> AskedBefore | None:
        """The first test that asked any of these cases, of this or another cycle."""
        written = [test for test in self.tests if test.written_at != _UNWRITTEN]
        every = (*written, *((self.own,) if self.own is not None else ()))
        # Plans of one review were all written before any of their answers was seen.
        every = sorted(every, key=lambda t: (t.written_at, t.feature != self.plan.feature))
        if not every:
            return None
        first = every[0]
        margin = first.facts.get("margin")
        return AskedBefore(
            on=datetime.fromisoformat(first.written_at).date(),
            margin=None if margin is None else float(margin),
            changed=changed_since(self.plan, self.mine, every),
        )


def _is_own(plan: FeaturePlan, test: PastTest) -> bool:
    return (test.feature, test.cycle) == (plan.feature, plan.cycle)


def _concerns(plan: FeaturePlan, test: PastTest) -> bool:
    """Whether a test was the feature's own, or another's with the same primary measure."""
    if test.feature == plan.feature:
        return True
    return bool(test.cases) and test.facts.get("primary") == as_json(asdict(plan.evalset.primary))


def _place(test: PastTest) -> tuple[str, str]:
    """A sort key: when a test was planned; tests of one review follow each other by name."""
    return (test.written_at, test.feature)


def _spent(option: PlannedOption, found: _Earlier, promised: float) -> PlannedOption:
    tests = found.of_pair(option)
    others = sorted({test.feature for test in tests} - {found.plan.feature})
    whose = f", those of {listed(others)} too," if others else ""
    have = "have" if len(tests) != 1 or others else "has"
    note = (
        f"{plural(len(tests), 'test')} of it on these cases{whose} {have} spent the "
        f"{100 * promised:g} % that they share: cases that it was never asked have an error of "
        "their own, in a set of their own"
    )
    return replace(option, excluded=Reason.EVALSET_SPENT, note=note)


def _sequence(test: PastTest, plan: FeaturePlan, option: str) -> object:
    """The identity of a test: its cases in their order, how both models were asked, repeats."""
    how = _how(test.asked, plan, option)
    return (test.cases or test.ids, how, test.facts.get("repeats", 1))


def _how(asked: Mapping[str, str], plan: FeaturePlan, option: str) -> tuple[str, str]:
    """How today's model and an option were asked.

    A cascade without an entry of its own was asked as its cheap model.
    """
    incumbent = plan.incumbent.name if plan.incumbent else ""
    cheap = next((one.first.name for one in plan.options if one.name == option), option)
    return asked.get(incumbent, ""), asked.get(option) or asked.get(cheap, "")


def _in_order_of(plan: FeaturePlan, test: PastTest, mine: Sequence[str]) -> FeaturePlan:
    """The plan with its cases in the order of an earlier test, if no cluster is split by that."""
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


def planned_test(plan: FeaturePlan, tests: Sequence[PastTest]) -> tuple[PastTest, ...]:
    """The test that a plan of this review will be to the features that are planned after it.

    Empty if the test of its cycle is already known, or if it takes no error.
    """
    incumbent = plan.incumbent
    if plan.quick or incumbent is None or any(_is_own(plan, one) for one in tests):
        return ()
    return (
        PastTest(
            feature=plan.feature,
            cycle=plan.cycle,
            written_at=_UNWRITTEN,
            alpha=plan.alpha,
            ids=tuple(case.id for case in plan.sample.deciding),
            cases=digests(plan.sample.deciding),
            labels=labels_of(plan),
            pairs={one.name: pair_digest(plan, one) for one in plan.asked},
            asked={name: fingerprint(how) for name, how in how_asked(plan).items()},
            seed=plan.sample.seed,
            facts=facts_of(plan),
            levels={one.name: one.at_most for one in plan.asked if one.at_most is not None},
        ),
    )


def recorded_tests(
    plan: FeaturePlan, past: Sequence[DecisionRecord], tests: Sequence[PastTest]
) -> tuple[PastTest, ...]:
    """Tests of earlier cycles on exactly these inputs that only a record tells of.

    The journal may have been lost since, or may stand on another machine.
    """
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
            asked=dict.fromkeys(_tested_in(record, plan), ""),
            seed=record.evidence.seed,
            facts={"margin": record.margin.value},
            levels=_limits(record.evidence.design),
        )
        for record in past
        if record.evidence.design is not None
        and (record.feature.id, record.cycle) not in known
        and record.evidence.eval_set.inputs_sha256 == plan.sample.inputs_sha256
    )


def _tested_in(record: DecisionRecord, plan: FeaturePlan) -> Iterator[str]:
    """The options of a recorded test, under the recorded names and under those of the plan.

    The name of a cascade that must be sure holds its threshold, which may have been moved.
    """
    tested = [one for one in record.options if one.proof is not None]
    yield from (one.target.option for one in tested)
    sure = {one.cascade.first for one in tested if one.cascade and one.cascade.threshold}
    for name, pair in plan.cascades.items():
        if pair.first.name in sure and pair.first.name in plan.tuned:
            yield name


def _limits(design: DesignFacts) -> dict[str, float]:
    limits = design.at_most or ()
    named = zip(design.options, limits, strict=False)
    return {name: most for (name, _), most in named if most is not None}
