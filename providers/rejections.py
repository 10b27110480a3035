"""From what a server said no with, to one of our errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ContentBlockedError,
    ModelNotFoundError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
)
from providers.headers import rate_limit, retry_after_s

if TYPE_CHECKING:
    from providers.completion import TokenUsage
    from providers.headers import Headers

# Codes and types of the vendors' error documents (their public API references).
BY_CODE: dict[str, type[ProviderError]] = {
    "context_length_exceeded": PromptTooLongError,
    "exceed_context_size_error": PromptTooLongError,
    "content_filter": ContentBlockedError,
    "content_policy_violation": ContentBlockedError,
    "moderation_blocked": ContentBlockedError,
    "responsibleaipolicyviolation": ContentBlockedError,
    "invalid_prompt": ContentBlockedError,
    "insufficient_quota": AuthRejectedError,
    "billing_hard_limit_reached": AuthRejectedError,
    "billing_error": AuthRejectedError,
    "invalid_api_key": AuthRejectedError,
    "api_key_invalid": AuthRejectedError,
    "authentication_error": AuthRejectedError,
    "permission_error": AuthRejectedError,
    "unauthenticated": AuthRejectedError,
    "permission_denied": AuthRejectedError,
    "failed_precondition": AuthRejectedError,
    "model_not_found": ModelNotFoundError,
    "deploymentnotfound": ModelNotFoundError,
    "not_found_error": ModelNotFoundError,
    "not_found": ModelNotFoundError,
    "rate_limit_exceeded": RateLimitedError,
    "rate_limit_error": RateLimitedError,
    "resource_exhausted": RateLimitedError,
    "overloaded_error": OverloadedError,
    "server_error": OverloadedError,
    "internal": OverloadedError,
    "unavailable": OverloadedError,
    "api_error": OverloadedError,
    "timeout_error": TimedOutError,
    "deadline_exceeded": TimedOutError,
}
BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthRejectedError,
    402: AuthRejectedError,
    403: AuthRejectedError,
    404: ModelNotFoundError,
    408: TimedOutError,
    429: RateLimitedError,
}
# Servers that give no code say it in words only: OpenAI, vLLM, Anthropic, Gemini, llama.cpp.
TOO_LONG = re.compile(
    r"maximum context length|prompt is too long|exceed context limit|context window"
    r"|exceeds? the (maximum number of tokens|available context size)"
    r"|exceeds? (the )?model'?s? (maximum )?context",
    re.IGNORECASE,
)
NO_CREDIT = re.compile(r"credit balance is too low", re.IGNORECASE)
# Refused at the door: the model was never asked.
UNBILLED = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
CLIENT_ERROR, SERVER_ERROR = 400, 500
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A server's no. `detail` is read for its meaning and never kept: it may quote the prompt."""

    vendor: str
    status: int | None
    """None: inside a stream that had begun with 200."""
    codes: tuple[str, ...] = ()
    """Code, type or status words of the error document, the most telling first."""
    detail: str = ""
    headers: Headers = field(default_factory=dict[str, str])
    request_id: str | None = None
    usage: TokenUsage | None = None
    bills_rejections: bool = False
    """The platform bills calls that its filter refused (Azure)."""


def to_error(rejection: Rejection) -> ProviderError:
    """The error of a server's no: by code, then by words, then by status."""
    kind = _kind(rejection)
    status = rejection.status
    return kind(
        _message(rejection),
        status=status,
        request_id=rejection.request_id,
        retry_after_s=retry_after_s(rejection.headers),
        usage=rejection.usage,
        rate_limit=rate_limit(rejection.headers),
        billable=rejection.bills_rejections or status not in UNBILLED,
    )


def _kind(rejection: Rejection) -> type[ProviderError]:
    for code in rejection.codes:
        known = BY_CODE.get(code.lower())
        if known is not None:
            return known
    status = rejection.status
    if status is None:
        return BrokenBodyError
    if CLIENT_ERROR <= status < SERVER_ERROR and TOO_LONG.search(rejection.detail):
        return PromptTooLongError
    if NO_CREDIT.search(rejection.detail):
        return AuthRejectedError
    return BY_STATUS.get(status) or (OverloadedError if status >= SERVER_ERROR else BadRequestError)


def _message(rejection: Rejection) -> str:
    where = "in the stream" if rejection.status is None else f"status {rejection.status}"
    code = next((code for code in rejection.codes if _CODE.fullmatch(code)), None)
    return (
        f"{rejection.vendor}: {where}" if code is None else f"{rejection.vendor}: {where}, {code}"
    )
