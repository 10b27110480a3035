"""What other tools' files become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from evalsets.cases import Case, GuardrailSpec, ScorerSpec
    from harness.errors import Problem
    from providers.completion import TokenUsage

Ending: TypeAlias = Literal["answered", "failed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPrompt:
    """A prompt as our template; `name` is the file's stem: `default`, or a model's name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSet:
    """An eval set and its prompts, read from another tool's configuration.

    `models` are the tool's own names, in its order. `converted` counts assertions that became
    scorers; each one that did not is a problem with its line.
    """

    cases: tuple[Case, ...]
    primary: ScorerSpec
    prompts: tuple[ImportedPrompt, ...]
    models: tuple[str, ...]
    converted: int
    problems: tuple[Problem, ...]
    guardrails: tuple[GuardrailSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswer:
    """One trial that another tool ran. None is unknown, never 0.

    `ending` "failed" is the model's fault (score 0), "missing" the world's (no score); `reason`
    then says why. `score` is the other tool's grade in [0, 1].
    """

    case_id: str
    model: str
    repeat: int
    ending: Ending
    text: str | None = None
    score: float | None = None
    reason: str | None = None
    usage: TokenUsage | None = None
    seconds: float | None = None
    served_model: str | None = None
    at: str | None = None
    """UTC, ISO 8601."""
    file: str = ""
    """Name of the file that it came from."""
    row: int = 0
    """Which of the rows with its case's id and its model it is, where nothing numbers the repeats:
    such a row may be a further answer, or a copy."""

    @property
    def told(self) -> tuple[object, ...]:
        """What the answer says, for telling two apart: not when, nor how fast it came."""
        return (self.ending, self.text, self.score, self.reason, self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswers:
    """The answers of a file, who graded them, and every row that could not be read."""

    tool: str
    grader: str
    """For people: `promptfoo: equals`, `inspect_ai: match`, `the file's column score`."""
    answers: tuple[ImportedAnswer, ...]
    cases: tuple[Case, ...]
    """The cases as the file shows them; their inputs may be empty where the file has none."""
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    """What was made of the rows: which are copies, which are repeats."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models' names in the file, in order of appearance."""
        return tuple(dict.fromkeys(answer.model for answer in self.answers))


def untold_input(case_id: str) -> str:
    """What stands for an input that a file does not tell."""
    return f"(case {case_id}: its input was not imported)"


def is_untold(case: Case) -> bool:
    """Whether nobody told what a case asks."""
    return not case.input or case.input == untold_input(case.id)
