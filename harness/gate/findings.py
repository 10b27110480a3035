"""What the gate found, weighed by the level of each rule, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import cast

from harness.errors import ExitCode
from harness.gate.inputs import GateInput
from harness.workspace.file_base import Level, Risk
from harness.workspace.policy_file import GatePolicy, GateRule, LimitName

ALL = "(all features)"
"""The feature named in a finding that belongs to no single one."""


class Outcome(StrEnum):
    """The outcome of a finding, from best to worst."""

    PASS = "pass"  # noqa: S105  # not a password
    WARN = "warn"
    CANNOT_TELL = "cannot tell"
    FAIL = "fail"


class Cause(StrEnum):
    """Why a finding was made; a closed set."""

    NOT_YET_IN_PRODUCTION = "NOT_YET_IN_PRODUCTION"
    CHECK_NOT_SEEN = "CHECK_NOT_SEEN"
    EXPIRED = "EXPIRED"
    SHOWN_NON_INFERIOR = "SHOWN_NON_INFERIOR"
    NOT_SHOWN_NON_INFERIOR = "NOT_SHOWN_NON_INFERIOR"
    SHOWN_WORSE = "SHOWN_WORSE"
    PROVISIONAL = "PROVISIONAL"
    EVIDENCE_FITS = "EVIDENCE_FITS"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    EVIDENCE_STALE = "EVIDENCE_STALE"
    EVIDENCE_EXPLORATORY = "EVIDENCE_EXPLORATORY"
    NOT_COMPARABLE = "NOT_COMPARABLE"
    BEYOND_PLAN = "BEYOND_PLAN"
    REJECTED = "REJECTED"
    NOT_ACCEPTED_YET = "NOT_ACCEPTED_YET"
    CLOCK_SKEW = "CLOCK_SKEW"
    UNREADABLE = "UNREADABLE"
    UNLOCKED = "UNLOCKED"
    LOCK_NOT_BACKED = "LOCK_NOT_BACKED"
    LOCK_BEHIND = "LOCK_BEHIND"
    LOCK_ENTRY_REMOVED = "LOCK_ENTRY_REMOVED"
    UNCLAIMED_MODEL = "UNCLAIMED_MODEL"
    GUARDRAIL_FAILED = "GUARDRAIL_FAILED"
    SLICE_REGRESSION = "SLICE_REGRESSION"
    LATENCY_SLO_MISSED = "LATENCY_SLO_MISSED"
    PRICE_MISSING = "PRICE_MISSING"
    COST_UNKNOWN = "COST_UNKNOWN"
    DATA_NOT_PERMITTED = "DATA_NOT_PERMITTED"
    MODEL_RETIRING = "MODEL_RETIRING"
    MONTHLY_COST = "MONTHLY_COST"
    REQUEST_COST = "REQUEST_COST"
    EVALUATION_COST = "EVALUATION_COST"
    RATES_ROSE = "RATES_ROSE"
    WEAKENED = "WEAKENED"
    FEATURE_REMOVED = "FEATURE_REMOVED"
    LABELS_CHANGED = "LABELS_CHANGED"
    HISTORY_BROKEN = "HISTORY_BROKEN"
    NOT_A_DECIDER = "NOT_A_DECIDER"
    NOT_SIGNED = "NOT_SIGNED"
    OVERTURNED = "OVERTURNED"
    LOCK_NOT_PROVED = "LOCK_NOT_PROVED"
    WITHIN_LIMIT = "WITHIN_LIMIT"
    OVER_BUDGET = "OVER_BUDGET"
    SPEND_UNTAGGED = "SPEND_UNTAGGED"
    RETRIED_TOO_OFTEN = "RETRIED_TOO_OFTEN"
    IDLE_TOO_LONG = "IDLE_TOO_LONG"
    TOO_MANY_GPUS = "TOO_MANY_GPUS"
    SPEND_NOT_MEASURED = "SPEND_NOT_MEASURED"
    SPEND_NOT_SEEN = "SPEND_NOT_SEEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One finding about a feature: its rule, cause and outcome, and what to do."""

    feature: str
    """Of a limit on spend: the team, the environment, or both."""
    rule: GateRule | LimitName
    code: Cause
    outcome: Outcome
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a change costs, USD at today's rates after discounts; None where it is unknown."""

    before_request: Decimal | None
    after_request: Decimal | None
    before_month: Decimal | None
    after_month: Decimal | None

    @property
    def monthly_increase(self) -> Decimal | None:
        """USD a month more; negative when it saves."""
        if self.before_month is None or self.after_month is None:
            return None
        return self.after_month - self.before_month


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEvidence:
    """The quality that the evidence shows, points."""

    metric: str
    n: int
    difference: float
    worst: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed in one feature, and the evidence that was used."""

    feature: str
    what: str
    """`claude-opus-4-5 -> claude-haiku-4-5`, `prompt`, `eval set`."""
    decision_id: str | None = None
    evidence_day: date | None = None
    evidence_age_days: int | None = None
    shown: QualityEvidence | None = None
    priced: Priced | None = None
    evaluation_usd: Decimal | None = None


def worst(findings: Iterable[Violation]) -> Outcome:
    """The worst outcome; a pass where nothing was found."""
    order = list(Outcome)
    return max((one.outcome for one in findings), key=order.index, default=Outcome.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule applied to one feature, with its findings; none is a pass."""

    feature: str
    rule: GateRule | LimitName
    findings: tuple[Violation, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of its findings."""
        return worst(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The gate's whole answer to a change."""

    findings: tuple[Violation, ...]
    changes: tuple[Change, ...] = ()
    matching: int = 0
    """Number of features that match the lock, or of limits that hold."""
    against: str | None = None
    """The days of the spend that limits were held against; None: a change, against the lock."""
    asked: tuple[tuple[str, GateRule | LimitName], ...] = ()
    """Every feature and rule that was checked, with findings or without."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """One check per feature and rule, in the order in which they were made."""
        found: dict[tuple[str, GateRule | LimitName], list[Violation]] = {
            pair: [] for pair in self.asked
        }
        for one in self.findings:
            found.setdefault((one.feature, one.rule), []).append(one)
        return tuple(
            Check(feature=feature, rule=rule, findings=tuple(findings))
            for (feature, rule), findings in found.items()
        )

    @property
    def outcome(self) -> Outcome:
        """The worst of all findings."""
        return worst(self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """0 pass or warn, 3 failed, 4 cannot tell."""
        codes = {Outcome.FAIL: ExitCode.GATE_FAILED, Outcome.CANNOT_TELL: ExitCode.CANNOT_TELL}
        return codes.get(self.outcome, ExitCode.OK)


_OF_A_LOCK: tuple[GateRule, ...] = (GateRule.MODEL, GateRule.EXPIRED_UNCHANGED)
"""Rules that need only the lock."""
_OF_RECORDS: tuple[GateRule, ...] = (
    GateRule.PROMPT,
    GateRule.EVALSET,
    GateRule.LOCK,
    GateRule.GUARDRAIL,
    GateRule.LATENCY,
    GateRule.UNPRICED,
    GateRule.NOT_PERMITTED,
    GateRule.RETIRING,
    GateRule.BUDGET,
)
"""Rules that need a workspace and its records."""
_SHOWN_HARM_COUNTS = frozenset({Cause.SHOWN_WORSE})


def level_of(rules: GatePolicy, rule: GateRule, *, risk: str | None, feature: str) -> Level:
    """The level of a rule: the feature's own, else its risk class's, else the policy's."""
    own = rules.by_feature.get(feature, {}).get(rule)
    if own is not None:
        return own
    of_risk = rules.by_risk.get(cast("Risk", risk), {}).get(rule) if risk is not None else None
    return of_risk or cast("Level", getattr(rules, rule.value))


def strictest(
    rules: Iterable[GatePolicy], rule: GateRule, *, risk: str | None, feature: str
) -> Level:
    """The strictest level of a rule by several policies."""
    levels = [level_of(one, rule, risk=risk, feature=feature) for one in rules]
    return max(levels, key=tuple(Level).index)


def weighed(
    findings: Iterable[Violation], rules: Iterable[GatePolicy], *, risk: str | None
) -> tuple[Violation, ...]:
    """The findings after the policies' levels: `off` drops one, `warn` makes a failure a warning.

    Shown harm stays a failure unless the rule is off.
    """
    kept: list[Violation] = []
    policies = tuple(rules)
    for one in findings:
        level = strictest(policies, GateRule(one.rule), risk=risk, feature=one.feature)
        if level is Level.OFF and one.outcome is not Outcome.PASS:
            continue
        softened = level is Level.WARN and one.code not in _SHOWN_HARM_COUNTS
        bad = one.outcome in {Outcome.FAIL, Outcome.CANNOT_TELL}
        kept.append(replace(one, outcome=Outcome.WARN) if softened and bad else one)
    return tuple(kept)


def asked_of(given: GateInput) -> tuple[tuple[str, GateRule], ...]:
    """Every feature and rule that the gate checks here; rules that are off are left out."""
    pairs: list[tuple[str, GateRule]] = []
    for proposed in given.proposed:
        entry = given.lock.features.get(proposed.feature)
        rules = _rules(given, locked=entry is not None)
        risk = entry.risk if entry else None
        pairs.extend(
            (proposed.feature, rule)
            for rule in rules
            if strictest(given.in_force, rule, risk=risk, feature=proposed.feature) is not Level.OFF
        )
    whole = [(given.added is not None, GateRule.UNCLAIMED_MODEL)]
    whole.append((given.rules_before is not None, GateRule.WEAKENED))
    for known, rule in whole:
        level = strictest(given.in_force, rule, risk=None, feature=ALL)
        if known and level is not Level.OFF:
            pairs.append((ALL, rule))
    return tuple(dict.fromkeys(pairs))


def _rules(given: GateInput, *, locked: bool) -> tuple[GateRule, ...]:
    if not locked:
        return (GateRule.UNLOCKED,)
    return _OF_A_LOCK if given.evidence is None else _OF_A_LOCK + _OF_RECORDS
