"""The scorer `groundedness`: whether all that can be checked of an answer stands in the context.

Quoted spans must be said by a passage, cited ids be those of passages, numbers, days and times
appear in them; and an answer must be a refusal exactly where the context has none: where it is
empty, or the case says so (`answerable: false` in its metadata, or a refusal as its target).
Elsewhere it must say something of the context: a bare "yes" is grounded in nothing. What needs
understanding (a negation, a swapped name, a sum) is not seen: that is a judge's part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Field, field_validator

from evalsets.cases import Case, FoundText, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.grounded.claims import (
    Check,
    Grounds,
    grounds_of,
    spoken,
    tells_of,
    ungrounded,
)
from harness.judge.scoring.grounded.figures import folded
from harness.judge.scoring.grounded.wording import tables
from harness.judge.scoring.replies import answer_in
from harness.judge.scoring.scorer import Options, Setting, read_options
from harness.workspace.patterns import pattern_fault, pattern_limit

NAME = "groundedness"
_KEYS = ("context", "contexts", "retrieved_contexts", "passages", "documents")
_TEXTS = ("text", "content", "page_content", "passage", "body")
_IDS = ("id", "doc_id", "document_id", "source_id", "source")
_FALSE = frozenset({"false", "no", "0", "nein", "non"})
_NO_ANSWER = frozenset({"", "unanswerable", "no answer", "none", "n/a", "refusal"})

GroundedCheck: TypeAlias = Literal["quotes", "citations", "numbers", "refusals"]


class GroundednessOptions(Options):
    """What of an answer is held against the context, and where that stands."""

    checks: Annotated[tuple[GroundedCheck, ...], Field(min_length=1)] = (
        "quotes",
        "citations",
        "numbers",
        "refusals",
    )
    """`quotes`: quoted spans stand in a passage. `citations`: cited ids are those of passages.
    `numbers`: numbers, days and times appear. `refusals`: an answer refuses exactly where the
    context has no answer, and elsewhere shares a word or a number with it."""
    context: str | None = None
    """Metadata key with the passages; default: the case's own `context`, else metadata `context`,
    `contexts`, `retrieved_contexts`, `passages` or `documents`."""
    question: bool = False
    """Whether what the question says counts as context, too: numbers and quotes of it."""
    cite: str | None = None
    """Pattern of a citation, its first group the id; default: ids in brackets, and `Sources:`."""
    answerable: str = "answerable"
    """Metadata key that says `false` of a case whose context has no answer."""
    refusals: tuple[str, ...] = ()
    """Further words by which an answer's first sentence refuses."""

    @field_validator("cite")
    @classmethod
    def _sound(cls, cite: str | None) -> str | None:
        fault = None if cite is None else pattern_fault(cite)
        if fault is not None:
            raise ValueError(fault)
        return cite


@dataclass(frozen=True, slots=True, kw_only=True)
class Groundedness:
    """Holds answers against the context of their case."""

    options: GroundednessOptions
    pattern: re.Pattern[str] | None
    closed: bool = True
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The answer line by line, spaces collapsed; None when it is empty."""
        lines = answer_in(answer).splitlines()
        return "\n".join(" ".join(line.split()) for line in lines).strip() or None

    def score(self, case: Case, answer: str) -> float:
        """1 where nothing in the answer lacks its ground, else 0.

        Raises:
            UsageError: the case has no context.
        """
        told = self.normalise(answer)
        if told is None:
            return 0.0
        return 0.0 if next(self.faults(case, told), None) else 1.0

    def faults(self, case: Case, answer: str) -> Iterator[str]:
        """What is wrong with an answer, in words."""
        passages = self.passages(case)
        limit = pattern_limit("scorer 'groundedness': cite") if self.pattern else nullcontext()
        with limit:
            found = list(self._faults(case, passages, answer))
        yield from found

    def passages(self, case: Case) -> tuple[FoundText, ...]:
        """The case's context.

        Raises:
            UsageError: the case has none, or one that cannot be read.
        """
        if case.context is not None and self.options.context is None:
            return case.context
        keys = _KEYS if self.options.context is None else (self.options.context,)
        for key in keys:
            value = case.meta(key)
            if value is not None:
                return _passages(value, f"case {case.id!r}: metadata {key!r}")
        where = "`context`" if self.options.context is None else f"metadata {keys[0]!r}"
        raise UsageError(
            f"case {case.id!r} has no {where}; list its passages, or `[]` where nothing was found"
        )

    def lacks(self, case: Case) -> str | None:
        """Why a case has no context that can be read; None if it has one, perhaps an empty one."""
        try:
            self.passages(case)
        except UsageError as error:
            return str(error)
        return None

    def _faults(self, case: Case, passages: tuple[FoundText, ...], answer: str) -> Iterator[str]:
        checks = self.options.checks
        if "refusals" in checks:
            wanted = self._unanswerable(case, passages)
            if is_refusal(spoken(answer), self.options.refusals) != wanted:
                yield "answers what the context does not" if wanted else "refuses"
            elif not wanted and not tells_of(answer, self._grounds(case, passages)):
                yield "says nothing of the context"
        others: list[Check] = [each for each in checks if each != "refusals"]
        yield from ungrounded(answer, self._grounds(case, passages), others, self.pattern)

    def _grounds(self, case: Case, passages: tuple[FoundText, ...]) -> Grounds:
        if not self.options.question:
            return grounds_of(passages)
        asked = case.input if isinstance(case.input, str) else ""
        if not isinstance(case.input, str):
            asked = "\n".join(turn.content for turn in case.input)
        # It has no id that could be cited: the last place would be one.
        return grounds_of((*passages, FoundText(id="\0question", text=asked)))

    def _unanswerable(self, case: Case, passages: Sequence[FoundText]) -> bool:
        if not any(each.text.strip() for each in passages):
            return True
        stated = case.meta(self.options.answerable)
        if stated is not None:
            return stated.strip().casefold() in _FALSE
        target = case.target
        if target is None:
            return False
        return target.strip().casefold() in _NO_ANSWER or is_refusal(target, self.options.refusals)


def groundedness(spec: ScorerSpec, setting: Setting) -> Groundedness:
    """Make a `Groundedness`; it needs nothing of the setting."""
    del setting
    options = read_options(spec, GroundednessOptions)
    pattern = None if options.cite is None else re.compile(options.cite)
    return Groundedness(options=options, pattern=pattern)


@lru_cache(maxsize=512)
def _passages(value: str, where: str) -> tuple[FoundText, ...]:
    """The passages of a metadata value: a JSON list of texts or objects, or one text."""
    try:
        found: object = json.loads(value) if value.lstrip().startswith(("[", "{")) else value
    except (ValueError, RecursionError):
        found = value
    several = cast("list[object]", found) if isinstance(found, list) else [found]
    return tuple(_passage(each, where) for each in several)


def _passage(value: object, where: str) -> FoundText:
    if isinstance(value, dict):
        facts = cast("Mapping[str, Any]", value)
        text = next((facts[key] for key in _TEXTS if isinstance(facts.get(key), str)), None)
        name = next((facts[key] for key in _IDS if isinstance(facts.get(key), str | int)), None)
        if text is not None:
            return FoundText(id=None if name is None else str(name), text=text)
    if isinstance(value, str):
        return FoundText(id=None, text=value)
    raise UsageError(f"{where} must be a text, or a list of texts or of objects with `id`, `text`")


_LONGEST = 600
"""Letters of a sentence that are looked at."""
_END = re.compile(r"(?<=[.!?\u3002])\s+|\n+")
_OPENING = re.compile(
    r"^(?:i'?m (?:sorry|afraid)|sorry|unfortunately|leider|tut mir leid|desole|malheureusement"
    r"|lo siento|lamentablemente|mi dispiace|purtroppo|helaas|het spijt me|infelizmente"
    r"|lamento)[,.!:]?\s*"
)


def is_refusal(answer: str, phrases: Sequence[str] = ()) -> bool:
    """Whether an answer's first sentence says that there is no answer.

    `phrases` are a team's own, compared without accents and capitals. What is said first counts:
    an answer that goes on to say what else is missing is none.
    """
    text = folded(answer).strip(" *_`\"'")
    own = [folded(phrase).strip() for phrase in phrases]
    said = _OPENING.sub("", text)
    first = next((part for part in _END.split(said) if part.strip()), "")[:_LONGEST]
    if not first:
        return said != text
    if any(phrase and phrase in first for phrase in own):
        return True
    return tables().refusal.search(first) is not None
