"""A verdict on a question becomes a line of `labels.jsonl`: appended, with who and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.labelling.questions import Answers, Question

Verdict: TypeAlias = Literal["a", "b", "both", "neither", "skip"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Appends labels. It knows whose an answer is, and tells nobody; `skip` needs it.

    `clock` gives the moment as UTC, ISO 8601.
    """

    path: Path
    answers: Answers
    by: str
    clock: Callable[[], str]

    def record(self, question: Question, verdict: Verdict) -> None:
        """Append one verdict.

        A `skip` counts against the candidate: the incumbent's answer stands as the right one. Of an
        answer that both gave it counts as wrong: nobody could say that it is right.

        Raises:
            UsageError: the verdict calls a malformed reply right.
        """
        line = self._line(question, verdict)
        self._append(question, {**line, "verdict": verdict})

    def withdraw(self, question: Question) -> None:
        """Take back every label of the question's case."""
        self._append(question, {"answer": None, "withdrawn": True})

    def _line(self, question: Question, verdict: Verdict) -> dict[str, Any]:
        match verdict:
            case "a" | "b":
                return {"answer": _valid(question.a if verdict == "a" else question.b)}
            case "both":
                right = dict.fromkeys((_valid(question.a), _valid(question.b)))
                return {"answer": list(right)}
            case "neither":
                return {"answer": None}
            case "skip":
                return self._skipped(question)

    def _skipped(self, question: Question) -> dict[str, Any]:
        if question.is_single:
            return {"answer": None}
        return {"answer": self.answers.incumbent[question.case_id]}

    def _append(self, question: Question, line: dict[str, Any]) -> None:
        both = dict.fromkeys((question.a, question.b))
        shown = [answer for answer in both if answer is not None]
        whole = {
            "case": question.case_id,
            **line,
            "shown": shown,
            "by": self.by,
            "at": self.clock(),
        }
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(whole, ensure_ascii=False) + "\n")


def _valid(answer: str | None) -> str:
    if answer is None:
        raise UsageError(
            "a reply without a valid answer cannot be right; say neither, or the other"
        )
    return answer
