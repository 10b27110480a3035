"""`policy.yaml`: the company's rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

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
    as_of: date
    """Day of the quote."""
    source: str
    """Where the price comes from."""


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
    procedure: ProcedureConfig = ProcedureConfig()
    """How the options are tested; its hash stands in the record."""
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
