"""`features/<id>.yaml`: one use of a model in a product."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from evalsets.files import FileModel
from harness.workspace.file_base import DataClass, Points, Risk, Seconds, Share, Tokens, Usd
from providers.addresses import check_base_url

RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Mean = Annotated[float, Field(ge=0, le=10**9)]
"""Tokens of a request, on average."""


class Agreement(FileModel):
    """Who agreed to the margin."""

    by: str
    """Who agreed to the margin."""
    on: date
    """The day they did, before the run."""


class RequestConfig(FileModel):
    """How a model is asked."""

    max_output_tokens: Tokens = 512
    """Longest answer; reasoning included."""
    temperature: Annotated[float | None, Field(ge=0, le=100)] = 0
    """Sampling temperature; null leaves the vendor's default."""
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
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

    p95_s: Seconds | None = None
    """95 % of the answers are complete within so many seconds."""
    ttft_p95_s: Seconds | None = None
    """95 % of the first tokens come within so many seconds."""
    p99_s: Seconds | None = None
    """99 % of the answers are complete within so many seconds."""
    deadline_s: Seconds | None = None
    """An answer still being made then counts as failed."""
    concurrency: Annotated[int, Field(gt=0, le=10_000)] = 1
    """Requests in flight while latency is measured."""


class Traffic(FileModel):
    """Production's volume and token mix."""

    requests_per_month: Annotated[int, Field(ge=0, le=10**12)]
    """Requests a month in production."""
    input_tokens: Mean
    """Mean input tokens a request, with the incumbent's tokenizer."""
    output_tokens: Mean
    """Mean output tokens a request, reasoning included."""
    cached_share: Share = 0
    """Share of the input tokens that production reads from a prompt cache."""
    cache_written_share: Share = 0
    """Share of the input tokens that production writes to a prompt cache."""
    retry_rate: Annotated[float, Field(ge=0, le=1000)] = 0
    """Extra calls per request in production."""
    growth_per_month: Annotated[float, Field(ge=-1, le=10)] = 0
    """Expected change of the volume a month, 0.02 for 2 %."""
    curve: str | None = None
    """Hourly curve: a file under traffic/ with 168 hours of a week."""
    source: str
    """Where these figures come from."""


class SureEnough(FileModel):
    """A check by the model's own probability of its answer."""

    probability: Annotated[float, Field(gt=0, lt=1)]
    """How likely a kept answer must be right. What the model must tell for that is fixed on the
    tune cases, before the first case that decides; without tune cases it is this number itself."""


def _kind_of_check(stated: object) -> str:
    return "check" if isinstance(stated, str) else "sure"


AcceptWhen = Annotated[
    Annotated[Literal["schema", "format", "not-unsure"], Tag("check")]
    | Annotated[SureEnough, Tag("sure")],
    Discriminator(_kind_of_check),
]


class CascadeConfig(FileModel):
    """A cheap model first, the incumbent when its answer does not pass."""

    first: str
    """The cheap model that answers first."""
    accept_when: AcceptWhen
    """What a kept answer must pass; else the incumbent is asked. `{probability: 0.9}`: the model's
    own probability of its answer, of a decision model or by the tokens of a chat model."""
    unsure: Annotated[str, Field(min_length=1)] = "unsure"
    """The text by which the cheap model declares that it is not sure."""
    escalates_in: str | None = None
    """Where production reads the model that is asked when an answer does not pass, for the gate:
    a place like `used_in`, in the same repository."""
    accepts_in: str | None = None
    """Where production reads what an answer must pass, for the gate: the place must say the same
    as `accept_when`, or as `unsure`."""

    @property
    def name(self) -> str:
        """What the option is called: the cheap model and its check."""
        return f"{self.first}+{self.check}"

    @property
    def check(self) -> str:
        """What a kept answer must pass, in a word."""
        asked = self.accept_when
        return asked if isinstance(asked, str) else f"probability-{asked.probability:g}"

    @property
    def kind(self) -> str:
        """What a kept answer must pass, without the number of how sure."""
        return self.accept_when if isinstance(self.accept_when, str) else "probability"

    @property
    def sure(self) -> float | None:
        """How likely a kept answer must be right; None: it must pass another check."""
        return self.accept_when.probability if isinstance(self.accept_when, SureEnough) else None


def _startable(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command[0].strip():
        raise ValueError("must begin with the program's name")
    if any(mark in word for word in command for mark in "\0\r\n"):
        raise ValueError("holds a line break or a NUL character")
    return command


def _reachable(url: str) -> str:
    problem = check_base_url(url)
    if problem is not None:
        raise ValueError(problem)
    return url


class ProgramConfig(FileModel):
    """The team's own program, which answers a case by calls to models."""

    command: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_startable)] = ()
    """How it is started, in its folder: it reads one case a line, and writes one answer a line."""
    url: Annotated[str, AfterValidator(_reachable)] | None = None
    """In place of `command`: a service that runs already and is sent one case by POST; https, or
    http on loopback."""
    roles: Annotated[dict[RoleName, str], Field(min_length=1)]
    """Every model that it asks for, by what it is for; the incumbent's is the one under test."""
    instances: Annotated[int, Field(gt=0, le=1000)] = 4
    """Most trials at a time, each in a running instance of its own."""
    max_calls: Annotated[int, Field(gt=0, le=1000)] = 30
    """Most calls of one trial; with one more it has failed."""
    timeout_s: Seconds = 120
    """Longest time of its own in one trial, while no call is under way."""
    folder: str | None = None
    """Where it runs, relative to the workspace; every file there counts as the program. Default:
    programs/ and the feature's id."""
    environment: tuple[str, ...] = ()
    """Names of environment variables that it may see; never a model's key."""
    version: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Names what it runs beside its folder's files: answers of another version are not its own.
    Needed of a `url`, and where interpreter and packages cannot be looked up."""

    @model_validator(mode="after")
    def _started_or_reached(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError(
                "needs `command` (we start it) or `url` (it runs already): one of both"
            )
        if self.url and (self.environment or self.folder):
            raise ValueError("a `url` is not started here: remove `environment` and `folder`")
        if self.url and self.version is None:
            raise ValueError("a `url` needs `version`: a name that changes with what runs there")
        return self


INCUMBENT = "incumbent"
"""What `tune` calls the model in production, whichever it is."""


class FeatureConfig(FileModel):
    """`features/<id>.yaml`: one use of a model in a product."""

    name: str
    """What people call the feature."""
    owner: str
    """E-mail of the person who answers for it."""
    team: str
    """Team that owns it."""
    deciders: tuple[str, ...] = ()
    """E-mails of those who may decide on it; default: those of `policy.yaml`."""
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
    """Where production reads the model: `repository:path#key`, or `repository:path:/regex/`."""
    candidates: Literal["auto"] | tuple[str, ...] = "auto"
    """Models to try, or `auto`: permitted, capable and cheaper for this token mix."""
    cascades: tuple[CascadeConfig, ...] = ()
    """A cheap model with a checkable validator, escalating to the incumbent."""
    tune: tuple[str, ...] = ()
    """Whose prompts `rightsize tune FEATURE` seeks, on the eval set's tune cases: `incumbent`, or
    options by name. What it finds is tested as an option of its own."""
    mix: Annotated[dict[str, dict[str, Share]], Field(default_factory=dict)]
    """Production's share of each part of the cases, by one metadata key: the difference is then
    shown at that mix as well. The shares sum to 1."""
    request: RequestConfig = RequestConfig()
    """How the model is asked."""
    program: ProgramConfig | None = None
    """In place of a prompt: a program that asks models itself, through our gateway."""
    latency: LatencyConfig | None = None
    """What production promises; without it latency is not measured."""
    timeout_s: Seconds | None = None
    """Longest wait for the next byte of an answer; default: the model's own."""
    answers: Literal["replayed", "imported"] = "replayed"
    """`imported`: only what `rightsize import outcomes` brought counts, and nothing is asked."""
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

    @property
    def to_tune(self) -> tuple[str, ...]:
        """The options that `tune` names, today's by its own name."""
        return tuple(self.incumbent if name == INCUMBENT else name for name in self.tune)
