"""What a reply's headers say: when to come back, what is granted and left."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from providers.completion import RateLimit

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
