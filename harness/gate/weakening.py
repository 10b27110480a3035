"""Rules that a change weakens: a pull request holds the change and what it is judged by.

The stricter of both sides is in force, so a weakened rule helps nobody in its own change; it is a
finding all the same, a warning where the change holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from evalsets.cases import Case, EvalSet
from harness.gate.findings import ALL, Cause, Outcome, Violation, level_of
from harness.gate.inputs import GateInput, Stated
from harness.record.lock import LockEntry
from harness.wording import plural
from harness.workspace.feature_file import FeatureConfig, LatencyConfig
from harness.workspace.file_base import Level
from harness.workspace.fingerprints import labels_sha256
from harness.workspace.policy_file import GatePolicy, GateRule, PolicyConfig, SpendPolicy

ORDER = tuple(Level)
"""Levels, the laxest first."""
_FIGURES = ("monthly_increase_percent", "monthly_increase_usd", "request_increase_percent",
            "evaluation_usd")  # fmt: skip


def weakened(given: GateInput) -> Iterator[Violation]:
    """A finding for every rule that is laxer than on the base branch."""
    here, before = given.here, given.before
    if given.rules_before is not None:
        stated = given.rules_stated or given.rules
        yield from _found(ALL, _gate(given.rules_before, stated, given))
    if here is None:
        return
    if before is not None:
        yield from _found(ALL, chain(deciding(before.policy, here.policy), _policy(before, here)))
        for name, was in before.features.items():
            if name in here.features:
                yield from _found(name, _feature(before, here, name))
            else:
                yield _gone(given, name, was)
    yield from _lock_rules(given, here.policy.gate)


def stricter(now: GatePolicy, before: GatePolicy | None) -> GatePolicy:
    """The rules with the lower of both sides' figures; levels are weighed one by one."""
    if before is None:
        return now
    both = {name: (getattr(now, name), getattr(before, name)) for name in _FIGURES}
    lower = {
        name: min((one for one in pair if one is not None), default=None)
        for name, pair in both.items()
    }
    return now.model_copy(update=lower)


def deciding(was: PolicyConfig, now: PolicyConfig) -> Iterator[str]:
    """What of the policy decides and is laxer now."""
    if now.confidence < was.confidence:
        yield f"confidence: {now.confidence:g}, was {was.confidence:g}"
    for name, risk in was.risk.items():
        if name in now.risk and now.risk[name].margin > risk.margin:
            yield f"risk.{name}.margin: {now.risk[name].margin:g}, was {risk.margin:g}"
    if now.minimum_saving_usd < was.minimum_saving_usd:
        yield f"minimum_saving_usd: {now.minimum_saving_usd}, was {was.minimum_saving_usd}"
    if now.procedure != was.procedure:
        yield "procedure: changed"


def _policy(before: Stated, here: Stated) -> Iterator[str]:
    was, now = before.policy, here.policy
    for name in ("justify", "evidence", "prices"):
        old, new = getattr(was.expires_days, name), getattr(now.expires_days, name)
        if new > old:
            yield f"expires_days.{name}: {new}, was {old}"
    for name in ("require_link", "require_signature"):
        if getattr(was, name) and not getattr(now, name):
            yield f"{name}: false, was true"
    yield from laxer_spend(was.spend, now.spend)
    yield from _more_deciders(was.deciders, now.deciders)
    if before.signers is not None and here.signers != before.signers:
        yield "allowed_signers: changed"
    for name, seen in before.may_see.items():
        more = sorted(set(here.may_see.get(name, ())) - set(seen))
        if more:
            yield f"may_see of {name}: {', '.join(more)} added"


def laxer_spend(was: SpendPolicy, now: SpendPolicy) -> Iterator[str]:
    """What of the limits on spend is laxer now: raised, taken out, or waived for longer."""
    after = {scope.key: scope.limits for scope in now.scopes}
    for scope in was.scopes:
        old, new, shown = scope.limits, after.get(scope.key), ".".join(scope.key)
        stated = {} if new is None else new.stated
        for name, limit in old.stated.items():
            left = stated.get(name)
            if left is None or left > limit:
                yield f"{shown}.{name}: {'none' if left is None else f'{left:f}'}, was {limit:f}"
            waived = new.waive.get(name) if new else None
            before = old.waive.get(name)
            if waived and (before is None or waived.until > before.until):
                yield f"{shown}.{name}: waived until {waived.until}"
    ready, wanted = was.chargeback, now.chargeback
    for name, looser in (("allocated_share", -1), ("unexplained_share", 1)):
        old, new = getattr(ready, name), getattr(wanted, name)
        if looser * (new - old) > 0:
            yield f"spend.chargeback.{name}: {new:g}, was {old:g}"


def _more_deciders(was: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    if was and not now:
        yield "deciders: nobody is named any more"
    elif was and set(now) - set(was):
        yield f"deciders: {', '.join(sorted(set(now) - set(was)))} added"


def _gate(was: GatePolicy, now: GatePolicy, given: GateInput) -> Iterator[str]:
    lower: set[GateRule] = set()
    for rule in GateRule:
        old, new = (Level(getattr(one, rule.value)) for one in (was, now))
        if ORDER.index(new) < ORDER.index(old):
            lower.add(rule)
            yield f"gate.{rule.value}: {new.value}, was {old.value}"
    for name, entry in given.lock.features.items():
        for rule in set(GateRule) - lower:
            old, new = (level_of(one, rule, risk=entry.risk, feature=name) for one in (was, now))
            if ORDER.index(new) < ORDER.index(old):
                yield f"gate.{rule.value} for {name}: {new.value}, was {old.value}"
    for name in _FIGURES:
        old, new = getattr(was, name), getattr(now, name)
        if old is not None and (new is None or new > old):
            yield f"gate.{name}: {new}, was {old}"


def _lock_rules(given: GateInput, policy: GatePolicy) -> Iterator[Violation]:
    """Services are judged by the lock's rules: they must not be laxer than the policy's."""
    was = given.lock_before
    if given.rules_locked is None or was is None or was.gate == given.lock.gate:
        return
    for text in _gate(policy, given.rules_locked, given):
        yield Violation(
            feature=ALL,
            rule=GateRule.WEAKENED,
            code=Cause.LOCK_NOT_BACKED,
            outcome=Outcome.FAIL,
            message=f"rightsizing.lock is laxer than policy.yaml: {text}",
            advice="run `rightsize lock` and commit it",
        )


def _feature(before: Stated, here: Stated, name: str) -> Iterator[str]:
    was, now = before.features[name], here.features[name]
    old, new = before.margin(name), here.margin(name)
    if old is not None and (new is None or new > old):
        yield f"margin: {'none' if new is None else f'{new:g}'}, was {old:g}"
    if now.used_in != was.used_in and was.used_in is not None:
        yield f"used_in: {now.used_in or 'nothing'}, was {was.used_in}; both are read"
    if now.data != was.data:
        yield f"data: {now.data}, was {was.data}"
    if now.answers != was.answers:
        yield f"answers: {now.answers}, was {was.answers}"
    yield from _promises(was.latency, now.latency)
    yield from _more_deciders(was.deciders, now.deciders)
    sets = before.evalsets.get(name), here.evalsets.get(name)
    if sets[0] is not None and sets[1] is not None:
        yield from _evalset(sets[0], sets[1])


def _promises(was: LatencyConfig | None, now: LatencyConfig | None) -> Iterator[str]:
    for name in ("p95_s", "ttft_p95_s", "p99_s", "deadline_s"):
        old, new = getattr(was, name, None), getattr(now, name, None)
        if old is not None and (new is None or new > old):
            yield f"latency.{name}: {new or 'nothing'}, was {old}"


@dataclass(frozen=True, slots=True)
class _Bound:
    """How much harm a guardrail or a slice allows."""

    margin: float
    protect: str

    def laxer_than(self, other: _Bound) -> bool:
        return self.margin > other.margin or (self.protect, other.protect) == ("alarm", "proven")


def _evalset(was: EvalSet, now: EvalSet) -> Iterator[str]:
    if was.bar is not None and (now.bar is None or now.bar < was.bar):
        yield f"bar: {now.bar or 'none'}, was {was.bar:g}"
    bounds = _bounds(now)
    for name, old in _bounds(was).items():
        new = bounds.get(name)
        if new is None:
            yield f"{name}: removed"
        elif new.laxer_than(old):
            yield f"{name}: {new.margin:g} ({new.protect}), was {old.margin:g} ({old.protect})"
    if now.primary != was.primary:
        yield f"primary: {now.primary.scorer}, was {was.primary.scorer}, or other options of it"
    if now.cluster_key != was.cluster_key:
        yield f"cluster: {now.cluster_key or 'none'}, was {was.cluster_key or 'none'}"
    if now.repeats < was.repeats:
        yield f"repeats: {now.repeats}, was {was.repeats}"


def _bounds(one: EvalSet) -> Mapping[str, _Bound]:
    guards = {
        f"guardrail {each.scorer.scorer} {each.scorer.options}": _Bound(each.margin, each.protect)
        for each in one.guardrails
    }
    parts = {
        f"slice {each.key} {each.value}": _Bound(each.margin, each.protect) for each in one.slices
    }
    return guards | parts


def _gone(given: GateInput, name: str, was: FeatureConfig) -> Violation:
    """A feature that is deleted although production still asks its model."""
    still = [one for one in given.proposed if one.feature == name and one.asked is not None]
    asks = still[0].asked if still else None
    if asks is not None:
        message = f"the feature is deleted while {still[0].place} still says {asks.name}"
    else:
        message = f"the feature is deleted; {was.used_in or was.incumbent} was its model"
    return Violation(
        feature=name,
        rule=GateRule.WEAKENED,
        code=Cause.FEATURE_REMOVED,
        outcome=Outcome.WARN if asks is None else Outcome.FAIL,
        message=message,
    )


def _found(feature: str, texts: Iterable[str]) -> Iterator[Violation]:
    for text in texts:
        yield Violation(
            feature=feature,
            rule=GateRule.WEAKENED,
            code=Cause.WEAKENED,
            outcome=Outcome.FAIL,
            message=f"laxer than on the base branch, whose rule is in force: {text}",
            advice="merge it by itself first",
        )


def labels(given: GateInput, entry: LockEntry) -> Iterator[Violation]:
    """Right answers of the cases that decided must not change under the decision."""
    now = given.here.evalsets.get(entry.feature) if given.here else None
    made = [
        one.record.evidence.eval_set
        for one in given.evidence or ()
        if one.record.finding_sha256 == entry.finding_sha256
    ]
    if now is None or not made or labels_sha256(now) in {one.labels_sha256 for one in made}:
        return
    if given.before is None:
        told = "are not those of the decision; with --base the gate tells added ones from changed"
        changed = all(one.labels_sha256 is not None for one in made)
    else:
        flipped = _flipped(given.before.evalsets.get(entry.feature), now)
        changed = bool(flipped)
        told = f"of {plural(len(flipped), 'case')} were changed, as of {flipped[:1]}"
    if changed:
        yield Violation(
            feature=entry.feature,
            rule=GateRule.EVALSET,
            code=Cause.LABELS_CHANGED,
            outcome=Outcome.FAIL,
            message=f"the right answers {told}; {entry.decision_id} was made with others",
            advice="take them back, or run `rightsize review` and `rightsize decide` with them",
        )


def _flipped(was: EvalSet | None, now: EvalSet) -> list[str]:
    if was is None:
        return []
    after = {case.id: _right(case) for case in now.cases}
    before = {case.id: _right(case) for case in was.cases}
    return sorted(
        case for case, right in before.items() if right[0] and after.get(case, right) != right
    )


def _right(case: Case) -> tuple[frozenset[str], frozenset[str]]:
    """What counts as right and as wrong: a further right answer is a change, too."""
    given = [] if case.target is None else [case.target]
    return frozenset((*given, *case.also_right, *case.ruled_out)), frozenset(case.ruled_out)
