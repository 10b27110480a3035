"""Responses that are no answer, and broken connections, as our errors.

Headers tell when to come back, and what a rate limit grants and leaves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from providers.answer import JsonObject, object_at, text_at
from providers.completion import RateLimit, TokenUsage
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    ContentBlockedError,
    ModelNotFoundError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
)

Headers: TypeAlias = Mapping[str, str]

# 1s, 6m0s, 20ms, 1h2m3.5s: the form of OpenAI's reset headers.
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def retry_after_s(headers: Headers) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds, or a date).

    A date is counted from the reply's own `date` header, so that our clock does not matter.
    """
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    return seconds if seconds is not None else _until(value, headers)


def rate_limit(headers: Headers) -> RateLimit | None:
    """What is granted and left; None when no header tells."""
    prefixes = ("anthropic-ratelimit-", "x-ratelimit-")
    found = next((p for p in prefixes if any(name.startswith(p) for name in headers)), None)
    if found is None:
        return None
    turned = found == "anthropic-ratelimit-"

    def at(what: str, part: str) -> str | None:
        return headers.get(f"{found}{what}-{part}" if turned else f"{found}{part}-{what}")

    return RateLimit(
        requests_limit=_whole(at("requests", "limit")),
        requests_remaining=_whole(at("requests", "remaining")),
        requests_reset_s=_reset(at("requests", "reset"), headers),
        tokens_limit=_whole(at("tokens", "limit")),
        tokens_remaining=_whole(at("tokens", "remaining")),
        tokens_reset_s=_reset(at("tokens", "reset"), headers),
        input_tokens_limit=_whole(at("input-tokens", "limit")),
        input_tokens_remaining=_whole(at("input-tokens", "remaining")),
        output_tokens_limit=_whole(at("output-tokens", "limit")),
        output_tokens_remaining=_whole(at("output-tokens", "remaining")),
    )


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _whole(value: str | None) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _reset(value: str | None, headers: Headers) -> float | None:
    if value is None:
        return None
    parts = _DURATION.findall(value)
    if parts and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    seconds = _number(value)
    return seconds if seconds is not None else _until(value, headers)


def _until(value: str | None, headers: Headers) -> float | None:
    end, now = _date(value), _date(headers.get("date"))
    return None if end is None or now is None else max(0.0, (end - now).total_seconds())


def _date(value: str | None) -> datetime | None:
    if value is None:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except ValueError:
            continue
        if moment.tzinfo is not None:
            return moment
    return None


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
TOO_LARGE = re.compile(
    r"request too large|must be reduced in order to run|exceeds the (?:rate )?limit of \d+ tokens",
    re.IGNORECASE,
)
LONGEST_SAID = 200
TOO_MANY = 429
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
    status = rejection.status
    # Larger than what a minute grants: it fits in no minute.
    never = status == TOO_MANY and TOO_LARGE.search(rejection.detail) is not None
    kind = BadRequestError if never else _kind(rejection)
    error = kind(
        _message(rejection),
        status=status,
        request_id=rejection.request_id,
        retry_after_s=retry_after_s(rejection.headers),
        usage=rejection.usage,
        rate_limit=rate_limit(rejection.headers),
        billable=rejection.bills_rejections or status not in UNBILLED,
    )
    if kind is BadRequestError:
        error.said = " ".join(rejection.detail.split())[:LONGEST_SAID] or None
    return error


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


# Names of the back ends' exceptions, because each has its own classes and wraps the other's.
NEVER_SENT = frozenset(
    {"ClientConnectorError", "ClientConnectorDNSError", "ConnectError", "NewConnectionError"}
)
BROKE_INSIDE = frozenset(
    {
        "ChunkedEncodingError",
        "ClientPayloadError",
        "ClientResponseError",
        "ReadError",
        "RemoteProtocolError",
    }
)
BROKE = frozenset({"ClientOSError", "ServerDisconnectedError", "ClientConnectionResetError"})


def broken_to_error(vendor: str, error: BaseException) -> ProviderError:
    """Tell apart a time-out, an address that was not reached, and a connection that broke.

    The deepest exception that tells anything decides: the aiohttp back end dresses resets as
    connect time-outs (OpenAI's SDK) or failed connections (Anthropic's).
    """
    causes = list(chain(error))
    if _timed_out(causes[-1]):
        return TimedOutError(f"{vendor}: nothing came in time")
    for cause in reversed(causes):
        name = type(cause).__name__
        if name in BROKE:
            break
        if name in NEVER_SENT:
            return ConnectionFailedError(f"{vendor}: no connection", billable=False)
        if name in BROKE_INSIDE:
            return BrokenBodyError(f"{vendor}: the connection broke inside the reply")
    return ConnectionFailedError(f"{vendor}: the connection broke")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, the deepest last."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def _timed_out(deepest: BaseException) -> bool:
    if isinstance(deepest, TimeoutError):
        return True
    # httpx's own transports raise their own time-outs, which are no TimeoutError.
    return not isinstance(deepest, OSError) and "Timeout" in type(deepest).__name__


def codes_of(error: JsonObject) -> tuple[str, ...]:
    """The code words of an error document, the most telling first.

    OpenAI has `code` and `type`, Azure an inner code, Anthropic `details.error_code` and `type`.
    """
    found = (
        text_at(error, "code"),
        text_at(object_at(error, "innererror"), "code"),
        text_at(object_at(error, "details"), "error_code"),
        text_at(error, "type"),
    )
    return tuple(code for code in found if code)
