"""What production spent against the limits of `policy.yaml: spend`.

Pure, as the judgement of a change is, with inputs of its own. Limits of the base branch and of the
change are both in force, each with its own waivers: a change waives nothing for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harness.gate.findings import Cause, GateReport, Outcome, Violation
from harness.gate.weakening import laxer_spend
from harness.money.hosting import HOURS_A_MONTH
from harness.money.measured import Window
from harness.money.owned.paid import HOUR, PaidEndpoint, cost_of, most_gpus
from harness.wording import percent, plural, usd
from harness.workspace.policy_file import GateRule, LimitName, SpendLimits, SpendPolicy

EVERYTHING = "(all spend)"
"""The scope named in a finding about all teams and environments together."""
MOST_UNPRICED = Decimal("0.01")
"""Share of the calls that may lack a cost before a limit that seems to hold cannot be told to."""
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendCell:
    """What one team spent in one environment; empty names: nobody's."""

    team: str = ""
    environment: str = ""
    calls: int = 0
    unpriced_calls: int = 0
    """Calls of which neither the log nor a price list says the cost."""
    requests: int = 0
    retries: int | None = 0
    """None: some of its logs do not tell which calls were asked again."""
    usd: Decimal = Decimal(0)
    untagged_usd: Decimal = Decimal(0)
    """The part of it that belongs to no feature."""

    def __post_init__(self) -> None:
        """Refuse a part that is larger than its whole."""
        if self.untagged_usd > self.usd or self.unpriced_calls > self.calls:
            raise ValueError(f"{self}: a part is larger than its whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendInput:
    """Everything that the answer depends on."""

    window: Window
    today: date
    cells: tuple[SpendCell, ...]
    here: SpendPolicy
    before: SpendPolicy | None = None
    """The base branch's; None: not known."""
    endpoints: tuple[PaidEndpoint, ...] | None = None
    """None: no hours of endpoints were read."""
    watched_hours: int | None = None
    """Hours that logs cover; None: all of the window."""
    told: tuple[str, ...] = ()
    """What else of the change moves spend from one scope to another."""

    @property
    def hours(self) -> Decimal:
        """Hours that were read."""
        whole = (self.window.end - self.window.start) // HOUR
        return Decimal(whole if self.watched_hours is None else self.watched_hours)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A limit against what was read of its scope."""

    outcome: Outcome
    code: Cause
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class _Scope:
    """One rule, and what was read of it."""

    label: str
    limits: SpendLimits
    owner: str | None
    cells: tuple[SpendCell, ...]
    endpoints: tuple[PaidEndpoint, ...] | None
    given: SpendInput

    @property
    def usd(self) -> Decimal:
        return sum((cell.usd for cell in self.cells), Decimal(0))

    @property
    def unpriced(self) -> Decimal:
        calls = sum(cell.calls for cell in self.cells)
        return Decimal(sum(cell.unpriced_calls for cell in self.cells)) / calls if calls else _NONE


_NONE = Decimal(0)


def judge_spend(given: SpendInput) -> GateReport:
    """Hold what was spent against every limit. Pure: no file is read."""
    policies = [given.here] if given.before is None else [given.before, given.here]
    found: dict[tuple[str, LimitName], tuple[Violation, Decimal]] = {}
    for policy in policies:
        for scope in _scopes(policy, given):
            for name, limit in scope.limits.stated.items():
                one = _judged(scope, name, limit)
                known = found.setdefault((scope.label, name), (one, limit))
                if _order(known) < _order((one, limit)):
                    found[scope.label, name] = (one, limit)
    findings = [one for one, _ in found.values()]
    held = sum(one.outcome is Outcome.PASS for one in findings)
    return GateReport(
        findings=(*findings, *_moved(given)),
        matching=held,
        against=str(given.window),
        asked=tuple(found),
    )


def _order(one: tuple[Violation, Decimal]) -> tuple[int, Decimal]:
    """The worse outcome first; of two alike the stricter limit."""
    return list(Outcome).index(one[0].outcome), -one[1]


def _scopes(policy: SpendPolicy, given: SpendInput) -> Iterator[_Scope]:
    for scope in policy.scopes:
        endpoints = given.endpoints
        if endpoints is not None:
            endpoints = tuple(e for e in endpoints if scope.holds(e.team, e.environment))
        yield _Scope(
            label=str(scope),
            limits=scope.limits,
            owner=policy.owner_of(scope),
            cells=tuple(c for c in given.cells if scope.holds(c.team, c.environment)),
            endpoints=endpoints,
            given=given,
        )


def _judged(scope: _Scope, name: LimitName, limit: Decimal) -> Violation:
    tried = _WAYS[name](scope, limit)
    nothing = not scope.cells and not scope.endpoints and scope.label != EVERYTHING
    if nothing and tried.outcome is Outcome.PASS:
        message = f"nothing was read of {scope.label}, so its limit was not tried"
        tried = _Tried(Outcome.WARN, Cause.SPEND_NOT_SEEN, message, _NAMES)
    return _waived(scope, name, tried)


_NAMES = "name the team and environment as attribution.yaml and the features do"


def _waived(scope: _Scope, name: LimitName, tried: _Tried) -> Violation:
    waiver = scope.limits.waive.get(name)
    outcome, message, advice = tried.outcome, tried.message, tried.advice
    bad = outcome in {Outcome.FAIL, Outcome.CANNOT_TELL}
    if bad and waiver is not None:
        over = waiver.until < scope.given.today
        told = (
            f"its waiver by {waiver.by} ended on {waiver.until}"
            if over
            else f"waived until {waiver.until} by {waiver.by}: {waiver.reason}"
        )
        message = f"{message}; {told}"
        outcome = outcome if over else Outcome.WARN
    if bad and scope.owner:
        advice = f"{scope.owner} answers for it" + (f"; {advice}" if advice else "")
    return Violation(
        feature=scope.label,
        rule=name,
        code=tried.code,
        outcome=outcome,
        message=message,
        advice=advice,
    )


def _budget(scope: _Scope, limit: Decimal) -> _Tried:
    month = scope.usd * HOURS_A_MONTH / scope.given.hours
    at_this_rate, budget = _apart(month, limit, (usd, "USD {:,.2f}".format, "USD {:,.6f}".format))
    said = (
        f"{usd(scope.usd)} in {scope.given.hours:f} hours is {at_this_rate} a month; "
        f"the budget is {budget}"
    )
    if month > limit:
        return _Tried(Outcome.FAIL, Cause.OVER_BUDGET, said)
    return _unless_unpriced(scope, said)


def _untagged(scope: _Scope, limit: Decimal) -> _Tried:
    nobodys = sum((cell.untagged_usd for cell in scope.cells), Decimal(0))
    share = nobodys / scope.usd if scope.usd else _NONE
    found, most = _apart(share, limit, _SHARES)
    said = f"{found} of {usd(scope.usd)} belongs to no feature ({usd(nobodys)}); at most {most} may"
    if share > limit:
        advice = "place the callers in attribution.yaml: `rightsize import traffic` names them"
        return _Tried(Outcome.FAIL, Cause.SPEND_UNTAGGED, said, advice)
    return _unless_unpriced(scope, said)


def _unless_unpriced(scope: _Scope, said: str) -> _Tried:
    """A limit holds only where nearly all calls have a cost."""
    if scope.unpriced <= MOST_UNPRICED:
        return _Tried(Outcome.PASS, Cause.WITHIN_LIMIT, said)
    told = f"{said}; but {percent(scope.unpriced, 1)} of the calls have no cost"
    return _Tried(
        Outcome.CANNOT_TELL,
        Cause.COST_UNKNOWN,
        told,
        "state the price of their models in models/*.yaml",
    )


def _retries(scope: _Scope, limit: Decimal) -> _Tried:
    requests = sum(cell.requests for cell in scope.cells)
    again = sum(cell.retries or 0 for cell in scope.cells)
    unreported = any(cell.retries is None for cell in scope.cells)
    if not requests:
        if not again:
            return _Tried(Outcome.PASS, Cause.WITHIN_LIMIT, "no request was read")
        told = f"{plural(again, 'retry', 'retries')} were read and no request"
        return _Tried(Outcome.CANNOT_TELL, Cause.SPEND_NOT_MEASURED, told)
    share = Decimal(again) / requests
    found, most = _apart(share, limit, _SHARES)
    said = (
        f"{plural(again, 'call')} of {plural(requests, 'request')} were retries "
        f"({found}); at most {most} may be"
    )
    held = share <= limit
    if held and unreported:
        told = "some logs do not tell which calls were asked again: no id of a request, no text"
        return _Tried(Outcome.CANNOT_TELL, Cause.SPEND_NOT_MEASURED, told)
    outcome = Outcome.PASS if held else Outcome.FAIL
    return _Tried(outcome, Cause.WITHIN_LIMIT if held else Cause.RETRIED_TOO_OFTEN, said)


def _apart(
    value: Decimal, limit: Decimal, forms: Sequence[Callable[[Decimal], str]]
) -> tuple[str, str]:
    """A value and its limit in words; one that passes its limit never reads as if it met it."""
    told = [(form(value), form(limit)) for form in forms]
    return next((pair for pair in told if value <= limit or pair[0] != pair[1]), told[-1])


_SHARES: tuple[Callable[[Decimal], str], ...] = (
    lambda share: percent(share, 1),
    lambda share: percent(share, 4),
    lambda share: percent(share, 9),
)

_NO_METRICS = _Tried(
    Outcome.CANNOT_TELL,
    Cause.SPEND_NOT_MEASURED,
    "no hours of endpoints were read",
    "give their metrics or charges, too: --metrics FILE",
)


def _idle(scope: _Scope, limit: Decimal) -> _Tried:
    if scope.endpoints is None:
        return _NO_METRICS
    idle = sorted(
        (one for one in scope.endpoints if one.longest_idle > limit),
        key=lambda one: (-one.longest_idle, one.name),
    )
    most = f"at most {limit:f} hours may be paid for without a request"
    if idle:
        shown = "; ".join(_idle_words(one) for one in idle[:_SHOWN])
        more = f" and {len(idle) - _SHOWN} more" if idle[_SHOWN:] else ""
        advice = f"stop it after {limit:f} idle hours: `serve: {{ttl_s}}`, or auto-suspend"
        return _Tried(Outcome.FAIL, Cause.IDLE_TOO_LONG, f"{shown}{more}; {most}", advice)
    unclear = [
        one.name for one in scope.endpoints if not one.watched or one.longest_idle == len(one.hours)
    ]
    if unclear:
        told = f"nobody counted every request of {_first(unclear)} for so long; {most}"
        return _Tried(Outcome.CANNOT_TELL, Cause.SPEND_NOT_MEASURED, told)
    return _Tried(Outcome.PASS, Cause.WITHIN_LIMIT, most)


def _idle_words(one: PaidEndpoint) -> str:
    run = max(one.idle_runs, key=len)
    cost = cost_of(run)
    paid = "cost not known" if cost is None else f"{usd(cost)} paid"
    return (
        f"{one.name} had no request for {len(run)} hours from {run[0].at:%Y-%m-%d %H:%M} ({paid})"
    )


def _gpus(scope: _Scope, limit: Decimal) -> _Tried:
    if scope.endpoints is None:
        return _NO_METRICS
    found = most_gpus(scope.endpoints)
    most = f"at most {limit:f} may be"
    if found is not None and found[0] > limit:
        said = f"{found[0]:f} GPUs were held at once ({found[1]:%Y-%m-%d %H:%M} UTC); {most}"
        return _Tried(Outcome.FAIL, Cause.TOO_MANY_GPUS, said)
    unknown = [one.name for one in scope.endpoints if any(h.gpus is None for h in one.hours)]
    if unknown:
        told = f"nobody says how many GPUs {_first(unknown)} holds; {most}"
        return _Tried(Outcome.CANNOT_TELL, Cause.SPEND_NOT_MEASURED, told)
    held = found[0] if found else _NONE
    return _Tried(Outcome.PASS, Cause.WITHIN_LIMIT, f"{held:f} GPUs were held at once; {most}")


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
    return ", ".join(names[:_SHOWN]) + more


_WAYS = {
    "budget_usd": _budget,
    "untagged_share": _untagged,
    "retry_rate": _retries,
    "idle_hours": _idle,
    "gpu_quota": _gpus,
}


def _moved(given: SpendInput) -> Iterator[Violation]:
    """Laxer limits, and what else moves spend: warnings, as the stricter side is in force."""
    was = given.before or given.here
    for text in (*laxer_spend(was, given.here), *given.told):
        yield Violation(
            feature=EVERYTHING,
            rule=GateRule.WEAKENED,
            code=Cause.WEAKENED,
            outcome=Outcome.WARN,
            message=f"not as on the base branch, whose limits are in force, too: {text}",
            advice="merge it by itself first",
        )
