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
HELP = "which is right: a, b, both, neither, skip, undo (quit stops; what is labelled stays)"


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
        elif word in KEYS:
            at += _recorded(asked[at], KEYS[word], recorder, console)
        else:
            console.show(HELP)
    return at


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
    return (
        f"\n{number} of {total}\n\n{printable(question.input)}\n\n"
        f"  a: {printable(a)}\n  b: {printable(b)}\n{HELP}"
    )


def printable(text: str) -> str:
    """Text without control characters: an answer must not move a terminal's cursor."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
