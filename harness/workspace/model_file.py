"""`models/*.yaml`: which models there are, where, for whose data and at what price.

An option names a model as `model` or `model@effort`; with `~tuned` behind it, under its own prompt.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from evalsets.files import FileModel
from harness.workspace.file_base import DataClass, Seconds, Share, Tokens, Usd
from providers.provider import Transport

TUNED = "~tuned"
"""Ends the name of an option that is asked under the prompt which `rightsize tune` wrote for it."""


def is_tuned(option: str) -> bool:
    """Whether an option has a prompt that was tuned for it."""
    return option.endswith(TUNED)


def split_option(name: str) -> tuple[str, str | None]:
    """The model and the effort that an option's name states.

    >>> split_option("gpt-5@low")
    ('gpt-5', 'low')
    >>> split_option("claude-haiku-4-5")
    ('claude-haiku-4-5', None)
    >>> split_option("gpt-5@low~tuned")
    ('gpt-5', 'low')
    """
    model, at, effort = name.removesuffix(TUNED).partition("@")
    return model, effort if at else None


_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


def undated(name: str) -> str:
    """A model's name without the day that vendors write behind it for its version.

    >>> undated("gpt-5-mini-2025-08-07"), undated("claude-haiku-4-5-20251001"), undated("gpt-5")
    ('gpt-5-mini', 'claude-haiku-4-5', 'gpt-5')
    """
    return _DATED.sub("", name)


Granted = Annotated[int | None, Field(gt=0, le=10**12)]
"""What a provider grants a minute."""


_NO_TEMPERATURE = re.compile(
    r"(?:o[134](?:-mini|-pro)?|gpt-5(?:-mini|-nano|-pro)?)(?:-\d{4}-\d{2}-\d{2})?"
)
"""Models of OpenAI that reason in any case and refuse a temperature (its API reference)."""


def known_to_refuse(vendor: str, version: str) -> frozenset[str]:
    """Parameters that a vendor's model refuses, as far as it is known.

    >>> sorted(known_to_refuse("openai", "gpt-5-mini")), sorted(known_to_refuse("openai", "gpt-4o"))
    (['temperature'], [])
    """
    refuses = vendor == "openai" and _NO_TEMPERATURE.fullmatch(version) is not None
    return frozenset({"temperature"} if refuses else ())


def _sendable(body: dict[str, object] | None) -> dict[str, object] | None:
    try:
        json.dumps(body, allow_nan=False)
    except (ValueError, TypeError):
        raise ValueError(
            "holds what no JSON request can carry: a day, or a number too large"
        ) from None
    return body


class PriceTier(FileModel):
    """A long-context price: a request so long pays it for every one of its tokens."""

    from_input_tokens: Tokens
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
    input: Usd | None = None
    """USD per million input tokens; needed but for a program's price per request or hour."""
    output: Usd | None = None
    """USD per million output tokens, reasoning included; needed as `input` is."""
    cache_read: Usd | None = None
    """USD per million tokens read from a cache; default: the input price."""
    cache_write: Usd | None = None
    """USD per million tokens written to a cache; default: the input price."""
    cache_write_1h: Usd | None = None
    """USD per million tokens written to live an hour; default: `cache_write`."""
    per_request: Usd = Decimal(0)
    """USD per request."""
    per_hour: Usd | None = None
    """USD per hour of what runs it, paid whether it is asked or not."""
    requests_per_hour: Annotated[float, Field(ge=0.001, le=10**9)] | None = None
    """Requests that such an hour answers in production, its idle time included."""
    minimum_per_request: Usd = Decimal(0)
    """Least that one request costs, USD; charged where its tokens cost less."""
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

    @model_validator(mode="after")
    def _is_a_price(self) -> PriceEntry:
        if (self.per_hour is None) != (self.requests_per_hour is None):
            raise ValueError("`per_hour` and `requests_per_hour` go together")
        if (self.input is None) != (self.output is None):
            raise ValueError("`input` and `output` go together")
        if self.input is None and self.per_hour is None and not self.per_request:
            raise ValueError(
                "states no price: `input` and `output`, `per_request`, or `per_hour` with "
                "`requests_per_hour`"
            )
        return self


class OfflineConfig(FileModel):
    """How a model that we start answers the quality pass without a server."""

    replicas: Annotated[int, Field(gt=0, le=10_000)] = 1
    """Processes that share the cases, each on `gpus` GPUs; fewer where fewer GPUs are there."""
    command: tuple[str, ...] = ()
    """For engine `command`: reads requests in `{input}`, writes results to `{output}`."""


class ServeConfig(FileModel):
    """How we start a model."""

    engine: Literal["vllm", "llama-cpp", "command"]
    """What serves the model."""
    weights: str | None = None
    """A file or folder, or a name of `weights.yaml`."""
    gpus: Annotated[int, Field(ge=0, le=10_000)] = 0
    """GPUs a replica needs."""
    args: tuple[str, ...] = ()
    """Arguments of the engine."""
    command: tuple[str, ...] = ()
    """For engine `command`: the program; `{port}` and `{weights}` are filled in."""
    python: str | None = None
    """Python of the environment that has the engine; default: ours."""
    ready_s: Seconds = 600
    """Longest wait until the server answers."""
    ttl_s: Seconds = 4 * 3600
    """The server ends by itself after so long."""
    offline: OfflineConfig | None = None
    """The quality pass without a server (vllm, command); null: the server answers it."""


class HostingConfig(FileModel):
    """How a model of one's own runs in production."""

    replicas: Annotated[int, Field(ge=0, le=10_000)] = 1
    """Replicas that run every hour, for availability."""
    peak: Annotated[float, Field(ge=1, le=10_000)] = 1
    """Busiest minutes of an hour over its mean."""
    term: Literal["1y", "3y"] | None = "1y"
    """Commitment that may be bought; null: on demand only."""
    managed: bool = False
    """On a managed endpoint, with the price book's premium."""
    overflow: Literal["on-demand", "incumbent"] = "on-demand"
    """Where the requests beyond the committed replicas go."""


OmittedName = Literal[
    "temperature",
    "seed",
    "stop",
    "service_tier",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
]


class CapacityConfig(FileModel):
    """Provisioned throughput: paid until its term ends, whether it is used or not."""

    units: Annotated[int, Field(gt=0, le=10**6)]
    """Units that were bought: PTUs, GSUs, model units."""
    usd_per_unit_hour: Usd
    """USD that a unit costs an hour."""
    tokens_per_minute_per_unit: Annotated[int, Field(gt=0, le=10**9)]
    """Tokens a minute that a unit takes of this model."""
    until: date
    """Last day of the term."""
    spill_over: Literal["on-demand", "refused"] = "on-demand"
    """What becomes of requests beyond the units; on demand they cost the model's `price`."""
    freed_for: tuple[str, ...] = ()
    """Features that use the units which another feature frees."""

    def why_paid(self, model: str, feature: str, on: date) -> str | None:
        """Why leaving the model saves a feature nothing; None: the term is over, or others gain.

        >>> bought = CapacityConfig(
        ...     units=100, usd_per_unit_hour=1, tokens_per_minute_per_unit=2500,
        ...     until=date(2027, 6, 30), freed_for=("search",))
        >>> bought.why_paid("gpt-5", "triage", date(2027, 6, 30)) is None
        True
        >>> bought.why_paid("gpt-5", "search", date(2027, 7, 1)) is None
        True
        >>> bought.why_paid("gpt-5", "search", date(2027, 6, 30))  # doctest: +ELLIPSIS
        'the units of gpt-5 are paid until 2027-06-30, and no other feature uses freed ones ...'
        """
        if on > self.until or set(self.freed_for) - {feature}:
            return None
        return (
            f"the units of {model} are paid until {self.until.isoformat()}, and no other feature "
            "uses freed ones (`capacity: freed_for`)"
        )


class DecisionLimits(FileModel):
    """What a decision model's server takes: servers of one wire differ."""

    choices: Annotated[int, Field(ge=2, le=10_000)] = 255
    """Most answers that one question may offer."""
    levels: Annotated[int, Field(ge=2, le=10_000)] = 10
    """Most levels of a score."""
    input_bytes: Annotated[int | None, Field(gt=0, le=10**9)] = None
    """Longest case with its question, in bytes of UTF-8; null: the window alone bounds it."""


ApiName = Literal[
    "messages",
    "responses",
    "chat",
    "completions",
    "generate-content",
    "lines",
    "decisions",
    "systemone",
]


class ModelConfig(FileModel):
    """One entry of `models/*.yaml`."""

    provider: Literal["anthropic", "openai", "google", "openai-compatible", "command"]
    """Whose API; `command`: a program of your own."""
    version: str | None = None
    """Pinned version, the name in the request; default: the entry's own name."""
    family: Annotated[str, Field(max_length=120, pattern=r"^[\w.:+-]+$")] | None = None
    """Prompt family: the second most specific prompt file."""
    api: ApiName | None = None
    """Wire; default: the vendor's first (openai: responses, openai-compatible: chat). `decisions`
    and `systemone` are those of decision models, which answer a feature of labels only."""
    limits: DecisionLimits | None = None
    """Of a decision model: what its server takes; null: 255 answers, 10 levels."""
    sdk: Literal["google-generativeai"] | None = None
    """Another SDK of the same vendor."""
    platform: Literal["azure", "bedrock", "vertex"] | None = None
    """The vendor's models on a cloud."""
    base_url: str | None = None
    """Address of the API: https, or http on loopback."""
    command: tuple[str, ...] = ()
    """For `provider: command`: the program that answers, started in the workspace's folder."""
    key: str | None = None
    """Name of the environment variable with the key."""
    region: str | None = None
    """Where the data goes."""
    project: str | None = None
    """Project of a cloud (vertex)."""
    api_version: str | None = None
    """Dated version of a cloud's API (azure, where base_url does not end with /openai/v1)."""
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
    """A row of `policy.yaml: gpus`; without a `price:` the GPUs' hours are the price."""
    hosting: HostingConfig = HostingConfig()
    """How it would run in production."""
    window_tokens: Tokens | None = None
    """Context window; default: the price catalogue's."""
    max_input_tokens: Tokens | None = None
    """Bound for reservations where the bytes of a prompt bound nothing."""
    capabilities: tuple[Literal["schema", "tools", "images", "documents", "seed"], ...] | None = (
        None
    )
    """What it can do; null: the catalogue's. `documents` are PDFs: hosted models that take images
    take them, a server of your own only where it is stated."""
    cache_min_tokens: Annotated[int | None, Field(ge=0, le=10**9)] = None
    """Shorter prefixes are not cached, whatever the price list promises."""
    retires_on: date | None = None
    """Published retirement date."""
    requests_per_minute: Granted = None
    """Granted requests a minute, where no header says so."""
    tokens_per_minute: Granted = None
    """Granted tokens a minute, where no header says so."""
    max_concurrency: Annotated[int, Field(gt=0, le=10_000)] = 64
    """Most requests in flight."""
    batch: bool = False
    """Ask the quality pass by the vendor's batch API, at the batch price: a look may take a day."""
    extra_body: Annotated[dict[str, object] | None, AfterValidator(_sendable)] = None
    """Merged into the request's body."""
    omit: tuple[OmittedName, ...] = ()
    """Parameters of a request that it refuses: they are left out. Those after `service_tier` are of
    calls that a program makes."""
    timeout_s: Seconds | None = None
    """Longest wait for the next byte of an answer; default: 120, or what a long answer needs."""
    transport: Transport = "direct"
    """`direct`: whole answers are asked for as the vendor's SDK asks, without its cost in processor
    time; streams, batches and clouds go through the SDK all the same. `sdk`: everything does."""
    price: tuple[PriceEntry, ...] = ()
    """Dated prices; the newest that is not after the review's date counts."""
    capacity: CapacityConfig | None = None
    """Throughput of it that is bought for a term."""
