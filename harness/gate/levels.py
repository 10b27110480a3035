"""Which level a rule has for a feature, and what that makes of a finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from harness.gate.findings import ALL, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.config.file_base import Level, Risk
    from harness.config.policy_file import GatePolicy, GateRule
    from harness.gate.findings import Finding
    from harness.gate.inputs import GateInput

_OF_A_LOCK: tuple[GateRule, ...] = ("model", "expired_unchanged")
"""What can be judged by the lock alone."""
_OF_RECORDS: tuple[GateRule, ...] = (
    "prompt",
    "evalset",
    "lock",
    "guardrail",
    "latency",
    "unpriced",
    "not_permitted",
    "retiring",
    "budget",
)
"""What takes a workspace and its records."""
_SHOWN_HARM_COUNTS = frozenset({"SHOWN_WORSE"})


def level_of(rules: GatePolicy, rule: GateRule, *, risk: str | None, feature: str) -> Level:
    """The level of a rule: the feature's own, else its risk class's, else the policy's."""
    own = rules.by_feature.get(feature, {}).get(rule)
    if own is not None:
        return own
    of_risk = rules.by_risk.get(cast("Risk", risk), {}).get(rule) if risk is not None else None
    return of_risk or cast("Level", getattr(rules, rule))


def weighed(
    findings: Iterable[Finding], rules: GatePolicy, *, risk: str | None
) -> tuple[Finding, ...]:
    """The findings as the policy weighs them: off leaves one out, warn makes a failure a warning.

    Harm that was shown is a failure wherever the rule is on.
    """
    kept: list[Finding] = []
    for one in findings:
        level = level_of(rules, one.rule, risk=risk, feature=one.feature)
        if level == "off" and one.outcome is not Outcome.PASS:
            continue
        softened = level == "warn" and one.code not in _SHOWN_HARM_COUNTS
        bad = one.outcome in {Outcome.FAIL, Outcome.CANNOT_TELL}
        kept.append(replace(one, outcome=Outcome.WARN) if softened and bad else one)
    return tuple(kept)


def asked_of(given: GateInput) -> tuple[tuple[str, GateRule], ...]:
    """Every feature and rule that the gate looks at here; a rule that is off is not looked at."""
    pairs: list[tuple[str, GateRule]] = []
    for proposed in given.proposed:
        entry = given.lock.features.get(proposed.feature)
        rules = _rules(given, locked=entry is not None)
        risk = entry.risk if entry else None
        pairs.extend(
            (proposed.feature, rule)
            for rule in rules
            if level_of(given.rules, rule, risk=risk, feature=proposed.feature) != "off"
        )
    if given.added is not None and given.rules.unclaimed_model != "off":
        pairs.append((ALL, "unclaimed_model"))
    return tuple(dict.fromkeys(pairs))


def _rules(given: GateInput, *, locked: bool) -> tuple[GateRule, ...]:
    if not locked:
        return ("unlocked",)
    return _OF_A_LOCK if given.evidence is None else _OF_A_LOCK + _OF_RECORDS
