"""What a reply means: the attempt that goes to the journal, and how its trial ends."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.replay.calls import LOST_WORKER, Fault, Reply
from harness.trials import Answered, Attempt, Failed, Missing
from providers.completion import Completion

if TYPE_CHECKING:
    from decimal import Decimal

    from harness.trials import Outcome, Trial
    from providers.answer import Answer

MODELS_FAULT = frozenset({"length", "refusal", "content_filter"})
"""Finishes that are the model's failure, whatever text came with them."""

LOST = Fault(error=LOST_WORKER, blame="transient")
"""A worker died with the call in flight."""


def attempt_of(trial: Trial, number: int, reply: Reply, cost_usd: Decimal | None) -> Attempt:
    """The attempt as evidence."""
    result = reply.result
    answer = result if isinstance(result, Completion) else None
    fault = result if isinstance(result, Fault) else None
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


def given_up(trial: Trial, attempts: tuple[Attempt, ...], fault: Fault) -> Outcome:
    """How a trial ends that is asked no more."""
    if fault.blame == "model":
        return Failed(trial=trial, attempts=attempts, reason=fault.error)
    return Missing(trial=trial, attempts=attempts, reason=fault.error)
