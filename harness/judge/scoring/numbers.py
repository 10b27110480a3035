"""Numbers in texts, as each locale writes them.

A number is understood as a whole or not at all: `12,50` where a comma groups thousands, `3-5`,
`10:30`, `<5` and `1.2.3` are none, and no part of them is read. Equal values have one text: groups
signs, exponents (`7e3`, `1.5 x 10^3`), fractions (`3/4`, `2 1/2`), words of scale (million), digits
and minus signs of any script are read by value. A percent sign, a currency or a known unit is kept
beside the value. Words that hold a digit (CO2, GPT-4) are names.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import takewhile
from types import MappingProxyType

_LONGEST = 1000
"""Digits of a number, and its largest exponent, that are read."""


@dataclass(frozen=True, slots=True)
class _Signs:
    decimal: str
    groups: str
    """A character class. A narrow or plain space between groups is read everywhere."""
    indian: bool = False
    """The last group has three digits, the others two."""


_CONVENTIONS: Mapping[str, _Signs] = MappingProxyType(
    {
        "en": _Signs(".", ",\u066c"),
        "de": _Signs(",", "."),
        "fr": _Signs(",", ""),
        "de-CH": _Signs(".", "'"),
        "en-IN": _Signs(".", ",", indian=True),
        "ar": _Signs(".", "\u066c"),
    }
)
"""The first that fits is found from a column; those that follow English come first."""
_FOLLOWS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("en", "he", "ja", "ko", "ms", "th", "zh", "es-MX", "es-US"), "en"),
        **dict.fromkeys(("de", "da", "el", "es", "hr", "id", "is", "it", "nl", "pt", "ro"), "de"),
        **dict.fromkeys(("sl", "sr", "tr", "vi"), "de"),
        **dict.fromkeys(("fr", "bg", "cs", "et", "fi", "fr-CH", "hu", "lt", "lv", "nb"), "fr"),
        **dict.fromkeys(("nn", "no", "pl", "pt-PT", "ru", "sk", "sv", "uk"), "fr"),
        **dict.fromkeys(("de-CH", "de-LI", "it-CH"), "de-CH"),
        **dict.fromkeys(("en-IN", "bn", "gu", "hi", "mr", "ta", "te"), "en-IN"),
        "ar": "ar",
    }
)


def convention(locale: str) -> str | None:
    """The one of six conventions that a locale writes numbers by; None if it is not known.

    >>> convention("de_AT"), convention("pt-PT")
    ('de', 'fr')
    """
    tag = locale.replace("_", "-")
    return _FOLLOWS.get(tag) or _FOLLOWS.get(tag.split("-")[0])


_SCALES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("k", "K", "thousand", "tausend", "Tausend", "\u5343"), 3),
        **dict.fromkeys(("million", "millions", "Million", "Millionen", "Mio.", "Mio", "mn"), 6),
        **dict.fromkeys(("milliard", "milliards", "Milliarde", "Milliarden", "Mrd.", "Mrd"), 9),
        **dict.fromkeys(("billion", "bn"), 9),
        **dict.fromkeys(("\u4e07", "\u842c"), 4),
        **dict.fromkeys(("\u4ebf", "\u5104"), 8),
        **dict.fromkeys(("M", "B", "Billion", "Billionen", "billions", "trillion"), 0),
    }
)
"""Powers of ten. 0: what it means depends on who writes, so no number with it is understood."""
_UNITS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("%", "percent", "per cent", "Prozent", "pour cent", "por ciento"), "%"),
        **dict.fromkeys(("$", "US$", "USD", "dollar", "dollars", "Dollar"), "$"),
        **dict.fromkeys(("\u20ac", "EUR", "euro", "euros", "Euro"), "\u20ac"),
        **dict.fromkeys(("\u00a3", "GBP"), "\u00a3"),
        **dict.fromkeys(("\u00a5", "JPY", "CNY", "yen", "\u5186", "\u5143"), "\u00a5"),
        **dict.fromkeys(("\u20b9", "INR", "Rs.", "Rs", "rupees"), "\u20b9"),
        **dict.fromkeys(("CHF", "SFr.", "Fr."), "CHF"),
        **dict.fromkeys(("R$", "BRL"), "R$"),
        **dict.fromkeys(("kr", "kr.", "SEK", "NOK", "DKK"), "kr"),
        **dict.fromkeys(("z\u0142", "PLN"), "z\u0142"),
        **dict.fromkeys(("cent", "cents", "Cent"), "cent"),
        **dict.fromkeys(("kg", "kilogram", "kilograms"), "kg"),
        **dict.fromkeys(("g", "gram", "grams", "Gramm"), "g"),
        **dict.fromkeys(("km", "kilometers", "kilometres", "kilometer"), "km"),
        **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), "m"),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "Stunden"), "h"),
        **dict.fromkeys(("min", "minute", "minutes", "Minuten"), "min"),
        **dict.fromkeys(("s", "sec", "second", "seconds", "Sekunden"), "s"),
        **dict.fromkeys(("day", "days", "Tage"), "day"),
        **dict.fromkeys(("week", "weeks", "Wochen"), "week"),
        **dict.fromkeys(("month", "months", "Monate"), "month"),
        **dict.fromkeys(("year", "years", "Jahre"), "year"),
        **dict.fromkeys(("l", "L", "liter", "liters", "litre", "litres"), "l"),
        **{
            unit: unit
            for unit in (
                *("\u2030", "mg", "t", "lb", "lbs", "oz", "cm", "mm", "mi", "ft", "yd", "ms", "ml"),
                *("kB", "KB", "MB", "GB", "TB", "W", "kW", "kWh", "Wh", "J", "kJ", "kcal", "Hz"),
                *("kHz", "MHz", "GHz", "V", "mA", "A", "N", "Pa", "hPa", "bar", "km/h", "m/s"),
                *("mph", "\u00b0C", "\u00b0F", "\u00b0"),
            )
        },
    }
)
_BEFORE = (
    r"[A-Z]{0,2}[$]|[\u20ac\u00a3\u00a5\u20b9\u20a9\u20aa\u20ba\u20bd]|(?:USD|EUR|GBP|JPY|CNY"
    r"|INR|CHF|BRL|SEK|NOK|DKK|PLN|Rs\.?|kr\.?|SFr\.|Fr\.)(?=[\s\d.+-])"
)
_NO_BOUND = r"(?<![<\u2264\u2265])(?<![<\u2264\u2265] )(?<![<>]=)(?<![<>]= )(?<![^=-]>)"
_LETTER = r"A-Za-z\u00aa-\u02af\u0370-\u058f"
"""Letters of scripts that put spaces between words: "\u662f5" is a number, "CO2" a name."""


def _any_of(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Everything with a digit in it: a number, a name, or neither."""
    signs = _CONVENTIONS[name]
    point = f"[{signs.decimal}\u066b]"
    if signs.indian:
        grouped = r"\d{1,2}(?:,\d\d)*,\d{3}(?![,\d])"
    else:
        grouped = rf"\d{{1,3}}(?P<g>[ _{signs.groups}])\d{{3}}(?:(?P=g)\d{{3}})*(?!\d)"
    plain = rf"(?:(?:{grouped}|\d+)(?:{point}\d+)?|{point}\d+)"
    power = r"(?:[eE](?P<e>[+-]?\d+)|\s?[x\u00d7\u00b7*]\s?10\^(?P<ten>[+-]?\d+))"
    fraction = r"(?:(?P<whole>\d+) )?(?P<over>\d+)\s?/\s?(?P<under>\d+)"
    body = rf"(?:{fraction}|(?P<base>\d+)\^(?P<pure>[+-]?\d+)|(?P<digits>{plain}){power}?)"
    number = (
        rf"{_NO_BOUND}(?P<sign>(?<![\w.)\]])[-+])?(?:(?<![{_LETTER}\d_])(?P<before>{_BEFORE})\s?)?"
        rf"(?P<inner>(?(before)|(?<![\w.)\]]))[-+])?(?(before)|(?<![{_LETTER}\d_\u221a]))(?P<number>{body})"
        rf"(?:(?:st|nd|rd|th)(?![{_LETTER}\d]))?"
        rf"(?:\s?(?P<scale>{_any_of(_SCALES)})(?![{_LETTER}\d&]))?"
        rf"(?:\s?(?P<unit>{_any_of(_UNITS)})(?![{_LETTER}\d]))?"
        rf"(?![{_LETTER}\d_])(?!\s?[/^\u00d7\u00b1]\s?\d)(?![.,:'*\u066b\u066c]{{1,3}}\d)(?!-\d)"
    )
    # Possessive, and only from a word's start: a long text without digits takes linear time.
    word = rf"(?<![{_LETTER}\d_-])(?P<name>[{_LETTER}][{_LETTER}_-]*+\d[\w-]*+(?:[.:/]\d[\w-]*+)*+)"
    rest = r"\d[\w.,:/^*\u00d7\u00b1'+%-]*+"
    return re.compile(rf"{number}|{word}|(?<![\u221a+.,-])[\u221a+.,-]*+{rest}|{rest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number, and what it counts: a unit's one name, or nothing."""

    value: Fraction
    unit: str = ""

    def text(self, *, decimal: str = ".") -> str:
        """The same text for equal quantities, exact at any length; a fraction without end as one.

        >>> Quantity(value=Fraction(-18), unit="%").text(), Quantity(value=Fraction(1, 3)).text()
        ('-18 %', '1/3')
        """
        digits = _digits(self.value).replace(".", decimal)
        return f"{digits} {self.unit}" if self.unit else digits

    def is_near(self, target: Quantity, tolerance: Decimal) -> bool:
        """Whether it equals a target within a tolerance, in the unit of either.

        A number without a unit is one in the other's. A share is the same in percent, and a number
        of at most 1 is never taken for percents.
        """
        if self.unit == target.unit or "%" not in {self.unit, target.unit}:
            same = self.unit == target.unit or not self.unit or not target.unit
            return same and abs(self.value - target.value) <= Fraction(tolerance)
        if self.unit and target.unit:
            return False
        percent, bare = (self, target) if self.unit else (target, self)
        named = abs(bare.value) > 1 and abs(bare.value - percent.value) <= Fraction(tolerance)
        return named or abs(bare.value - percent.value / 100) <= Fraction(tolerance)


def _digits(value: Fraction) -> str:
    under = value.denominator
    places = 0
    for prime in (2, 5):
        count = 0
        while under % prime == 0:
            under, count = under // prime, count + 1
        places = max(places, count)
    if under != 1:
        return f"{value.numerator}/{value.denominator}"
    scaled = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    whole, rest = scaled[: len(scaled) - places], scaled[len(scaled) - places :]
    return ("-" if value < 0 else "") + whole + (f".{rest}" if rest else "")


_SUPERSCRIPT = re.compile(
    "[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079]+"
)
_DASHES = str.maketrans(dict.fromkeys("\u2212\ufe63\uff0d\u2010\u2011\u2012\u2013", "-"))
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc\u2018\uff07", "'"))
_TEX = (
    (re.compile(r"\\[dt]?frac\s*\{(-?\d+)\}\s*\{(\d+)\}"), r" \1/\2 "),
    (re.compile(r"\^\s*\{?\\circ\}?"), "\u00b0"),
    (re.compile(r"\^\{([+-]?\d+)\}"), r"^\1"),
    (re.compile(r"\\(?:times|cdot)\b"), "\u00d7"),
    (re.compile(r"\\sqrt\b\s*\{?"), "\u221a"),
    (re.compile(r"\\pi\b"), "\u03c0"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[,;:! ]"), " "),
    (re.compile(r"\\([$%#_\u20ac])"), r"\1"),
)
_WORKED_OUT = re.compile(r"<<[^<>\r\n]{0,200}+>>")  # a sum before its result: <<4+12=16>>16
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}+>")
_QUOTED = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+")
_EMPHASIS = re.compile(r"(?<!\w)_{1,3}+(?=[\d$+.-])|(?<=[\d%])_{1,3}+(?!\w)")
_BLANK = re.compile(r"[^\S\r\n]+")


def _tidy(text: str) -> str:
    """The text with one form of digits, signs and spaces; lines stay lines."""
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text or "^" in text or "{" in text:
        for pattern, form in _TEX:
            text = pattern.sub(form, text)
    text = _QUOTED.sub("", _TAG.sub(" ", _WORKED_OUT.sub(" ", text)))
    text = _SUPERSCRIPT.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]), text)
    if not text.isascii():
        text = "".join(_one(at, text) for at in range(len(text)))
        text = text.translate(_DASHES).translate(_APOSTROPHES)
    return _BLANK.sub(" ", _EMPHASIS.sub(" ", text)).strip()


def _one(at: int, text: str) -> str:
    letter = text[at]
    if letter.isascii():
        return letter
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    form = unicodedata.normalize("NFKC", letter)
    if "\u2044" in form:
        joined = at > 0 and text[at - 1].isdecimal()
        return (" " if joined else "") + form.replace("\u2044", "/")
    return "" if unicodedata.category(letter) == "Cf" else form


def last_number(text: str, locale: str = "en") -> Quantity | None:
    """The last number of a text; None where its last digits are none that is understood.

    >>> last_number("so she pays $1,234.50 in total.").text()
    '1234.5 $'
    >>> last_number("1.234,50", "de").text(), last_number("1.234,50") is None
    ('1234.5', True)
    """
    found = None
    tidy = _tidy(text)
    for match in _pattern(locale).finditer(tidy):
        if match["name"] is None:
            found = match
    if found is None or found["number"] is None:
        return None
    return _quantity(found, locale, negated=_is_accounted(tidy, found))


def whole_quantity(text: str, locale: str = "en") -> Quantity | None:
    """The number that the whole text is, with its unit, else None; `007` and `+49` are codes."""
    tidy = _tidy(text)
    match = _pattern(locale).fullmatch(tidy)
    if match is None or match["number"] is None or match["sign"] == "+":
        return None
    leads = re.match(r"0\d", match["number"])
    return None if leads else _quantity(match, locale, negated=False)


def _is_accounted(tidy: str, match: re.Match[str]) -> bool:
    """Whether the text is an amount in brackets, as accounts write what is negative."""
    amount = match["before"] or match["unit"] or not match["number"].isdecimal()
    return bool(amount) and tidy == f"({match[0]})"


def _quantity(match: re.Match[str], locale: str, *, negated: bool) -> Quantity | None:
    value = _value(match, locale)
    unit = _unit(match)
    if value is None or unit is None:
        return None
    negative = negated or "-" in {match["sign"], match["inner"]}
    return Quantity(value=-value if negative else value, unit=unit)


def _value(match: re.Match[str], locale: str) -> Fraction | None:
    scale = _SCALES[match["scale"]] if match["scale"] else None
    if len(match["number"]) > _LONGEST or scale == 0 or _is_foreign(match["scale"], locale):
        return None
    power = int(match["e"] or match["ten"] or 0)
    if abs(power) > _LONGEST:
        return None
    if match["base"] is not None:
        base = _power(int(match["base"]), int(match["pure"]))
    elif match["over"] is not None:
        under = int(match["under"])
        base = Fraction(int(match["over"]), under) + int(match["whole"] or 0) if under else None
    else:
        base = Fraction(_plain_digits(match["digits"] or "1", locale))
    return None if base is None else base * Fraction(10) ** (power + (scale or 0))


def _power(base: int, power: int) -> Fraction | None:
    """A number to a whole power, within reason."""
    if abs(power) * len(str(base)) > _LONGEST or (base == 0 and power < 0):
        return None
    return Fraction(base) ** power


def _is_foreign(scale: str | None, locale: str) -> bool:
    """Whether a word of scale has another value where a comma is the decimal sign."""
    return scale in {"billion", "bn", "k", "K"} and _CONVENTIONS[locale].decimal == ","


def _plain_digits(text: str, locale: str) -> str:
    for sign in (_CONVENTIONS[locale].decimal, "\u066b"):
        text = text.replace(sign, "\0")
    return re.sub(r"[^\d\0]", "", text).replace("\0", ".")


def _unit(match: re.Match[str]) -> str | None:
    """The unit's one name; None where two contradict each other."""
    before = match["before"]
    first = _UNITS.get(before, before) if before else ""
    last = _UNITS[match["unit"]] if match["unit"] else ""
    return None if first and last and first != last else first or last


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn:
    """How the numbers of a column are read: by the first convention that understands all."""

    locale: str
    otherwise: Mapping[str, str] = field(default_factory=dict[str, str])
    """By another convention that understands all as well, the text that it reads otherwise."""


def column_locale(texts: Sequence[str], *, prefer: str = "en") -> NumberColumn | None:
    """The convention of a column whose every text is wholly a number; None where there is none.

    >>> column_locale(["18,9", "1.204,00"]).locale
    'de'
    """
    tried = {name: _all_read(texts, name) for name in _CONVENTIONS}
    read = {name: values for name, values in tried.items() if values}
    if not read:
        return None
    chosen = prefer if prefer in read else next(iter(read))
    otherwise = {
        name: next(
            text for text, a, b in zip(texts, read[chosen], read[name], strict=True) if a != b
        )
        for name in read
        if read[name] != read[chosen]
    }
    return NumberColumn(locale=chosen, otherwise=otherwise)


def _all_read(texts: Sequence[str], locale: str) -> list[Quantity]:
    """Every text as a number; none where one of them is no number."""
    found = takewhile(lambda value: value is not None, (whole_quantity(t, locale) for t in texts))
    values = [value for value in found if value is not None]
    return values if len(values) == len(texts) else []


def decimal_sign(locale: str) -> str:
    """The sign before decimals."""
    return _CONVENTIONS[locale].decimal


def readers_of(text: str) -> tuple[str, ...]:
    """The conventions that find a number in a text."""
    return tuple(name for name in _CONVENTIONS if last_number(text, name) is not None)
