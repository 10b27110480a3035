"""Numbers of a log as SQL: counts, durations, and amounts as programs and people write them.

An amount may have a sign of USD and a decimal comma (`$1,234.50`, `0,12 USD`). What may be read in
two ways is none: `1,234` as an amount, `1.000` as a count; digits parted by `_` neither.
"""

from __future__ import annotations

from harness.bring.logs.log_format import LogFormat
from harness.bring.logs.moments import quoted

_ABSENT = ("", "null", "none", "n/a", chr(92) + "n")
"""Texts for a number or an end that is not there."""
MOST = "1e15"
IN_USD = "currency IS NULL OR currency IN ('USD', 'US$', '$')"
_GROUPED = r"[1-9]\d{0,2}(?:\.000)+"
_SIGN = r"^(?:US\$|USD|\$)\s*|\s*(?:US\$|USD|\$)$"
_WITH_POINT = r"\d+(?:\.\d+)?"
_GROUPED_BY_COMMA = r"[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:,\d{3}){2,}"
_WITH_COMMA = r"[1-9]\d{0,2}(?:\.\d{3})+,\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+"
_EITHER = r"[1-9]\d{0,2},\d{3}"
_MONEY = "DECIMAL(24, 12)"
_OTHER = r"[€£¥₹]|(?:^|[^A-Z])[A-Z]{3}(?:[^A-Z]|$)"


def duration(text: str) -> str:
    """A number, or NULL."""
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def counted(text: str) -> str:
    """A number that is a count, or NULL; `12.0` is one, as tables of floats have it."""
    unclear = f"contains({text}, '_') OR (contains({text}, '.') AND {_is(text, _GROUPED)})"
    return f"CASE WHEN NOT ({unclear}) THEN TRY_CAST({text} AS DOUBLE) END"


def plain_amount(text: str, times: str) -> str:
    """An amount of USD as programs write it, or NULL; of cents where `times` says so."""
    return _times(
        f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS {_MONEY}) END", times
    )


def amount(text: str, times: str) -> str:
    """An amount as people write it, or NULL; one of cents has no sign of USD."""
    bare = _bare(text) if times == "1" else f"trim({text})"
    return _times(
        f"TRY_CAST(CASE WHEN {_is(bare, _WITH_POINT)} THEN {bare} "
        f"WHEN {_is(bare, _GROUPED_BY_COMMA)} THEN replace({bare}, ',', '') "
        f"WHEN {_is(bare, _WITH_COMMA)} THEN replace(replace({bare}, '.', ''), ',', '.') END "
        f"AS {_MONEY})",
        times,
    )


def _times(number: str, times: str) -> str:
    return number if times == "1" else f"({number} * {times}::DECIMAL(8, 2))"


def _may_group(text: str) -> str:
    """Whether the points of a count may part its thousands."""
    return f"coalesce({_is(text, _GROUPED)}, false)"


def _of_two_readings(text: str) -> str:
    """Whether the comma of an amount may part thousands, or begin a fraction."""
    return _is(_bare(text), _EITHER)


def _of_another_currency(text: str) -> str:
    """Whether an amount names a currency that is not USD."""
    return f"regexp_matches({text}, '[0-9]') AND regexp_matches({_bare(text)}, {quoted(_OTHER)})"


def _bare(text: str) -> str:
    return f"regexp_replace(upper(trim({text})), {quoted(_SIGN)}, '', 'g')"


def _is(text: str, pattern: str) -> str:
    return f"regexp_full_match(trim({text}), {quoted(pattern)})"


def stated(name: str) -> str:
    """Whether a column has anything."""
    return f"lower(trim({name}_text)) NOT IN ({', '.join(map(quoted, _ABSENT))})"


def is_duration(name: str) -> str:
    """Whether a number is one from 0 on."""
    return f"(isfinite({name}) AND {name} >= 0)"


def no_duration(name: str) -> str:
    """Whether a column has anything else than a number from 0 on."""
    return f"{stated(name)} AND NOT coalesce({is_duration(name)}, false)"


def count_checks(name: str) -> list[tuple[str, str]]:
    """What can be said against a count."""
    wrong = f"{name} IS NULL OR {name} < 0 OR {name} <> floor({name}) OR {name} > {MOST}"
    return [
        (_may_group(f"{name}_text"), f"{name}: points that may part thousands"),
        (f"{stated(name)} AND ({wrong})", f"{name}: no whole number from 0 on"),
    ]


def cost_checks(form: LogFormat) -> list[tuple[str, str]]:
    """What can be said against a cost."""
    wrong, other = f"{stated('cost')} AND money IS NULL", "cost: in a currency that is not USD"
    return [
        *([(f"{stated('cost')} AND NOT ({IN_USD})", other)] if form.currency else []),
        (f"{wrong} AND {_of_another_currency('cost_text')}", other),
        (
            f"{wrong} AND {_of_two_readings('cost_text')}",
            "cost: a comma that may part thousands, or begin a fraction",
        ),
        (f"{stated('cost')} AND (money IS NULL OR money < 0)", "cost: no amount from 0 on"),
    ]
