"""The scorer `graded`: another tool's grade of an imported answer, as it was given.

The journal's text of such an answer is `{"answer": ..., "score": ...}`; nothing is judged anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from harness.errors import UsageError
from harness.scoring.scorer import Options, Setting, read_options

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer


class GradedOptions(Options):
    """Who graded."""

    by: str
    """The tool and its measure, for people."""
    binary: bool = False
    """Whether every grade is 0 or 1."""


def envelope(answer: str | None, score: float) -> str:
    """An imported answer with its grade, as the journal keeps it.

    >>> envelope("billing", 1.0)
    '{"answer": "billing", "score": 1.0}'
    """
    return json.dumps({"answer": answer, "score": score}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Graded:
    """The grade that came with the answer."""

    by: str
    closed: bool = False
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The answer without its grade; None where the other tool told none."""
        return _opened(answer).get("answer")

    def score(self, case: Case, answer: str) -> float:
        """The grade; raises `UsageError` for an answer that came without one."""
        score = _opened(answer).get("score")
        if isinstance(score, float) and 0 <= score <= 1:
            return score
        raise UsageError(f"case {case.id!r}: the answer was not graded by {self.by}")


def _opened(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def graded(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `Graded`."""
    return Graded(read_options(spec, GradedOptions).by)
