"""What an eval set says of a judge: which model, by which rubric, and how sure it must be shown."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from harness.config.file_base import Tokens  # noqa: TC001  # pydantic reads it at run time
from harness.errors import UsageError
from harness.scoring.grades import EVEN
from harness.scoring.scorer import Options, Setting, read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalsets.cases import ScorerSpec

NAME = "judge"
BESIDE_TODAY: Mapping[str, float] = MappingProxyType({"better": 1.0, "even": EVEN, "worse": 0.0})
"""What a person says of an answer beside today's."""
_FEWEST_GRADES = 2
_FILE_ENDS = (".txt", ".md", ".j2")


class JudgeOptions(Options):
    """Options of the scorer `judge`."""

    model: Annotated[str, Field(min_length=1)]
    """Model that judges: a name of `models/*.yaml`, or `name@effort`."""
    rubric: str | None = None
    """What makes an answer good: text, or a .txt or .md file in the eval set's folder."""
    requirement: str | None = None
    """Metadata key of the case that says what its answer must hold."""
    grades: Annotated[
        dict[str, Annotated[float, Field(ge=0, le=1)]],
        Field(default_factory=lambda: {"pass": 1.0, "fail": 0.0}),
    ]
    """The grades that the judge may give, and what each is worth."""
    compare: Literal["alone", "with-incumbent"] = "alone"
    """`with-incumbent`: each answer beside today's, asked twice with the sides swapped."""
    least_agreement: Annotated[float, Field(gt=0, le=100)] = 80
    """With people, percent: the lower bound must reach it, or the judge decides nothing."""
    least_kappa: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """The same beyond chance (Cohen's kappa): a judge that always says pass has none."""
    max_output_tokens: Tokens = 400
    """Longest reply of the judge, reasoning included."""

    @property
    def worth(self) -> Mapping[str, float]:
        """What a person may say of an answer, and what it is worth."""
        return self.grades if self.compare == "alone" else BESIDE_TODAY

    @field_validator("grades")
    @classmethod
    def _distinct(cls, grades: dict[str, float]) -> dict[str, float]:
        if len(grades) < _FEWEST_GRADES or len(set(grades.values())) < _FEWEST_GRADES:
            raise ValueError("needs at least two grades of different worth")
        if any(not name.strip() or not name.isprintable() for name in grades):
            raise ValueError("a grade's name must be text")
        return grades


def judge_options(spec: ScorerSpec) -> JudgeOptions:
    """Read a judge's options.

    Raises:
        UsageError: an unknown or wrong option, or neither a rubric nor a requirement.
    """
    options = read_options(spec, JudgeOptions)
    if options.rubric is None and options.requirement is None:
        raise UsageError("scorer 'judge': say what makes an answer good: `rubric` or `requirement`")
    return options


def rubric_text(options: JudgeOptions, setting: Setting) -> str:
    """The rubric's text; empty where only a requirement says what is wanted.

    Raises:
        UsageError: it names a file that is not there.
    """
    rubric = options.rubric or ""
    if not rubric.endswith(_FILE_ENDS) or "\n" in rubric or " " in rubric:
        return rubric.strip()
    path = None if setting.folder is None else setting.folder / rubric
    if path is None or not path.is_file():
        raise UsageError(f"scorer 'judge': no file {rubric!r} in the eval set's folder")
    return path.read_text(encoding="utf-8-sig").strip()


def rubric_sha256(options: JudgeOptions, rubric: str) -> str:
    """Of all that a person and a judge must read alike: rubric, requirement and grades."""
    parts = (rubric, options.requirement, sorted(options.grades.items()), options.compare)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
