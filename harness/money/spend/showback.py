"""A showback: what was spent, on what, whose, why it changed, what to do, what may be charged.

All of it is worked out from lines of whole cents, so a reader can add it up again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from harness.money.amounts import exact
from harness.money.measured import TrafficFinding
from harness.money.owned.capacity import OwnedCapacity
from harness.money.portfolio.overview import Overview
from harness.money.portfolio.to_do import Task, to_do
from harness.money.spend.bridge import Factor, Shift, SpendBridge
from harness.money.spend.lines import By, Group, Outlay, PeriodSpend, grouped
from harness.money.spend.outlook import Outlook
from harness.money.spend.potential import Potential
from harness.money.spend.timespan import Timespan
from harness.workspace.policy_file import ChargebackPolicy, SpendPolicy

DRIVERS = 10
CONCENTRATED = Decimal("0.4")
"""A tenant or caller with more than this share of the spend is named."""
PRODUCTION = ("production", "prod", "live")
"""What the production environment is called."""
_ZERO = Decimal(0)
_EXPLAINED = {
    Factor.AGAIN,
    Factor.MODELS,
    Factor.QUESTIONS,
    Factor.ANSWERS,
    Factor.CACHE,
    Factor.A_CALL,
}
"""Causes that somebody must explain where they raise a spend by a fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """Hours in which a feature, or a caller of none, cost more than such hours do."""

    feature: str
    caller: str
    """With most of it."""
    since: datetime
    until: datetime
    """The end of the last hour."""
    hours: int
    """Unusual ones between the two; there may be others between them."""
    usd: Decimal
    """Of the unusual hours."""
    expected: Decimal

    @property
    def excess(self) -> Decimal:
        """USD more than expected."""
        return self.usd - self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSpend:
    """An earlier period of the trend; None: logs do not cover it."""

    span: Timespan
    usd: Decimal | None
    teams: Mapping[str, Decimal]

    def of(self, team: str) -> PastSpend:
        """The same of one team."""
        return replace(self, usd=None if self.usd is None else self.teams.get(team, _ZERO))


@dataclass(frozen=True, slots=True, kw_only=True)
class BillBeside:
    """A month that a bill was read of: billed, and the estimate at prices."""

    month: str
    billed: Decimal
    estimate: Decimal
    unexplained: Decimal
    logged: Decimal | None
    """What the logs of the month came to; None: they do not cover it."""


class NextStep(StrEnum):
    """What is to be done about a driver; the value is its name in tables of figures."""

    PLACE = "place it"
    NAME = "name an owner"
    LOOK = "look into the unusual hours"
    EXPLAIN = "explain the change"
    MEND = "mend what the logs show"
    TASK = "go on with its review"
    REVIEW = "review it"
    NONE = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendDriver:
    """A feature, or a caller of none, by what it cost; and what is to be done next."""

    feature: str
    caller: str
    team: str
    owner: str
    usd: Decimal
    lines: tuple[Outlay, ...]
    shift: Shift | None
    """None: nothing to hold it against."""
    step: NextStep
    unusual: Unusual | None
    finding: TrafficFinding | None
    task: Task | None
    potential: Potential | None
    """What a review could save at most; None: it was reviewed, or nothing is known to be saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFigures:
    """What a page is worded over: of all spend, or of one team."""

    team: str
    """Empty: of all."""
    now: PeriodSpend
    before: PeriodSpend | None
    """The part of the period before that is as long; None: logs do not cover it."""
    bridge: SpendBridge | None
    trend: tuple[PastSpend, ...]
    """Earlier whole periods, oldest first."""
    outlook: Outlook
    unusual: tuple[Unusual, ...]
    findings: tuple[TrafficFinding, ...]
    standing: Overview
    """Records of reviews, as they stand; without any, nothing was reviewed."""
    potentials: tuple[Potential, ...]

    @property
    def change(self) -> Decimal | None:
        """USD more than in the period before."""
        return None if self.before is None else self.now.usd - self.before.usd

    @property
    def mean(self) -> Decimal | None:
        """Of the four periods before, where logs cover all of them."""
        last = [one.usd for one in self.trend[-4:]]
        known = [usd for usd in last if usd is not None]
        return sum(known, _ZERO) / len(known) if len(known) == 4 else None  # noqa: PLR2004

    @property
    def untagged(self) -> tuple[Group, ...]:
        """Callers of no feature, dearest first."""
        return grouped((one for one in self.now.lines if not one.feature), "caller")

    @property
    def unreviewed(self) -> tuple[Potential, ...]:
        """What could be saved at most on features that were never reviewed, most first."""
        known = {one.record.feature.id for one in self.standing.features}
        return tuple(one for one in self.potentials if one.feature not in known)

    @property
    def elsewhere(self) -> Decimal:
        """USD outside production; an environment that nobody names is not counted."""
        return sum(
            (
                one.usd
                for one in self.now.by("environment")
                if one.name and one.name.lower() not in PRODUCTION
            ),
            _ZERO,
        )

    def concentrated(self) -> tuple[tuple[By, Group], ...]:
        """Tenants and callers with more than 40 % of the spend."""
        least = CONCENTRATED * self.now.usd
        kinds: tuple[By, ...] = ("cohort", "caller")
        return tuple(
            (by, one) for by in kinds for one in self.now.by(by) if one.name and one.usd > least
        )

    def drivers(self) -> tuple[SpendDriver, ...]:
        """Everything that cost something, dearest first."""
        known = _Known.of(self)
        found: list[SpendDriver] = []
        for group in _things(self.now.lines):
            first = group.lines[0]
            caller = "" if first.feature else first.caller
            found.append(known.driver(group, first.feature, caller))
        return tuple(found)


def _things(lines: Sequence[Outlay]) -> tuple[Group, ...]:
    """Features, and callers of none, dearest first."""
    placed = grouped((one for one in lines if one.feature), "feature")
    nobody = grouped((one for one in lines if not one.feature), "caller")
    return tuple(sorted((*placed, *nobody), key=lambda one: (-one.usd, one.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What there is to say of each feature."""

    shifts: Mapping[tuple[str, str], Shift]
    unusual: Mapping[str, Unusual]
    findings: Mapping[str, TrafficFinding]
    tasks: Mapping[str, Task]
    reviewed: frozenset[str]
    potentials: Mapping[str, Potential]

    @classmethod
    def of(cls, figures: SpendFigures) -> _Known:
        shifts = () if figures.bridge is None else figures.bridge.shifts
        tasks: dict[str, Task] = {}
        for task in to_do(figures.standing):
            tasks.setdefault(task.feature.record.feature.id, task)
        return cls(
            shifts={(one.feature, one.caller): one for one in shifts},
            unusual={one.feature or one.caller: one for one in reversed(figures.unusual)},
            findings={one.feature: one for one in reversed(figures.findings) if one.feature},
            tasks=tasks,
            reviewed=frozenset(one.record.feature.id for one in figures.standing.features),
            potentials={one.feature: one for one in figures.potentials},
        )

    def driver(self, group: Group, feature: str, caller: str) -> SpendDriver:
        dearest = grouped(group.lines, "team")[0].lines[0]
        owner = next((one.owner for one in group.lines if one.owner), "")
        shift = self.shifts.get((feature, caller))
        step = next(self._steps(feature, caller, owner, shift))
        return SpendDriver(
            feature=feature,
            caller=caller,
            team=dearest.team,
            owner=owner,
            usd=group.usd,
            lines=group.lines,
            shift=shift,
            step=step,
            unusual=self.unusual.get(feature or caller),
            finding=self.findings.get(feature) if feature else None,
            task=self.tasks.get(feature),
            potential=self._open(feature),
        )

    def _open(self, feature: str) -> Potential | None:
        found = None if feature in self.reviewed else self.potentials.get(feature)
        return found if found is not None and found.saving_usd else None

    def _steps(
        self, feature: str, caller: str, owner: str, shift: Shift | None
    ) -> Iterator[NextStep]:
        """What comes first is done first."""
        if not feature:
            yield NextStep.PLACE
        odd = self.unusual.get(feature or caller)
        if odd is not None and (shift is None or 4 * odd.excess >= abs(shift.change)):
            yield NextStep.LOOK
        if not owner:
            yield NextStep.NAME
        if shift is not None and shift.main in _EXPLAINED and 5 * shift.change >= shift.before:
            yield NextStep.EXPLAIN
        if feature in self.findings:
            yield NextStep.MEND
        if feature in self.tasks:
            yield NextStep.TASK
        if self._open(feature) is not None:
            yield NextStep.REVIEW
        yield NextStep.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBack:
    """A period worked out: all spend, each team's, and the bills beside it."""

    whole: SpendFigures
    teams: tuple[SpendFigures, ...]
    """Dearest first; what no team is named for stands in `whole` alone."""
    nobody: Outlook | None
    """The month of what no team is named for; None: there is none."""
    bills: tuple[BillBeside, ...]
    period_covered: bool
    """Whether logs cover the period up to its end, or to where they end."""
    month_covered: bool
    """The same of the month that the forecast is of."""
    logs: tuple[str, ...]
    """The logs that were read, by name."""
    day: date
    limits: SpendPolicy
    """What spend is held to, and from when on it may be charged."""
    owned: OwnedCapacity
    """GPUs and endpoints of one's own, in the period."""

    def chargeable(self, figures: SpendFigures) -> Chargeable:
        """How far a page's numbers are from being charged."""
        return chargeable(
            figures.now,
            self.limits.chargeback,
            billed=sum((one.billed for one in self.bills), _ZERO),
            unexplained=sum((one.unexplained for one in self.bills), _ZERO),
            covered=self.period_covered,
        )


_TENTH = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeable:
    """How far a team's numbers, or all of them, are from being charged; shares are in [0, 1]."""

    allocated: Decimal | None
    """Share of the spend that belongs to a feature; None: nothing was spent."""
    allocated_needed: Decimal
    unexplained: Decimal | None
    """Share of the bill that the estimate does not explain; None: no bill was read."""
    unexplained_allowed: Decimal
    covered: bool = True
    """Whether logs cover the period."""

    @property
    def is_allocated(self) -> bool:
        """Whether enough of the spend belongs to a feature."""
        return self.allocated is not None and self.allocated >= self.allocated_needed

    @property
    def is_reconciled(self) -> bool:
        """Whether enough of the bill is explained."""
        return self.unexplained is not None and self.unexplained <= self.unexplained_allowed

    @property
    def may_be_charged(self) -> bool:
        """Whether every threshold is reached."""
        return self.covered and self.is_allocated and self.is_reconciled

    @property
    def allocated_told(self) -> Decimal | None:
        """Rounded down to a tenth of a percent, so that what is short never looks enough."""
        found = self.allocated
        return None if found is None else found.quantize(_TENTH, ROUND_FLOOR)

    @property
    def unexplained_told(self) -> Decimal | None:
        """Rounded up likewise."""
        found = self.unexplained
        return None if found is None else found.quantize(_TENTH, ROUND_CEILING)


def chargeable(
    now: PeriodSpend,
    policy: ChargebackPolicy,
    *,
    billed: Decimal,
    unexplained: Decimal,
    covered: bool = True,
) -> Chargeable:
    """Hold a period's numbers against the thresholds.

    Args:
        now: the period of a team, or of all.
        policy: the thresholds.
        billed: USD of the bills that were read of its months; 0: none was.
        unexplained: USD of them that the estimate does not explain.
        covered: whether logs cover the period.
    """
    return Chargeable(
        allocated=now.share("feature"),
        allocated_needed=exact(policy.allocated_share),
        unexplained=unexplained / billed if billed > 0 else None,
        unexplained_allowed=exact(policy.unexplained_share),
        covered=covered,
    )
