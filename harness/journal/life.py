"""The tests that were made on an eval set, as the journal tells: by whom, on which cases, of whom.

A plan binds its cycle once answers came under it, or stood in the journal when it was written. A
plan that was refused, or that nobody answered, binds nobody and is no test. Beside each plan stands
a page of the set's life (`life FEATURE` among the plans): digests of what the cases ask and of
their labels, in the order of the test, the pairs of models, and all that a person set. A mark
(`read FEATURE`) says that a review read answers under a plan that it may not have paid for itself.
What a model must tell to be sure enough (`sure FEATURE`) is written down before a case that decides
is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, zip_longest
from pathlib import Path
from typing import Any

from harness.journal.journal import Answering, Journal, PlanRow
from harness.workspace.fingerprints import fingerprint

LIFE, READ, SURE = "life ", "read ", "sure "
"""Begin names among the plans; no feature's id has a space."""
LOOK = " (a look)"
"""Ends the cycle of a quick review's look; no cycle's name has a space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTest:
    """One cycle's test of a feature: the first plan that answers came under.

    `ids` are the cases in the order of the test. Without a page of the set's life (a journal of
    before it was kept) `cases`, `labels` and `pairs` are empty; `facts` are what the plan told.
    """

    feature: str
    cycle: str
    written_at: str
    alpha: float
    ids: tuple[str, ...]
    cases: tuple[str, ...]
    labels: tuple[str | None, ...]
    pairs: Mapping[str, str]
    asked: Mapping[str, str]
    """By model: digest of its prompt and parameters."""
    seed: str
    facts: Mapping[str, Any]
    levels: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of options that had less than `alpha` left."""
    look: bool = False
    """A quick review: it tested no pair and took no error, but who looked had seen answers. No
    cycle is its own, so that a whole review under the same name is told from it."""

    def taken(self, pair: str, option: str) -> Mapping[str, float]:
        """The error that each option of a pair of models took in it; empty: it was not tested.

        Options without a level of their own share `alpha`: in equal parts, as none has one. A test
        without digests of its pairs knows options by their names alone.
        """
        legacy = [option] if not self.pairs and option in self.asked else []
        names = [name for name, digest in self.pairs.items() if digest == pair] or legacy
        shared = max(sum(name not in self.levels for name in names), 1)
        return {name: self.levels.get(name, self.alpha / shared) for name in names}

    def level(self, pair: str, option: str) -> float | None:
        """The level that an option was tested at, or else its pair; None: it was not tested."""
        taken = self.taken(pair, option)
        if option in taken:
            return self.levels.get(option, self.alpha)
        return min(sum(taken.values()), self.alpha) if taken else None


def write_life(journal: Journal, feature: str, page: Mapping[str, Any], now: str) -> None:
    """Write a page of an eval set's life, durably; a run has one."""
    text = json.dumps(page, sort_keys=True, ensure_ascii=False)
    journal.write_plan(journal.run_id, f"{LIFE}{feature}", text, fingerprint(page), now)


def note_read(journal: Journal, feature: str, plan_sha256: str, now: str) -> None:
    """Mark, durably, that a review read answers under a plan; once for each plan."""
    if journal.is_read_only or plan_sha256 in _marks(journal.all_plans(f"{READ}{feature}")):
        return
    mark = {"plan": plan_sha256}
    text = json.dumps(mark, sort_keys=True)
    journal.write_plan(journal.run_id, f"{READ}{feature}", text, fingerprint(mark), now)


def note_thresholds(
    journal: Journal, feature: str, plan_sha256: str, fixed: Mapping[str, Any], now: str
) -> None:
    """Write, durably, how sure models must be under a plan, by cascade; the first ones count."""
    if journal.is_read_only or thresholds_under(journal, feature, plan_sha256):
        return
    page = {"plan": plan_sha256, "fixed": fixed}
    text = json.dumps(page, sort_keys=True, ensure_ascii=False)
    journal.write_plan(journal.run_id, f"{SURE}{feature}", text, fingerprint(page), now)


def thresholds_under(journal: Journal, feature: str, plan_sha256: str) -> Mapping[str, Any]:
    """What was fixed under a plan before its first deciding call; empty: nothing was."""
    for row in journal.all_plans(f"{SURE}{feature}"):
        page: dict[str, Any] = json.loads(row.plan)
        if page["plan"] == plan_sha256:
            return page["fixed"]
    return {}


def binding(journal: Journal, feature: str, cycle: str) -> tuple[PlanRow, ...]:
    """The plans of a cycle that bind, oldest first; the first is the one that counts."""
    rows = journal.plans(feature, cycle)
    if not rows:
        return ()
    return _answered(rows, journal.answering(feature), _read_under(journal, feature, cycle))


def times_used(journal: Journal, feature: str, inputs_sha256: str, this: tuple[str, str]) -> int:
    """Tests made on these inputs: one for each cycle and distinct plan.

    `this` is the cycle and plan of the test that is counted with them, once anything was answered.
    """
    answering = journal.answering(feature)
    used = {
        (row.cycle, row.sha256)
        for rows in _by_cycle(journal, feature, answering)
        for row in rows
        if json.loads(row.plan).get("inputs") == inputs_sha256
    }
    if this[1] and (answering or used):
        used.add(this)
    return len(used)


def past_tests(journal: Journal) -> tuple[PastTest, ...]:
    """The tests of every feature and cycle, and the first look of each, oldest first."""
    found = [test for feature in journal.planned_features() for test in _of(journal, feature)]
    return tuple(sorted(found, key=lambda test: (test.written_at, test.feature)))


def tests_in(path: Path) -> tuple[PastTest, ...]:
    """As `past_tests`; none where there is no journal."""
    if not path.is_file():
        return ()
    with Journal.read(path) as journal:
        return past_tests(journal)


def _of(journal: Journal, feature: str) -> Iterator[PastTest]:
    pages: dict[str, Mapping[str, Any]] = {}
    for row in journal.all_plans(f"{LIFE}{feature}"):
        page: dict[str, Any] = json.loads(row.plan)
        pages.setdefault(str(page["plan"]), page)
    for bound in _by_cycle(journal, feature, journal.answering(feature)):
        tests = [_test(row, pages.get(row.sha256)) for row in bound]
        for look in (False, True):
            yield from islice((one for one in tests if one.look is look), 1)


def _by_cycle(
    journal: Journal, feature: str, answering: Sequence[Answering]
) -> Iterator[tuple[PlanRow, ...]]:
    """The plans of each cycle that bind; who answered is looked up once for all of them."""
    rows = sorted(journal.all_plans(feature), key=lambda row: row.cycle)
    for cycle, group in groupby(rows, key=lambda row: row.cycle):
        yield _answered(list(group), answering, _read_under(journal, feature, cycle))


def _test(row: PlanRow, page: Mapping[str, Any] | None) -> PastTest:
    plan: dict[str, Any] = json.loads(row.plan)
    design: dict[str, Any] = plan.get("design") or {}
    told = page or {}
    look = design.get("exploratory") is True
    asked: dict[str, Any] = {} if look else plan.get("asked") or {}
    return PastTest(
        feature=row.feature,
        cycle=f"{row.cycle}{LOOK}" if look else row.cycle,
        written_at=row.written_at,
        alpha=0.0 if look else float(design.get("alpha", 0.0)),
        ids=tuple(design.get("order", ())),
        cases=tuple(told.get("cases", ())),
        labels=tuple(told.get("labels", ())),
        pairs={} if look else told.get("pairs", {}),
        asked={name: fingerprint(how) for name, how in asked.items()},
        seed=str(told.get("seed", "")),
        facts=told.get("facts") or _facts_of(plan, design),
        levels={
            str(one["name"]): float(one["at_most"])
            for one in design.get("options", ())
            if one.get("at_most") is not None
        },
        look=look,
    )


def _facts_of(plan: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan without a page tells of what people set."""
    keys = ("primary", "guardrails", "slices", "bar")
    return {"margin": design.get("margin"), **{key: plan[key] for key in keys if key in plan}}


def _read_under(journal: Journal, feature: str, cycle: str) -> frozenset[str]:
    return _marks(journal.plans(f"{READ}{feature}", cycle))


def _marks(rows: Sequence[PlanRow]) -> frozenset[str]:
    return frozenset(str(json.loads(row.plan)["plan"]) for row in rows)


def _answered(
    rows: Sequence[PlanRow], answering: Sequence[Answering], read: frozenset[str]
) -> tuple[PlanRow, ...]:
    """Those of one cycle's plans under which, or before which, answers came or were read."""
    return tuple(
        row
        for row, end in zip_longest(rows, [_began(row) for row in rows[1:]])
        if row.sha256 in read
        or any(
            run < _began(row) or (run.cycle == row.cycle and (end is None or run < end))
            for run in answering
        )
    )


def _began(row: PlanRow) -> Answering:
    return Answering(started_at=row.written_at, run_id=row.run_id, cycle=row.cycle)
