"""What travels between the driver and a worker: one call, and how it went.

What a reply means: the attempt that goes to the journal, and how its trial ends.

A provider's error as a fact that may travel and be kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from harness.journal.trials import Answered, Attempt, Failed, Missing, Outcome, Trial
from providers.answer import Answer
from providers.completion import Completion, RateLimit, TokenUsage
from providers.errors import (
    AuthRejectedError,
    ContentBlockedError,
    DeadlineExceededError,
    ModelNotFoundError,
    PromptTooLongError,
    ProviderError,
    SdkMissingError,
    TransientError,
)
from providers.provider import Endpoint
from providers.request import ModelRequest

Blame: TypeAlias = Literal["transient", "model", "lane", "request"]
"""Whom a fault is charged to: the moment (ask again), the model (score 0), the whole lane
(nobody need ask), or this request (no score)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One wire call to make. Names its key, never holds it."""

    endpoint: Endpoint
    request: ModelRequest
    lane: str = ""
    width: int | None = None
    """Most calls of this lane that the worker has on the wire at once; the rest wait their turn
    there, so that a freed place is filled without a word from the driver. None: no such limit."""

    @property
    def server_url(self) -> str | None:
        """Address that is asked; a server of ours listens on its own node only."""
        return self.endpoint.base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """Why a call brought no answer, without a word of the request or the reply."""

    error: str
    """Class of the provider's error."""
    blame: Blame
    status: int | None = None
    request_id: str | None = None
    retry_after_s: float | None = None
    usage: TokenUsage | None = None
    rate_limit: RateLimit | None = None
    billable: bool = True
    total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a call went."""

    started_at: str
    """UTC, ISO 8601."""
    result: Completion | CallFailure
    lagged: bool
    """The worker's event loop was late during the call."""


LOST_WORKER = "WorkerLostError"
"""The worker died with the call in flight: whether it was billed is unknown."""


MODELS_FAULT = frozenset({"length", "refusal", "content_filter"})
"""Finishes that are the model's failure, whatever text came with them."""

LOST = CallFailure(error=LOST_WORKER, blame="transient")
"""A worker died with the call in flight."""


def attempt_of(trial: Trial, number: int, reply: Reply, cost_usd: Decimal | None) -> Attempt:
    """The attempt as evidence."""
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
    """How a trial with a reply ends."""
    if completion.finish in MODELS_FAULT:
        return Failed(trial=trial, attempts=attempts, reason=completion.finish)
    calls = json.dumps([asdict(call) for call in completion.tool_calls])
    return Answered(
        trial=trial,
        attempts=attempts,
        text=completion.text,
        finish=completion.finish,
        tool_calls=calls if completion.tool_calls else None,
    )


def given_up(trial: Trial, attempts: tuple[Attempt, ...], fault: CallFailure) -> Outcome:
    """How a trial ends that is asked no more."""
    if fault.blame == "model":
        return Failed(trial=trial, attempts=attempts, reason=fault.error)
    return Missing(trial=trial, attempts=attempts, reason=fault.error)


def fault_of(error: ProviderError) -> CallFailure:
    """Keep what may be kept of a provider's error."""
    return CallFailure(
        error=type(error).__name__,
        blame=blame(error),
        status=error.status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
        usage=error.usage,
        rate_limit=error.rate_limit,
        billable=error.billable,
        total_s=error.total_s,
    )


def blame(error: ProviderError) -> Blame:
    """Whom an error is charged to."""
    match error:
        case TransientError():
            return "transient"
        case PromptTooLongError() | ContentBlockedError() | DeadlineExceededError():
            return "model"
        case AuthRejectedError() | ModelNotFoundError() | SdkMissingError():
            return "lane"
        case _:
            return "request"
