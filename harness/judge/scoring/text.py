"""Scorers of text: a label, an exact or contained text, a pattern, a number, the format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.scorer import Options, Scorer, Setting, plain, read_options, targets_of


class LabelOptions(Options):
    """The labels that an answer may name."""

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """Every label, as the targets write it."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        folded = [_folded(label) for label in labels]
        if not all(folded) or len(set(folded)) < len(folded):
            raise ValueError("labels must be distinct and not empty, whatever their case")
        return labels


@dataclass(frozen=True, slots=True)
class Classification:
    """The one label that a reply names, as whole words, whatever their case.

    A longer label hides the shorter ones inside it ("not spam" is not "spam"). A reply that names
    no label, or two different ones, is malformed.
    """

    labels: tuple[str, ...]
    pattern: re.Pattern[str]
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The label, as the options write it."""
        found = {_folded(match[0]) for match in self.pattern.finditer(_folded(answer))}
        if len(found) != 1:
            return None
        only = found.pop()
        return next(label for label in self.labels if _folded(label) == only)

    def score(self, case: Case, answer: str) -> float:
        """1 for the target's label."""
        label = self.normalise(answer)
        if label is None:
            return 0.0
        return float(_folded(label) in {_folded(target) for target in targets_of(case)})


def _folded(text: str) -> str:
    return plain(text).casefold()


def label(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Classification`."""
    options = read_options(spec, LabelOptions)
    words = sorted((re.escape(_folded(word)) for word in options.labels), key=len, reverse=True)
    return Classification(options.labels, re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"))


class TextOptions(Options):
    """How texts are compared."""

    ignore_case: bool = False
    """Whether upper and lower case are the same."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole reply equals the target, white space collapsed."""

    ignore_case: bool
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return self._form(answer) or None

    def score(self, case: Case, answer: str) -> float:
        """1 for the target."""
        reply = self.normalise(answer)
        if reply is None:
            return 0.0
        return float(reply in {self._form(target) for target in targets_of(case)})

    def _form(self, text: str) -> str:
        return _folded(text) if self.ignore_case else plain(text)


def exact(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Exact`."""
    return Exact(read_options(spec, TextOptions).ignore_case)


@dataclass(frozen=True, slots=True)
class Contains:
    """The reply contains the target: an open answer, so labels cannot replace targets."""

    ignore_case: bool
    closed: bool = False
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(answer) or None

    def score(self, case: Case, answer: str) -> float:
        """1 when the target occurs in the reply."""
        form = _folded if self.ignore_case else plain
        reply = form(answer)
        return float(any(form(target) in reply for target in targets_of(case)))


def contains(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a case-sensitive `Contains`."""
    read_options(spec, Options)
    return Contains(ignore_case=False)


def icontains(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a case-insensitive `Contains`."""
    read_options(spec, Options)
    return Contains(ignore_case=True)


class RegexOptions(Options):
    """A pattern, or none: then each case's target is one."""

    pattern: str | None = None
    """Python pattern of the answer in a reply; its first group, if any, is the answer."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


@dataclass(frozen=True, slots=True)
class Extract:
    """What a pattern finds in a reply equals the target. The last match counts."""

    pattern: re.Pattern[str]
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The text of the first group of the last match, or of the whole match."""
        found = None
        for match in self.pattern.finditer(answer):
            found = match
        if found is None:
            return None
        text = found[1] if self.pattern.groups else found[0]
        return None if text is None else plain(text) or None

    def score(self, case: Case, answer: str) -> float:
        """1 for the target."""
        found = self.normalise(answer)
        if found is None:
            return 0.0
        return float(found in {plain(target) for target in targets_of(case)})


@dataclass(frozen=True, slots=True)
class Matches:
    """The target, as a pattern, occurs in the reply."""

    closed: bool = False
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(answer) or None

    def score(self, case: Case, answer: str) -> float:
        """1 when the target's pattern is found; raises `UsageError` for a broken pattern."""
        try:
            found = [re.search(target, answer) for target in targets_of(case)]
        except re.error as error:
            raise UsageError(
                f"case {case.id!r}: the target is not a regular expression: {error}"
            ) from None
        return float(any(found))


def regex(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Extract` from the options' pattern, else a `Matches`."""
    pattern = read_options(spec, RegexOptions).pattern
    return Matches() if pattern is None else Extract(re.compile(pattern))


# A sign counts unless it follows a word or a digit ("3-5" is 3 and 5); the currency may stand
# before or after it. Commas count only between groups of three digits.
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)])[-+\N{MINUS SIGN}])?(?:[$€£¥]\s?)?(?P<inner>(?<!\w)[-\N{MINUS SIGN}])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
)

_WHOLE = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?")


def last_number(text: str) -> Decimal | None:
    """The last number of a text, with decimals, thousands separators and currency signs read.

    >>> last_number("so she pays $1,234.50 in total.")
    Decimal('1234.50')
    """
    found = None
    for match in _NUMBER.finditer(plain(text)):
        found = match
    return None if found is None else _value(found)


def whole_number(text: str) -> Decimal | None:
    """The number that the whole text is, else None; `007` and `+49` are codes, not numbers."""
    match = _WHOLE.fullmatch(plain(text))
    return None if match is None else Decimal(match[0].replace(",", ""))


def number_text(value: Decimal) -> str:
    """The same text for equal numbers, exact at any length.

    >>> number_text(Decimal("-18.00")), number_text(Decimal("-0.0"))
    ('-18', '0')
    """
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _value(match: re.Match[str]) -> Decimal:
    value = Decimal(match["digits"].replace(",", ""))
    sign = match["sign"] or match["inner"]
    return value if sign in {None, "+"} else value.copy_negate()


class NumberOptions(Options):
    """How near is right."""

    tolerance: Annotated[Decimal, Field(ge=0, le=10**12)] = Decimal(0)
    """Largest difference that still counts as right."""


@dataclass(frozen=True, slots=True)
class Number:
    """The last number of the reply, by value. A reply without one is malformed."""

    tolerance: Decimal
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The number, in one form for equals."""
        value = last_number(answer)
        return None if value is None else number_text(value)

    def score(self, case: Case, answer: str) -> float:
        """1 when the number is the target's, within the tolerance."""
        value = last_number(answer)
        if value is None:
            return 0.0
        targets = [_target_number(case, target) for target in targets_of(case)]
        return float(any(abs(value - target) <= self.tolerance for target in targets))


def _target_number(case: Case, target: str) -> Decimal:
    value = last_number(target)
    if value is None:
        raise UsageError(f"case {case.id!r}: the target holds no number")
    return value


def number(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Number`."""
    return Number(read_options(spec, NumberOptions).tolerance)


@dataclass(frozen=True, slots=True)
class Format:
    """1 for a reply in which the primary scorer finds an answer."""

    primary: Scorer
    closed: bool = True
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The primary scorer's normal form."""
        return self.primary.normalise(answer)

    def score(self, case: Case, answer: str) -> float:  # noqa: ARG002  # no target is needed
        """1 when there is an answer, right or wrong."""
        return float(self.primary.normalise(answer) is not None)


def answer_format(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `Format` about the primary scorer."""
    read_options(spec, Options)
    if setting.primary is None:
        raise UsageError("scorer 'format' is about the primary scorer's answers; use it beside one")
    return Format(setting.primary)
