"""One wire call between the driver and a worker: the call, its reply, and what the reply means.

A provider's error becomes a `CallFailure`, which can be pickled and kept; a reply becomes the
attempt that the journal keeps, and its trial's outcome.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeAlias

from harness.journal.trials import Answered, Attempt, Failed, FaultKind, Missing, Outcome, Trial
from providers.answer import Answer
from providers.completion import Completion, RateLimit, TokenUsage
from providers.errors import (
    AuthRejectedError,
    ContentBlockedError,
    DeadlineExceededError,
    ModelNotFoundError,
    ProgramFailedError,
    PromptTooLongError,
    ProviderError,
    SdkMissingError,
    TransientError,
    UnknownFinishError,
)
from providers.provider import Endpoint
from providers.request import ModelRequest

Blame: TypeAlias = Literal["transient", "model", "lane", "request"]
"""Who is to blame for a fault. `transient`: nobody, ask again; `model`: score 0; `lane`: send
nothing more there; `request`: this trial has no score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One wire call to make. Names its key, never holds it."""

    endpoint: Endpoint
    request: ModelRequest
    lane: str = ""
    width: int | None = None
    """Most calls of this lane that the worker makes at once. The rest wait at the worker, so that
    the next one starts without a round trip to the driver. None: no limit there."""
    waits: bool = True
    """False: it has a place that is kept for its feature, and waits for no other call."""

    @property
    def server_url(self) -> str | None:
        """URL of the server; one that we started listens on its own node only."""
        return self.endpoint.base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """Why a call brought no answer, without a word of the request or the reply."""

    kind: FaultKind
    blame: Blame
    status: int | None = None
    request_id: str | None = None
    retry_after_s: float | None = None
    usage: TokenUsage | None = None
    rate_limit: RateLimit | None = None
    billable: bool = True
    total_s: float | None = None
    exception: str | None = None
    """Class of an unexpected exception; None for every other kind."""
    said: str | None = None
    """The server's words about a refusal, where nothing of the request is in them; not kept."""
    word: str | None = None
    """How the answer ended, where that is not known."""

    def __post_init__(self) -> None:
        if (self.exception is not None) != (self.kind is FaultKind.UNEXPECTED):
            raise ValueError(f"a class of exception goes with an unexpected one only: {self!r}")

    @property
    def error(self) -> str:
        """Name of the fault, as the journal keeps it."""
        if self.word is not None:
            return f"ended as {self.word!r}, a word that is not known"
        return self.exception or self.kind.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a call."""

    started_at: str
    """UTC, ISO 8601."""
    result: Completion | CallFailure
    lagged: bool
    """The worker's event loop was late during the call, so its latency is not a sample."""


MODELS_FAULT = frozenset({"length", "refusal", "content_filter"})
"""Finish reasons that count as the model's failure, whatever text came with them."""

KINDS = MappingProxyType({kind.value: kind for kind in FaultKind})

LOST = CallFailure(kind=FaultKind.WORKER_LOST, blame="transient")


def attempt_of(trial: Trial, number: int, reply: Reply, cost_usd: Decimal | None) -> Attempt:
    """The attempt as the journal keeps it."""
    result = reply.result
    answer = result if isinstance(result, Completion) else None
    fault = result if isinstance(result, CallFailure) else None
    return Attempt(
        number=number,
        started_at=reply.started_at,
        reserve_usd=trial.reserve_usd,
        cost_usd=cost_usd,
        usage=result.usage,
        total_s=answer.timing.total_s if answer else fault.total_s if fault else None,
        first_token_s=answer.timing.first_token_s if answer else None,
        inter_token_s=answer.timing.inter_token_s if answer else None,
        error=fault.error if fault else None,
        status=fault.status if fault else None,
        request_id=result.request_id,
        served_model=answer.served_model if answer else None,
        lagged=reply.lagged,
    )


def answered(
    trial: Trial, attempts: tuple[Attempt, ...], completion: Completion | Answer
) -> Outcome:
    """The outcome of a trial that got a reply."""
    if trial.part_of is not None and isinstance(completion, Completion):
        # Whatever it says, the program goes on with it; the journal keeps it as it came.
        text = completion.document or ""
        return Answered(trial=trial, attempts=attempts, text=text, finish=completion.finish)
    if completion.finish in MODELS_FAULT:
        return Failed(trial=trial, attempts=attempts, reason=completion.finish)
    calls = json.dumps([asdict(call) for call in completion.tool_calls])
    return Answered(
        trial=trial,
        attempts=attempts,
        text=completion.text,
        finish=completion.finish,
        tool_calls=calls if completion.tool_calls else None,
        probability=completion.probability,
    )


def given_up(trial: Trial, attempts: tuple[Attempt, ...], fault: CallFailure) -> Outcome:
    """The outcome of a trial that is not asked again after a fault."""
    if fault.blame == "model":
        return Failed(trial=trial, attempts=attempts, reason=fault.error)
    return Missing(trial=trial, attempts=attempts, reason=fault.error)


def fault_of(error: ProviderError) -> CallFailure:
    """What may be kept of a provider's error: never a text of the request or the reply."""
    name = type(error).__name__
    kind = KINDS.get(name, FaultKind.UNEXPECTED)
    return CallFailure(
        kind=kind,
        blame=blame(error),
        status=error.status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
        usage=error.usage,
        rate_limit=error.rate_limit,
        billable=error.billable,
        total_s=error.total_s,
        exception=name if kind is FaultKind.UNEXPECTED else None,
        word=error.word if isinstance(error, UnknownFinishError) else None,
    )


def without_the_request(said: str | None, request: ModelRequest) -> str | None:
    """A server's sentence, None where it quotes what was asked."""
    if said is None:
        return None
    asked = " ".join(message.text for message in request.messages).lower()
    words = said.lower().split()
    runs = (" ".join(words[at : at + _QUOTED]) for at in range(max(len(words) - _QUOTED + 1, 1)))
    return None if any(run in " ".join(asked.split()) for run in runs) else said


_QUOTED = 3
"""So many words in a row that stand in the request as well are a quotation."""


def unexpected(error: Exception, *, blame: Blame, billable: bool = True) -> CallFailure:
    """An exception that the provider does not declare, kept by its class alone."""
    return CallFailure(
        kind=FaultKind.UNEXPECTED,
        blame=blame,
        billable=billable,
        exception=type(error).__name__,
    )


def blame(error: ProviderError) -> Blame:
    """Who is to blame for an error."""
    match error:
        case TransientError():
            return "transient"
        case (
            PromptTooLongError()
            | ContentBlockedError()
            | DeadlineExceededError()
            | ProgramFailedError()
        ):
            return "model"
        case AuthRejectedError() | ModelNotFoundError() | SdkMissingError():
            return "lane"
        case _:
            return "request"
