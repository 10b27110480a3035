"""What a model's reply is made of: text, usage, time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from providers.request import ToolCall

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "refusal", "content_filter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens billed for one call.

    `input_tokens` counts every input token, cached ones included; the cache fields are parts of
    it. `output_tokens` likewise contains `reasoning_tokens`. `cache_write_1h_tokens` is the part
    of `cache_write_tokens` that was written to live an hour.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        """Refuse counts that cannot be parts of one another."""
        counts = (
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
            self.reasoning_tokens,
        )
        if min(counts) < 0:
            raise ValueError(f"negative token count in {self!r}")
        if self.cache_read_tokens + self.cache_write_tokens > self.input_tokens:
            raise ValueError(f"cache tokens exceed input_tokens in {self!r}")
        if self.cache_write_1h_tokens > self.cache_write_tokens:
            raise ValueError(f"one-hour cache writes exceed cache_write_tokens in {self!r}")
        if self.reasoning_tokens > self.output_tokens:
            raise ValueError(f"reasoning_tokens exceed output_tokens in {self!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds on a monotonic clock, around the wire call only.

    `first_token_s` is None unless the answer was streamed and had a token;
    `inter_token_s` is the mean gap between tokens after the first, None with fewer than two.
    """

    total_s: float
    first_token_s: float | None = None
    inter_token_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What the provider's headers grant and have left; None where a header was absent."""

    requests_limit: int | None = None
    requests_remaining: int | None = None
    requests_reset_s: float | None = None
    tokens_limit: int | None = None
    tokens_remaining: int | None = None
    tokens_reset_s: float | None = None
    input_tokens_limit: int | None = None
    input_tokens_remaining: int | None = None
    output_tokens_limit: int | None = None
    output_tokens_remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's reply to one request."""

    text: str
    finish: Finish
    served_model: str | None
    """Model version as the server named it."""
    request_id: str | None
    usage: TokenUsage | None
    """None when the API reported none: unknown, never zero."""
    timing: Timing
    tool_calls: tuple[ToolCall, ...] = ()
    rate_limit: RateLimit | None = None
    service_tier: str | None = None
    probability: float | None = None
    """The model's own probability of the answer that it gave, in [0, 1]; None: it told none."""
    document: str | None = None
    """The reply to a passed request as it came, JSON text: one object, or a stream's events."""
