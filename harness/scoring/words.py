"""Scorers of words: a label, an exact text, a contained text, a pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from harness.errors import UsageError
from harness.scoring.scorer import Options, Setting, plain, read_options, targets_of

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer


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
class Label:
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
    """Make a `Label`."""
    options = read_options(spec, LabelOptions)
    words = sorted((re.escape(_folded(word)) for word in options.labels), key=len, reverse=True)
    return Label(options.labels, re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"))


class TextOptions(Options):
    """How texts are compared."""

    ignore_case: bool = False
    """Whether upper and lower case are the same."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole reply, white space runs made single, equals the target."""

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
    """Make a `Contains` that minds the case."""
    read_options(spec, Options)
    return Contains(ignore_case=False)


def icontains(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Contains` that does not mind the case."""
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
