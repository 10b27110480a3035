"""The workspace's files, as their users write them: strict, final, every key documented here."""

from __future__ import annotations

from datetime import date  # pydantic reads it at run time
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Usd = Annotated[Decimal, Field(ge=0)]
Points = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
DataClass = Literal["public", "internal", "customer", "restricted"]
Risk = Literal["low", "medium", "high"]
Protect = Literal["alarm", "proven"]
Level = Literal["off", "warn", "fail"]


class FileModel(BaseModel):
    """Base for everything read from a file: unknown keys are errors, values are final."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


class Agreement(FileModel):
    """Who agreed to the margin."""

    by: str
    """Who agreed to the margin."""
    on: date
    """The day they did, before the run."""


class RequestConfig(FileModel):
    """How a model is asked."""

    max_output_tokens: Annotated[int, Field(gt=0)] = 512
    """Longest answer; reasoning included."""
    temperature: float | None = 0
    """Sampling temperature; null leaves the vendor's default."""
    seed: int | None = None
    """Sampling seed, where the vendor has one."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends."""
    json_schema: Annotated[str | None, Field(alias="schema")] = None
    """JSON Schema file of the answer, relative to the eval set's folder."""
    tools: str | None = None
    """JSON file of the tools that the model may call, relative to the eval set's folder."""
    service_tier: str | None = None
    """Vendor's service tier."""
    cache_prompt: bool = False
    """Mark the part of the prompt before the case as cacheable."""


class LatencyConfig(FileModel):
    """What production promises about time."""

    p95_s: Annotated[float | None, Field(gt=0)] = None
    """95 % of the answers are complete within so many seconds."""
    ttft_p95_s: Annotated[float | None, Field(gt=0)] = None
    """95 % of the first tokens come within so many seconds."""
    p99_s: Annotated[float | None, Field(gt=0)] = None
    """99 % of the answers are complete within so many seconds."""
    deadline_s: Annotated[float | None, Field(gt=0)] = None
    """An answer still being made then counts as failed."""
    concurrency: Annotated[int, Field(gt=0)] = 1
    """Requests in flight while latency is measured."""


class Traffic(FileModel):
    """Production's volume and token mix."""

    requests_per_month: Annotated[int, Field(ge=0)]
    """Requests a month in production."""
    input_tokens: Annotated[float, Field(ge=0)]
    """Mean input tokens a request, with the incumbent's tokenizer."""
    output_tokens: Annotated[float, Field(ge=0)]
    """Mean output tokens a request, reasoning included."""
    cached_share: Share = 0
    """Share of the input tokens that production reads from a prompt cache."""
    retry_rate: Annotated[float, Field(ge=0)] = 0
    """Extra calls per request in production."""
    growth_per_month: float = 0
    """Expected change of the volume a month, 0.02 for 2 %."""
    curve: str | None = None
    """Hourly curve: a file under traffic/ with 168 hours of a week."""
    source: str
    """Where these figures come from."""


class CascadeConfig(FileModel):
    """A cheap model first, the incumbent when its answer does not pass."""

    first: str
    """The cheap model that answers first."""
    accept_when: Literal["schema", "format", "not-unsure"]
    """What a kept answer must pass; else the incumbent is asked."""
    unsure: str = "unsure"
    """The text by which the cheap model declares that it is not sure."""


class FeatureConfig(FileModel):
    """`features/<id>.yaml`: one use of a model in a product."""

    name: str
    """What people call the feature."""
    owner: str
    """E-mail of the person who answers for it."""
    team: str
    """Team that owns it."""
    product: str
    """Product it belongs to."""
    environment: str = "production"
    """Environment whose traffic is meant."""
    cost_center: str | None = None
    """Cost centre that pays."""
    tags: tuple[str, ...] = ()
    """Free labels."""
    data: DataClass
    """What the cases contain; a model's `may_see` must list it."""
    risk: Risk
    """Gives margin and strictness (`policy.yaml`)."""
    margin: Points | None = None
    """Largest acceptable loss of quality, in points; replaces the policy's."""
    agreed: Agreement | None = None
    """Who agreed to the margin and when."""
    incumbent: str
    """Model in production today (`model` or `model@effort`)."""
    used_in: str | None = None
    """Where production reads the model: `repository:path#key`."""
    candidates: Literal["auto"] | tuple[str, ...] = "auto"
    """Models to try, or `auto`: permitted, capable and cheaper for this token mix."""
    cascades: tuple[CascadeConfig, ...] = ()
    """A cheap model with a checkable validator, escalating to the incumbent."""
    request: RequestConfig = RequestConfig()
    """How the model is asked."""
    latency: LatencyConfig | None = None
    """What production promises; without it latency is not measured."""
    mode: Literal["live", "deferrable"] = "live"
    """`deferrable` allows batch and spot."""
    evalset: str | None = None
    """Folder under evalsets/; default: the feature's id."""
    traffic: Traffic | None = None
    """Production's volume and token mix; without it the feature is blocked."""
    error_cost_usd: Usd | None = None
    """What one more wrong answer costs."""
    migration_usd: Usd = Decimal(0)
    """One-off cost of changing the model."""
    rollback: str | None = None
    """How to go back, in one line, for the document."""
    trigger: str | None = None
    """What, when seen, means going back."""


class PriceTier(FileModel):
    """A long-context price: a request so long pays it for every one of its tokens."""

    from_input_tokens: Annotated[int, Field(gt=0)]
    """Shortest request, in input tokens, that pays it."""
    input: Usd
    """USD per million input tokens."""
    output: Usd
    """USD per million output tokens, reasoning included."""
    cache_read: Usd | None = None
    """USD per million tokens read from a cache; default: the input price."""
    cache_write: Usd | None = None
    """USD per million tokens written to a cache; default: the input price."""
    cache_write_1h: Usd | None = None
    """USD per million tokens written to live an hour; default: `cache_write`."""


class PriceEntry(FileModel):
    """A dated price."""

    valid_from: Annotated[date, Field(alias="from")]
    """First day of this price."""
    input: Usd
    """USD per million input tokens."""
    output: Usd
    """USD per million output tokens, reasoning included."""
    cache_read: Usd | None = None
    """USD per million tokens read from a cache; default: the input price."""
    cache_write: Usd | None = None
    """USD per million tokens written to a cache; default: the input price."""
    cache_write_1h: Usd | None = None
    """USD per million tokens written to live an hour; default: `cache_write`."""
    per_request: Usd = Decimal(0)
    """USD per request."""
    batch: Share | None = None
    """Batch price as a share of these prices; null: no batch."""
    tiers: tuple[PriceTier, ...] = ()
    """Long-context prices, shortest first."""
    service_tier: str | None = None
    """Vendor's service tier that this price is for; null: the standard one."""
    checked: date | None = None
    """Day on which somebody last confirmed the price; default: `from`."""
    source: str
    """Where the price comes from."""


class ServeConfig(FileModel):
    """How we start a model."""

    engine: Literal["vllm", "llama-cpp", "command"]
    """What serves the model."""
    weights: str | None = None
    """A file or folder, or a name of `weights.yaml`."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs a replica needs."""
    args: tuple[str, ...] = ()
    """Arguments of the engine."""
    command: tuple[str, ...] = ()
    """For engine `command`: the program; `{port}` and `{weights}` are filled in."""
    python: str | None = None
    """Python of the environment that has the engine; default: ours."""
    ready_s: Annotated[float, Field(gt=0)] = 600
    """Longest wait until the server answers."""
    ttl_s: Annotated[float, Field(gt=0)] = 4 * 3600
    """The server ends by itself after so long."""


class ModelConfig(FileModel):
    """One entry of `models/*.yaml`."""

    provider: Literal["anthropic", "openai", "google", "openai-compatible"]
    """Whose API."""
    version: str | None = None
    """Pinned version, the name in the request; default: the entry's own name."""
    family: str | None = None
    """Prompt family: the second most specific prompt file."""
    api: Literal["messages", "responses", "chat", "completions", "generate-content"] | None = None
    """Wire; default: the vendor's first (openai: responses, openai-compatible: chat)."""
    sdk: Literal["google-generativeai"] | None = None
    """Another SDK of the same vendor."""
    platform: Literal["azure", "bedrock", "vertex"] | None = None
    """The vendor's models on a cloud."""
    base_url: str | None = None
    """Address of the API: https, or http on loopback."""
    key: str | None = None
    """Name of the environment variable with the key."""
    region: str | None = None
    """Where the data goes."""
    may_see: tuple[DataClass, ...] = ()
    """Classes of data that may be sent to it."""
    tier: str | None = None
    """Flagship, mid, small: for people."""
    effort: str | None = None
    """Reasoning effort or budget; `model@low` names a variant."""
    efforts: tuple[str, ...] = ()
    """Efforts that the model knows; with any, one must be stated."""
    serve: ServeConfig | None = None
    """Let us start it."""
    gpu: str | None = None
    """A row of `policy.yaml: gpus`."""
    window_tokens: Annotated[int | None, Field(gt=0)] = None
    """Context window; default: the price catalogue's."""
    max_input_tokens: Annotated[int | None, Field(gt=0)] = None
    """Bound for reservations where the bytes of a prompt bound nothing."""
    capabilities: tuple[Literal["schema", "tools", "images", "seed"], ...] | None = None
    """What it can do; null: the catalogue's."""
    cache_min_tokens: Annotated[int | None, Field(ge=0)] = None
    """Shorter prefixes are not cached, whatever the price list promises."""
    retires_on: date | None = None
    """Published retirement date."""
    requests_per_minute: Annotated[int | None, Field(gt=0)] = None
    """Granted requests a minute, where no header says so."""
    tokens_per_minute: Annotated[int | None, Field(gt=0)] = None
    """Granted tokens a minute, where no header says so."""
    max_concurrency: Annotated[int, Field(gt=0)] = 64
    """Most requests in flight."""
    extra_body: dict[str, object] | None = None
    """Merged into the request's body."""
    price: tuple[PriceEntry, ...] = ()
    """Dated prices; the newest that is not after the review's date counts."""


class RiskPolicy(FileModel):
    """What a risk class allows."""

    margin: Points
    """Largest acceptable loss of quality, in points."""


class ExpiryDays(FileModel):
    """How long things last, in days."""

    justify: Annotated[int, Field(gt=0)] = 100
    """A signed reason to stay."""
    evidence: Annotated[int, Field(gt=0)] = 100
    """A record's evidence."""
    prices: Annotated[int, Field(gt=0)] = 45
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
    managed_premium: Annotated[float, Field(ge=0)] = 0
    """Managed endpoint's extra, as a share."""
    as_of: date
    """Day of the quote."""
    source: str
    """Where the price comes from."""


class GatePolicy(FileModel):
    """What the gate does with each rule."""

    model: Level = "fail"
    """A model changed without evidence."""
    prompt: Level = "warn"
    """A prompt changed without evidence."""
    evalset: Level = "fail"
    """An eval set changed without evidence."""
    unclaimed_model: Level = "fail"
    """A known model id that no feature claims."""
    expired_unchanged: Level = "warn"
    """Nothing changed, but the evidence expired."""
    monthly_increase_percent: Annotated[float, Field(ge=0)] = 10
    """Largest accepted increase of a feature's monthly cost."""
    evaluation_usd: Usd = Decimal(20)
    """Largest accepted cost of evaluating a change."""


class ProcedureConfig(FileModel):
    """How options are tested."""

    kind: Literal["ladder", "holm", "fixed-sequence"] = "ladder"
    """How the options are tested together."""
    looks: Annotated[int, Field(ge=1, le=20)] = 5
    """Planned interim analyses."""
    pilot: Annotated[float, Field(ge=0, lt=0.5)] = 0.1
    """Share of the cases that only steers and never decides."""
    repeats: Annotated[int | None, Field(ge=1)] = None
    """Answers per case; default: the eval set's."""


class PolicyConfig(FileModel):
    """`policy.yaml`: the company's rules."""

    max_spend_usd: Usd
    """Most that one review may spend. Required."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """One-sided, per feature, for all its candidates together."""
    risk: dict[Risk, RiskPolicy]
    """Margins by risk."""
    minimum_saving_usd: Usd = Decimal(0)
    """A downgrade must save at least this a month, after discounts."""
    share_of_rate_limit: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the provider's limits that a review may use."""
    expires_days: ExpiryDays = ExpiryDays()
    """How long evidence, prices and signatures last."""
    discounts: dict[str, Share] = {}
    """By provider, on catalogue prices only; 0.10 is 10 % off."""
    gpus: dict[str, GpuPrice] = {}
    """GPU price book."""
    gpu_quota: dict[str, int] = {}
    """By team: GPUs that may be held at once."""
    gate: GatePolicy = GatePolicy()
    """What the gate does with each rule."""
    procedure: ProcedureConfig = ProcedureConfig()
    """How the options are tested; its hash stands in the record."""
    decide_within_days: Annotated[int, Field(gt=0)] = 30
    """A proposal asks for a decision within so many days."""
    require_link: bool = False
    """A decision needs a link to its approval."""
