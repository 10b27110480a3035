"""What makes two tests the same, and what people changed between them.

A page of an eval set's life holds it: what a test asks of whom, in digests, and all that a person
set for it. Nothing of a case's text stands in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evalsets.cases import Case, content, right
from evalsets.splits import deciding_order, tune_cases
from harness.journal.life import LOOK, PastTest
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.wording import listed, plural
from harness.workspace.fingerprints import fingerprint

_TOLD_APART = 0.9
QUICK_SUFFIX = "-quick"
"""Ends the name of a quick review's cycle."""


def digests(cases: Sequence[Case]) -> tuple[str, ...]:
    """What each case asks: by its input where inputs tell the cases apart, else metadata too."""
    inputs = [repr((asked[0], asked[2])) for asked in map(content, cases)]
    if len(set(inputs)) < _TOLD_APART * len(inputs):
        inputs = [repr(content(case)) for case in cases]
    return tuple(map(_digest, inputs))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def pair_digest(plan: FeaturePlan, option: PlannedOption) -> str:
    """Of the incumbent and an option, by what serves them, their version and their effort.

    However sure a cascade's model must be, the two are one pair: its answers are the same.
    """
    return _digest(json.dumps([_who(plan.incumbent), _who(option)], sort_keys=True))


def _who(rung: PlannedOption | None) -> list[object]:
    if rung is None:
        return []
    check = None if rung.cascade is None else rung.cascade.kind
    return [rung.served_identity()["vendor"], rung.version, rung.effort, check]


def order_cycle(tests: Sequence[PastTest], feature: str, cycle: str) -> str:
    """The cycle whose order the cases are asked in: the one that was looked at first, if any.

    Who has looked at some answers would else choose a name whose order begins with good ones.
    """
    mine = (one for one in tests if one.feature == feature and (one.look or one.cycle == cycle))
    first = next(mine, None)
    if first is None or not first.look:
        return cycle
    return first.cycle.removesuffix(LOOK).removesuffix(QUICK_SUFFIX)


def page_of(plan: FeaturePlan) -> dict[str, Any]:
    """A page of the eval set's life: what this test asks of whom, and what people set for it."""
    return {
        "plan": plan.plan_sha256,
        "seed": plan.sample.seed,
        "cases": list(digests(_whole(plan))[: len(plan.sample.deciding)]),
        "labels": list(labels_of(plan)),
        "pairs": {one.name: pair_digest(plan, one) for one in plan.asked},
        "facts": facts_of(plan),
    }


def _whole(plan: FeaturePlan) -> tuple[Case, ...]:
    """All cases of the set: a quick look must digest them as the whole review does."""
    sample = plan.sample
    if not plan.quick:
        return sample.deciding
    return deciding_order(plan.evalset, inputs_sha256=sample.inputs_sha256, cycle=plan.cycle)


def as_json(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """A value as JSON reads it back."""
    return json.loads(json.dumps(value))


def labels_of(plan: FeaturePlan) -> tuple[str | None, ...]:
    """A digest of each case's right answers; None: it has none."""
    return tuple(map(_label, plan.sample.deciding))


def _label(case: Case) -> str | None:
    """Digests of its right answers one by one, to tell an added answer from a changed one."""
    return (
        None if case.target is None else " ".join(sorted(_digest(one)[:8] for one in right(case)))
    )


def tune_of(plan: FeaturePlan) -> dict[str, str | None]:
    """By tune case, a digest of its right answers, where they fix how sure a model must be."""
    return {case.id: _label(case) for case in tune_cases(plan.evalset)} if plan.tuned else {}


def how_asked(plan: FeaturePlan) -> dict[str, dict[str, Any]]:
    """What fixes each model's answers, by name; of a cascade, which of them stand by probability.

    That number follows from the tune cases: what they ask and their right answers are part of it.
    """
    found: dict[str, dict[str, Any]] = {
        rung.name: {"prompt": rung.prompt.sha256, "params": rung.params_sha256(plan.config)}
        for rung in plan.arms
    }
    cases = tune_cases(plan.evalset)
    tune = sorted(zip(digests(cases), map(str, map(_label, cases)), strict=True))
    for name, pair in plan.cascades.items():
        if pair.cascade is not None and pair.cascade.sure is not None:
            found[name] = {
                **found[pair.first.name],
                "sure": pair.cascade.sure,
                "tune": fingerprint(tune),
            }
    return found


def _tune_labels(plan: FeaturePlan) -> dict[str, str | None]:
    """As `tune_of`, by what the cases ask: another feature's case of this name is another one."""
    cases = tune_cases(plan.evalset)
    return dict(zip(digests(cases), map(_label, cases), strict=True))


def _sure(plan: FeaturePlan) -> dict[str, list[float]]:
    """How sure each model must be, by what is asked of it."""
    found: dict[str, list[float]] = {}
    for pair in plan.cascades.values():
        if pair.cascade is not None and pair.cascade.sure is not None:
            found.setdefault(pair.cascade.first, []).append(pair.cascade.sure)
    return {name: sorted(numbers) for name, numbers in found.items()}


def facts_of(plan: FeaturePlan) -> dict[str, Any]:
    """What a person sets, and what decides; a minimum of 0 is none (the gate's tests have none)."""
    evalset = plan.evalset
    minimum = {"minimum": str(plan.minimum_usd)} if plan.minimum_usd else {}
    tuned = {"sure": _sure(plan), "tune": _tune_labels(plan)} if plan.tuned else {}
    return as_json(
        {
            **minimum,
            **tuned,
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


def changed_since(plan: FeaturePlan, mine: Sequence[str], tests: Sequence[PastTest]) -> str | None:
    """What a person changed since these cases were first asked; None where nothing was.

    `tests` asked some of them, oldest first: the first one tells what was set, and each case's
    first one what its label was.
    """
    test = tests[0]
    was, now = test.facts, facts_of(plan)
    moved = [key for key in _TOLD if key in was and key in now and was[key] != now[key]]
    if "margin" in moved and "risk" in moved:
        moved.remove("risk")
    changes = [_change(key, was[key], now[key]) for key in moved]
    relabelled = _relabelled(plan, mine, tests)
    if relabelled:
        changes.append(f"the labels of {plural(relabelled, 'case')}")
    changes += _tuned_otherwise([test.facts for test in tests], now)
    if not changes:
        return None
    return (
        f"changed after answers existed: {listed(changes)}. These cases were first asked on "
        f"{test.written_at[:10]}: to decide by them, put that back; or decide on cases that nobody "
        "has asked"
    )


def _tuned_otherwise(known: Sequence[Mapping[str, Any]], now: Mapping[str, Any]) -> Iterator[str]:
    """How sure models must be, against what the first tests that asked it said; oldest first."""
    sure: dict[str, list[float]] = {}
    labels: dict[str, str] = {}
    for facts in known:
        sure = {**(facts.get("sure") or {}), **sure}
        for case, label in facts.get("tune", {}).items():
            if label is not None:
                labels.setdefault(case, label)
    stated: Mapping[str, list[float]] = now.get("sure") or {}
    for name, numbers in stated.items():
        first = sure.get(name, numbers)
        if not set(numbers) <= set(first):
            was, new = (listed([f"{one:g}" for one in each]) for each in (first, numbers))
            yield f"how sure {name} must be ({was}, now {new})"
    changed = sum(
        not set(labels.get(case, "").split()) <= set((label or "").split())
        for case, label in now.get("tune", {}).items()
    )
    if changed:
        yield f"the labels of {plural(changed, 'tune case')}"


def _change(key: str, before_it: object, now: object) -> str:
    form = _UNITS.get(key)
    return (
        _TOLD[key]
        if form is None
        else (f"{_TOLD[key]} ({form.format(before_it)}, now {form.format(now)})")
    )


def _relabelled(plan: FeaturePlan, mine: Sequence[str], tests: Sequence[PastTest]) -> int:
    """Cases that lost a right answer that they had; labels that came since change nothing."""
    known: Mapping[str, str | None] = {
        case: label
        for test in reversed(tests)
        for case, label in zip(test.cases, test.labels, strict=False)
        if label is not None
    }
    now = zip(mine, labels_of(plan), strict=True)
    return sum(
        not set((known.get(digest) or "").split()) <= set((label or "").split())
        for digest, label in now
    )
