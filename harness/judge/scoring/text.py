"""Scorers of text: a label, an exact or contained text, a pattern, a number, the format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from pydantic import Field, field_validator

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.numbers import (
    Quantity,
    convention,
    decimal_sign,
    last_number,
    readers_of,
)
from harness.judge.scoring.replies import answer_in, without_reasoning
from harness.judge.scoring.scorer import (
    Options,
    Scorer,
    Setting,
    plain,
    read_options,
    sees_calls,
    targets_of,
)
from harness.workspace.patterns import pattern_fault, pattern_limit


class LabelOptions(Options):
    """The labels that an answer may name."""

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """Every label, as the targets write it."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        alike = [folded(label) for label in labels]
        if not all(alike) or len(set(alike)) < len(alike):
            raise ValueError("labels must be distinct and not empty, whatever their case")
        return labels


@dataclass(frozen=True, slots=True)
class Classification:
    """The one label that a reply names, as whole words, whatever their case.

    A longer label hides the shorter ones inside it ("not spam" is not "spam"); a part of a
    hyphenated word is none ("dark-blue" is not "blue"), nor is what a reply denies ("not blue"). A
    reply that names no label, or two different ones, is malformed.
    """

    labels: Mapping[str, str]
    """Each label as the targets write it, by what `folded` makes of it."""
    pattern: re.Pattern[str]
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The label, as the options write it."""
        reply = folded(answer_in(answer))
        found = {match["label"] for match in self.pattern.finditer(reply)} - {None}
        if len(found) != 1:
            return None
        return self.labels[found.pop()]

    def score(self, case: Case, answer: str) -> float:
        """1 for the target's label."""
        label = self.normalise(answer)
        if label is None:
            return 0.0
        return float(_folded(label) in {_folded(target) for target in targets_of(case)})


def folded(text: str) -> str:
    """Text as it is compared whatever the case of its letters and the kind of its signs."""
    return plain(text).casefold().replace("\u2019", "'").replace("\u2010", "-")


_folded = lru_cache(maxsize=1024)(folded)
"""Of labels and targets: there are few, and each is compared with every answer."""


_DENIED = (
    r"(?:not|never|no|neither|nor|cannot|without|\w+n't|nicht|kein\w{0,2}|weder|pas)\s"
    r"(?:(?:be|a|an|the|really|quite|necessarily|about|considered|in|ein|eine|un|une)\s){0,3}"
)


def label(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Classification`."""
    options = read_options(spec, LabelOptions)
    labels = {folded(word): word for word in options.labels}
    words = sorted(map(re.escape, labels), key=len, reverse=True)
    return Classification(labels, naming(words))


def naming(patterns: Sequence[str]) -> re.Pattern[str]:
    """Finds what fits one of the patterns as whole words; in `label` only what is not denied."""
    listed, ends = "|".join(patterns), r"(?!\w|-\w)"
    return re.compile(rf"(?<!\w)(?<!\w-)(?:(?P<label>{listed}){ends}|{_DENIED}(?:{listed}){ends})")


class TextOptions(Options):
    """How texts are compared."""

    ignore_case: bool = False
    """Whether upper and lower case are the same."""
    as_written: bool = False
    """Whether every letter, space and line counts; else white space is collapsed."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole reply equals the target, white space collapsed, a fence around it left out."""

    ignore_case: bool
    as_written: bool = False
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        form = _exact(answer, as_written=self.as_written, ignore_case=self.ignore_case)
        return form if self.as_written else form or None

    def score(self, case: Case, answer: str) -> float:
        """1 for the target."""
        reply = self.normalise(answer)
        if reply is None:
            return 0.0
        right = {
            _exact_target(target, as_written=self.as_written, ignore_case=self.ignore_case)
            for target in targets_of(case)
        }
        return float(reply in right)


def _exact(text: str, *, as_written: bool, ignore_case: bool) -> str:
    """A text as it is compared as a whole."""
    if as_written:
        told = without_reasoning(text)
        return told.lower() if ignore_case else told
    told = answer_in(text)
    return folded(told) if ignore_case else plain(told)


_exact_target = lru_cache(maxsize=1024)(_exact)
"""Of a target: it is compared with every model's answer in turn."""


def exact(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Exact`."""
    options = read_options(spec, TextOptions)
    return Exact(options.ignore_case, options.as_written)


@dataclass(frozen=True, slots=True)
class Contains:
    """The reply contains the target: an open answer, so labels cannot replace targets."""

    ignore_case: bool
    closed: bool = False
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(without_reasoning(answer)) or None

    def score(self, case: Case, answer: str) -> float:
        """1 when the target occurs in the reply."""
        form = folded if self.ignore_case else plain
        reply = form(without_reasoning(answer))
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
        if (fault := pattern_fault(pattern or "")) is not None:
            raise ValueError(fault)
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
        with pattern_limit(f"the pattern {self.pattern.pattern!r} on an answer"):
            for match in self.pattern.finditer(without_reasoning(answer)):
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
        return plain(without_reasoning(answer)) or None

    def score(self, case: Case, answer: str) -> float:
        """1 when the target's pattern is found; raises `UsageError` for a broken pattern."""
        try:
            reply = without_reasoning(answer)
            with pattern_limit(f"case {case.id!r}: the pattern of its target on an answer"):
                found = [re.search(target, reply) for target in targets_of(case)]
        except re.error as error:
            raise UsageError(
                f"case {case.id!r}: the target is not a regular expression: {error}"
            ) from None
        return float(any(found))


def regex(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Extract` from the options' pattern, else a `Matches`."""
    pattern = read_options(spec, RegexOptions).pattern
    return Matches() if pattern is None else Extract(re.compile(pattern))


class NumberOptions(Options):
    """How near is right, and how the numbers are written."""

    tolerance: Annotated[Decimal, Field(ge=0, le=10**12)] = Decimal(0)
    """Largest difference that still counts as right."""
    locale: str = "en"
    """Whose numbers they are, in targets and answers: en (1,234.5), de (1.234,5), fr (1 234,5),
    de-CH (1'234.5), en-IN (12,34,567.8), ar, or another language's."""

    @field_validator("locale")
    @classmethod
    def _known(cls, locale: str) -> str:
        if convention(locale) is None:
            raise ValueError(
                f"{locale!r} is not known; en, de, fr, de-CH, en-IN, ar and others are"
            )
        return locale


@dataclass(frozen=True, slots=True)
class Number:
    """The last number of the reply, by value. One that is not wholly understood is malformed."""

    tolerance: Decimal
    locale: str = "en"
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The number with its unit, in one form for equals, which is read as itself."""
        found = last_number(without_reasoning(answer), self.locale)
        return None if found is None else found.text(decimal=decimal_sign(self.locale))

    def score(self, case: Case, answer: str) -> float:
        """1 when the number is the target's, within the tolerance."""
        found = last_number(without_reasoning(answer), self.locale)
        if found is None:
            return 0.0
        targets = [self.target(case, target) for target in targets_of(case)]
        return float(any(found.is_near(target, self.tolerance) for target in targets))

    def target(self, case: Case, target: str) -> Quantity:
        """A right answer as it is read; raises `UsageError` for one that holds no number."""
        found = last_number(target, self.locale)
        if found is None:
            others = " or ".join(readers_of(target))
            way = f"; name its `locale`: {others}" if others else ""
            raise UsageError(
                f"case {case.id!r}: the target holds no number as {self.locale} writes them{way}"
            )
        return found


def number(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Number`."""
    options = read_options(spec, NumberOptions)
    return Number(options.tolerance, convention(options.locale) or "en")


@dataclass(frozen=True, slots=True)
class Format:
    """1 for a reply in which the primary scorer finds an answer."""

    primary: Scorer
    closed: bool = True
    needs_target: bool = False

    @property
    def sees_calls(self) -> bool:
        """As the primary scorer does."""
        return sees_calls(self.primary)

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


_WHOLE = re.compile(r"-?(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?")


def whole_number(text: str) -> Decimal | None:
    """The English number that a value of JSON is as a whole; `007` and `+49` are codes."""
    match = _WHOLE.fullmatch(" ".join(unicodedata.normalize("NFKC", text).split()))
    return None if match is None else Decimal(match[0].replace(",", ""))


def number_text(value: Decimal) -> str:
    """The same text for equal numbers, exact at any length.

    >>> number_text(Decimal("-18.00")), number_text(Decimal("-0.0"))
    ('-18', '0')
    """
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text
