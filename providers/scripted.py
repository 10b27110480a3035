"""A provider for tests: a function makes its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from providers.completion import Completion, Finish, Timing, TokenUsage
from providers.request import ModelRequest

Script: TypeAlias = Callable[["ModelRequest"], Completion]


class ScriptedProvider:
    """Answers every request by calling `script`, and remembers what it was asked.

    A script raises a `ProviderError` where the call shall fail.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[ModelRequest] = []
        self.closed = False

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer by the script."""
        self.asked.append(request)
        return self._script(request)

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def say(
    text: str,
    *,
    finish: Finish = "stop",
    usage: TokenUsage | None = None,
    total_s: float = 0.01,
) -> Completion:
    """A completion with a text, for scripts."""
    return Completion(
        text=text,
        finish=finish,
        served_model="scripted",
        request_id=None,
        usage=usage,
        timing=Timing(total_s=total_s),
    )
