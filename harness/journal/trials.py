"""Trials, their attempts and outcomes, the kinds of fault, and lanes.

A trial is one case x one option x one repeat. It may take several attempts, each of which costs.
A lane is what a provider limits together; its history is what a run saw of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from providers.completion import TokenUsage
from providers.provider import Endpoint
from providers.request import ModelRequest

Purpose: TypeAlias = Literal["quality", "latency", "judge", "call"]


class FaultKind(StrEnum):
    """Why a call brought no answer, or was not made; the values are what the journal keeps.

    The first fifteen are classes of `providers.errors`, the others happen on our side.
    """

    RATE_LIMITED = "RateLimitedError"
    OVERLOADED = "OverloadedError"
    TIMED_OUT = "TimedOutError"
    CONNECTION_FAILED = "ConnectionFailedError"
    BROKEN_BODY = "BrokenBodyError"
    AUTH_REJECTED = "AuthRejectedError"
    MODEL_NOT_FOUND = "ModelNotFoundError"
    SDK_MISSING = "SdkMissingError"
    BAD_REQUEST = "BadRequestError"
    PROMPT_TOO_LONG = "PromptTooLongError"
    CONTENT_BLOCKED = "ContentBlockedError"
    DEADLINE_EXCEEDED = "DeadlineExceededError"
    UNKNOWN_FINISH = "UnknownFinishError"
    """The answer ended in a word that has no meaning for us; the journal keeps the word."""
    PROGRAM_FAILED = "ProgramFailedError"
    ANSWER_TOO_LARGE = "AnswerTooLargeError"
    """More came than any answer has."""
    CEILING_EXCEEDED = "CeilingExceededError"
    """No call may last longer, however slowly its bytes come."""
    UNEXPECTED = "UnexpectedError"
    """A provider raised what it does not declare; the journal keeps that exception's class."""
    WORKER_LOST = "WorkerLostError"
    """The worker died with the call in flight: whether it was billed is unknown."""
    INTERRUPTED = "InterruptedError"
    """The run died before the end of the call was known."""
    NO_RESULT = "NoResultError"
    """A batch ended without a result for the item: whether it was billed is unknown."""
    BATCH_FAILED = "BatchFailedError"
    BATCH_NOT_ENDED = "BatchNotEndedError"
    OFFLINE_RUN_FAILED = "OfflineRunFailedError"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    """The cap had no room for the call."""
    PROGRAM_ENDED = "ProgramEndedError"
    """The team's program ended before its answer."""
    PROGRAM_TIMED_OUT = "ProgramTimedOutError"
    PROGRAM_BABBLED = "ProgramBabbledError"
    """It wrote to its standard output what is no answer to its case."""
    PROGRAM_GAVE_UP = "ProgramGaveUpError"
    """It answered with an error."""
    CALL_WAITED = "CallWaitedError"
    """It hung up on a call that still waited for a quota, the cap or another attempt of ours."""
    TOO_MANY_CALLS = "TooManyCallsError"
    CALL_REFUSED = "CallRefusedError"
    """The gateway passes no such call on: another model, another wire, or a field without bound."""


PROGRAM = "(program)"
"""Stands for the program itself where an attempt's role is told: no role has such a name."""
UNUSED = "(unused)"
"""Stands for a call that an earlier, stopped run of the trial made, and the last one did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleModel:
    """A model that a program names, as it is asked in one trial."""

    names: frozenset[str]
    """What the program may call it in a request."""
    role: str | None
    """None: the option under test stands in for it."""
    option: str
    endpoint: Endpoint
    version: str
    timeout_s: float
    longest: int
    """Output tokens that a request without a limit of its own may bring."""
    omit: frozenset[str]
    """Parameters that it refuses."""
    bound: Callable[[str, int], Decimal]
    """Most USD of a call with this body and so many tokens of output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingProgram:
    """A team's own program that answers a trial by calls to models."""

    command: tuple[str, ...]
    folder: str
    """Where it runs."""
    sha256: str
    """Of all that is in the folder."""
    instances: int
    max_calls: int
    timeout_s: float
    environment: tuple[str, ...]
    """Names of variables that it may see beside the usual ones."""
    outside: str
    """Of what it runs beside the folder, and of those variables' values."""
    models: tuple[RoleModel, ...]
    version: str | None = None
    """Stands for what it runs beside the folder."""
    url: str | None = None
    """Of a service that answers in its place, and is not started here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One request to be answered.

    `fingerprint` is the SHA-256 of everything that determines the answer, the repeat and the
    purpose included: equal fingerprints are the same trial, paid once.
    """

    fingerprint: str
    feature: str
    option: str
    case_id: str
    repeat: int
    purpose: Purpose
    endpoint: Endpoint
    request: ModelRequest
    reserve_usd: Decimal
    """Proven upper bound of what one attempt can cost."""
    batch: bool = False
    """Asked in a vendor's batch, at the batch price; not part of the fingerprint."""
    program: CallingProgram | None = None
    """Who answers it, where that is no single request; `request` then has the case's line."""
    part_of: str | None = None
    """Of a call that a program made: the fingerprint of the program's trial."""
    role: str | None = None
    """Of such a call to another model than the option's own: who made it."""


IMPORTED = "imported"
"""Cycle of the runs that were imported; begins the `request_id` of an answer that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One wire call. `cost_usd` is None when usage is unknown: then `reserve_usd` may be billed."""

    number: int
    started_at: str
    """UTC, ISO 8601."""
    reserve_usd: Decimal
    cost_usd: Decimal | None
    usage: TokenUsage | None
    total_s: float | None
    first_token_s: float | None
    inter_token_s: float | None
    error: str | None
    """A `FaultKind`, or the class of an unexpected exception; None: the call brought an answer."""
    status: int | None
    request_id: str | None
    served_model: str | None
    lagged: bool = False
    """The event loop was late during this call: no latency sample."""
    batch: str | None = None
    """The vendor's id of the batch that it went with, at the batch price; None: a live call."""
    role: str | None = None
    """In a program's trial: `PROGRAM` for its own run, `UNUSED`, or the role that asked a model
    beside the option's own. None: the option's own model was asked."""

    @property
    def imported(self) -> bool:
        """Whether another tool made the call: its answer was seen before the review."""
        return (self.request_id or "").startswith(f"{IMPORTED}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The model answered; whether well is a scorer's business."""

    trial: Trial
    attempts: tuple[Attempt, ...]
    text: str
    finish: str
    tool_calls: str | None = None
    """The model's tool calls, as JSON text."""
    probability: float | None = None
    """The model's own probability of this answer, in [0, 1]; None: it told none."""
    stored: bool = field(default=False, compare=False)
    """The journal had it: nothing was asked for it in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The model's fault (refusal, block, length, too long, deadline): score 0."""

    trial: Trial
    attempts: tuple[Attempt, ...]
    reason: str
    stored: bool = field(default=False, compare=False)
    """The journal had it: nothing was asked for it in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The world's fault (429, connection, 5xx, auth after the retry budget): no score."""

    trial: Trial
    attempts: tuple[Attempt, ...]
    reason: str


Outcome: TypeAlias = Answered | Failed | Missing


class Lane(NamedTuple):
    """What a provider limits together."""

    provider: str
    """Vendor or address."""
    key: str
    """Name of the key."""
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneHistory:
    """What a lane granted and how it went: evidence, and the base of the next plan's hours."""

    lane: Lane
    calls: int
    answered: int
    rate_limited: int
    overloaded: int
    cuts: int
    most_in_flight: int
    tokens: int
    active_s: float
    requests_per_minute: int | None
    tokens_per_minute: int | None
