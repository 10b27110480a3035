"""What a wire's body says, before time and headers are added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from providers.completion import Completion

if TYPE_CHECKING:
    from providers.completion import Finish, RateLimit, Timing, TokenUsage
    from providers.documents import JsonObject
    from providers.request import ModelRequest, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's reply as its body tells it."""

    text: str
    finish: Finish
    served_model: str | None
    usage: TokenUsage | None
    tool_calls: tuple[ToolCall, ...] = ()
    service_tier: str | None = None
    reply_id: str | None = None


class StreamReader(Protocol):
    """Puts a streamed answer together."""

    def feed(self, event: JsonObject) -> bool:
        """Take one event; say whether it brought part of the answer."""
        ...

    def usage(self) -> TokenUsage | None:
        """Usage reported so far; None until the server has told all of it."""
        ...

    def answer(self) -> Answer:
        """The whole answer, or `BrokenBodyError` when the stream ended before its end."""
        ...


class Dialect(Protocol):
    """One wire format: a request's body out, an answer in. No network, no SDK."""

    def path_of(self, request: ModelRequest, /) -> str:
        """Where the request goes, under the base address."""
        ...

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`; `BadRequestError` for what the wire cannot carry."""
        ...

    def read(self, document: JsonObject) -> Answer:
        """Read a plain answer, or raise `ProviderError`."""
        ...

    def reader(self) -> StreamReader:
        """Start reading a streamed answer."""
        ...


def to_completion(
    answer: Answer, timing: Timing, *, request_id: str | None, rate_limit: RateLimit | None
) -> Completion:
    """The reply with its time and headers."""
    return Completion(
        text=answer.text,
        finish=answer.finish,
        served_model=answer.served_model,
        request_id=request_id or answer.reply_id,
        usage=answer.usage,
        timing=timing,
        tool_calls=answer.tool_calls,
        rate_limit=rate_limit,
        service_tier=answer.service_tier,
    )
