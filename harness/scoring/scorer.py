"""What a scorer is, and how its options are read."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import ValidationError

from harness.config.files import FileModel
from harness.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.grades import GradeBook


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
        """How right the answer is, in [0, 1].

        A malformed answer to a closed question is wrong whatever the target is.

        Raises:
            NoTargetError: the case has no target, and needs one.
        """
        ...

    def normalise(self, answer: str) -> str | None:
        """The answer seen in a reply, in one form for equals; None where there is none."""
        ...


class Options(FileModel):
    """Base of a scorer's options: unknown keys are errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scorer may need beside its options.

    `folder` is the eval set's folder, for files that options name. `primary` is the eval set's
    primary scorer, for measures about its answers. `grades` holds what judges said.
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
    """Read a scorer's options; raises `UsageError` that names the scorer and the option."""
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
    """Every right answer of a case; raises `NoTargetError` where it has none."""
    if case.target is None:
        raise NoTargetError(case)
    return (case.target, *case.also_right)


def plain(text: str) -> str:
    """Text in Unicode's compatible composed form, its white space runs single, its ends bare."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
