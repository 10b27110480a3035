"""Labelling in a terminal: one question a time, one key a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.labelling.questions import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.labelling.questions import Question
    from harness.labelling.recording import Recorder, Verdict

KEYS: Mapping[str, Verdict] = {
    "a": "a", "b": "b", "both": "both", "2": "both",
    "neither": "neither", "n": "neither", "0": "neither", "skip": "skip", "s": "skip",
}  # fmt: skip
SINGLE: Mapping[str, Verdict] = {
    "right": "both", "r": "both", "yes": "both", "y": "both",
    "wrong": "neither", "w": "neither", "no": "neither", "n": "neither",
    "skip": "skip", "s": "skip",
}  # fmt: skip
"""The words where one answer is shown."""
HELP = "which is right: a, b, both, neither, skip, undo (quit stops; what is labelled stays)"
HELP_SINGLE = "is it right: right, wrong, skip, undo (quit stops; what is labelled stays)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Where questions are shown and keys come from; `read` returns None at the end of input."""

    show: Callable[[str], None]
    read: Callable[[], str | None]


def label(asked: Sequence[Question], recorder: Recorder, console: Console) -> int:
    """Ask every question; returns how many are labelled when the labeller stops."""
    at = 0
    while at < len(asked):
        console.show(_shown(asked[at], at + 1, len(asked)))
        key = console.read()
        word = "quit" if key is None else key.strip().lower()
        if word in {"quit", "q"}:
            break
        if word in {"undo", "u"}:
            at = _undo(asked, at, recorder, console)
        elif (verdict := _keys(asked[at]).get(word)) is not None:
            at += _recorded(asked[at], verdict, recorder, console)
        else:
            console.show(_help(asked[at]))
    return at


def _keys(question: Question) -> Mapping[str, Verdict]:
    return SINGLE if question.is_single else KEYS


def _help(question: Question) -> str:
    return HELP_SINGLE if question.is_single else HELP


def _recorded(question: Question, verdict: Verdict, recorder: Recorder, console: Console) -> int:
    try:
        recorder.record(question, verdict)
    except UsageError as error:
        console.show(str(error))
        return 0
    return 1


def _undo(asked: Sequence[Question], at: int, recorder: Recorder, console: Console) -> int:
    if at == 0:
        console.show("nothing to undo here")
        return 0
    recorder.withdraw(asked[at - 1])
    return at - 1


def _shown(question: Question, number: int, total: int) -> str:
    a, b = (NO_ANSWER if answer is None else answer for answer in (question.a, question.b))
    given = (
        f"  answer: {printable(a)}"
        if question.is_single
        else f"  a: {printable(a)}\n  b: {printable(b)}"
    )
    return f"\n{number} of {total}\n\n{printable(question.input)}\n\n{given}\n{_help(question)}"


def printable(text: str) -> str:
    """Text without control characters: an answer must not move a terminal's cursor."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
