"""Answers that were paid for already, brought in whole: eval set, feature, models, journal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsets.cases import ScorerSpec
from harness.errors import UsageError
from harness.intake.values import ImportedPrompt
from harness.onramp.drafts import blank_feature_text
from harness.onramp.imported_feature import model_names, write_feature
from harness.onramp.imported_set import SetDraft, write_set

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.intake.values import ImportedAnswers

_INPUT_ONLY = ImportedPrompt(name="default", text="{{ input }}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """Files written for an import, and our model names by the tool's."""

    written: tuple[str, ...]
    names: Mapping[str, str]


def draft_workspace(
    root: Path, feature: str, answers: ImportedAnswers, *, incumbent: str | None
) -> Drafted:
    """Write the eval set, the feature and the models that an import needs and that are not there.

    Args:
        root: the workspace.
        feature: the feature's id.
        answers: what was read.
        incumbent: the tool's or our name of the model of today; needed for a new feature.

    Raises:
        UsageError: the feature is new and no incumbent is named, or an unknown one.
    """
    names = model_names(answers.models)
    written: list[str] = []
    if not (root / "evalsets" / feature / "evalset.yaml").exists():
        written += write_set(root, _set(feature, answers))
    if not _has_feature(root, feature):
        today = _incumbent(incumbent, names)
        written += write_feature(root, feature, names=names, incumbent=today)
    return Drafted(written=tuple(written), names=names)


def _has_feature(root: Path, feature: str) -> bool:
    """Whether somebody wrote the feature; a blank draft that nobody touched makes room."""
    blank = root / "features" / f"{feature}.yaml"
    if blank.is_file() and blank.read_text(encoding="utf-8") == blank_feature_text(feature):
        blank.unlink()
    return any((root / "features" / f"{feature}{end}").exists() for end in (".yaml", ".yml"))


def _incumbent(given: str | None, names: Mapping[str, str]) -> str:
    if given is None:
        raise UsageError(
            f"a new feature: say which model is in production: --incumbent, one of "
            f"{', '.join(names)}"
        )
    ours = names.get(given, given)
    if ours not in names.values():
        raise UsageError(f"--incumbent {given}: not in the file; it has {', '.join(names)}")
    return ours


def _set(feature: str, answers: ImportedAnswers) -> SetDraft:
    repeats = 1 + max((answer.repeat for answer in answers.answers), default=0)
    return SetDraft(
        feature=feature,
        cases=answers.cases,
        primary=_scorer(answers),
        prompts=(_INPUT_ONLY,),
        origin=f"{answers.tool}; graded by {answers.grader}",
        repeats=repeats,
    )


def _scorer(answers: ImportedAnswers) -> ScorerSpec:
    """The tool's own grades where it gave any; else the answers as they are."""
    grades = {answer.score for answer in answers.answers if answer.score is not None}
    if not grades:
        return ScorerSpec(scorer="exact")
    options = {"by": answers.grader, "binary": grades <= {0.0, 1.0}}
    return ScorerSpec(scorer="graded", options=json.dumps(options, sort_keys=True))
