"""What a scorer is, how its options are read, and how an outcome is scored.

`GradeBook` holds the grades of judges by digest of the answer, so it stores no text.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, assert_never

from pydantic import ValidationError

from evalsets.cases import Case, ScorerSpec
from evalsets.files import FileModel
from harness.errors import UsageError
from harness.journal.trials import Answered, Failed, Missing, Outcome
from harness.judge.scoring.replies import whole

EVEN = 0.5
"""Worth of an answer that is neither better nor worse than the incumbent's."""


def answer_sha256(text: str) -> str:
    """Digest that names an answer without its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class GradeBook:
    """Grades by measure, case and answer. Grows while a review runs."""

    _grades: dict[tuple[str, str, str], float] = field(
        default_factory=dict[tuple[str, str, str], float]
    )

    def enter(self, measure: str, case_id: str, answer: str, worth: float) -> None:
        """Record a grade."""
        self._grades[measure, case_id, answer_sha256(answer)] = worth

    def find(self, measure: str, case_id: str, answer: str) -> float | None:
        """The grade of an answer; None if it has none."""
        return self.known(measure, case_id, answer_sha256(answer))

    def known(self, measure: str, case_id: str, sha256: str) -> float | None:
        """The grade of the answer with this digest; None if it has none."""
        return self._grades.get((measure, case_id, sha256))


class Scorer(Protocol):
    """Judges one answer."""

    @property
    def closed(self) -> bool:
        """Whether the score depends on the normal form alone."""
        ...

    @property
    def needs_target(self) -> bool:
        """Whether a case must have a target (or a label) to be scored."""
        ...

    def score(self, case: Case, answer: str) -> float:
        """Score an answer in [0, 1].

        A malformed answer to a closed question is wrong whatever the target is.

        Raises:
            NoTargetError: the case has no target, and needs one.
        """
        ...

    def normalise(self, answer: str) -> str | None:
        """The answer in a reply, equal answers in one form; None if the reply has none."""
        ...


def sees_calls(scorer: Scorer) -> bool:
    """Whether a scorer sees the tool calls of a reply: it is then given both in one text.

    It says so by a property of this name; without one it is given the text alone.
    """
    return bool(getattr(scorer, "sees_calls", False))


def as_seen(outcome: Answered, scorer: Scorer) -> str:
    """The reply as a scorer is given it: with the tool calls, where it sees them."""
    return whole(outcome.text, outcome.tool_calls) if sees_calls(scorer) else outcome.text


class Options(FileModel):
    """Base of a scorer's options: unknown keys are errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scorer may need in addition to its options.

    `folder` is the eval set's folder, for files that options name. `primary` is the eval set's
    primary scorer, for measures of its answers. `grades` holds the judges' grades.
    """

    folder: Path | None = None
    primary: Scorer | None = None
    grades: GradeBook | None = None


class NoTargetError(UsageError):
    """A case without a target met a scorer that needs one."""

    def __init__(self, case: Case) -> None:
        super().__init__(
            f"case {case.id!r} has no target and no label; label it before it is scored"
        )


OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(spec: ScorerSpec, model: type[OptionsT]) -> OptionsT:
    """Read a scorer's options.

    Raises:
        UsageError: an unknown, missing or wrong option; it names the scorer and the option.
    """
    try:
        return model.model_validate_json(spec.options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = "is required and missing" if first["type"] == "missing" else first["msg"]
        what = f"option {where!r}: {why}" if where else why
        known = ", ".join(sorted(_names(model))) or "none"
        raise UsageError(f"scorer {spec.scorer!r}: {what}; options: {known}") from None


def _names(model: type[Options]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def targets_of(case: Case) -> tuple[str, ...]:
    """Every right answer of a case.

    Raises:
        NoTargetError: the case has none.
    """
    if case.target is None:
        raise NoTargetError(case)
    return (case.target, *case.also_right)


_UNSEEN = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))


def plain(text: str) -> str:
    """Text in NFKC form, white space collapsed and stripped, marks that nobody sees left out."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_UNSEEN).split())


def score_outcome(outcome: Outcome, case: Case, scorer: Scorer) -> float | None:
    """Score an outcome: 0 for a Failed one, None for a Missing one.

    Raises:
        NoTargetError: the answer needs a target, and the case has neither target nor label.
    """
    match outcome:
        case Answered():
            return checked_score(scorer, case, as_seen(outcome, scorer))
        case Failed():
            return 0.0
        case Missing():
            return None
        case _:
            assert_never(outcome)


def checked_score(scorer: Scorer, case: Case, answer: str) -> float:
    """Score an answer and check the result.

    An answer that a label ruled out scores 0 even if no right answer is known.

    Raises:
        UsageError: the score is NaN or outside [0, 1].
    """
    if case.target is None and scorer.needs_target and scorer.normalise(answer) in case.ruled_out:
        return 0.0
    value = scorer.score(case, answer)
    if math.isnan(value) or not 0 <= value <= 1:
        raise UsageError(f"case {case.id!r}: a score of {value!r} is not in [0, 1]")
    return value


def normal_form(outcome: Outcome, scorer: Scorer) -> str | None:
    """The normal form of an outcome's answer; None if malformed, Failed or Missing."""
    return scorer.normalise(as_seen(outcome, scorer)) if isinstance(outcome, Answered) else None
