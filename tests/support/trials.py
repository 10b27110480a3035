"""Trials with overrides."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.journal.trials import Trial
from providers.completion import TokenUsage
from providers.provider import Endpoint
from providers.request import Message, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CENT = Decimal("0.01")


def request(text: str, **overrides: Any) -> ModelRequest:
    return ModelRequest(
        **{
            "model": "small",
            "messages": (Message(role="user", text=text),),
            "max_output_tokens": 10,
            **overrides,
        }
    )


def trial(number: int, text: str = "hello", **overrides: Any) -> Trial:
    return Trial(
        **{
            "fingerprint": f"{number:064x}",
            "feature": "sentiment",
            "option": "small",
            "case_id": f"c{number}",
            "repeat": 1,
            "purpose": "quality",
            "endpoint": Endpoint(vendor="openai-compatible", api="chat"),
            "request": request(text),
            "reserve_usd": CENT,
            **overrides,
        }
    )


def scripted(number: int, log: Path, *steps: str, model: str = "small", **overrides: Any) -> Trial:
    """A trial whose n-th call to `scripted_worker` does the n-th step, or the last."""
    text = f"{number}|{','.join(steps or ('stop',))}"
    endpoint = Endpoint(vendor="openai-compatible", api="chat", base_url=str(log))
    asked = request(text, model=model)
    return trial(number, endpoint=endpoint, request=asked, **overrides)


def calls(log: Path) -> Sequence[str]:
    """The numbers of the trials that were called, in order of arrival."""
    return log.read_text().split() if log.exists() else ()


def usd_per_token(_: Trial, usage: TokenUsage) -> Decimal:
    return Decimal(usage.input_tokens + usage.output_tokens) / 100_000
