"""`policy.yaml`: the company's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from evalsets.files import FileModel
from harness.workspace.file_base import Days, Level, Points, Risk, Share, Usd, Vendor, listed


class RiskPolicy(FileModel):
    """What a risk class allows."""

    margin: Points
    """Largest acceptable loss of quality, in points."""


class ExpiryDays(FileModel):
    """How long things last, in days."""

    justify: Days = 100
    """A signed reason to stay."""
    evidence: Days = 100
    """A record's evidence."""
    prices: Days = 45
    """Prices, before they warn; twice that, before they fail."""


class BoughtGpus(FileModel):
    """GPUs that are paid for until a day, whether they are used or not."""

    gpus: Annotated[int, Field(gt=0, le=10**6)]
    """How many."""
    until: date
    """Last day of the term."""
    usd_per_gpu_hour: Usd | None = None
    """What one costs an hour; default: the row's `committed_1y`."""


class GpuPrice(FileModel):
    """A row of the GPU price book."""

    on_demand: Usd
    """USD per GPU-hour."""
    committed_1y: Usd | None = None
    """USD per GPU-hour, one year committed."""
    committed_3y: Usd | None = None
    """USD per GPU-hour, three years committed."""
    spot: Usd | None = None
    """USD per GPU-hour that may be taken away."""
    managed_premium: Annotated[float, Field(ge=0, le=1000)] = 0
    """Managed endpoint's extra, as a share."""
    bought: tuple[BoughtGpus, ...] = ()
    """What is committed by now."""
    as_of: date
    """Day of the quote."""
    source: str
    """Where the price comes from."""

    @model_validator(mode="after")
    def _prices_what_is_bought(self) -> GpuPrice:
        if self.committed_1y is None and any(b.usd_per_gpu_hour is None for b in self.bought):
            raise ValueError("bought: state `usd_per_gpu_hour`, as there is no `committed_1y`")
        return self


class GateRule(StrEnum):
    """What the gate looks at; each rule is a field of `GatePolicy` that holds its level."""

    MODEL = "model"
    PROMPT = "prompt"
    EVALSET = "evalset"
    UNCLAIMED_MODEL = "unclaimed_model"
    EXPIRED_UNCHANGED = "expired_unchanged"
    UNLOCKED = "unlocked"
    LOCK = "lock"
    GUARDRAIL = "guardrail"
    LATENCY = "latency"
    UNPRICED = "unpriced"
    NOT_PERMITTED = "not_permitted"
    RETIRING = "retiring"
    BUDGET = "budget"
    WEAKENED = "weakened"


_Rule = Annotated[GateRule, listed(GateRule)]
_Level = Annotated[Level, listed(Level)]


def _fails(level: object) -> bool:
    """A rule that came later is not written while it has its default: locks keep their bytes."""
    return level is Level.FAIL


class GatePolicy(FileModel):
    """What the gate does with each rule."""

    model: _Level = Level.FAIL
    """A model changed without evidence."""
    prompt: _Level = Level.WARN
    """A prompt changed without evidence."""
    evalset: _Level = Level.FAIL
    """An eval set changed without evidence."""
    unclaimed_model: _Level = Level.FAIL
    """A known model id that no feature claims."""
    expired_unchanged: _Level = Level.WARN
    """Nothing changed, but the evidence expired."""
    unlocked: _Level = Level.WARN
    """A feature that no decision is locked for."""
    lock: _Level = Level.FAIL
    """An entry of the lock that no accepted record stands behind."""
    guardrail: _Level = Level.FAIL
    """A changed model breaks a second measure, or a named part of the cases."""
    latency: _Level = Level.FAIL
    """A changed model misses a promised time."""
    unpriced: _Level = Level.FAIL
    """A changed model has no price."""
    not_permitted: _Level = Level.FAIL
    """A model may not see the feature's data."""
    retiring: _Level = Level.FAIL
    """A changed model is being retired."""
    budget: _Level = Level.FAIL
    """A change costs more than the figures below allow."""
    weakened: Annotated[_Level, Field(exclude_if=_fails)] = Level.FAIL
    """A rule, margin or measure laxer than on the base branch, beside another change."""
    monthly_increase_percent: Annotated[float, Field(ge=0, le=10**6)] = 10
    """Largest accepted increase of a feature's monthly cost."""
    monthly_increase_usd: Usd | None = None
    """Largest accepted increase of a feature's monthly cost, in USD; null: no limit."""
    request_increase_percent: Annotated[float | None, Field(ge=0, le=10**6)] = None
    """Largest accepted increase of a feature's cost per request; null: no limit."""
    evaluation_usd: Usd = Decimal(20)
    """Largest accepted cost of evaluating a change."""
    by_risk: Annotated[dict[Risk, dict[_Rule, _Level]], Field(default_factory=dict)]
    """Other levels for features of a risk class."""
    by_feature: Annotated[dict[str, dict[_Rule, _Level]], Field(default_factory=dict)]
    """Other levels for single features; they win over those of the risk class."""


class ProcedureConfig(FileModel):
    """How options are tested."""

    kind: Literal["ladder", "holm", "fixed-sequence"] = "ladder"
    """How the options are tested together."""
    looks: Annotated[int, Field(ge=1, le=20)] = 5
    """Planned interim analyses, at most: fewer than 100 cases a look take fewer, at least 2."""
    pilot: Annotated[float, Field(ge=0, lt=0.5)] = 0.04
    """Share of the cases that only steers and never decides."""
    repeats: Annotated[int | None, Field(ge=1, le=100)] = None
    """Answers per case; default: the eval set's."""


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _no_percent(value: object) -> object:
    """A share that is written as a percentage is told with what is meant."""
    text = str(value).strip()
    number = _as_number(text.removesuffix("%"))
    in_percent = number is not None and (text.endswith("%") or 1 < number <= 100)  # noqa: PLR2004
    if number is None or isinstance(value, bool) or not in_percent:
        return value
    raise ValueError(f"must be a share from 0 to 1, got {text}; write {number / 100:f}")


def _no_unit(unit: str) -> BeforeValidator:
    """A number whose unit stands in its key has none behind it."""

    def bare(value: object) -> object:
        if not isinstance(value, str) or _as_number(value) is not None:
            return value
        message = f"must be a number of {unit}, without a unit, got {value[:40]!r}"
        raise ValueError(message)

    return BeforeValidator(bare)


_ShareLimit = Annotated[Share, BeforeValidator(_no_percent)]
LimitName = Literal["budget_usd", "untagged_share", "retry_rate", "idle_hours", "gpu_quota"]
"""What a spend rule may limit, each a key of it."""


class WaiverConfig(FileModel):
    """A limit that need not hold until a day."""

    until: date
    """Last day on which it need not hold."""
    by: str
    """Who waived it: an e-mail, or a name."""
    reason: str
    """Why."""


class SpendLimits(FileModel):
    """Limits on what was spent; each holds for all that is in its scope together."""

    owner: str | None = None
    """Who answers for these limits; default: the owner of `spend`."""
    budget_usd: Annotated[Usd | None, _no_unit("USD")] = None
    """Most that a month may cost, at the rate of the hours that were read."""
    untagged_share: _ShareLimit | None = None
    """Largest share of the spend that belongs to no feature."""
    retry_rate: _ShareLimit | None = None
    """Most retried calls a request."""
    idle_hours: Annotated[Annotated[float, Field(gt=0, le=10**5)] | None, _no_unit("hours")] = None
    """Longest that an endpoint of one's own may be paid for without a request."""
    gpu_quota: Annotated[Annotated[int, Field(ge=0, le=10**6)] | None, _no_unit("GPUs")] = None
    """Most GPUs that are paid for at once."""
    waive: Annotated[dict[LimitName, WaiverConfig], Field(default_factory=dict)]
    """By limit: until when it need not hold."""

    @model_validator(mode="after")
    def _waives_what_is_there(self) -> SpendLimits:
        idle = [name for name in self.waive if getattr(self, name) is None]
        if idle:
            raise ValueError(f"waive: {idle[0]} is no limit here; state it, or take the waiver out")
        return self

    @property
    def stated(self) -> dict[LimitName, Decimal]:
        """The limits that are stated, as exact numbers."""
        found = {name: getattr(self, name) for name in get_args(LimitName)}
        return {
            name: Decimal(str(value)).normalize()
            for name, value in found.items()
            if value is not None
        }


class TeamLimits(SpendLimits):
    """Limits on what one team spends."""

    environments: Annotated[dict[str, SpendLimits], Field(default_factory=dict)]
    """Of it in one environment."""


class ChargebackPolicy(FileModel):
    """What a team's numbers must reach before they may be charged."""

    allocated_share: _ShareLimit = 0.95
    """Smallest share of its spend that belongs to a feature."""
    unexplained_share: _ShareLimit = 0.05
    """Largest share of the bill that the estimate does not explain."""


class SpendPolicy(SpendLimits):
    """`spend`: limits on what production spends. All hold; the strictest is felt first."""

    teams: Annotated[dict[str, TeamLimits], Field(default_factory=dict)]
    """Of a team's spend."""
    environments: Annotated[dict[str, SpendLimits], Field(default_factory=dict)]
    """Of all teams' spend in one environment."""
    owners: Annotated[dict[str, str], Field(default_factory=dict)]
    """By team, `*` for any: who answers for spend that no feature's file names anybody for."""
    chargeback: ChargebackPolicy = ChargebackPolicy()
    """From when on a team's numbers may be charged."""

    @property
    def scopes(self) -> tuple[SpendScope, ...]:
        """Everything that has limits: all spend, teams, environments, teams in environments."""
        teams = [SpendScope(team=name, limits=one) for name, one in self.teams.items()]
        places = [
            SpendScope(environment=name, limits=one) for name, one in self.environments.items()
        ]
        both = [
            SpendScope(team=name, environment=place, limits=limits)
            for name, one in self.teams.items()
            for place, limits in one.environments.items()
        ]
        return (SpendScope(limits=self), *teams, *places, *both)

    def owner_of(self, scope: SpendScope) -> str | None:
        """Who answers for a scope's limits: its own owner, its team's, else that of `spend`."""
        team = self.teams.get(scope.team or "")
        named = (who for name, who in self.owners.items() if fnmatchcase(scope.team or "", name))
        whose = next(named, None) if scope.team else None
        return scope.limits.owner or (team and team.owner) or whose or self.owner


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendScope:
    """Whose spend some limits are of; None: every team's, or in all environments."""

    team: str | None = None
    environment: str | None = None
    limits: SpendLimits

    @property
    def key(self) -> tuple[str, ...]:
        """Where its limits stand in `policy.yaml`."""
        team = () if self.team is None else ("teams", self.team)
        place = () if self.environment is None else ("environments", self.environment)
        return ("spend", *team, *place)

    def holds(self, team: str, environment: str) -> bool:
        """Whether what a team spends in an environment is in it."""
        return self.team in {None, team} and self.environment in {None, environment}

    def __str__(self) -> str:
        """`support in development`."""
        return " in ".join(part for part in (self.team, self.environment) if part) or "(all spend)"


class PolicyConfig(FileModel):
    """`policy.yaml`: the company's rules."""

    max_spend_usd: Usd
    """Most that one review may spend. Required."""
    confidence: Annotated[float, Field(gt=0.5, le=0.9999)] = 0.95
    """One-sided, per feature, for all its candidates together."""
    risk: dict[Risk, RiskPolicy]
    """Margins by risk."""
    minimum_saving_usd: Usd = Decimal(0)
    """A downgrade must save at least this a month, after discounts."""
    share_of_rate_limit: Annotated[float, Field(ge=0.001, le=1)] = 0.5
    """Share of the provider's limits that a review may use."""
    expires_days: ExpiryDays = ExpiryDays()
    """How long evidence, prices and signatures last."""
    discounts: Annotated[dict[Vendor, Share], Field(default_factory=dict)]
    """By provider, on catalogue prices only; 0.10 is 10 % off."""
    gpus: Annotated[dict[str, GpuPrice], Field(default_factory=dict)]
    """GPU price book."""
    gpu_quota: Annotated[
        dict[str, Annotated[int, Field(ge=0, le=10**6)]], Field(default_factory=dict)
    ]
    """By team: GPUs that may be held at once."""
    gate: GatePolicy = GatePolicy(by_risk={}, by_feature={})
    """What the gate does with each rule."""
    spend: SpendPolicy = SpendPolicy(waive={}, teams={}, environments={}, owners={})
    """Limits on what production spends, checked by `rightsize gate --traffic`."""
    procedure: ProcedureConfig = ProcedureConfig()
    """How the options are tested; its hash stands in the record."""
    ray: Literal["auto", "always"] = "auto"
    """`auto`: a review on this machine starts Ray for more than 500 calls, for models that we
    serve, for latency and for programs; a smaller one asks from its own process. `always`: each."""
    drift: Points = 8
    """Points that a chain of downgrades may lose against the feature's first incumbent."""
    reviews_per_year: Annotated[int, Field(ge=1, le=12)] = 4
    """Tests of one pair of models that an eval set's error is planned for: the first takes four
    fifths of it. 1: it takes all, and only cases that were never asked are tested again."""
    decide_within_days: Days = 30
    """A proposal asks for a decision within so many days."""
    require_link: bool = False
    """A decision needs a link to its approval."""
    require_signature: bool = False
    """A decision counts only when it is signed with a key of `allowed_signers`."""
    deciders: tuple[str, ...] = ()
    """E-mails of those who may decide on any feature; default: whoever CODEOWNERS names."""
