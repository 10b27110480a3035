"""Figures of a text, whoever's conventions it follows: numbers, days and times, in every reading.

`1,234` is 1234 or 1.234, and `05/03/2024` the 5th of March or the 3rd of May: nobody says which. So
each figure has all of its readings, and two figures agree where one reading of each is the same. A
changed digit changes every reading, so it never agrees with what it was.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from harness.judge.scoring.grounded.wording import tables

_LONGEST = 400
"""Digits of one number that are read by value; a longer one only as it is written."""
_PERCENT = "%"
_OF = frozenset({"de", "d", "di", "of", "us"})
"""Words between a scale and what is counted: two millions of euros."""
_OF_A_DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day, or what a text says of one; None: it does not say."""

    year: int | None
    month: int
    day: int | None

    def within(self, told: Day, years: frozenset[int]) -> bool:
        """Whether another text tells all that this says; its year may stand elsewhere in it."""
        same_year = self.year is None or self.year == told.year
        elsewhere = told.year is None and self.year in years
        same_day = self.day is None or self.day == told.day
        return self.month == told.month and same_day and (same_year or elsewhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, day or time as it stands in a text, with what it may mean."""

    text: str
    values: frozenset[Fraction] = frozenset()
    unit: str = ""
    negative: bool = False
    days: frozenset[Day] = frozenset()
    minutes: frozenset[int] = frozenset()
    """A time of day, in minutes."""
    name: str = ""
    """A name with digits in it, without what joins its parts."""
    lowered: bool = False
    """Whether the sentence tells of a fall or a loss."""
    spelled: bool = False

    def agrees(self, other: Figure) -> bool:
        """Whether another text's number is this one."""
        if self.negative != other.negative and not (self.lowered or other.lowered):
            return False
        if self.values & other.values and self._same_unit(other):
            return True
        return self._shares(other) or other._shares(self)

    def _same_unit(self, other: Figure) -> bool:
        units = {self.unit, other.unit} - {""}
        if _OF_A_DATE in units:
            return units == {_OF_A_DATE}
        return len(units) < 2  # noqa: PLR2004  # one name, or none

    def _shares(self, other: Figure) -> bool:
        """Whether a number in percent is the other one as a share."""
        if self.unit != _PERCENT or other.unit:
            return False
        return bool({value / 100 for value in self.values} & other.values)


_DIGITS = r"\d+(?:[.,'\u2019_]\d+)*"
_SPACED = r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?"
_NUMBER = re.compile(rf"(?:{_SPACED})|(?:{_DIGITS})|(?<![\w.])[.,]\d+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BEFORE = re.compile(
    r"(?:(us\$|r\$|[$\u20ac\u00a3\u00a5\u20b9])|(?<![a-z])(eur|usd|gbp|jpy|chf|inr|pln|sek|nok|dkk"
    r"|cny|brl|kr)\.?) ?(-?)$"
)
_BEHIND = re.compile(
    r"\)? ?-?([%\u2030$\u20ac\u00a3\u00a5\u20b9\u4e07\u4ebf]|km/h|\u00b0 ?[cf]|[^\W\d_]+\$?)?\.?"
    r"(?: ([^\W\d_]+\$?|[%$\u20ac\u00a3]))?(?: ([^\W\d_]+|[%$\u20ac\u00a3]))?"
)
_NAME = re.compile(r"(?<![\w])[^\W\d_]+(?:[-_/.]?\d[\w]*)(?:[-_/.]\w+)*")
_YEAR_FIRST = r"(?<![\d.,/-])(?P<y>\d{4})[-/.](?P<a>\d{1,2})[-/.](?P<b>\d{1,2})(?![\d/-])"
_YEAR_LAST = r"(?<![\d.,/-])(?P<a>\d{1,2})([./-])(?P<b>\d{1,2})\2(?P<y>\d{4}|\d{2})(?![\d/-])"
_CHINESE = r"(?P<y>\d{4})\u5e74(?P<a>\d{1,2})\u6708(?P<b>\d{1,2})\u65e5"
_DAY_MONTH = (
    r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.|\u00ba|e)?(?: of| de| di)? ?(?P<m>MONTH)"
    r"(?![^\W\d_])\.?(?:,? ?(?:de |del |of )?(?P<y>\d{4}))?(?!\d)"
)
_MONTH_DAY = r"(?<![^\W_])(?P<m>MONTH)\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:,? (?P<y>\d{4}))?"
_MONTH_YEAR = r"(?<![^\W_])(?P<m>MONTH)\.?,? (?:de |of |del )?(?P<y>\d{4})(?!\d)"
_TIME = re.compile(
    r"(?<![\d.,:])(?P<h>\d{1,2})(?:[:h](?P<m>\d{2})(?::\d{2})?|\.(?P<p>\d{2})(?= ?uhr))"
    r"(?![\d:]) ?(?P<half>[ap]\.?m\b\.?)?"
)
_HALF = re.compile(r"(?<![\d.,:])(?P<h>\d{1,2}) ?(?P<half>[ap]\.?m\b\.?)")
_SHORT_DAY = re.compile(r"(?<![\d.,])(\d{1,2})\.(\d{1,2})\.(?!\d)")
_SENTENCE = re.compile(r"[.!?;]\s|\n|[\u3002\uff01\uff1f]")
_TABLE = re.compile(
    r"\bin (thousands|millions|billions|tsd|mio|mrd|tausend|millionen|milliarden)\b"
    r"|\ben (milliers|millions|milliards|miles|millones)\b"
)
_TABLE_SCALES = {
    **dict.fromkeys(("thousands", "tsd", "tausend", "milliers", "miles"), 3),
    **dict.fromkeys(("millions", "mio", "millionen", "millones"), 6),
    **dict.fromkeys(("billions", "mrd", "milliarden", "milliards"), 9),
}


def folded(text: str) -> str:
    """A text in small letters without accents, its digits, dashes and spaces in one form."""
    form = unicodedata.normalize("NFKD", text.casefold().replace("\u2044", "/"))
    letters = (_one(each) for each in form if not unicodedata.combining(each))
    return re.sub(r"[^\S\n]+", " ", "".join(letters)).replace("\u0142", "l")


def _one(letter: str) -> str:
    if letter.isascii():
        return letter
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    kind = unicodedata.category(letter)
    if kind == "Pd" or letter == "\u2212":
        return "-"
    return "'" if letter in "\u2019\u02bc" else "" if kind == "Cf" else letter


def figures(text: str) -> tuple[Figure, ...]:
    """The figures of a folded text, in its order; what is part of a day is no number of its own."""
    found: list[tuple[int, Figure]] = []
    taken = bytearray(len(text))
    for at, end, figure in [*_dates(text), *_times(text), *_names(text)]:
        if not any(taken[at:end]):
            taken[at:end] = b"1" * (end - at)
            found.append((at, figure))
    rest = "".join("\0" if mark else letter for letter, mark in zip(text, taken, strict=True))
    scale = _table_scale(text)
    lowered = _lowered(text)
    found.extend(
        (at := match.start(), _number(rest, match, scale, lowered=lowered(at)))
        for match in _NUMBER.finditer(rest)
    )
    found += _spelled(rest)
    return tuple(figure for _, figure in sorted(found, key=lambda each: each[0]))


def of_dates(found: Sequence[Figure]) -> Iterator[Figure]:
    """The years and days of the month that days name, as numbers that nothing is counted by."""
    for figure in found:
        parts = {part for day in figure.days for part in (day.year, day.day) if part is not None}
        if parts:
            values = frozenset(map(Fraction, parts))
            yield Figure(text=figure.text, values=values, unit=_OF_A_DATE)
    for figure in found:
        if figure.name:
            for digits in re.findall(r"\d+", figure.text):
                yield Figure(text=digits, values=frozenset({Fraction(int(digits[:_LONGEST]))}))


@cache
def _date_patterns() -> tuple[re.Pattern[str], ...]:
    names = "|".join(sorted(tables().months, key=len, reverse=True))
    forms = (_YEAR_FIRST, _YEAR_LAST, _DAY_MONTH, _MONTH_DAY, _MONTH_YEAR, _CHINESE)
    return tuple(re.compile(form.replace("MONTH", names)) for form in forms)


def _dates(text: str) -> Iterator[tuple[int, int, Figure]]:
    for pattern in _date_patterns():
        for match in pattern.finditer(text):
            days = frozenset(_days(match.groupdict()))
            if days:
                yield match.start(), match.end(), Figure(text=match[0], days=days)


def _days(parts: dict[str, str | None]) -> Iterator[Day]:
    stated = parts.get("y")
    year = None if stated is None else int(stated) + (2000 if len(stated) == 2 else 0)  # noqa: PLR2004
    name, day = parts.get("m"), parts.get("d")
    pairs: list[tuple[int, int | None]]
    if name:
        pairs = [(tables().months[name], int(day) if day else None)]
    else:
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        # Year first is month and day; else the order depends on who writes.
        pairs = [(first, second), (second, first)]
        pairs = pairs[:1] if stated is not None and _leads(parts) else pairs
    for month, of_month in pairs:
        if 1 <= month <= 12 and (of_month is None or 1 <= of_month <= 31):  # noqa: PLR2004
            yield Day(year=year, month=month, day=of_month)


def _leads(parts: dict[str, str | None]) -> bool:
    return next(iter(parts)) == "y"


def _times(text: str) -> Iterator[tuple[int, int, Figure]]:
    for pattern in (_TIME, _HALF):
        for match in pattern.finditer(text):
            parts = match.groupdict()
            hour, minute = int(parts["h"]), int(parts.get("m") or parts.get("p") or 0)
            half = (parts.get("half") or "")[:1]
            if hour > 24 or minute > 59 or (half and not 1 <= hour <= 12):  # noqa: PLR2004
                continue
            if half:
                hour = hour % 12 + (12 if half == "p" else 0)
            figure = Figure(text=match[0].strip(), minutes=frozenset({60 * hour + minute}))
            yield match.start(), match.end(), figure


def _names(text: str) -> Iterator[tuple[int, int, Figure]]:
    """Words that hold digits: `gpt-4`, `inv-2024-001`; not `eur40`, nor `h2` of a unit."""
    for match in _NAME.finditer(text):
        head = re.match(r"[^\W\d_]+", match[0])
        if head is not None and head[0] not in tables().units and head[0] not in tables().scales:
            name = re.sub(r"[-_/. ]", "", match[0])
            yield match.start(), match.end(), Figure(text=match[0], name=name)


def _number(text: str, match: re.Match[str], table: int, *, lowered: bool) -> Figure:
    unit, scales, end = _counted(text, match)
    before = _BEFORE.search(text, max(0, match.start() - 8), match.start())
    if before is not None:
        unit = tables().units[before[1] or before[2]]
    start = match.start() if before is None else before.start()
    values = [
        value * Fraction(10) ** power for value in _readings(match[0]) for power in scales or (0,)
    ]
    if table and not scales and unit != _PERCENT:
        values += [value * 10**table for value in values]
    short = _SHORT_DAY.match(text, match.start())
    negative = _negative(text, start) or bool(before and before[3])
    return Figure(
        text=text[start:end].strip(),
        values=frozenset(values),
        unit=unit,
        days=frozenset() if short is None else frozenset(_short_day(short)),
        negative=negative,
        lowered=lowered,
    )


def _short_day(match: re.Match[str]) -> Iterator[Day]:
    """A day without a year, as 24.12. is; it may be a number at the end of a sentence as well."""
    day, month = int(match[1]), int(match[2])
    if 1 <= month <= 12 and 1 <= day <= 31:  # noqa: PLR2004
        yield Day(year=None, month=month, day=day)


def _negative(text: str, start: int) -> bool:
    """Whether a minus sign stands before: not the dash of a range or of a name."""
    return start > 0 and text[start - 1] == "-" and (start == 1 or text[start - 2] in " (\n:=")


def _counted(text: str, match: re.Match[str]) -> tuple[str, tuple[int, ...], int]:
    """The unit and the powers of ten behind a number, and where they end."""
    known = tables()
    behind = _BEHIND.match(text, match.end())
    groups = [(at, each) for at, each in enumerate(behind.groups(), 1) if each] if behind else []
    words = [(each.replace(" ", ""), behind.end(at)) for at, each in groups if behind]
    scales: tuple[int, ...] = ()
    end = match.end()
    for at, (word, stop) in enumerate(words):
        pair = f"{word} {words[at + 1][0]}" if at + 1 < len(words) else ""
        if pair in known.long_units:
            return known.long_units[pair], scales, words[at + 1][1]
        money = _is_money(text, match) or known.units.get(pair[2:], "").isupper()
        if word in known.scales and not scales and (word != "m" or money):
            scales, end = known.scales[word], stop
        elif word in known.units:
            return known.units[word], scales, stop
        elif not scales or word not in _OF:
            break
    return "", scales, end


def _is_money(text: str, match: re.Match[str]) -> bool:
    """Whether `m` behind a number means millions: where money stands before it."""
    return _BEFORE.search(text, max(0, match.start() - 8), match.start()) is not None


def _readings(written: str) -> list[Fraction]:
    """Every value that digits with separators may have."""
    if len(written) > _LONGEST:
        return []
    plain = re.sub(r"['\u2019_ ]", "", written)
    signs = [sign for sign in plain if sign in ".,"]
    if not signs:
        return [Fraction(int(plain))]
    kinds = set(signs)
    last = signs[-1]
    if len(kinds) == 2:  # noqa: PLR2004
        whole, _, rest = plain.rpartition(last)
        grouping = (kinds - {last}).pop()
        sound = last not in whole and _grouped(whole, grouping)
        return [Fraction(f"{whole.replace(grouping, '') or 0}.{rest}")] if sound else []
    grouped = [Fraction(int(plain.replace(last, "")))] if _grouped(plain, last) else []
    if len(signs) > 1:
        return grouped
    whole, _, rest = plain.partition(last)
    return [Fraction(f"{whole or 0}.{rest}"), *grouped]


def _grouped(written: str, sign: str) -> bool:
    """Whether a sign stands where it separates thousands, or lakhs."""
    head, *groups = written.split(sign)
    if not groups or not 1 <= len(head) <= 3 or head[0] == "0":  # noqa: PLR2004
        return not groups
    western = all(len(group) == 3 for group in groups)  # noqa: PLR2004
    indian = all(len(group) == 2 for group in groups[:-1]) and len(groups[-1]) == 3  # noqa: PLR2004
    return western or (sign == "," and indian and len(head) < 3)  # noqa: PLR2004


def _spelled(text: str) -> list[tuple[int, Figure]]:
    """Numbers that are written out: of what follows them, a unit or a scale."""
    found: list[tuple[int, Figure]] = []
    for match in _WORD.finditer(text):
        value = tables().spelled.get(match[0])
        if value is None:
            continue
        unit, scales, end = _counted(text, match)
        behind = text[match.end() : end].strip(" -")
        if behind in tables().ambiguous:
            unit = ""
        values = frozenset(Fraction(value) * 10**power for power in scales or (0,))
        counted = bool(unit or scales) and match[0] not in tables().articles
        figure = Figure(
            text=text[match.start() : end], values=values, unit=unit, spelled=not counted
        )
        found.append((match.start(), figure))
    return found


def _table_scale(text: str) -> int:
    """The power of ten that a table says its numbers are in."""
    found = _TABLE.search(text)
    return 0 if found is None else _TABLE_SCALES[found[1] or found[2]]


def _lowered(text: str) -> Callable[[int], bool]:
    """Whether the sentence around a place tells of a fall or a loss."""
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    starts = [0, *ends]
    down = tables().down
    told = [
        not down.isdisjoint(_WORD.findall(text[start:end]))
        for start, end in zip(starts, [*ends, len(text)], strict=True)
    ]
    return lambda at: told[bisect_right(ends, at)]
