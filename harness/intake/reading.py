"""Bytes to text and JSON, each failure one clear line; and typed looks into foreign JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from harness.errors import Problem, UsageError
from providers.completion import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

Object: TypeAlias = "dict[str, Any]"


def as_text(data: bytes, *, file: str) -> str:
    """Text of a UTF-8 file, with or without a byte order mark; UTF-16 where a mark says so.

    Raises:
        UsageError: another encoding; names the line.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}:{line}: not UTF-8 text; save it as UTF-8") from None


def as_json(data: bytes, *, file: str) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a file; NaN and infinities are kept for the reader to judge.

    Raises:
        UsageError: not JSON, or cut short; names the line.
    """
    text = as_text(data, file=file)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = " (the file is cut short)" if error.pos >= len(text.rstrip()) else ""
        raise UsageError(f"{file}:{error.lineno}: broken JSON: {error.msg}{cut}") from None
    except (RecursionError, ValueError):
        raise UsageError(f"{file}: broken JSON: nested too deeply, or a number too long") from None


def warning(file: str, line: int | None, key: str, message: str) -> Problem:
    """A problem that stops nothing but is told."""
    return Problem(file=file, line=line, key=key, message=message, severity="warning")


def an_object(value: object) -> Object:
    """The value if it is a JSON object, else an empty one."""
    return cast("Object", value) if isinstance(value, dict) else {}


def a_list(value: object) -> list[Any]:
    """The value if it is a JSON list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def a_text(value: object) -> str | None:
    """The value if it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def a_number(value: object) -> float | None:
    """The value if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def a_count(value: object) -> int | None:
    """The value if it is a whole number that is not negative."""
    number = a_number(value)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def a_score(value: object) -> float | None:
    """The value as a score in [0, 1]; true is 1."""
    number = float(value) if isinstance(value, bool) else a_number(value)
    return number if number is not None and 0 <= number <= 1 else None


def usage(counts: Mapping[str, int | None]) -> TokenUsage | None:
    """Usage from counts by `TokenUsage`'s names; None where the main two are not known."""
    given, made = counts.get("input_tokens"), counts.get("output_tokens")
    if given is None or made is None:
        return None
    try:
        return TokenUsage(
            input_tokens=given,
            output_tokens=made,
            cache_read_tokens=counts.get("cache_read_tokens") or 0,
            cache_write_tokens=counts.get("cache_write_tokens") or 0,
            reasoning_tokens=counts.get("reasoning_tokens") or 0,
        )
    except ValueError:
        return None
